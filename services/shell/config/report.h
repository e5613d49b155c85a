/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h - all mistakes and remarks about one guest's configuration
 *
 * A mistake stops the guest, a remark does not. The check goes on after a mistake, so that a
 * person sees all of them at once. Decisive mistakes come first: while they stand, it does not
 * matter what else is wrong. Everything else is in the order of the file.
 */
#ifndef SHELL_REPORT_H
#define SHELL_REPORT_H

#include "toolstack/msg.h"
#include "out.h"

/* Lines that are kept. Further ones are only counted. */
enum { REPORT_MAX = 32 };

enum report_kind { REPORT_REMARK, REPORT_MISTAKE, REPORT_DECISIVE };

struct report_line {
	enum report_kind kind;
	/* line of the file; 0: the command line, or no line; these come after lines */
	unsigned int at;
	struct msg text;
};

struct report {
	struct report_line line[REPORT_MAX];
	unsigned int n;        /* lines that are kept */
	unsigned int mistakes; /* all of them, kept or not */
	/* lines that are not kept */
	unsigned int lost_mistakes, lost_remarks;
};

void report_init(struct report *r);
/* Add one line; the text has no newline at its end. */
void report_add(struct report *r, enum report_kind kind, unsigned int at, const char *text);
/* Forget the remarks, when they would only distract. */
void report_drop_remarks(struct report *r);
void report_print(const struct report *r, const struct out *o);

#endif

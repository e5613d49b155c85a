/*
 * report.h - all that is to be said about one guest's configuration, in the order of the file
 *
 * Mistakes stop the guest, remarks do not. Whoever finds one goes on looking, so that a person reads of
 * all of them at once.
 */
#ifndef CONTROL_REPORT_H
#define CONTROL_REPORT_H

#include "msg.h"
#include "out.h"

enum { REPORT_MAX = 32 }; /* lines that are kept; of more only the number */

enum report_kind { REPORT_REMARK, REPORT_MISTAKE };

struct report_line {
	enum report_kind kind;
	unsigned int at; /* line of the file; 0: the command line or none, which come last */
	struct msg text;
};

struct report {
	struct report_line line[REPORT_MAX];
	unsigned int n;        /* kept */
	unsigned int mistakes; /* kept or not */
	unsigned int lost[2];  /* not kept, of each kind */
};

void report_init(struct report *r);
/* One line, without a newline at its end. A remark gives way to a mistake when there is no room. */
void report_add(struct report *r, enum report_kind kind, unsigned int at, const char *text);
/* Remarks, when they would only distract. */
void report_drop_remarks(struct report *r);
void report_print(const struct report *r, const struct out *o);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfg.h - the syntax of guest configuration files, as in xl.cfg(5)
 *
 * A file is a series of `key = value` and `key += value`, separated by newlines or `;`, with
 * `#` comments. A value is a string in ' or ", a number (decimal, 0x hexadecimal, 0 octal) or a
 * list of values in [ ]. guest_cfg.h says what the keys mean.
 *
 * A mistake does not end the parse: it is reported, and the next setting is read.
 */
#ifndef SHELL_CFG_H
#define SHELL_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/report.h"
#include "toolstack/msg.h"

enum {
	CFG_TEXT_MAX = 64 * 1024, /* bytes of one file */
	CFG_KEY_MAX = 63,
	CFG_DEPTH_MAX = 8, /* lists inside lists */
};

enum cfg_kind { CFG_STRING, CFG_NUMBER, CFG_LIST };

struct cfg_value {
	struct cfg_value *next;  /* in the list that it is an item of */
	struct cfg_value *first; /* CFG_LIST: items */
	const char *text;        /* CFG_STRING: after escapes; CFG_NUMBER: as it was written */
	enum cfg_kind kind;
	unsigned int line;
};

struct cfg_setting {
	struct cfg_setting *next;
	const char *key;
	const char *source;       /* file name, or "command line" */
	unsigned int line;        /* where the key was last set; 0: not in a file */
	struct cfg_value *value;  /* NULL: there is a mistake in it, which was reported */
	bool added;               /* the last one was set by += */
	struct cfg_value *before; /* the value that += was applied to; NULL: there was none */
};

struct cfg_chunk;

struct cfg {
	struct cfg_setting *first,
		*last;            /* one per key, in the order in which keys first appear */
	struct cfg_chunk *chunks; /* all memory of this configuration */
	const char *file;         /* the source that was parsed last; the caller's text */
	/* part of the file was not understood: a key that seems absent may be there */
	bool unclear;
};

void cfg_init(struct cfg *c);
void cfg_fini(struct cfg *c);

/*
 * Parse a file's text. A key that is set again replaces the older value. Mistakes go to *r, as
 * "source:line: key 'k': ..."; 0, or -1 when there was one.
 */
int cfg_parse(
	struct cfg *c, const char *source, const char *text, size_t len, struct report *r);

/*
 * One argument of the command line: settings as in a file, or key=WORDS without quotes. 0, or
 * -1 with a mistake in *r.
 */
int cfg_override(struct cfg *c, const char *arg, struct report *r);

const struct cfg_setting *cfg_find(const struct cfg *c, const char *key);

/*
 * Strict conversion of a number, or of a string that holds one. 0, or -1 when it is not a
 * number or does not fit.
 */
int cfg_number(const struct cfg_value *v, int64_t *n);

/* Fill *m with "source:line: key 'k': text". Always -1. */
int cfg_complain(const struct cfg_setting *s, struct msg *m, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same as a line of *r. Always -1. */
int cfg_report(const struct cfg_setting *s, struct report *r, enum report_kind kind,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif

/*
 * cfg.h - the syntax of guest configuration files, as xl.cfg(5) has it
 *
 * A file is a series of `key = value` and `key += value`, separated by newlines or `;`, with
 * `#` comments. A value is a string in ' or ", a number (decimal, 0x hexadecimal, 0 octal) or a
 * list of values in [ ]. What the keys mean is guest_cfg.h's business.
 *
 * A mistake does not end the reading: it is reported, and what follows is read on.
 */
#ifndef CONTROL_CFG_H
#define CONTROL_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/report.h"
#include "msg.h"

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
	unsigned int line;        /* of the last mention; 0: none */
	struct cfg_value *value;  /* NULL: what was written is no value, which was reported */
	bool added;               /* by += ... */
	struct cfg_value *before; /* ... to this; NULL: to nothing */
};

struct cfg_chunk;

struct cfg {
	struct cfg_setting *first, *last; /* one per key, in the order of first mention */
	struct cfg_chunk *chunks;         /* all memory of this configuration */
	const char *file;                 /* the source that was parsed last, the caller's */
	bool unclear; /* something was not understood: keys may seem absent that are not */
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
 * One command-line argument: what a file may contain, or key=WORDS with the words unquoted. 0,
 * or -1 with a mistake in *r.
 */
int cfg_override(struct cfg *c, const char *arg, struct report *r);

const struct cfg_setting *cfg_find(const struct cfg *c, const char *key);

/*
 * Strict conversion of a number, or of a string that holds one. 0, or -1 when it is none or
 * does not fit.
 */
int cfg_number(const struct cfg_value *v, int64_t *n);

/* Fill *m with "source:line: key 'k': text". Always -1. */
int cfg_complain(const struct cfg_setting *s, struct msg *m, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same as a line of *r. Always -1. */
int cfg_report(const struct cfg_setting *s, struct report *r, enum report_kind kind,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif

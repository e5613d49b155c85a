/* SPDX-License-Identifier: BSD-2-Clause */
/* script.h - the lines of a script, one after the other */
#ifndef SHELL_SCRIPT_H
#define SHELL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toolstack/msg.h"

enum { SCRIPT_NAME_MAX = 255 };

struct script {
	char *text; /* NULL: there is none */
	size_t len, at;
	uint32_t line; /* number of the one that was taken last */
	bool strict;   /* it ends at the first command that fails */
	char name[SCRIPT_NAME_MAX + 1];
};

/* A script that takes a copy of the text. 0, or -1 with *m: it is no text, or no memory. */
int script_begin(
	struct script *s, const char *name, const char *text, size_t len, struct msg *m);
/*
 * The next line, without its end, which is LF or CR LF; it is in *s, and valid until
 * script_end(). NULL: there are no more.
 */
char *script_next(struct script *s);
void script_end(struct script *s);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg.c - messages for people
 *
 * Objects     struct msg, in the caller's storage.
 * Invariants  M1 the text is always terminated
 */
#include "toolstack/msg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int msg_fail(struct msg *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->text, sizeof(m->text), fmt, ap);
	va_end(ap);
	return -1;
}

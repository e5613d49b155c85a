/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg.c - messages for people
 *
 * Objects     struct msg, in the caller's storage.
 * Invariants  M1 the text is always terminated
 */
#include "msg.h"

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

int msg_prefix(struct msg *m, const char *fmt, ...)
{
	char old[sizeof(m->text)];
	size_t used;
	va_list ap;
	int n;

	memcpy(old, m->text, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(m->text, sizeof(m->text), fmt, ap);
	va_end(ap);
	used = n < 0 ? 0 : (size_t)n;
	if (used < sizeof(m->text))
		snprintf(m->text + used, sizeof(m->text) - used, ": %.480s", old);
	return -1;
}

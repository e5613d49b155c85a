/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out.c - text sinks
 *
 * Objects     struct out: a function and its context; borrowed, never kept.
 * Lifecycle   the caller's.
 */
#include "out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void out_bytes(const struct out *o, const char *text, size_t len)
{
	if (len)
		o->write(o->ctx, text, len);
}

void out_str(const struct out *o, const char *text) { out_bytes(o, text, strlen(text)); }

void out_fmt(const struct out *o, const char *fmt, ...)
{
	char line[OUT_LINE_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0)
		out_bytes(o, line, n < OUT_LINE_MAX ? (size_t)n : OUT_LINE_MAX);
}

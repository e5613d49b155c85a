/* SPDX-License-Identifier: BSD-2-Clause */
/* out.h - where text for the person at the console goes */
#ifndef SHELL_OUT_H
#define SHELL_OUT_H

#include <stddef.h>

struct out {
	void (*write)(void *ctx, const char *text, size_t len);
	void *ctx;
};

void out_bytes(const struct out *o, const char *text, size_t len);
void out_str(const struct out *o, const char *text);
/* At most OUT_LINE_MAX bytes at a time; longer results are cut. */
enum { OUT_LINE_MAX = 1024 };
void out_fmt(const struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

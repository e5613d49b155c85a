/* SPDX-License-Identifier: BSD-2-Clause */
/* text_sink.h - collects what the code under test prints */
#ifndef TEXT_SINK_H
#define TEXT_SINK_H

#include <string.h>

#include "out.h"

struct text_sink {
	char text[16384];
	size_t len;
};

static inline void text_sink_write(void *ctx, const char *text, size_t len)
{
	struct text_sink *s = ctx;

	if (len > sizeof(s->text) - 1 - s->len)
		len = sizeof(s->text) - 1 - s->len;
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

static inline struct out text_sink_out(struct text_sink *s)
{
	s->len = 0;
	s->text[0] = '\0';
	return (struct out){ .write = text_sink_write, .ctx = s };
}

#endif

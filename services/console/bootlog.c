/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootlog.c - log lines with their times
 */
#include "bootlog.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000ull

static void line_end(
	struct textlog *log, struct bootlog_line *line, const char *name, uint64_t now_ns)
{
	char text[BOOTLOG_TEXT_MAX];
	int n;

	n = snprintf(text, sizeof(text), "[%5llu.%06llu] %s%.48s%s%.*s\n",
		(unsigned long long)(now_ns / NS_PER_S),
		(unsigned long long)(now_ns % NS_PER_S / 1000), name ? "(" : "",
		name ? name : "", name ? ") " : "", (int)line->len, line->text);
	textlog_write(log, text, (size_t)n);
	line->len = line->raw = 0;
}

void bootlog_text(struct textlog *log, struct bootlog_line *line, const char *name,
	uint64_t now_ns, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		line->raw++;
		if (c == '\r')
			continue;
		if (c != '\n')
			line->text[line->len++] = (c < 0x20 && c != '\t') || c == 0x7f
							  ? '.'
							  : (char)c;
		if (c == '\n' || line->len == BOOTLOG_LINE_MAX)
			line_end(log, line, name, now_ns);
	}
}

void bootlog_finish(
	struct textlog *log, struct bootlog_line *line, const char *name, uint64_t now_ns)
{
	if (line->len)
		line_end(log, line, name, now_ns);
}

void bootlog_kernel(struct textlog *log, struct bootlog_line *line,
	const volatile struct sk_klog *ring, uint64_t *pos, uint64_t now_ns)
{
	uint64_t head = ring->head, size = ring->size;

	if (head - *pos > size)
		*pos = head - size;
	for (; *pos != head; ++*pos) {
		char c = ring->data[*pos & (size - 1)];

		bootlog_text(log, line, NULL, now_ns, &c, 1);
	}
}

uint64_t bootlog_time(const char *text, size_t len)
{
	uint64_t us = 0;
	size_t i = 1;

	if (!len || text[0] != '[')
		return UINT64_MAX;
	for (; i < len && text[i] != ']'; i++)
		if (text[i] >= '0' && text[i] <= '9')
			us = us * 10 + (uint64_t)(text[i] - '0');
	return i < len ? us : UINT64_MAX;
}

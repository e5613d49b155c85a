/*
 * bootlog.c - the boot and service log
 */
#include "bootlog.h"

#include <string.h>

static void line_end(struct textlog *log, struct bootlog_line *line, const char *name)
{
	textlog_write(log, "(", 1);
	textlog_write(log, name, strlen(name));
	textlog_write(log, ") ", 2);
	textlog_write(log, line->text, line->len);
	textlog_write(log, "\n", 1);
	line->len = 0;
}

void bootlog_text(struct textlog *log, struct bootlog_line *line, const char *name,
	const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\r')
			continue;
		if (c != '\n')
			line->text[line->len++] = (c < 0x20 && c != '\t') || c == 0x7f
							  ? '.'
							  : (char)c;
		if (c == '\n' || line->len == BOOTLOG_LINE_MAX)
			line_end(log, line, name);
	}
}

void bootlog_finish(struct textlog *log, struct bootlog_line *line, const char *name)
{
	if (line->len)
		line_end(log, line, name);
}

void bootlog_kernel(struct textlog *log, const volatile struct sk_klog *ring, uint64_t *pos)
{
	uint64_t head = ring->head, size = ring->size;

	if (head - *pos > size)
		*pos = head - size;
	for (; *pos != head; ++*pos) {
		char c = ring->data[*pos & (size - 1)];

		textlog_write(log, &c, 1);
	}
}

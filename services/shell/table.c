/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - rows of named columns, printed as a table or as JSON */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void line_write(struct table *t)
{
	out_bytes(t->o, t->line, t->len);
	t->len = 0;
}

void table_begin(struct table *t, const struct out *o, enum table_form form)
{
	t->o = o;
	t->as_json = form == TABLE_JSON;
	t->in_row = false;
	t->len = 0;
	if (t->as_json)
		t->j = json_list(o);
}

void table_end(struct table *t)
{
	if (t->in_row)
		table_row_end(t);
	if (!t->as_json)
		return;
	json_close(&t->j, ']');
	out_str(t->o, "\n");
}

void table_row(struct table *t)
{
	t->in_row = true;
	if (t->as_json)
		json_item(&t->j);
}

void table_row_end(struct table *t)
{
	t->in_row = false;
	if (t->as_json) {
		json_close(&t->j, '}');
		return;
	}
	line_write(t);
	out_str(t->o, "\n");
}

/* *text has OUT_LINE_MAX bytes and an end. The result is what is between the blanks. */
static const char *column_format(char *text, const char *fmt, va_list ap)
{
	size_t n;

	(void)vsnprintf(text, OUT_LINE_MAX + 1, fmt, ap);
	n = strlen(text);
	while (n && text[n - 1] == ' ')
		text[--n] = '\0';
	return text + strspn(text, " ");
}

/* A column is cut to OUT_LINE_MAX; a row may be longer. */
static void plain_print(struct table *t, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(t->line + t->len, sizeof(t->line) - t->len, fmt, ap);
	if (n > (int)(OUT_LINE_MAX - t->len) && t->len) {
		line_write(t);
		n = vsnprintf(t->line, sizeof(t->line), fmt, again);
	}
	va_end(again);
	if (n > 0)
		t->len += (size_t)n < OUT_LINE_MAX - t->len ? (size_t)n : OUT_LINE_MAX - t->len;
	if (!t->in_row)
		line_write(t);
}

void table_text(struct table *t, const char *key, const char *fmt, ...)
{
	char text[OUT_LINE_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	if (t->as_json)
		json_text(&t->j, key, column_format(text, fmt, ap));
	else
		plain_print(t, fmt, ap);
	va_end(ap);
}

void table_number(struct table *t, const char *key, const char *fmt, ...)
{
	char text[OUT_LINE_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	if (t->as_json) {
		json_key(&t->j, key);
		out_str(t->o, column_format(text, fmt, ap));
	} else {
		plain_print(t, fmt, ap);
	}
	va_end(ap);
}

void table_plain(struct table *t, const char *fmt, ...)
{
	va_list ap;

	if (t->as_json)
		return;
	va_start(ap, fmt);
	plain_print(t, fmt, ap);
	va_end(ap);
}

void table_string(struct table *t, const char *key, const char *text, size_t len)
{
	if (!t->as_json)
		return;
	json_key(&t->j, key);
	json_bytes(t->o, text, len);
}

void table_value(struct table *t, const char *key, uint64_t n)
{
	if (t->as_json)
		json_number(&t->j, key, n);
}

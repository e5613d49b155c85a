/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - rows of named columns, printed as a table or as JSON
 *
 * A verb prints each of its rows once. As a table, a column is what its format makes of it, and
 * its name is not used. As JSON, the rows are objects in a list, and a column is a member.
 *
 * Objects     struct table: a table that is being printed.
 */
#ifndef SHELL_TABLE_H
#define SHELL_TABLE_H

#include "json.h"

struct table {
	const struct out *o;
	struct json j;
	bool as_json;
	/* table_row_end() is due. */
	bool in_row;
	/* The part of the row that is not written yet: one write costs more than its text. */
	char line[OUT_LINE_MAX + 1];
	size_t len;
};

enum table_form { TABLE_TEXT, TABLE_JSON };
/* o: until table_end(), which also ends a row that was given up. */
void table_begin(struct table *t, const struct out *o, enum table_form form);
void table_end(struct table *t);

void table_row(struct table *t);
void table_row_end(struct table *t);

/* A column. The blanks around it are for the table alone. */
void table_text(struct table *t, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The format makes a number of JSON: -1, 12.5. */
void table_number(struct table *t, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Only in the table: its head, and columns that JSON has in another form. */
void table_plain(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Only in JSON. */
void table_value(struct table *t, const char *key, uint64_t n);
void table_string(struct table *t, const char *key, const char *text, size_t len);

#endif

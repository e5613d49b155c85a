/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.h - the command after a | in the shell: grep or match, over the lines of a verb's
 * output
 *
 * The pattern of grep knows . * ^ and $; a backslash makes the next character an ordinary one.
 * match looks for a text as it is.
 */
#ifndef SHELL_FILTER_H
#define SHELL_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "toolstack/msg.h"
#include "out.h"

enum {
	FILTER_LINE_MAX = 4096, /* a longer line counts as several */
	FILTER_ITEMS = 63,      /* of a pattern */
};

struct filter_item {
	char c;
	bool any, star;
};

struct filter {
	const struct out *to; /* the next filter's `in`, or the terminal */
	struct out in;
	bool invert, fold, count; /* -v -i -c */
	bool at_start, at_end;    /* ^ and $ */
	unsigned int n_items;
	struct filter_item item[FILTER_ITEMS];
	unsigned long chosen; /* lines */
	size_t len;
	char line[FILTER_LINE_MAX];
};

/*
 * A filter from the words of a command. The lines that it selects go to `to`. 0, or -1 with *m.
 */
int filter_init(
	struct filter *f, int argc, char *const *argv, const struct out *to, struct msg *m);
/* There is no more input: write the last line, or the count. */
void filter_end(struct filter *f);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.c - grep
 *
 * Objects     struct filter: one of a pipe, in the caller's storage.
 * Lifecycle   filter_init; text through f->in; filter_end.
 * Invariants  FILTER1 the time for a line is bounded by its length and the pattern's, because
 *                     control serves guests on the same thread
 */
#include "cli/filter.h"

#include <stdint.h>
#include <string.h>

/* ---- patterns ---- */

static char char_fold(const struct filter *f, char c)
{
	return f->fold && c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int pattern_too_long(struct msg *m)
{
	return msg_fail(m, "the pattern is too long; at most %d characters", FILTER_ITEMS);
}

/* All characters of the text stand for themselves. */
static int text_set(struct filter *f, const char *p, struct msg *m)
{
	for (; *p; p++) {
		if (f->n_items == FILTER_ITEMS)
			return pattern_too_long(m);
		f->item[f->n_items++].c = char_fold(f, *p);
	}
	return 0;
}

static int pattern_set(struct filter *f, const char *p, struct msg *m)
{
	struct filter_item *item = NULL;

	f->at_start = *p == '^';
	for (p += f->at_start; *p; p++) {
		if (*p == '$' && !p[1]) {
			f->at_end = true;
			break;
		}
		if (*p == '*' && item) {
			item->star = true;
			continue;
		}
		if (f->n_items == FILTER_ITEMS)
			return pattern_too_long(m);
		item = &f->item[f->n_items++];
		item->any = *p == '.';
		if (*p == '\\' && p[1])
			p++;
		item->c = char_fold(f, *p);
	}
	return 0;
}

/*
 * Bit i of `at`: the end of the text so far matches the items before i. A starred item may
 * match nothing.
 */
static uint64_t stars_pass(const struct filter *f, uint64_t at)
{
	for (unsigned int i = 0; i < f->n_items; i++)
		if ((at >> i & 1) && f->item[i].star)
			at |= (uint64_t)2 << i;
	return at;
}

static uint64_t items_step(const struct filter *f, uint64_t at, char c)
{
	uint64_t next = 0;

	for (unsigned int i = 0; i < f->n_items; i++)
		if ((at >> i & 1) && (f->item[i].any || f->item[i].c == c))
			next |= (uint64_t)(f->item[i].star ? 1 : 2) << i;
	return next;
}

/* All ways to match are followed at once, so that none is tried twice (FILTER1). */
static bool line_matches(const struct filter *f, const char *line, size_t len)
{
	uint64_t all = (uint64_t)1 << f->n_items, at = stars_pass(f, 1);

	for (size_t i = 0; i < len; i++) {
		if ((at & all) && !f->at_end)
			return true;
		at = items_step(f, at, char_fold(f, line[i]));
		if (!f->at_start)
			at |= 1;
		at = stars_pass(f, at);
	}
	return (at & all) != 0;
}

/* ---- lines ---- */

static void line_take(struct filter *f)
{
	size_t len = f->len;

	f->len = 0;
	if (line_matches(f, f->line, len) == f->invert)
		return;
	f->chosen++;
	if (f->count)
		return;
	out_bytes(f->to, f->line, len);
	out_str(f->to, "\n");
}

static void filter_write(void *ctx, const char *text, size_t len)
{
	struct filter *f = ctx;

	for (; len; len--, text++) {
		if (*text == '\n' || f->len == sizeof(f->line))
			line_take(f);
		if (*text != '\n')
			f->line[f->len++] = *text;
	}
}

void filter_end(struct filter *f)
{
	if (f->len)
		line_take(f);
	if (f->count)
		out_fmt(f->to, "%lu\n", f->chosen);
}

/* ---- the command ---- */

static int options_take(struct filter *f, const char *letters)
{
	for (; *letters; letters++) {
		if (!strchr("civ", *letters))
			return -1;
		f->count = f->count || *letters == 'c';
		f->fold = f->fold || *letters == 'i';
		f->invert = f->invert || *letters == 'v';
	}
	return 0;
}

int filter_init(
	struct filter *f, int argc, char *const *argv, const struct out *to, struct msg *m)
{
	const bool literal = strcmp(argv[0], "match") == 0;
	int i, rc = 0;

	memset(f, 0, sizeof(*f));
	f->to = to;
	f->in = (struct out){ .write = filter_write, .ctx = f };
	if (strcmp(argv[0], "grep") != 0 && !literal)
		return msg_fail(m, "%.60s: only grep and match can follow a | here", argv[0]);
	for (i = 1; !rc && i < argc - 1 && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		rc = options_take(f, argv[i] + 1);
	}
	if (rc || i != argc - 1)
		return msg_fail(m, "usage: ... | %s",
			literal ? "match [-c] [-i] [-v] TEXT" : "grep [-c] [-i] [-v] PATTERN");
	return literal ? text_set(f, argv[i], m) : pattern_set(f, argv[i], m);
}

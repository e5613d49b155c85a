/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c - the host's table of names
 *
 * The table is short and is asked a few times for a guest, so its lines are read again each
 * time.
 */
#include "config/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define X(sym, name) name,
static const char *const kinds[] = { NAMES_KINDS(X) };
#undef X

struct names_line {
	enum names_kind kind;
	char from[NAMES_WORD_MAX + 1], to[NAMES_WORD_MAX + 1];
};

int names_init(struct names *n, const char *text, size_t len)
{
	n->text = strndup(text, len);
	return n->text ? 0 : -1;
}

void names_fini(struct names *n)
{
	free(n->text);
	n->text = NULL;
}

/*
 * The next word of the line, in word[NAMES_WORD_MAX + 1]; moves *p behind it. False: there is
 * none, or it is too long.
 */
static bool word_next(const char **p, char *word)
{
	size_t len;

	*p += strspn(*p, " \t\r");
	len = **p == '#' ? 0 : strcspn(*p, " \t\r\n");
	if (!len || len > NAMES_WORD_MAX)
		return false;
	memcpy(word, *p, len);
	word[len] = '\0';
	*p += len;
	return true;
}

/* Where the star of a word is, if it has one, only one, and at its end. */
static bool star_good(const char *word)
{
	const char *star = strchr(word, '*');

	return !star || !star[1];
}

static bool star_has(const char *word) { return strchr(word, '*') != NULL; }

enum line_end { LINE_GOOD, LINE_EMPTY, LINE_BAD };

/* What the line at p says, in *l. */
static enum line_end line_parse(const char *p, struct names_line *l)
{
	char word[NAMES_WORD_MAX + 1], more[NAMES_WORD_MAX + 1];
	size_t kind = 0;

	p += strspn(p, " \t\r");
	if (!*p || *p == '\n' || *p == '#')
		return LINE_EMPTY;
	if (!word_next(&p, word) || !word_next(&p, l->from) || !word_next(&p, l->to) ||
		word_next(&p, more))
		return LINE_BAD;
	while (kind < ARRAY_SIZE(kinds) && strcmp(word, kinds[kind]) != 0)
		kind++;
	l->kind = (enum names_kind)kind;
	if (kind == ARRAY_SIZE(kinds) || !star_good(l->from) || !star_good(l->to))
		return LINE_BAD;
	return star_has(l->to) && !star_has(l->from) ? LINE_BAD : LINE_GOOD;
}

/* The line after the one at p; NULL: that was the last one. */
static const char *line_next(const char *p)
{
	p = strchr(p, '\n');
	return p ? p + 1 : NULL;
}

void names_check(const struct names *n, struct report *r)
{
	struct names_line l;
	unsigned int line = 1;
	struct msg m;

	for (const char *p = n->text; p; p = line_next(p), line++) {
		if (line_parse(p, &l) != LINE_BAD)
			continue;
		(void)msg_fail(&m,
			NAMES_FILE ":%u: this line says nothing; write disk NAME PARTITION or "
				   "bridge NAME SWITCH",
			line);
		report_add(r, REPORT_REMARK, 0, m.text);
	}
}

/* Does the line fit the name? Then the text that the star stands for is in *rest. */
static bool line_fits(const struct names_line *l, const char *name, const char **rest)
{
	size_t len = strcspn(l->from, "*");

	*rest = name + len;
	return star_has(l->from) ? strncmp(name, l->from, len) == 0
				 : strcmp(name, l->from) == 0;
}

bool names_find(
	const struct names *n, enum names_kind kind, const char *name, char *to, size_t size)
{
	struct names_line l;
	const char *rest;
	int len;

	for (const char *p = n ? n->text : NULL; p; p = line_next(p)) {
		if (line_parse(p, &l) != LINE_GOOD || l.kind != kind ||
			!line_fits(&l, name, &rest))
			continue;
		len = snprintf(to, size, "%.*s%s", (int)strcspn(l.to, "*"), l.to,
			star_has(l.to) ? rest : "");
		return len >= 0 && (size_t)len < size;
	}
	return false;
}

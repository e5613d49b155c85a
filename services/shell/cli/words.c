/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.c - commands and their words
 *
 * Invariants  WORDS1 the writing position never passes the reading position
 */
#include "cli/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct splitter {
	const char *in;
	char *out;
};

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* From after the opening quote to after the closing one. */
static int quoted_take(struct splitter *s, char quote)
{
	while (*s->in && *s->in != quote) {
		if (quote == '"' && *s->in == '\\' && (s->in[1] == '"' || s->in[1] == '\\'))
			s->in++;
		*s->out++ = *s->in++;
	}
	if (!*s->in)
		return -1;
	s->in++;
	return 0;
}

static bool ends_command(char c) { return c == ';' || c == '|'; }

static int word_take(struct splitter *s, struct msg *m)
{
	char c;

	while (*s->in && !blank(*s->in) && !ends_command(*s->in)) {
		c = *s->in++;
		if (c == '&' || c == '<' || c == '>')
			return msg_fail(m,
				"'%c' has no meaning here: there is no redirection, no background and "
				"no &&; quote it to use it as a character",
				c);
		if (c == '\'' || c == '"') {
			if (quoted_take(s, c))
				return msg_fail(m, "a quote %c is not closed; add another", c);
		} else if (c == '\\' && *s->in) {
			*s->out++ = *s->in++;
		} else {
			*s->out++ = c;
		}
	}
	return 0;
}

int words_split(char **line, char *argv[WORDS_MAX + 1], enum words_end *end, struct msg *m)
{
	struct splitter s = { .in = *line, .out = *line };
	char stop;
	int n = 0;

	do {
		while (blank(*s.in))
			s.in++;
		stop = *s.in == '#' ? '\0' : *s.in;
		if (stop && !ends_command(stop)) {
			if (n == WORDS_MAX)
				return msg_fail(m, "too many words; a command has at most %d",
					WORDS_MAX);
			argv[n++] = s.out;
			if (word_take(&s, m))
				return -1;
			stop = *s.in;
			*s.out++ = '\0'; /* WORDS1: this may overwrite `stop` */
		}
		s.in += stop ? 1 : strlen(s.in);
	} while (blank(stop));
	argv[n] = NULL;
	*line = (char *)s.in;
	*end = stop == ';' ? WORDS_NEXT : stop == '|' ? WORDS_PIPE : WORDS_LAST;
	return n;
}

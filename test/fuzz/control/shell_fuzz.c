/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell_fuzz.c - keys typed at the shell: line editor, then commands and words, then filters
 * and options of verbs; the same as the text of a script
 *
 * Objects     one editor per input.
 * Lifecycle   one call per input.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/filter.h"
#include "cli/line.h"
#include "cli/script.h"
#include "cli/verbs.h"
#include "cli/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define X(name, fn, letters, least, most, complete, effect, args, summary, detail) \
	void verb_##fn(struct shell *sh, const struct options *o) \
	{ \
		(void)sh; \
		(void)o; \
	}
VERBS(X)
#undef X

static void no_text(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* One command: a verb, or a filter if `filters` is set. */
static void run_command(int n, char **argv, bool filters)
{
	static struct filter f;
	const struct out sink = { .write = no_text };
	const struct verb *v = verb_find(argv[0]);
	struct options o;
	struct msg m = { "" };

	if (filters && filter_init(&f, n, argv, &sink, &m) == 0) {
		out_str(&f.in, "some line\nand another\nwithout an end");
		filter_end(&f);
	} else if (v && verb_options(v, n, argv, &o, &m) == 0) {
		must(o.count['h'] || (o.argc >= v->least && o.argc <= v->most));
	}
}

static void run(struct line *l)
{
	char *argv[WORDS_MAX + 1], *rest = l->text, *before;
	enum words_end end = WORDS_LAST, last;
	struct msg m = { "" };
	int n;

	do {
		before = rest;
		last = end;
		n = words_split(&rest, argv, &end, &m);
		must(n >= -1 && n <= WORDS_MAX);
		if (n < 0) {
			must(m.text[0] != '\0');
			return;
		}
		must(rest >= before && rest <= l->text + l->len && argv[n] == NULL);
		must(end == WORDS_LAST ? rest == l->text + l->len : rest > before);
		for (int i = 0; i < n; i++) /* W1 */
			must(argv[i] >= before && argv[i] + strlen(argv[i]) < rest + 1);
		if (n > 0)
			run_command(n, argv, last == WORDS_PIPE);
	} while (end != WORDS_LAST);
}

static void complete(struct line *l)
{
	static const char *const candidates[] = { "reboot", "reboot-host", "r\xc3\xa4" };
	size_t start = line_word(l);
	const char *fits[3];
	size_t n = 0;

	must(start <= l->cursor);
	for (size_t i = 0; i < 3; i++)
		if (strncmp(candidates[i], l->text + start, l->cursor - start) == 0)
			fits[n++] = candidates[i];
	line_complete(l, fits, n);
}

/* Each byte is in one line, or an end of one. */
static void read_script(const char *text, size_t size)
{
	struct script s;
	struct msg m;
	size_t seen = 0;
	char *line;

	if (script_begin(&s, "/guests/x.xl", text, size, &m))
		return;
	while ((line = script_next(&s)) != NULL) {
		must(!strchr(line, '\n'));
		seen += strlen(line) + 1;
		must(seen <= size + 1 && s.at <= size + 1);
	}
	must(s.at >= size);
	script_end(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct out echo = { .write = no_text };
	static struct line l;

	read_script((const char *)data, size);
	line_init(&l, &echo, "> ");
	line_start(&l);
	for (size_t i = 0; i < size; i++) {
		switch (line_input(&l, data[i])) {
		case LINE_ENTER:
			run(&l);
			line_start(&l);
			break;
		case LINE_TOO_LONG:
			must(l.len == 0);
			line_start(&l);
			break;
		case LINE_INTERRUPT:
		case LINE_EOF:
			line_start(&l);
			break;
		case LINE_COMPLETE:
			complete(&l);
			break;
		default:
			break;
		}
		must(l.cursor <= l.len && l.len <= LINE_LEN_MAX && l.text[l.len] == '\0');
		must(strlen(l.text) == l.len);
	}
	line_fini(&l);
	return 0;
}

/*
 * shell_fuzz.c - keys typed at the shell: line editor, then word splitting, then options of the
 * verb
 *
 * Objects     one editor per input.
 * Locks       none.
 * Lifecycle   one call per input.
 */
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "verbs.h"
#include "words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define X(name, fn, letters, least, most, complete, args, summary, detail) \
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

static void run(struct line *l)
{
	char *argv[WORDS_MAX + 1];
	const struct verb *v;
	struct options o;
	struct msg m = { "" };
	int n = words_split(l->text, argv, &m);

	must(n >= -1 && n <= WORDS_MAX);
	if (n <= 0)
		return;
	v = verb_find(argv[0]);
	if (v && verb_options(v, n, argv, &o, &m) == 0)
		must(o.count['h'] || (o.argc >= v->least && o.argc <= v->most));
}

static void complete(struct line *l)
{
	static const char *const candidates[] = { "reboot", "reboot-host", "r\xc3\xa4" };
	size_t index, start = line_word(l, &index);
	const char *fits[3];
	size_t i, n = 0;

	must(start <= l->cursor);
	for (i = 0; i < 3; i++)
		if (strncmp(candidates[i], l->text + start, l->cursor - start) == 0)
			fits[n++] = candidates[i];
	line_complete(l, fits, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct out echo = { .write = no_text };
	static struct line l;
	size_t i;

	line_init(&l, &echo, "> ");
	line_start(&l);
	for (i = 0; i < size; i++) {
		switch (line_input(&l, data[i])) {
		case LINE_ENTER:
			run(&l);
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

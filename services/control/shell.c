/*
 * shell.c - the person at the console: lines to verbs, one at a time
 *
 * Objects     struct shell: the one shell.
 * Locks       none.
 * Lifecycle   CLOSED until the start-up is over; then EDIT <-> BUSY (a verb goes on), EDIT <->
 *             ATTACHED (the terminal belongs to a guest).
 * Invariants  S1 keys come only while the mode is EDIT: console keeps what follows a key that
 *             gives work (Enter, Tab) until ready(), and tells of a ^C in it, which ends the verb
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "line.h"
#include "words.h"

enum { CANDIDATES_MAX = 256 };
enum mode { CLOSED, EDIT, BUSY, ATTACHED };

struct shell {
	struct line line;
	enum mode mode;
	bool running; /* inside a verb's handler */
	void (*cancel)(void);
	void (*on_room)(void);
	bool interrupted;     /* the verb ended by ^C */
	bool listing;         /* Tab waits for directory entries */
	uint32_t listing_seq; /* the key that asked for them */
	size_t complete_dir;  /* length of the directory part of the word */
};

static struct shell shell;
struct shell *const the_shell = &shell;

/* ---- verbs that go on ---- */

void shell_print(struct shell *sh, const char *fmt, ...)
{
	char text[OUT_LINE_MAX];
	va_list ap;

	(void)sh;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_str(&term_out, text);
}

bool shell_is_busy(const struct shell *sh) { return sh->mode == BUSY; }

void shell_busy(struct shell *sh, void (*cancel)(void))
{
	sh->mode = BUSY;
	sh->cancel = cancel;
}

/* The next keys, please (S1). */
static void ready(struct shell *sh)
{
	term_ready(sh->interrupted);
	sh->interrupted = false;
}

static void prompt(struct shell *sh)
{
	line_start(&sh->line);
	ready(sh);
}

void shell_done(struct shell *sh)
{
	sh->on_room = NULL;
	sh->cancel = NULL;
	if (sh->mode == CLOSED)
		return;
	sh->mode = EDIT;
	if (sh->running)
		return; /* the handler's caller prompts */
	prompt(sh);
}

void shell_on_room(void (*fn)(void)) { shell.on_room = fn; }

void shell_drained(void)
{
	void (*fn)(void) = shell.on_room;

	shell.on_room = NULL;
	if (fn)
		fn();
}

void shell_attach(struct shell *sh, uint32_t domid)
{
	sh->mode = ATTACHED;
	term_attach(domid);
}

void shell_detached(const char *why)
{
	if (shell.mode != ATTACHED)
		return;
	if (why)
		shell_print(&shell, "console: %s\n", why);
	else
		shell_print(&shell, "\n");
	shell_done(&shell);
}

void shell_log_done(void)
{
	if (shell.mode == BUSY)
		shell_done(&shell);
}

/* ---- lines ---- */

static void run(struct shell *sh, int argc, char **argv)
{
	const struct verb *v;
	struct options o;
	struct msg m;

	if (!argc)
		return;
	if (strcmp(argv[0], "xl") == 0) {
		argc--;
		argv++;
	}
	if (!argc) {
		(void)verb_print_help(&term_out, NULL);
		return;
	}
	v = verb_find(argv[0]);
	if (!v) {
		shell_print(sh, "%.60s: no such command; `help` lists them\n", argv[0]);
		return;
	}
	if (verb_options(v, argc, argv, &o, &m)) {
		shell_print(sh, "%s\n", m.text);
		return;
	}
	if (o.count['h'])
		(void)verb_print_help(&term_out, v->name);
	else
		v->run(sh, &o);
}

static void enter(struct shell *sh)
{
	static char text[LINE_LEN_MAX + 1];
	char *argv[WORDS_MAX + 1];
	struct msg m;
	int argc;

	memcpy(text, sh->line.text, sh->line.len + 1);
	argc = words_split(text, argv, &m);
	sh->running = true;
	if (argc < 0)
		shell_print(sh, "%s\n", m.text);
	else
		run(sh, argc, argv);
	sh->running = false;
	if (sh->mode == EDIT)
		prompt(sh);
}

/* ---- completion ---- */

struct candidates {
	const char *text[CANDIDATES_MAX];
	size_t n;
};

static void candidate(struct candidates *c, const char *word, size_t len, const char *text)
{
	if (c->n < CANDIDATES_MAX && strncmp(text, word, len) == 0)
		c->text[c->n++] = text;
}

static void complete_verb(struct shell *sh, const char *word, size_t len)
{
	struct candidates c = { .n = 0 };
	size_t i;

	for (i = 0; verb_at(i); i++)
		candidate(&c, word, len, verb_at(i)->name);
	line_complete(&sh->line, c.text, c.n);
}

static void complete_guest(struct shell *sh, const char *word, size_t len)
{
	struct candidates c = { .n = 0 };
	struct dom *d;

	for (d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		candidate(&c, word, len, d->name);
	line_complete(&sh->line, c.text, c.n);
}

/* Entries of the directory that the word names; each candidate is the whole word. */
static void directory_listed(void *ctx, int status, const struct file_entry *list, size_t n)
{
	static char text[CANDIDATES_MAX][FILES_CANDIDATE];
	struct shell *sh = ctx;
	struct candidates c = { .n = 0 };
	size_t index, start, i;
	const char *word;

	if (!sh->listing || sh->line.seq != sh->listing_seq)
		return; /* ^C was typed meanwhile */
	sh->listing = false;
	start = line_word(&sh->line, &index);
	word = sh->line.text + start;
	for (i = 0; !status && i < n && c.n < CANDIDATES_MAX; i++) {
		if ((size_t)snprintf(text[c.n], FILES_CANDIDATE, "%.*s%s%s",
			    (int)sh->complete_dir, word, list[i].name,
			    list[i].directory ? "/" : "") < FILES_CANDIDATE)
			candidate(&c, word, sh->line.cursor - start, text[c.n]);
	}
	line_complete(&sh->line, c.text, c.n);
	ready(sh);
}

static void complete_file(struct shell *sh, const char *word, size_t len)
{
	char dir[FILES_CANDIDATE];
	size_t n = len;

	while (n && word[n - 1] != '/')
		n--;
	if (n >= sizeof(dir))
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)(n > 1 ? n - 1 : n), word);
	sh->listing_seq = sh->line.seq;
	sh->complete_dir = n;
	sh->listing = files_list(n ? dir : "/", directory_listed, sh) == 0;
	if (!sh->listing)
		line_complete(&sh->line, NULL, 0);
}

static const struct verb *verb_of_line(const struct shell *sh, size_t *index)
{
	static char text[LINE_LEN_MAX + 1];
	char *argv[WORDS_MAX + 1], **arg = argv;
	struct msg m;
	int argc;

	memcpy(text, sh->line.text, sh->line.len + 1);
	argc = words_split(text, argv, &m);
	if (argc > 0 && *index && strcmp(argv[0], "xl") == 0) {
		--*index;
		arg++;
		argc--;
	}
	return argc > 0 ? verb_find(*arg) : NULL;
}

static void complete(struct shell *sh)
{
	size_t index, start = line_word(&sh->line, &index);
	const char *word = sh->line.text + start;
	size_t len = sh->line.cursor - start;
	const struct verb *v = verb_of_line(sh, &index);

	if (index == 0 || (v && v->complete == COMPLETE_VERB))
		complete_verb(sh, word, len);
	else if (v && v->complete == COMPLETE_GUEST)
		complete_guest(sh, word, len);
	else if (v && v->complete == COMPLETE_FILE)
		complete_file(sh, word, len);
	else
		line_complete(&sh->line, NULL, 0);
}

/* ---- keys ---- */

void shell_key(uint8_t byte)
{
	struct shell *sh = &shell;

	if (sh->mode != EDIT || sh->listing)
		return; /* S1: none was asked for */
	switch (line_input(&sh->line, byte)) {
	case LINE_ENTER:
		enter(sh); /* prompts, now or later */
		return;
	case LINE_INTERRUPT:
		line_start(&sh->line);
		break;
	case LINE_COMPLETE:
		complete(sh);
		break;
	default: /* end of input: there is nowhere to go */
		break;
	}
	if (!sh->listing && (byte == '\r' || byte == '\n' || byte == '\t'))
		ready(sh);
}

void shell_interrupt(void)
{
	struct shell *sh = &shell;
	void (*cancel)(void) = sh->cancel;

	if (sh->listing) { /* the ^C itself comes in its turn */
		sh->listing = false;
		ready(sh);
		return;
	}
	if (sh->mode != BUSY || !cancel)
		return;
	sh->interrupted = true;
	shell_print(sh, "^C\n");
	cancel();
	if (sh->mode == BUSY && sh->cancel == cancel)
		shell_done(sh);
}

void shell_init(void) { line_init(&shell.line, &term_out, "skerry# "); }

void shell_open(void)
{
	if (shell.mode != CLOSED)
		return;
	shell.mode = EDIT;
	prompt(&shell);
}

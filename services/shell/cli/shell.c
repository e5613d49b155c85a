/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.c - the person at the console: lines to verbs, one at a time
 *
 * Objects     struct shell: the one shell.
 * Lifecycle   CLOSED until the start-up is over; then EDIT <-> BUSY (a verb goes on, or the
 *             next command of the line is to begin), EDIT <-> ATTACHED (the terminal belongs to
 *             a guest), EDIT <-> TEXT (lines go to a verb).
 * Invariants  SHELL1 keys come only while the mode is EDIT or TEXT, or while a verb is busy
 *             that takes keys. console holds back the input after a key that starts work
 *             (Enter, Tab) until keys_ask(). It reports a ^C in that input, which ends the
 *             verb and the rest of its line
 *             SHELL2 a line runs only if it is complete and all of it was understood
 *             SHELL3 a command behind another that took time, and each line of a script, begins
 *                in an event of its own
 */
#include "cli/shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/path.h"
#include "client/ask.h"
#include "cli/audit.h"
#include "cli/auto.h"
#include "cli/complete.h"
#include "client/files.h"
#include "cli/filter.h"
#include "cli/format.h"
#include "cli/line.h"
#include "cli/script.h"
#include "cli/look.h"
#include "cli/term.h"
#include "cli/typed.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "svc/svc.h"

enum { PIPE_MAX = 4 };
enum mode { CLOSED, EDIT, TEXT, BUSY, ATTACHED };
/* STATUS_LEFT: ^C, as a Unix shell says it. */
enum { STATUS_OK, STATUS_FAILED, STATUS_USAGE, STATUS_LEFT = 130 };

struct shell {
	struct line line, text;
	bool (*take)(const char *line, size_t len); /* of TEXT */
	enum mode mode;
	bool running; /* inside a verb's handler */
	void (*cancel)(void);
	void (*on_room)(void);
	void (*key)(uint8_t byte); /* of a busy verb that takes keys; NULL: it does not */
	char *rest;                /* of the line: commands to come; NULL: none */
	struct script script;      /* whose lines come before those of the user */
	char *after;               /* commands behind the one that runs the script */
	struct {
		bool on;
		uint32_t ms, left; /* times to come; 0: no end */
		size_t start;      /* of the command, in the line */
	} repeat;
	size_t command;            /* where that which runs begins, in the line */
	char *word[WORDS_MAX + 1]; /* of the command */
	char status_word[8];
	const struct verb *verb; /* that runs, or waits for the table of guests */
	struct options options;
	bool slow;             /* it does not end at once */
	struct svc_timer next; /* each command begins in an event of its own */
	struct filter pipe[PIPE_MAX];
	uint32_t n_pipe;  /* filters for the output of the running verb */
	int status;       /* of the last command, as xl exits */
	bool interrupted; /* ^C ended the verb */
};

static struct shell shell;
struct shell *const the_shell = &shell;

static void words_run(struct shell *sh, int argc, char **argv);

/* ---- verbs that go on ---- */

static void message_print(const char *fmt, va_list ap)
{
	char text[OUT_LINE_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	out_str(&term_messages, text);
}

void shell_print(struct shell *sh, const char *fmt, ...)
{
	va_list ap;

	(void)sh;
	va_start(ap, fmt);
	message_print(fmt, ap);
	va_end(ap);
}

void shell_fail(struct shell *sh, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message_print(fmt, ap);
	va_end(ap);
	sh->status = STATUS_FAILED;
}

void shell_refused(struct shell *sh, const char *name, int status, const char *text)
{
	shell_fail(sh, "%s%s%s\n", name ? name : "", name ? ": " : "",
		ask_error_text(status, text));
}

bool shell_is_busy(const struct shell *sh) { return sh->mode == BUSY; }

void shell_waits(struct shell *sh, void (*cancel)(void))
{
	sh->mode = BUSY;
	sh->cancel = cancel;
}

void shell_busy(struct shell *sh, void (*cancel)(void))
{
	sh->slow = true;
	shell_waits(sh, cancel);
}

/* Ask for the next keys (SHELL1). */
static void keys_ask(struct shell *sh)
{
	if (sh->interrupted)
		term_ready_dropping();
	else
		term_ready();
	sh->interrupted = false;
}

/*
 * Without memory for a request the shell is of no use, and the person at the console has no
 * other. Its next life has all of its memory, and what was typed. If that is not enough, no
 * further life helps.
 */
static void memory_check(void)
{
	static bool had;
	const bool has = ask_has_memory();

	if (had && !has) {
		printf("the shell has lost its memory, so it ends\n");
		exit(1);
	}
	had = has;
}

/* What ran has been left by ^C, or cannot go on. */
static void lines_drop(struct shell *sh)
{
	sh->rest = NULL;
	sh->repeat.on = false;
	svc_timer_set(&sh->next, SK_NO_DEADLINE);
	script_end(&sh->script);
	free(sh->after);
	sh->after = NULL;
}

static void prompt_show(struct shell *sh)
{
	memory_check();
	line_start(&sh->line);
	keys_ask(sh);
}

static void pipe_end(struct shell *sh)
{
	for (uint32_t i = 0; i < sh->n_pipe; i++)
		filter_end(&sh->pipe[i]);
	sh->n_pipe = 0;
	term_through(NULL);
}

static void rest_drop(void) { lines_drop(&shell); }

static void run_rest(void *ctx);
static void repeat_wait(struct shell *sh);

/* An event of its own for what comes next: SHELL3. */
static void run_later(struct shell *sh)
{
	shell_busy(sh, rest_drop);
	sh->next.fn = run_rest;
	svc_timer_set(&sh->next, 0); /* at once */
}

/* A line has ended. */
static void line_over(struct shell *sh)
{
	if (sh->script.text || sh->after)
		run_later(sh);
	else
		prompt_show(sh);
}

void shell_done(struct shell *sh)
{
	sh->on_room = NULL;
	sh->cancel = NULL;
	sh->key = NULL;
	pipe_end(sh);
	audit_end(sh->status);
	if (sh->mode == CLOSED)
		return;
	sh->mode = EDIT;
	if (sh->running)
		return; /* run_line() goes on */
	if (sh->repeat.on)
		repeat_wait(sh);
	else if (sh->rest)
		run_later(sh);
	else
		line_over(sh);
}

void shell_cut(struct shell *sh)
{
	if (sh->cancel)
		sh->cancel();
	shell_done(sh);
}

void shell_on_room(void (*fn)(void)) { shell.on_room = fn; }

static void shell_drained(void)
{
	void (*fn)(void) = shell.on_room;

	shell.on_room = NULL;
	if (fn)
		fn();
}

static uint32_t attached_to;

/* The next life of the shell shows this guest's console again; 0: none. */
static void attached_tell(uint32_t domid)
{
	attached_to = domid;
	(void)ask_send(
		&(struct ask){ .op = CTL_ATTACHED, .body = &domid, .len = sizeof(domid) });
}

static void attach_begin(struct shell *sh, uint32_t domid)
{
	pipe_end(sh);
	audit_end(sh->status);
	sh->mode = ATTACHED;
	attached_tell(domid);
}

void shell_attach(struct shell *sh, uint32_t domid)
{
	attach_begin(sh, domid);
	term_attach(domid);
}

void shell_attach_new(struct shell *sh, uint32_t domid)
{
	attach_begin(sh, domid);
	term_attach_new(domid);
}

static void shell_detached(const char *why)
{
	if (shell.mode != ATTACHED)
		return;
	attached_tell(0);
	if (why)
		shell_print(&shell, "console: %s\n", why);
	else
		shell_print(&shell, "\n");
	shell_done(&shell);
}

static void shell_log_done(const char *why)
{
	if (shell.mode != BUSY)
		return;
	if (why)
		shell_fail(&shell, "%s\n", why);
	shell_done(&shell);
}

/* ---- lines ---- */

/* The line that runs, as it came, and as its words are split. */
static char line_whole[LINE_LEN_MAX + 1], line_text[LINE_LEN_MAX + 1];

/* `$?` is the exit status of the command before. */
static void status_insert(struct shell *sh, int argc, char **argv)
{
	(void)snprintf(sh->status_word, sizeof(sh->status_word), "%d", sh->status);
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "$?") == 0)
			argv[i] = sh->status_word;
}

static void usage_fail(struct shell *sh, const char *text)
{
	shell_fail(sh, "%s\n", text);
	sh->status = STATUS_USAGE;
}

static void verb_go(struct shell *sh)
{
	sh->slow = false;
	sh->verb->run(sh, &sh->options);
	if ((sh->mode == BUSY && sh->slow) || sh->mode == TEXT)
		audit_goes_on();
}

/* The table of guests is there. */
static void verb_resume(void)
{
	struct shell *sh = &shell;

	sh->cancel = NULL;
	sh->mode = EDIT;
	sh->running = true;
	verb_go(sh);
	sh->running = false;
	if (sh->mode == EDIT)
		shell_done(sh);
}

static void verb_run(
	struct shell *sh, const struct verb *v, int argc, char **argv, bool dry_run)
{
	struct msg m;

	sh->verb = v;
	sh->slow = false;
	if (verb_options(v, argc, argv, &sh->options, &m)) {
		usage_fail(sh, m.text);
	} else if (sh->options.count['h']) {
		(void)verb_print_help(&term_out, v->name);
	} else if (dry_run && !verb_has_dry_run(v)) {
		shell_fail(sh, "%s: there is no dry run (-N) of it\n", v->name);
	} else {
		sh->options.count['N'] = dry_run;
		if (verb_needs_guests(v))
			look_at_guests(verb_resume);
		else
			verb_go(sh);
	}
}

static void words_run(struct shell *sh, int argc, char **argv)
{
	const struct verb *v;
	struct xl_options x;
	struct msg m;
	int n;

	if (!argc)
		return;
	status_insert(sh, argc, argv);
	sh->status = STATUS_OK;
	n = verb_skip_xl(argc, argv, &x, &m);
	if (n < 0) {
		usage_fail(sh, m.text);
		return;
	}
	if (x.help || n == argc) {
		(void)verb_print_help(&term_out, NULL);
		return;
	}
	v = verb_find(argv[n]);
	if (v) {
		audit_begin(v, argc - n, argv + n);
		verb_run(sh, v, argc - n, argv + n, x.dry_run);
		if (sh->mode == EDIT)
			audit_end(sh->status);
	} else if (verb_refused(argv[n])) {
		shell_fail(sh, "%s: not on this host: %s\n", argv[n], verb_refused(argv[n]));
	} else {
		shell_fail(sh, "%.60s: no such command; `help` lists them\n", argv[n]);
	}
}

/* Set up the filters after a command that was taken off the line. 0, or -1 with *m. */
static int pipe_begin(struct shell *sh, enum words_end end, struct msg *m)
{
	char *argv[WORDS_MAX + 1];
	struct filter *f = sh->pipe;
	int argc;

	while (end == WORDS_PIPE) {
		argc = words_split(&sh->rest, argv, &end, m);
		if (f == sh->pipe + PIPE_MAX)
			return msg_fail(m, "at most %d filters can follow a command", PIPE_MAX);
		if (filter_init(
			    f, argc, argv, f + 1 < sh->pipe + PIPE_MAX ? &f[1].in : NULL, m))
			return -1;
		f++;
	}
	if (f == sh->pipe)
		return 0;
	f[-1].to = &term_messages;
	sh->n_pipe = (uint32_t)(f - sh->pipe);
	term_through(&sh->pipe[0].in);
	return 0;
}

/* Run the first command of the rest of the line, which line_check() has checked. */
static void run_command(struct shell *sh)
{
	enum words_end end;
	struct msg m;
	int argc;

	sh->command = (size_t)(sh->rest - line_text);
	argc = words_split(&sh->rest, sh->word, &end, &m);
	if (pipe_begin(sh, end, &m))
		shell_fail(sh, "%s\n", m.text);
	else
		words_run(sh, argc, sh->word);
	if (!*sh->rest)
		sh->rest = NULL;
	if (sh->mode != EDIT)
		return;
	pipe_end(sh);
	if (sh->repeat.on)
		repeat_wait(sh);
}

static void run_line(struct shell *sh)
{
	sh->running = true;
	while (sh->mode == EDIT && sh->rest)
		run_command(sh);
	sh->running = false;
	if (sh->mode == EDIT)
		line_over(sh);
}

/* SHELL2: is all of the line correct? 0, or -1 with *m. The text is destroyed. */
static int line_check(char *text, struct msg *m)
{
	char *argv[WORDS_MAX + 1];
	enum words_end end = WORDS_LAST, before;
	int argc;

	do {
		before = end;
		argc = words_split(&text, argv, &end, m);
		if (argc < 0)
			return -1;
		if (argc == 0 && (before == WORDS_PIPE || end == WORDS_PIPE))
			return msg_fail(m, "there is no command on one side of |");
	} while (end != WORDS_LAST);
	return 0;
}

/* 0, or -1 with *m: nothing of it runs (SHELL2). */
static int line_take(struct shell *sh, const char *text, struct msg *m)
{
	if (strlen(text) > LINE_LEN_MAX)
		return msg_fail(
			m, "a line has at most %d bytes; this one is not run", LINE_LEN_MAX);
	strcpy(line_whole, text);
	strcpy(line_text, text);
	if (line_check(line_text, m))
		return -1;
	strcpy(line_text, text);
	sh->rest = line_text;
	return 0;
}

static void line_enter(struct shell *sh)
{
	struct msg m;

	if (line_take(sh, sh->line.text, &m)) {
		usage_fail(sh, m.text);
		prompt_show(sh);
		return;
	}
	run_line(sh);
}

/* ---- scripts, and commands that are run again ---- */

static void script_stop(struct shell *sh, const char *why)
{
	shell_print(sh, "%s:%u: %s\n", sh->script.name, sh->script.line, why);
	script_end(&sh->script);
}

/* The next line of the script. False: it has ended. */
static bool script_line(struct shell *sh)
{
	char *line;
	struct msg m;

	if (sh->script.strict && sh->script.line && sh->status) {
		(void)msg_fail(&m, "exit status %d; the rest is not run", sh->status);
		script_stop(sh, m.text);
		return false;
	}
	line = script_next(&sh->script);
	if (line && line_take(sh, line, &m)) {
		sh->status = STATUS_USAGE;
		script_stop(sh, m.text);
		line = NULL;
	}
	if (!line)
		script_end(&sh->script);
	return line != NULL;
}

/* What is there to run: the rest of the line; the script; what follows behind it. */
static void run_rest(void *ctx)
{
	struct shell *sh = &shell;
	struct msg m;

	(void)ctx;
	if (sh->mode != BUSY || sh->cancel != rest_drop)
		return; /* the user has left it */
	sh->cancel = NULL;
	sh->mode = EDIT;
	if (!sh->rest && sh->script.text && !script_line(sh) && !sh->after) {
		prompt_show(sh);
		return;
	}
	if (!sh->rest && !sh->script.text && sh->after) {
		if (line_take(sh, sh->after, &m)) /* it was checked with its line */
			sh->rest = NULL;
		free(sh->after);
		sh->after = NULL;
	}
	run_line(sh);
}

int shell_run_script(struct shell *sh, const char *name, const char *text, size_t len,
	bool strict, struct msg *m)
{
	if (sh->script.text)
		return msg_fail(m, "a script cannot run another one");
	if (script_begin(&sh->script, name, text, len, m))
		return -1;
	sh->script.strict = strict;
	sh->after = sh->rest ? strdup(sh->rest) : NULL;
	if (sh->rest && !sh->after) {
		script_end(&sh->script);
		return msg_fail(m, "the shell has no memory for it");
	}
	sh->rest = NULL;
	return 0;
}

bool shell_repeats(const struct shell *sh) { return sh->repeat.on; }

void shell_repeat(struct shell *sh, uint32_t ms, uint32_t times)
{
	if (sh->repeat.on)
		return;
	sh->repeat.on = true;
	sh->repeat.ms = ms;
	sh->repeat.left = times;
	sh->repeat.start = sh->command;
}

static void repeat_due(void *ctx)
{
	struct shell *sh = &shell;

	(void)ctx;
	if (sh->mode != BUSY || sh->cancel != rest_drop || !sh->repeat.on)
		return; /* the user has left it */
	sh->cancel = NULL;
	sh->mode = EDIT;
	strcpy(line_text + sh->repeat.start, line_whole + sh->repeat.start);
	sh->rest = line_text + sh->repeat.start;
	run_line(sh);
}

/* The command has ended; it is run again, or what follows is. */
static void repeat_wait(struct shell *sh)
{
	if (sh->status == STATUS_USAGE || (sh->repeat.left && --sh->repeat.left == 0)) {
		sh->repeat.on = false;
		run_later(sh);
		return;
	}
	shell_busy(sh, rest_drop);
	sh->next.fn = repeat_due;
	svc_timer_set(&sh->next, svc_in_ms(sh->repeat.ms));
}

void shell_run_words(struct shell *sh, int argc, char **argv) { words_run(sh, argc, argv); }

/* ---- keys that give work ---- */

static bool starts_work(uint8_t byte) { return byte == '\r' || byte == '\n' || byte == '\t'; }

/* ---- text for a verb ---- */

/* The lines of a script, which are there. */
static void script_read_text(struct shell *sh, bool (*take)(const char *line, size_t len))
{
	const char *line;

	do {
		line = script_next(&sh->script);
	} while (line && take(line, strlen(line)));
	if (!line)
		shell_fail(sh, "the script ends before the line with a dot; nothing is kept\n");
}

void shell_read_text(struct shell *sh, bool (*take)(const char *line, size_t len))
{
	if (sh->script.text) {
		script_read_text(sh, take);
		return;
	}
	sh->take = take;
	sh->mode = TEXT;
	line_start(&sh->text);
	keys_ask(sh);
}

/* ^C starts no work, so keys go on to come: SHELL1. */
static void text_leave(struct shell *sh)
{
	sh->status = STATUS_LEFT;
	lines_drop(sh);
	audit_end(sh->status);
	sh->mode = EDIT;
	line_start(&sh->line);
}

static void text_key(struct shell *sh, uint8_t byte)
{
	switch (line_input(&sh->text, byte)) {
	case LINE_TOO_LONG:
		shell_fail(sh, "a line has at most %d bytes; nothing is kept\n", LINE_LEN_MAX);
		lines_drop(sh);
		shell_done(sh);
		return;
	case LINE_ENTER:
		if (!sh->take(sh->text.text, sh->text.len)) {
			shell_done(sh);
			return;
		}
		line_start(&sh->text);
		break;
	case LINE_INTERRUPT:
		text_leave(sh);
		return;
	default: /* nothing can be completed, and a dot is the end of the text */
		break;
	}
	if (starts_work(byte))
		keys_ask(sh);
}

/* ---- keys ---- */

enum { KEY_INTERRUPT = 3 };

void shell_on_key(struct shell *sh, void (*key)(uint8_t byte))
{
	sh->key = key;
	keys_ask(sh);
}

/* ^C starts no work, so keys go on to come: SHELL1. */
static void verb_key(struct shell *sh, uint8_t byte)
{
	if (byte == KEY_INTERRUPT) {
		sh->status = STATUS_LEFT;
		lines_drop(sh);
		shell_cut(sh);
		return;
	}
	sh->key(byte);
	if (sh->key && starts_work(byte))
		keys_ask(sh);
}

static void tab_done(void) { keys_ask(&shell); }

static void shell_key(uint8_t byte)
{
	struct shell *sh = &shell;

	if (sh->mode == BUSY && sh->key) {
		verb_key(sh, byte);
		return;
	}
	if (sh->mode == TEXT) {
		text_key(sh, byte);
		return;
	}
	if (sh->mode != EDIT || complete_waits())
		return; /* SHELL1: the shell did not ask for keys */
	switch (line_input(&sh->line, byte)) {
	case LINE_ENTER:
		line_enter(sh); /* prompts, now or later */
		return;
	case LINE_TOO_LONG:
		shell_fail(
			sh, "a line has at most %d bytes; this one is not run\n", LINE_LEN_MAX);
		line_start(&sh->line); /* SHELL2 */
		break;
	case LINE_INTERRUPT:
		line_start(&sh->line);
		break;
	case LINE_COMPLETE:
		complete_word(&sh->line, tab_done);
		break;
	default: /* end of input has no meaning here */
		break;
	}
	if (!complete_waits() && starts_work(byte))
		keys_ask(sh);
}

static void shell_interrupt(void)
{
	struct shell *sh = &shell;
	void (*cancel)(void) = sh->cancel;

	if (complete_waits()) { /* the ^C itself comes as a key later */
		complete_leave();
		keys_ask(sh);
		return;
	}
	if (sh->mode != BUSY || !cancel)
		return;
	sh->interrupted = true;
	sh->status = STATUS_LEFT;
	lines_drop(sh);
	shell_print(sh, "^C\n");
	cancel();
	if (sh->mode == BUSY && sh->cancel == cancel)
		shell_done(sh);
}

/* The line that was being typed stays. */
static void shell_redraw(void)
{
	if (shell.mode != BUSY)
		line_redraw(shell.mode == TEXT ? &shell.text : &shell.line);
	keys_ask(&shell);
}

/* ---- the beginning ---- */

static const char start_file[] = GUESTS_DIR "/auto/start.xl";
/* The host has just started, and start_file is still to be run. */
static bool starts;
static bool opening;

/* The host may do without. */
static void start_known(void *ctx, int status, const char *text, size_t len)
{
	struct msg m = { .text = "" };

	(void)ctx;
	if (status && status != -SK_E_NOT_FOUND)
		(void)msg_fail(&m, "%s: %s", start_file, files_error_text(status));
	else if (!status)
		(void)shell_run_script(&shell, start_file, text, len, false, &m);
	if (m.text[0])
		shell_print(&shell, "%s\n", m.text);
	shell.mode = EDIT;
	line_over(&shell);
}

/* Prompt, when the host has started. */
static void shell_open(void)
{
	const bool first = starts;

	if (shell.mode != CLOSED || opening)
		return;
	opening = true;
	starts = false;
	if (!first || files_read(start_file, start_known, NULL))
		start_known(NULL, -SK_E_NOT_FOUND, NULL, 0);
}

static uint32_t was_attached;

static void console_is_there(const void *body, uint32_t len)
{
	(void)body;
	(void)len;
	shell_attach(&shell, was_attached);
}

/*
 * The first words of a life. A user whose shell has ended gets the console back that it showed.
 */
static void shell_begin(const struct ctl_hello *h)
{
	bool again = svc_info()->epoch != 0;

	if (again)
		shell_print(&shell, "\nthe shell was restarted\n");
	was_attached = again ? h->attached : 0;
	if (was_attached)
		verb_ask(CTL_CONSOLE, &was_attached, sizeof(was_attached), NULL,
			console_is_there);
	starts = !h->auto_over;
	if (!h->auto_over)
		auto_start(h->n_auto, shell_open);
	else
		shell_open();
}

static void control_restarted(const struct ctl_hello *h)
{
	shell_print(&shell, "\ncontrol was restarted (%s); %u guest%s\n",
		format_end(h->end < DOMAIN_ENDS_END ? h->end : DOMAIN_END_NONE), h->adopted,
		h->adopted == 1 ? " goes on" : "s go on");
	if (shell.mode == EDIT || shell.mode == TEXT)
		line_redraw(shell.mode == TEXT ? &shell.text : &shell.line);
	if (!h->auto_over)
		auto_again(h->n_auto);
	if (shell.mode == ATTACHED)
		attached_tell(attached_to);
}

static void shell_hello(const struct ctl_hello *h)
{
	static bool begun;

	if (begun)
		control_restarted(h);
	else
		shell_begin(h);
	begun = true;
}

int shell_init(void)
{
	static const struct term_listener listener = { shell_key, shell_interrupt,
		shell_detached, shell_log_done, shell_drained, shell_redraw };
	int rc;

	typed_open();
	memory_check(); /* what this life has at its beginning */
	term_listen(&listener);
	line_init(&shell.line, &term_messages, "skerry# ");
	line_init(&shell.text, &term_messages, "> ");
	ask_on_hello(shell_hello);
	rc = term_init();
	if (!rc)
		rc = files_client_init();
	return rc ? rc : ask_init();
}

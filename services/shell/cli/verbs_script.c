/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_script.c - scripts: source runs one; sleep, wait and watch are for its lines
 *
 * Objects     the state that is waited for, and the timer; ^C forgets them. The number of the
 *             command that reads a script, which tells its answer from that of an earlier one.
 * Lifecycle   wait: the table of guests is looked at after each change.
 */
#include <string.h>

#include "base/array.h"
#include "client/files.h"
#include "cli/look.h"
#include "cli/number.h"
#include "cli/shell.h"
#include "cli/verbs.h"
#include "config/path.h"
#include "svc/svc.h"

enum { SLEEP_MAX_S = 1000000, TIMES_MAX = 1000000 };

/* ---- sleep ---- */

static struct svc_timer sleeping;

static void sleep_over(void *ctx)
{
	(void)ctx;
	shell_done(the_shell);
}

static void sleep_leave(void) { svc_timer_set(&sleeping, SK_NO_DEADLINE); }

void verb_sleep(struct shell *sh, const struct options *o)
{
	uint32_t seconds;

	if (number_parse(o->argv[0], SLEEP_MAX_S, &seconds)) {
		shell_fail(sh, "sleep: '%.20s' is not a number of seconds up to %d\n",
			o->argv[0], SLEEP_MAX_S);
		return;
	}
	sleeping.fn = sleep_over;
	svc_timer_set(&sleeping, svc_in_ms(seconds * 1000));
	shell_busy(sh, sleep_leave);
}

/* ---- watch ---- */

/* The options before SECONDS. Returns the number of these words, or -1 with *m. */
static int watch_options(const struct options *o, bool *batch, uint32_t *times, struct msg *m)
{
	int i;

	for (i = 0; i < o->argc && o->argv[i][0] == '-'; i++) {
		if (strcmp(o->argv[i], "-b") == 0)
			*batch = true;
		else if (strcmp(o->argv[i], "-i") != 0 || ++i == o->argc)
			return msg_fail(m, "unknown option, or one without its value");
		else if (number_parse(o->argv[i], TIMES_MAX, times) || !*times)
			return msg_fail(m, "-i '%.20s' is not a number from 1 to %d",
				o->argv[i], TIMES_MAX);
	}
	return i;
}

/* NULL: it cannot be watched; *m says why. */
static const struct verb *watch_verb(const char *name, struct msg *m)
{
	const struct verb *v = verb_find(name);

	if (v && v->effect == EFFECT_LOOKS)
		return v;
	(void)msg_fail(m,
		v ? "'%.40s' does not only look, or does not end by itself"
		  : "'%.40s' is no command of this host",
		name);
	return NULL;
}

static int watch_take(struct shell *sh, const struct options *o, int *first, struct msg *m)
{
	uint32_t seconds = 0, times = 0;
	bool batch = false;
	int n = watch_options(o, &batch, &times, m);

	if (n < 0)
		return -1;
	if (o->argc - n < 2)
		return msg_fail(m, "name the seconds and a command: watch 5 list");
	if (number_parse(o->argv[n], SLEEP_MAX_S, &seconds) || !seconds)
		return msg_fail(m, "'%.20s' is not a number of seconds from 1 to %d",
			o->argv[n], SLEEP_MAX_S);
	if (!watch_verb(o->argv[n + 1], m))
		return -1;
	*first = n + 1;
	if (!batch)
		shell_print(sh, "\x1b[H\x1b[2JEvery %u s: %.60s\n\n", seconds, o->argv[n + 1]);
	shell_repeat(sh, seconds * 1000, times);
	return 0;
}

void verb_watch(struct shell *sh, const struct options *o)
{
	const struct options mine = *o; /* those of the command come in their place */
	struct msg m;
	int first = 0;

	if (watch_take(sh, o, &first, &m))
		shell_fail(sh, "watch: %s\n", m.text);
	else
		shell_run_words(sh, mine.argc - first, mine.argv + first);
}

/* ---- source ---- */

static struct {
	uintptr_t number;
	bool strict;
	char path[FILES_CANDIDATE];
} script;

static void source_leave(void) { script.number++; }

static void source_known(void *ctx, int status, const char *text, size_t len)
{
	struct msg m;

	if ((uintptr_t)ctx != script.number)
		return;
	if (status)
		shell_fail(the_shell, "%s: %s\n", script.path, files_error_text(status));
	else if (shell_run_script(the_shell, script.path, text, len, script.strict, &m))
		shell_fail(the_shell, "source: %s\n", m.text);
	shell_done(the_shell);
}

void verb_source(struct shell *sh, const struct options *o)
{
	struct msg m;
	int rc;

	if (path_full(script.path, sizeof(script.path), o->argv[0], &m)) {
		shell_fail(sh, "%s\n", m.text);
		return;
	}
	script.number++;
	script.strict = o->count['e'] != 0;
	shell_busy(sh, source_leave);
	rc = files_read(script.path, source_known, (void *)script.number);
	if (rc)
		source_known((void *)script.number, rc, NULL, 0);
}

/* ---- wait ---- */

static bool is_running(const struct ctl_dom *d)
{
	return d && d->state == DOM_LIVE && !(d->flags & CTL_DOM_PAUSED);
}

static bool is_paused(const struct ctl_dom *d)
{
	return d && d->state == DOM_LIVE && d->flags & CTL_DOM_PAUSED;
}

static bool is_shut_down(const struct ctl_dom *d) { return !d || d->state >= DOM_DOWN; }

static bool is_gone(const struct ctl_dom *d) { return !d; }

typedef bool (*guest_test)(const struct ctl_dom *d);

static const struct {
	const char *name;
	guest_test test;
} states[] = {
	{ "running", is_running },
	{ "paused", is_paused },
	{ "shutdown", is_shut_down },
	{ "gone", is_gone },
};

static struct {
	guest_test test;
	char name[GUEST_NAME_MAX + 1];
} awaited;

static void guests_known(void);

static void guests_changed(const void *body, uint32_t len)
{
	(void)body;
	(void)len;
	look_at_guests(guests_known);
}

static void guests_known(void)
{
	if (awaited.test(look_find(awaited.name)))
		shell_done(the_shell);
	else
		verb_ask(CTL_NEWS, &look.sum, sizeof(look.sum), "wait", guests_changed);
}

static guest_test state_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(name, states[i].name) == 0)
			return states[i].test;
	return NULL;
}

void verb_wait(struct shell *sh, const struct options *o)
{
	const char *name = o->argv[0], *state = o->argc > 1 ? o->argv[1] : "shutdown";
	guest_test test = state_find(state);

	if (!test) {
		shell_fail(sh,
			"wait: '%.20s' is no state; running, paused, shutdown and gone are\n",
			state);
		return;
	}
	if (strlen(name) > GUEST_NAME_MAX) {
		shell_fail(sh, "wait: '%.20s...' is too long for the name of a guest\n", name);
		return;
	}
	strcpy(awaited.name, name);
	awaited.test = test;
	shell_busy(sh, verb_leave);
	guests_known();
}

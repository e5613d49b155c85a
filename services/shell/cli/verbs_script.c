/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_script.c - what the lines of a script need: sleep, and wait for a guest
 *
 * Objects     the state that is waited for, and the timer; ^C forgets them.
 * Lifecycle   wait: the table of guests is looked at after each change.
 */
#include <string.h>

#include "base/array.h"
#include "cli/look.h"
#include "cli/number.h"
#include "cli/shell.h"
#include "cli/verbs.h"
#include "svc/svc.h"

enum { SLEEP_MAX_S = 1000000 };

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

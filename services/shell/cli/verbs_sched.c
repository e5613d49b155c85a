/* SPDX-License-Identifier: BSD-2-Clause */
/* verbs_sched.c - sched-credit2: how guests share the host's CPUs */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

/* NULL is all pools, which are this one. */
static bool pool_find(struct shell *sh, const char *name)
{
	if (!name || strcmp(name, POOL_NAME) == 0 || strcmp(name, "0") == 0)
		return true;
	shell_fail(sh, "unknown cpupool '%.40s'\n", name);
	return false;
}

/* The value of -x, if it was given. False: it is no number, and the user has been told so. */
static bool number_take(
	struct shell *sh, const struct options *o, char letter, const char *what, uint32_t *to)
{
	const char *text = o->value[(int)letter];
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return true;
	if (!digits || digits > 9 || text[digits]) {
		shell_fail(sh, "sched-credit2: '%.20s' is not a %s\n", text, what);
		return false;
	}
	*to = (uint32_t)strtoul(text, NULL, 10);
	return true;
}

static void credit2_list(void)
{
	format_credit2_pool(&term_out);
	format_credit2_head(&term_out);
	for (const struct ctl_dom *d = look.dom; d < look.dom + look.n; d++)
		if (d->flags & CTL_DOM_THERE)
			format_credit2_row(&term_out, d);
}

static void credit2_set(struct shell *sh, const struct options *o, const struct ctl_dom *d)
{
	struct ctl_sched s = { .domid = d->domid,
		.flags = (o->count['w'] ? CTL_SCHED_WEIGHT : 0) |
			 (o->count['c'] ? CTL_SCHED_CAP : 0) };

	if (number_take(sh, o, 'w', "weight", &s.weight) &&
		number_take(sh, o, 'c', "cap", &s.cap))
		verb_ask(CTL_SCHED, &s, sizeof(s), "sched-credit2", NULL);
}

static void credit2_guest(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->value['d']);

	if (!d)
		return;
	if (o->count['w'] || o->count['c']) {
		credit2_set(sh, o, d);
		return;
	}
	format_credit2_head(&term_out);
	format_credit2_row(&term_out, d);
}

void verb_sched_credit2(struct shell *sh, const struct options *o)
{
	bool change = o->count['w'] || o->count['c'];

	if (o->count['p'] && (o->count['d'] || change))
		shell_fail(sh, "Specifying a cpupool is not allowed with other options.\n");
	else if (!o->count['d'] && change)
		shell_fail(sh, "Must specify a domain.\n");
	else if (!pool_find(sh, o->value['p']))
		return;
	else if (o->count['s'])
		format_credit2_pool(&term_out);
	else if (!o->count['d'])
		credit2_list();
	else
		credit2_guest(sh, o);
}

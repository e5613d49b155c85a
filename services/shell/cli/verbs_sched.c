/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_sched.c - sched-credit2, vcpu-pin, cpupool-list: how guests share CPUs, and on which
 * they run
 */
#include <stdint.h>
#include <string.h>

#include "cli/format.h"
#include "cli/look.h"
#include "cli/number.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "config/cpu_set.h"
#include "sys/clock.h"

/* ---- sched-credit2 ---- */

/* NULL is all pools, which are this one. */
static bool pool_find(struct shell *sh, const char *name)
{
	if (!name || strcmp(name, POOL_NAME) == 0 || strcmp(name, "0") == 0)
		return true;
	shell_fail(sh, "unknown cpupool '%.40s'\n", name);
	return false;
}

/* The value of -x, if it was given. False: it is no number, and the user has been told so. */
static bool value_take(
	struct shell *sh, const struct options *o, char letter, const char *what, uint32_t *to)
{
	const char *text = o->value[(int)letter];

	if (!text || number_parse(text, UINT32_MAX, to) == 0)
		return true;
	shell_fail(sh, "sched-credit2: '%.20s' is not a %s\n", text, what);
	return false;
}

/* As JSON, the rows are guests: `-s --json` has the pool. */
static void credit2_list(const struct options *o)
{
	struct table t;

	table_begin(&t, &term_out, verb_form(o));
	if (verb_form(o) == TABLE_TEXT)
		format_credit2_pool(&t);
	format_credit2_head(&t);
	for (const struct ctl_dom *d = look.dom; d < look.dom + look.n; d++)
		if (d->flags & CTL_DOM_THERE)
			format_credit2_row(&t, d);
	table_end(&t);
}

static void credit2_pool(const struct options *o)
{
	struct table t;

	table_begin(&t, &term_out, verb_form(o));
	format_credit2_pool(&t);
	table_end(&t);
}

static void credit2_set(struct shell *sh, const struct options *o, const struct ctl_dom *d)
{
	struct ctl_sched s = { .domid = d->domid,
		.flags = (o->count['w'] ? CTL_SCHED_WEIGHT : 0) |
			 (o->count['c'] ? CTL_SCHED_CAP : 0) };

	if (value_take(sh, o, 'w', "weight", &s.weight) &&
		value_take(sh, o, 'c', "cap", &s.cap))
		verb_ask(CTL_SCHED, &s, sizeof(s), "sched-credit2", NULL);
}

static void credit2_guest(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->value['d']);
	struct table t;

	if (!d)
		return;
	if (o->count['w'] || o->count['c']) {
		credit2_set(sh, o, d);
		return;
	}
	table_begin(&t, &term_out, verb_form(o));
	format_credit2_head(&t);
	format_credit2_row(&t, d);
	table_end(&t);
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
		credit2_pool(o);
	else if (!o->count['d'])
		credit2_list(o);
	else
		credit2_guest(sh, o);
}

/* ---- vcpu-pin ---- */

/* False: it is none, and the user has been told so. */
static bool vcpu_take(struct shell *sh, const struct options *o, uint32_t *vcpu)
{
	const char *text = o->argv[1];

	*vcpu = CTL_PIN_ALL;
	if (strcmp(text, "all") == 0 && !o->count['f'])
		return true;
	if (number_parse(text, CTL_PIN_ALL - 1, vcpu) == 0)
		return true;
	if (strcmp(text, "all") == 0)
		shell_fail(sh, "Error: --force and 'all' as VCPU not allowed.\n");
	else
		shell_fail(sh, "Error: Invalid argument %.20s as VCPU.\n", text);
	return false;
}

/* A word of the line, if it is there; "-" leaves the set as it is. False: it is no set. */
static bool set_take(
	struct shell *sh, const struct options *o, int i, struct ctl_pin *p, uint64_t *set)
{
	const bool hard = set == &p->hard;
	struct msg why;

	if (i >= o->argc || strcmp(o->argv[i], "-") == 0)
		return true;
	if (cpu_set_parse(o->argv[i], sys_info()->n_cpus, set, &why)) {
		shell_fail(sh, "vcpu-pin: %s\n", why.text);
	} else if (hard && !*set) {
		shell_fail(sh, "vcpu hard affinity map is empty\n");
	} else {
		p->flags |= hard ? CTL_PIN_HARD : CTL_PIN_SOFT;
		return true;
	}
	return false;
}

static void pin_describe(const struct ctl_pin *p)
{
	char text[CPU_SET_TEXT];

	cpu_set_format(p->hard, sys_info()->n_cpus, text);
	out_fmt(&term_out, "cpumap: %s", p->flags & CTL_PIN_HARD ? text : "-");
	cpu_set_format(p->soft, sys_info()->n_cpus, text);
	if (p->flags & CTL_PIN_SOFT)
		out_fmt(&term_out, " %s", text);
	out_str(&term_out, "\n");
}

void verb_vcpu_pin(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	struct ctl_pin p = { .domid = d ? d->domid : 0 };

	if (!d || !vcpu_take(sh, o, &p.vcpu) || !set_take(sh, o, 2, &p, &p.hard) ||
		!set_take(sh, o, 3, &p, &p.soft))
		return;
	if (o->count['N'])
		pin_describe(&p);
	else if (p.flags)
		verb_ask(CTL_PIN, &p, sizeof(p), "vcpu-pin", NULL);
	else
		shell_fail(sh, "Could not set affinity: there is nothing to set.\n");
}

/* ---- cpupool-list ---- */

void verb_cpupool_list(struct shell *sh, const struct options *o)
{
	struct table t;
	uint32_t n = 1;

	if (o->argc && strcmp(o->argv[0], POOL_NAME) != 0) {
		shell_fail(sh, "Pool '%.40s' does not exist\n", o->argv[0]);
		return;
	}
	for (uint32_t i = 0; i < look.n; i++)
		n += (look.dom[i].flags & CTL_DOM_THERE) != 0;
	table_begin(&t, &term_out, verb_form(o));
	format_pool(&t, sys_info()->n_cpus, n, o->count['c'] && verb_form(o) == TABLE_TEXT);
	table_end(&t);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_info.c - verbs that show something: list, info, uptime, vcpu-list, dmesg, help
 *
 * Objects     the table that is being made: which domains are in it, and its options.
 * Lifecycle   a handler asks control for figures; the table is printed when they are there.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "cli/format.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "sys/clock.h"

enum { NAMES_MAX = 64, NS_PER_S = 1000000000 };

static struct {
	struct table rows;
	enum table_form form;
	struct list_more more;
	bool host, all, brief;
	uint32_t n, at;
	uint32_t n_elements; /* of the array that was printed */
	uint32_t domid[NAMES_MAX];
} table;

/*
 * The domains that the arguments name; all if there are no arguments. False: one does not
 * exist.
 */
static bool domains_choose(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d;

	table.n = 0;
	table.form = verb_form(o);
	table.host = table.all = o->argc == 0;
	for (int i = 0; i < o->argc && i < NAMES_MAX; i++) {
		if (look_is_host(o->argv[i])) {
			table.host = true;
			continue;
		}
		d = look_domain(sh, o->argv[i]);
		if (!d)
			return false;
		table.domid[table.n++] = d->domid;
	}
	return true;
}

static bool domain_chosen(const struct ctl_dom *d)
{
	for (uint32_t i = 0; !table.all && i < table.n; i++)
		if (table.domid[i] == d->domid)
			return true;
	return table.all;
}

static bool is_there(const struct ctl_dom *d) { return d->flags & CTL_DOM_THERE; }

#define for_each_chosen(d) \
	for (const struct ctl_dom *d = look.dom; d < look.dom + look.n; d++) \
		if (domain_chosen(d))

static void rows_end(void)
{
	table_end(&table.rows);
	shell_done(the_shell);
}

/* ---- list ---- */

static void list_host(void)
{
	struct list_row r;

	list_row_host(&look_system, &r);
	format_list_row(&table.rows, &r, table.more);
}

static void list_guest(const struct ctl_dom *d)
{
	struct list_row r;

	if (list_row_guest(d, &r))
		format_list_row(&table.rows, &r, table.more);
}

/* Below the table, so that the rows are as scripts expect them. */
static void list_remarks(void)
{
#define X(sym, name) name,
	static const char *const names[] = { CTL_GUEST_SERVICES(X) };
#undef X

	for_each_chosen(d) if (d->state == DOM_RESTING) format_resting(
		&table.rows, d->name, d->short_lives, CTL_SHORT_LIFE_S, rest_seconds(d));
	for (uint32_t s = 0; s < ARRAY_SIZE(names); s++)
		if (look_system.given_up >> s & 1)
			format_given_up(&table.rows, names[s]);
}

static void list_print(void)
{
	table_begin(&table.rows, &term_out, table.form);
	format_list_head(&table.rows, table.more);
	if (table.host)
		list_host();
	for_each_chosen(d) list_guest(d);
	list_remarks();
	rows_end();
}

static void list_ask_system(void) { look_at_system(list_print); }

/* ---- list -l ---- */

static void json_next(void);

static struct ctl_guest json_facts;

static void json_print(uint32_t refused)
{
	const struct ctl_dom *d = &look.dom[table.at++];

	out_str(&term_out, table.n_elements++ ? ",\n" : "\n");
	format_config_json(&term_out, d, &json_facts, refused);
	json_next();
}

/* A guest of which xenstore says nothing was refused nothing. */
static void json_quota(const void *body, uint32_t len)
{
	const struct ctl_stored *s = body;
	uint32_t refused = 0;

	if (s && !s->failed && len == sizeof(*s) + sizeof(refused))
		memcpy(&refused, s + 1, sizeof(refused));
	json_print(refused);
}

static void json_guest(const void *body, uint32_t len)
{
	(void)len;
	if (!body) { /* it has ended meanwhile */
		table.at++;
		json_next();
		return;
	}
	json_facts = *(const struct ctl_guest *)body;
	if (json_facts.there)
		verb_try(CTL_QUOTA, &look.dom[table.at].domid, sizeof(uint32_t), json_quota);
	else
		json_print(0);
}

static void json_next(void)
{
	while (table.at < look.n && !domain_chosen(&look.dom[table.at]))
		table.at++;
	if (table.at < look.n) {
		verb_try(CTL_DESCRIBE, &look.dom[table.at].domid, sizeof(uint32_t), json_guest);
		return;
	}
	out_str(&term_out, "\n]\n");
	shell_done(the_shell);
}

static void json_begin(void)
{
	out_str(&term_out, "[");
	table.at = table.n_elements = 0;
	json_next();
}

static void json_host(void)
{
	out_str(&term_out, "[\n");
	format_host_json(&term_out, services.row, services.n);
	table.at = 0;
	table.n_elements = 1;
	json_next();
}

static void json_known(void)
{
	if (table.host)
		look_at_services(true, json_host);
	else
		json_begin();
}

void verb_list(struct shell *sh, const struct options *o)
{
	if (!domains_choose(sh, o))
		return;
	table.more = (struct list_more){ o->count['v'] != 0, o->count['c'] != 0 };
	if (o->count['l'])
		look_at_guests_anew(json_known);
	else
		look_at_guests_anew(list_ask_system);
}

/* ---- vcpu-list ---- */

/*
 * A row for each CPU, with the time of the host's own domains there. They do not move between
 * CPUs. The first one runs at least this domain.
 */
static void vcpus_host(void)
{
	struct vcpu_row r = { .name = "Domain-0", .online = true };

	for (r.vcpu = 0; r.vcpu < look_system.n_cpus; r.vcpu++) {
		r.cpu = r.vcpu;
		r.hard = 1ull << r.cpu;
		r.running = r.cpu == look_system.cpu;
		r.blocked = !r.running;
		r.cpu_ns = look_system.ran_ns[r.cpu];
		format_vcpu_row(&table.rows, &r, look_system.n_cpus);
	}
}

static void vcpus_guest(const struct ctl_dom *d)
{
	struct vcpu_row r = { .name = d->name, .domid = d->domid };

	for (r.vcpu = 0; r.vcpu < d->maxvcpus; r.vcpu++) {
		const struct ctl_vcpu *s = &d->vcpu[r.vcpu];

		r.online = r.vcpu < d->n_vcpus && s->state != 2;
		r.running = s->state == 0 && !(d->flags & CTL_DOM_PAUSED);
		r.blocked = s->state == 1;
		r.cpu = s->cpu;
		r.cpu_ns = s->ran_ns;
		r.hard = d->cpus[r.vcpu];
		r.soft = d->cpus_soft[r.vcpu];
		format_vcpu_row(&table.rows, &r, look_system.n_cpus);
	}
}

static void vcpus_print(void)
{
	table_begin(&table.rows, &term_out, table.form);
	format_vcpu_head(&table.rows);
	if (table.host)
		vcpus_host();
	for_each_chosen(d) if (is_there(d)) vcpus_guest(d);
	rows_end();
}

static void vcpus_ask_system(void) { look_at_system(vcpus_print); }

void verb_vcpu_list(struct shell *sh, const struct options *o)
{
	if (domains_choose(sh, o))
		look_at_guests_anew(vcpus_ask_system);
}

/* ---- the rest ---- */

static void uptime_print(void)
{
	const uint64_t wall = look_system.wall_seconds;

	table_begin(&table.rows, &term_out, table.form);
	if (!table.brief)
		format_uptime_head(&table.rows);
	if (table.host)
		format_uptime_row(&table.rows, "Domain-0", 0, look_system.up_ns / NS_PER_S,
			table.brief, wall);
	for_each_chosen(d) if (is_there(d)) format_uptime_row(
		&table.rows, d->name, d->domid, d->up_ns / NS_PER_S, table.brief, wall);
	rows_end();
}

void verb_uptime(struct shell *sh, const struct options *o)
{
	table.brief = o->count['s'] != 0;
	if (domains_choose(sh, o))
		look_at_system(uptime_print);
}

void verb_vm_list(struct shell *sh, const struct options *o)
{
	(void)sh;
	table.all = true;
	table_begin(&table.rows, &term_out, verb_form(o));
	format_vm_head(&table.rows);
	for_each_chosen(d) if (is_there(d))
		format_vm_row(&table.rows, d->uuid, d->domid, d->name);
	table_end(&table.rows);
}

static struct {
	bool given;
	enum info_parts parts;
	enum table_form form;
	char text[64];
} info_key;

static void info_print(void)
{
	format_info(&term_out, &look_system, sys_info(), info_key.parts,
		info_key.given ? info_key.text : NULL, info_key.form);
	shell_done(the_shell);
}

void verb_info(struct shell *sh, const struct options *o)
{
	(void)sh;
	info_key.given = o->argc != 0;
	info_key.parts = o->count['n'] ? INFO_NODES : INFO_LINES;
	info_key.form = verb_form(o);
	if (info_key.given)
		(void)snprintf(info_key.text, sizeof(info_key.text), "%s", o->argv[0]);
	look_at_system(info_print);
}

void verb_dmesg(struct shell *sh, const struct options *o)
{
	shell_busy(sh, NULL);
	term_dmesg(o->count['c'] != 0);
}

void verb_echo(struct shell *sh, const struct options *o)
{
	(void)sh;
	for (int i = 0; i < o->argc; i++) {
		out_str(&term_out, i ? " " : "");
		out_str(&term_out, o->argv[i]);
	}
	out_str(&term_out, "\n");
}

void verb_help(struct shell *sh, const struct options *o)
{
	if (verb_print_help(&term_out, o->argc ? o->argv[0] : NULL))
		shell_fail(sh, "help: no command named '%.60s'\n", o->argv[0]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_info.c - verbs that show something: list, info, uptime, vcpu-list, dmesg, help
 *
 * Objects     the table that waits for statistics of VMMs: its rows and options.
 * Lifecycle   a handler asks for statistics; the table is printed when they are there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "client/host.h"
#include "client/services.h"
#include "client/xenstore.h"
#include "guest/build.h"
#include "guest/guest_pool.h"
#include "guest/life.h"
#include "guest/restart.h"
#include "guest/vmctl.h"
#include "shell/format.h"
#include "shell/shell.h"
#include "shell/term.h"
#include "shell/verbs.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum { NAMES_MAX = 64, REFUSALS_WAIT_MS = 500 };

static struct {
	bool verbose, host, all;
	uint32_t n;
	uint32_t domid[NAMES_MAX];
} table;

/*
 * The domains that the arguments name; all if there are no arguments. False: one does not
 * exist.
 */
static bool domains_choose(struct shell *sh, const struct options *o)
{
	struct dom *d;
	struct msg m;

	table.n = 0;
	table.host = table.all = o->argc == 0;
	for (int i = 0; i < o->argc && i < NAMES_MAX; i++) {
		if (domtab_is_host(o->argv[i])) {
			table.host = true;
			continue;
		}
		d = domtab_find(&guests, o->argv[i], &m);
		if (!d) {
			shell_fail(sh, "%s\n", m.text);
			return false;
		}
		table.domid[table.n++] = d->domid;
	}
	return true;
}

static bool domain_chosen(const struct dom *d)
{
	for (uint32_t i = 0; !table.all && i < table.n; i++)
		if (table.domid[i] == d->domid)
			return true;
	return table.all;
}

static uint64_t vcpu_ns(const struct guest *g, uint32_t i)
{
	uint64_t ticks = 0, waited;
	uint32_t cpu;

	if (!g->sched[i]) /* it does not run any more, or never did */
		ticks = g->ran[i];
	else if (sk_sched_stats(g->sched[i], &ticks, &waited, &cpu))
		return 0;
	return clock_ticks_to_ns(ticks);
}

/* ---- list ---- */

static void list_host(void)
{
	static const uint8_t uuid[UUID_SIZE];
	struct list_row r = {
		.name = "Domain-0", .vcpus = sys_info()->n_cpus, .running = true, .uuid = uuid
	};

	host_usage(&r.memory, &r.cpu_ns);
	format_list_row(&term_out, &r, table.verbose);
}

static void list_guest(const struct dom *d)
{
	const struct guest *g = guest_of(d);
	bool any_running = false, live = d->state == DOM_LIVE && !d->paused;
	struct list_row r = {
		.name = d->name, .domid = d->domid, .uuid = d->uuid, .reason = d->reason
	};

	for (uint32_t i = 0; i < g->stats.n_vcpus; i++) {
		any_running = any_running || g->stats.vcpu[i].state == 0;
		r.vcpus += g->stats.vcpu[i].state != 2;
	}
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++)
		r.cpu_ns += vcpu_ns(g, i);
	if (!g->stats.n_vcpus)
		r.vcpus = d->config->vcpus;
	r.memory = guest_holds(g);
	r.running = live && any_running;
	r.blocked = live && !any_running;
	r.paused = d->paused || d->state == DOM_BUILDING;
	r.shutdown = d->state == DOM_DOWN;
	r.dying = d->state == DOM_DYING || d->state == DOM_LEAVING;
	format_list_row(&term_out, &r, table.verbose);
}

/* A resting guest has no memory and no vCPUs; its number is that of the guest before it. */
static void list_resting(const struct dom *d)
{
	const struct list_row r = {
		.name = d->name, .domid = d->domid, .uuid = d->uuid, .reason = d->reason
	};

	format_list_row(&term_out, &r, table.verbose);
}

/* Below the table, so that the rows are as scripts expect them. */
static void list_why_resting(void)
{
	uint64_t now = clock_ns();

	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (domain_chosen(d) && d->state == DOM_RESTING)
			format_resting(&term_out, d->name, d->short_lives, RESTART_LIFE_S,
				d->due_ns > now ? (d->due_ns - now + 999999999) / 1000000000
						: 0);
}

static void list_given_up(void)
{
	for (int s = 0; s < SERVICE_COUNT; s++)
		if (service_given_up((enum service)s))
			format_given_up(&term_out, host_service_name((enum service)s));
}

static void list_print(void)
{
	format_list_head(&term_out, table.verbose);
	if (table.host)
		list_host();
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid)) {
		if (!domain_chosen(d))
			continue;
		if (d->state == DOM_RESTING)
			list_resting(d);
		else if (guest_of(d))
			list_guest(d);
	}
	list_why_resting();
	list_given_up();
	shell_done(the_shell);
}

static void list_json_print(void)
{
	bool first = !table.host;
	struct guest_facts f;

	out_str(&term_out, "[");
	if (table.host) {
		out_str(&term_out, "\n");
		format_host_json(&term_out, host_domain_counted);
	}
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid)) {
		if (!domain_chosen(d))
			continue;
		out_str(&term_out, first ? "\n" : ",\n");
		if (guest_of(d))
			guest_facts(guest_of(d), &f);
		format_config_json(&term_out, d->domid, d->config, guest_of(d) ? &f : NULL);
		first = false;
	}
	out_str(&term_out, "\n]\n");
	shell_done(the_shell);
}

/*
 * What xenstore refused each guest, from its answer "DOMID: N nodes, N bytes, N refused...". A
 * guest that xenstore does not know was refused nothing.
 */
static uint32_t refused_parse(const char *text)
{
	const char *bytes = strchr(text, ',');
	const char *refused = bytes ? strchr(bytes + 1, ',') : NULL;

	return refused ? (uint32_t)strtoul(refused + 1, NULL, 10) : 0;
}

/* The `list -l` that waits: its number, and how many answers are still to come. */
static struct {
	uint32_t list, to_come;
	struct svc_timer timer;
} refusals;

/*
 * All answers have come, or it takes too long, or the user has left. A late answer is not
 * counted, because the next list has another number.
 */
static void refusals_end(void)
{
	refusals.list++;
	refusals.to_come = 0;
	svc_timer_set(&refusals.timer, SK_NO_DEADLINE);
}

static void refusals_late(void *ctx)
{
	(void)ctx;
	refusals_end();
	list_json_print();
}

static void refused_answer(void *ctx, int err, const char *data, uint32_t len)
{
	uint64_t list_and_domid = (uintptr_t)ctx;
	struct dom *d = domtab_get(&guests, (uint32_t)list_and_domid);

	(void)len;
	if (d && guest_of(d))
		guest_of(d)->refused = err ? 0 : refused_parse(data);
	if (list_and_domid >> 32 == refusals.list && --refusals.to_come == 0)
		refusals_late(NULL);
}

static void refused_ask(uint32_t domid)
{
	char number[16];
	void *ctx = (void *)(uintptr_t)((uint64_t)refusals.list << 32 | domid);

	snprintf(number, sizeof(number), "%u", domid);
	if (!xs_request_texts(XS_CONTROL, refused_answer, ctx, "quota", number, NULL))
		refusals.to_come++;
}

/* The VMMs have answered, or time is up: ask xenstore next. */
static void list_json_go_on(void)
{
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (domain_chosen(d) && guest_of(d))
			refused_ask(d->domid);
	refusals.timer.fn = refusals_late;
	svc_timer_set(&refusals.timer, svc_in_ms(REFUSALS_WAIT_MS));
	if (!refusals.to_come)
		refusals_late(NULL);
}

static void list_cancel(void)
{
	vmctl_stats_cancel();
	refusals_end();
}

void verb_list(struct shell *sh, const struct options *o)
{
	if (!domains_choose(sh, o))
		return;
	table.verbose = o->count['v'] != 0;
	if (o->count['l']) {
		shell_busy(sh, list_cancel);
		vmctl_stats_ask(list_json_go_on);
		return;
	}
	shell_busy(sh, vmctl_stats_cancel);
	vmctl_stats_ask(list_print);
}

/* ---- vcpu-list ---- */

/*
 * A row for each CPU, with the time of the host's own domains there. They do not move between
 * CPUs.
 */
static void vcpus_host(void)
{
	struct vcpu_row r = { .name = "Domain-0", .online = true };
	uint64_t ran[SK_CPU_MAX] = { 0 }, ticks, waited;
	struct host_row h;
	uint32_t here = 0;

	for (uint32_t i = 0; host_domain(i, &h); i++)
		if (h.cpu < SK_CPU_MAX)
			ran[h.cpu] += h.cpu_ns;
	(void)sk_sched_stats(SK_CAP_SCHED, &ticks, &waited, &here);
	for (r.vcpu = 0; r.vcpu < sys_info()->n_cpus && r.vcpu < SK_CPU_MAX; r.vcpu++) {
		r.cpu = r.vcpu;
		r.running = r.cpu == here; /* at least this domain does */
		r.blocked = !r.running;
		r.cpu_ns = ran[r.cpu];
		format_vcpu_row(&term_out, &r);
	}
}

static void vcpus_guest(const struct dom *d)
{
	const struct guest *g = guest_of(d);
	struct vcpu_row r = { .name = d->name, .domid = d->domid };
	const struct vmctl_vcpu_stats *s;

	for (r.vcpu = 0; r.vcpu < d->config->maxvcpus; r.vcpu++) {
		s = &g->stats.vcpu[r.vcpu];
		r.online = r.vcpu < g->stats.n_vcpus && s->state != 2;
		r.running = s->state == 0 && !d->paused;
		r.blocked = s->state == 1;
		r.cpu = s->cpu;
		r.cpu_ns = vcpu_ns(g, r.vcpu);
		format_vcpu_row(&term_out, &r);
	}
}

static void vcpus_print(void)
{
	format_vcpu_head(&term_out);
	if (table.host)
		vcpus_host();
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (domain_chosen(d) && guest_of(d))
			vcpus_guest(d);
	shell_done(the_shell);
}

void verb_vcpu_list(struct shell *sh, const struct options *o)
{
	if (!domains_choose(sh, o))
		return;
	shell_busy(sh, vmctl_stats_cancel);
	vmctl_stats_ask(vcpus_print);
}

/* ---- the rest ---- */

void verb_uptime(struct shell *sh, const struct options *o)
{
	bool brief = o->count['s'] != 0;
	uint64_t wall = host_wall_seconds(), now = clock_ns();

	if (!domains_choose(sh, o))
		return;
	if (!brief)
		format_uptime_head(&term_out);
	if (table.host)
		format_uptime_row(&term_out, "Domain-0", 0, now / 1000000000ull, brief, wall);
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (domain_chosen(d) && guest_of(d))
			format_uptime_row(&term_out, d->name, d->domid,
				(now - guest_of(d)->start_ns) / 1000000000ull, brief, wall);
}

void verb_vm_list(struct shell *sh, const struct options *o)
{
	(void)sh;
	(void)o;
	format_vm_head(&term_out);
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (guest_of(d))
			format_vm_row(&term_out, d->uuid, d->domid, d->name);
}

void verb_info(struct shell *sh, const struct options *o)
{
	struct host_info h;

	(void)sh;
	host_info(&h);
	h.total_memory += guest_pool.total;
	h.free_memory = guest_pool.free;
	format_info(&term_out, &h, o->argc ? o->argv[0] : NULL);
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

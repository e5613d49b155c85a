/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_top.c - top: a table of guests that is shown again and again
 *
 * Objects     the options; the table that is being made; the CPU times of the last one.
 * Lifecycle   each table asks control for new figures, then for each guest, and prints its row
 *             when the answer is there. Between two tables runs a timer. Keys, or ^C, change
 *             the options or end it.
 */
#include <string.h>

#include "cli/format_top.h"
#include "cli/look.h"
#include "cli/number.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "svc/svc.h"
#include "sys/clock.h"

enum { DELAY_S = 3, NUMBER_MAX = 1000000 };

static struct {
	bool batch, nets, vbds, vcpus, repeat, full;
	uint32_t delay_s;
	uint32_t left; /* tables to come; 0: no end */

	bool waits; /* for the next table */
	struct svc_timer next;
	bool head;   /* this table has its head */
	uint32_t at; /* the guest whose row comes next */

	struct used {
		uint32_t domid;
		uint64_t cpu_ns;
	} last[CTL_GUESTS_MAX + 1], now[CTL_GUESTS_MAX + 1];
	uint32_t n_last, n_now;
	uint64_t last_ns, now_ns; /* when */
} top;

/* ---- a row ---- */

/* Of one CPU, since the last table. */
static double cpu_percent(uint32_t domid, uint64_t cpu_ns)
{
	top.now[top.n_now++] = (struct used){ domid, cpu_ns };
	for (uint32_t i = 0; i < top.n_last; i++)
		if (top.last[i].domid == domid && top.now_ns > top.last_ns &&
			cpu_ns > top.last[i].cpu_ns)
			return 100.0 * (double)(cpu_ns - top.last[i].cpu_ns) /
			       (double)(top.now_ns - top.last_ns);
	return 0;
}

/* has: NULL: the host. */
static void row_print(const struct list_row *l, const struct ctl_guest *has)
{
	const struct top_row r = { .list = *l,
		.cpu_percent = cpu_percent(l->domid, l->cpu_ns),
		.total_memory = look_system.host_memory + look_system.guest_memory,
		.has = has };

	if (!top.head || top.repeat)
		format_top_head(&term_out);
	top.head = true;
	format_top_row(&term_out, &r, top.full);
}

static void guest_next(void);

static void guest_known(const void *body, uint32_t len)
{
	const struct ctl_dom *d = &look.dom[top.at++];
	static struct ctl_guest g;
	struct list_row r;

	if (body && len == sizeof(g) &&
		list_row_guest(d, &r)) { /* it has not ended meanwhile */
		memcpy(&g, body, sizeof(g));
		row_print(&r, &g);
		if (top.vcpus)
			format_top_vcpus(&term_out, d);
		if (top.nets)
			format_top_nets(&term_out, &g);
		if (top.vbds)
			format_top_vbds(&term_out, &g);
	}
	guest_next();
}

/* ---- a table ---- */

static void show_begin(void);

static void show_due(void *ctx)
{
	(void)ctx;
	top.waits = false;
	show_begin();
}

static void pause_leave(void)
{
	top.waits = false;
	svc_timer_set(&top.next, SK_NO_DEADLINE);
}

static void show_end(void)
{
	memcpy(top.last, top.now, sizeof(top.last));
	top.n_last = top.n_now;
	top.last_ns = top.now_ns;
	if (!top.batch)
		out_str(&term_out, "  Networks  vBds  VCPUs  Repeat header  Quit\n");
	if (top.left && --top.left == 0) {
		shell_done(the_shell);
		return;
	}
	top.waits = true;
	top.next.fn = show_due;
	svc_timer_set(&top.next, svc_in_ms(top.delay_s * 1000));
	shell_busy(the_shell, pause_leave);
}

static void guest_next(void)
{
	if (term_pending() > TERM_HIGH) {
		shell_on_room(guest_next);
		return;
	}
	while (top.at < look.n && !(look.dom[top.at].flags & CTL_DOM_THERE))
		top.at++;
	if (top.at < look.n)
		verb_try(CTL_DESCRIBE, &look.dom[top.at].domid, sizeof(uint32_t), guest_known);
	else
		show_end();
}

/* Above the table, on a clear screen. */
static void summary_print(void)
{
	struct top_count n = { 0 };
	struct list_row r;

	list_row_host(&look_system, &r);
	format_top_count(&n, &r);
	for (uint32_t i = 0; i < look.n; i++)
		if (look.dom[i].flags & CTL_DOM_THERE && list_row_guest(&look.dom[i], &r))
			format_top_count(&n, &r);
	out_str(&term_out, "\x1b[H\x1b[2J");
	format_top_summary(&term_out, &n, &look_system, sys_info()->tsc_hz);
}

static void system_known(void)
{
	struct list_row host;

	top.now_ns = look_system.up_ns;
	top.n_now = top.at = 0;
	top.head = false;
	if (!top.batch)
		summary_print();
	list_row_host(&look_system, &host);
	row_print(&host, NULL);
	guest_next();
}

static void guests_known(void) { look_at_system(system_known); }

static void show_begin(void) { look_at_guests_anew(false, guests_known); }

/* ---- keys and options ---- */

static void key_pressed(uint8_t byte)
{
	switch (byte | 0x20) {
	case 'n':
		top.nets = !top.nets;
		break;
	case 'b':
		top.vbds = !top.vbds;
		break;
	case 'v':
		top.vcpus = !top.vcpus;
		break;
	case 'r':
		top.repeat = !top.repeat;
		break;
	case 'q':
		shell_cut(the_shell);
		return;
	default: /* shows new figures */
		break;
	}
	if (top.waits) {
		pause_leave();
		show_begin();
	}
}

/* The value of an option that is a number from 1 on. False: the user has been told. */
static bool value_take(struct shell *sh, const struct options *o, char letter, uint32_t *to)
{
	const char *text = o->value[(int)letter];

	if (!text || (number_parse(text, NUMBER_MAX, to) == 0 && *to))
		return true;
	shell_fail(sh, "top: -%c '%.20s' is not a number from 1 to %d\n", letter, text,
		NUMBER_MAX);
	return false;
}

void verb_top(struct shell *sh, const struct options *o)
{
	memset(&top, 0, sizeof(top));
	top.delay_s = DELAY_S;
	if (!value_take(sh, o, 'd', &top.delay_s) || !value_take(sh, o, 'i', &top.left))
		return;
	top.batch = o->count['b'] != 0;
	top.nets = o->count['n'] != 0;
	top.vbds = o->count['x'] != 0;
	top.vcpus = o->count['v'] != 0;
	top.repeat = o->count['r'] != 0;
	top.full = o->count['f'] != 0;
	shell_busy(sh, NULL);
	if (!top.batch)
		shell_on_key(sh, key_pressed);
	show_begin();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_top.c - top: a table of guests that is shown again and again
 *
 * Objects     the options; the table that is being made; the CPU times of the last one.
 * Lifecycle   each table asks control for new figures, then for each guest, and prints its row
 *             when the answer is there. Between two tables runs a timer. Keys, or ^C, change
 *             the options or end it.
 */
#include <stdlib.h>
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

/* X(name, word of -s) */
#define TOP_ORDERS(X) \
	X(ID, "id") \
	X(NAME, "name") X(CPU, "cpu") X(TIME, "time") X(MEM, "mem") X(VCPUS, "vcpus")
#define X(sym, word) ORDER_##sym,
enum top_order { TOP_ORDERS(X) ORDER_END };
#undef X
#define X(sym, word) word,
static const char *const orders[] = { TOP_ORDERS(X) };
#undef X

static struct {
	bool batch, nets, vbds, vcpus, repeat, full;
	enum table_form form;
	enum top_order order;
	uint32_t delay_s;
	uint32_t left; /* tables to come; 0: no end */

	bool waits; /* for the next table */
	struct svc_timer next;
	struct table rows; /* of the table that is being made */
	bool head;         /* it has its head */
	/*
	 * The guests of this table, by their places in `look`, and the one whose row comes
	 * next.
	 */
	struct place {
		uint32_t at;
		double cpu_percent;
	} place[CTL_GUESTS_MAX];
	uint32_t n, at;

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
static void row_print(const struct list_row *l, double percent, const struct ctl_guest *has)
{
	const struct top_row r = { .list = *l,
		.cpu_percent = percent,
		.total_memory = look_system.host_memory + look_system.guest_memory,
		.has = has };

	if (!top.head || top.repeat)
		format_top_head(&top.rows);
	top.head = true;
	format_top_row(&top.rows, &r, top.full);
}

/* ---- their order ---- */

static int numbers_compare(double a, double b) { return (a < b) - (a > b); }

/* The greatest first, names and numbers of guests excepted. */
static int places_compare(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	const struct ctl_dom *d = &look.dom[p->at], *e = &look.dom[q->at];
	struct list_row r = { 0 }, s = { 0 };
	int c = 0;

	(void)list_row_guest(d, &r);
	(void)list_row_guest(e, &s);
	switch (top.order) {
	case ORDER_NAME:
		c = strcmp(d->name, e->name);
		break;
	case ORDER_CPU:
		c = numbers_compare(p->cpu_percent, q->cpu_percent);
		break;
	case ORDER_TIME:
		c = numbers_compare((double)r.cpu_ns, (double)s.cpu_ns);
		break;
	case ORDER_MEM:
		c = numbers_compare((double)r.memory, (double)s.memory);
		break;
	case ORDER_VCPUS:
		c = numbers_compare(r.vcpus, s.vcpus);
		break;
	default:
		break;
	}
	return c ? c : (d->domid > e->domid) - (d->domid < e->domid);
}

static void guests_order(void)
{
	struct list_row r;

	top.n = 0;
	for (uint32_t i = 0; i < look.n; i++)
		if (look.dom[i].flags & CTL_DOM_THERE && list_row_guest(&look.dom[i], &r))
			top.place[top.n++] = (struct place){ i,
				cpu_percent(r.domid, r.cpu_ns) };
	qsort(top.place, top.n, sizeof(top.place[0]), places_compare);
}

/* ---- rows ---- */

static void guest_next(void);

static void guest_known(const void *body, uint32_t len)
{
	const struct place *p = &top.place[top.at++];
	const struct ctl_dom *d = &look.dom[p->at];
	static struct ctl_guest g;
	struct list_row r;

	if (body && len == sizeof(g) &&
		list_row_guest(d, &r)) { /* it has not ended meanwhile */
		memcpy(&g, body, sizeof(g));
		row_print(&r, p->cpu_percent, &g);
		if (top.vcpus)
			format_top_vcpus(&top.rows, d);
		if (top.nets)
			format_top_nets(&top.rows, &g);
		if (top.vbds)
			format_top_vbds(&top.rows, &g);
		format_top_row_end(&top.rows);
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
	table_end(&top.rows);
	if (!top.batch)
		out_fmt(&term_out,
			"  Networks  vBds  VCPUs  Repeat header  Sort order (%s)  Quit\n",
			orders[top.order]);
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
	if (top.at < top.n)
		verb_try(CTL_DESCRIBE, &look.dom[top.place[top.at].at].domid, sizeof(uint32_t),
			guest_known);
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
	table_begin(&top.rows, &term_out, top.form);
	row_print(&host, cpu_percent(host.domid, host.cpu_ns), NULL);
	format_top_row_end(&top.rows);
	guests_order();
	guest_next();
}

static void guests_known(void) { look_at_system(system_known); }

static void show_begin(void) { look_at_guests_anew(guests_known); }

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
	case 's':
		top.order = (top.order + 1) % ORDER_END;
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

/* False: the user has been told. */
static bool order_take(struct shell *sh, const char *name)
{
	if (!name)
		return true;
	for (uint32_t i = 0; i < ORDER_END; i++) {
		if (strcmp(name, orders[i]) == 0) {
			top.order = (enum top_order)i;
			return true;
		}
	}
	shell_fail(sh, "top: -s '%.20s' is no order; id, name, cpu, time, mem and vcpus are\n",
		name);
	return false;
}

void verb_top(struct shell *sh, const struct options *o)
{
	memset(&top, 0, sizeof(top));
	top.delay_s = DELAY_S;
	if (!value_take(sh, o, 'd', &top.delay_s) || !value_take(sh, o, 'i', &top.left) ||
		!order_take(sh, o->value['s']))
		return;
	top.form = verb_form(o);
	top.batch = o->count['b'] || top.form == TABLE_JSON;
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

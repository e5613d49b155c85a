/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_guest.c - verbs that do something to guests
 *
 * Objects     the guests that the running verb asks something of, one after the other, and the
 *             request that waits until they are down.
 * Lifecycle   a handler asks; answers and notes of control end the verb.
 */
#include <string.h>

#include "base/array.h"
#include "config/guest_cfg.h"
#include "client/ask.h"
#include "cli/look.h"
#include "cli/number.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

/* ---- one request about one guest ---- */

static void domid_ask(enum ctl_op op, uint32_t domid)
{
	verb_ask(op, &domid, sizeof(domid), NULL, NULL);
}

static void number_ask(
	enum ctl_op op, const struct ctl_dom *d, uint64_t value, const char *name)
{
	const struct ctl_number n = { .domid = d->domid, .value = value };

	verb_ask(op, &n, sizeof(n), name, NULL);
}

static void guest_ask_simple(struct shell *sh, enum ctl_op op, const char *who)
{
	const struct ctl_dom *d = look_guest(sh, who);

	if (d)
		domid_ask(op, d->domid);
}

void verb_pause(struct shell *sh, const struct options *o)
{
	guest_ask_simple(sh, CTL_PAUSE, o->argv[0]);
}

void verb_unpause(struct shell *sh, const struct options *o)
{
	guest_ask_simple(sh, CTL_UNPAUSE, o->argv[0]);
}

/* ---- keys and buttons ---- */

void verb_sysrq(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	const char *key = o->argv[1];

	if (!d)
		return;
	if (strlen(key) != 1)
		shell_fail(sh,
			"sysrq: '%.20s' is not one letter; h shows those that there are\n",
			key);
	else
		number_ask(CTL_SYSRQ, d, (uint8_t)key[0], "sysrq");
}

static void nmi_send(struct shell *sh, const struct ctl_dom *d, const char *vcpu)
{
	uint32_t n = 0;

	if (vcpu && (number_parse(vcpu, UINT32_MAX, &n) || n >= d->maxvcpus))
		shell_fail(sh, "trigger: domain %u has no vCPU '%.20s'\n", d->domid, vcpu);
	else
		number_ask(CTL_NMI, d, n, "trigger");
}

void verb_trigger(struct shell *sh, const struct options *o)
{
	static const struct {
		const char *name, *instead;
	} buttons[] = {
		{ "power", "use `shutdown`" },
		{ "sleep", "use `pause`" },
		{ "reset", "use `reboot`, or `destroy` and `create`" },
		{ "init", "use `destroy` and `create`" },
		{ "s3resume", "it never sleeps" },
	};
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	const char *name = o->argv[1];

	if (!d)
		return;
	if (strcmp(name, "nmi") == 0) {
		nmi_send(sh, d, o->argc > 2 ? o->argv[2] : NULL);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(buttons); i++) {
		if (strcmp(name, buttons[i].name) == 0) {
			shell_fail(sh, "trigger: a pvh guest has no %s trigger; %s\n", name,
				buttons[i].instead);
			return;
		}
	}
	shell_fail(sh, "Invalid trigger \"%.20s\"\n", name);
}

/* ---- names ---- */

void verb_domid(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_find(o->argv[0]);

	if (look_is_host(o->argv[0]))
		out_str(&term_out, "0\n");
	else if (d)
		out_fmt(&term_out, "%u\n", d->domid);
	else
		shell_fail(sh,
			"Can't get domid of domain name '%.64s', maybe this domain does not exist.\n",
			o->argv[0]);
}

void verb_domname(struct shell *sh, const struct options *o)
{
	const char *who = o->argv[0];
	const struct ctl_dom *d;

	if (!*who || who[strspn(who, "0123456789")]) {
		shell_fail(sh, "Invalid domain id.\n");
		return;
	}
	d = look_find(who);
	if (look_is_host(who))
		out_str(&term_out, "Domain-0\n");
	else if (d)
		out_fmt(&term_out, "%s\n", d->name);
	else
		shell_fail(sh,
			"Can't get domain name of domain id '%.20s', maybe this domain does not exist.\n",
			who);
}

void verb_rename(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	struct ctl_rename r = { .domid = 0 };
	struct msg m;

	if (!d)
		return;
	if (guest_name_check(o->argv[1], &m)) {
		shell_fail(sh, "rename: %s\n", m.text);
		return;
	}
	r.domid = d->domid;
	strcpy(r.name, o->argv[1]);
	verb_ask(CTL_RENAME, &r, sizeof(r), "rename", NULL);
}

/* ---- consoles ---- */

static uint32_t console_wanted;

static void console_there(const void *body, uint32_t len)
{
	(void)body;
	(void)len;
	shell_attach(the_shell, console_wanted);
}

/* A guest that has ended is known by the number or the name that it had. */
static void console_log(struct shell *sh, const char *who)
{
	const struct ctl_dom *d = look_find(who);
	uint32_t domid = d ? d->domid : 0;

	if (!d && number_parse(who, UINT32_MAX, &domid))
		domid = 0;
	if (look_is_host(who)) {
		shell_fail(sh, "console: the log of the host is `dmesg`\n");
		return;
	}
	shell_busy(sh, NULL);
	term_recall(domid, d ? d->name : who);
}

void verb_console(struct shell *sh, const struct options *o)
{
	const char *type = o->value['t'], *number = o->value['n'];
	const struct ctl_dom *d;

	if ((type && strcmp(type, "pv") != 0) || (number && strcmp(number, "0") != 0)) {
		shell_fail(sh, "console: a guest has one console: type pv, number 0\n");
		return;
	}
	if (o->count['l']) {
		console_log(sh, o->argv[0]);
		return;
	}
	d = look_guest(sh, o->argv[0]);
	if (!d)
		return;
	console_wanted = d->domid;
	verb_ask(
		CTL_CONSOLE, &console_wanted, sizeof(console_wanted), "console", console_there);
}

/* ---- going down ---- */

/*
 * What the running verb asks of guests, one after the other, and whether it then waits. The
 * request that waits is made first, so that it misses nothing.
 */
static struct {
	enum ctl_op op;
	uint32_t wait_id; /* 0: nothing is waited for any more */
	bool reporting;   /* print a line for each guest that is down, as xl does */
	uint32_t n, at;
	uint32_t domid[CTL_GUESTS_MAX];
} down;

static void down_leave(void)
{
	verb_leave();
	ask_leave(down.wait_id);
	down.wait_id = 0;
}

static void down_over(void *ctx, int status, const void *body, uint32_t len)
{
	(void)ctx;
	(void)len;
	down.wait_id = 0;
	if (status)
		shell_refused(the_shell, NULL, status, body);
	if (down.at == down.n && !verb_asks()) /* a guest may end before it is asked to */
		shell_done(the_shell);
}

static void down_note(void *ctx, enum ctl_kind kind, const void *body)
{
	const struct ctl_news *n = body;

	(void)ctx;
	if (kind == CTL_NOTE_TEXT)
		shell_fail(the_shell, "%s\n", (const char *)body);
	else if (down.reporting && kind == CTL_NOTE_GONE)
		shell_print(the_shell, "Domain %u has been destroyed\n", n->domid);
	else if (down.reporting)
		shell_print(the_shell, "Domain %u has been shut down, reason code %u\n",
			n->domid, n->reason);
}

static void down_wait(bool gone_only)
{
	struct ctl_wait w = { .n = down.n, .gone_only = gone_only };

	memcpy(w.domid, down.domid, down.n * sizeof(w.domid[0]));
	down.wait_id = ask_send(&(struct ask){ .op = CTL_WAIT,
		.body = &w,
		.len = sizeof(w),
		.fn = down_over,
		.note = down_note });
}

static void down_next(const void *body, uint32_t len)
{
	(void)body;
	(void)len;
	if (down.at < down.n) {
		uint32_t domid = down.domid[down.at++];

		verb_ask(down.op, &domid, sizeof(domid), NULL, down_next);
		if (down.wait_id && shell_is_busy(the_shell))
			shell_busy(the_shell, down_leave);
	} else if (!down.wait_id) {
		shell_done(the_shell);
	}
}

void verb_destroy(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);

	if (!d)
		return;
	down.op = CTL_DESTROY;
	down.n = 1;
	down.at = 0;
	down.domid[0] = d->domid;
	down.reporting = false;
	down_wait(true);
	down_next(NULL, 0);
}

static void down_add(struct shell *sh, const struct ctl_dom *d)
{
	if (d->state != DOM_LIVE) {
		shell_fail(sh, "domain %u does not run\n", d->domid);
		return;
	}
	shell_print(sh, "%s domain %u\n", down.op == CTL_REBOOT ? "Rebooting" : "Shutting down",
		d->domid);
	down.domid[down.n++] = d->domid;
}

static void guests_ask_down(struct shell *sh, const struct options *o, enum ctl_op op)
{
	const struct ctl_dom *d;

	if (!o->argc && !o->count['a']) {
		shell_fail(sh, "You must specify -a or a domain id.\n");
		return;
	}
	down.op = op;
	down.n = down.at = 0;
	if (o->count['a']) {
		for (d = look.dom; d < look.dom + look.n; d++)
			if (d->state == DOM_LIVE)
				down_add(sh, d);
	} else {
		d = look_guest(sh, o->argv[0]);
		if (d)
			down_add(sh, d);
	}
	if (!down.n)
		return;
	down.reporting = o->count['w'] != 0;
	if (down.reporting) {
		shell_print(sh, "Waiting for %u domains\n", down.n);
		down_wait(o->count['w'] > 1);
	}
	down_next(NULL, 0);
}

void verb_shutdown(struct shell *sh, const struct options *o)
{
	guests_ask_down(sh, o, CTL_SHUTDOWN);
}

void verb_reboot(struct shell *sh, const struct options *o)
{
	guests_ask_down(sh, o, CTL_REBOOT);
}

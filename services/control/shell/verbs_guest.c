/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_guest.c - verbs that do something to guests
 *
 * Objects     the verb that goes on: a creation, or waiting for guests to go down.
 * Lifecycle   a handler starts; the end of its wait is reported by a callback or the listener.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "client/host.h"
#include "client/xenstore.h"
#include "config/guest_json.h"
#include "guest/connect.h"
#include "guest/creation.h"
#include "guest/life.h"
#include "guest/listen.h"
#include "guest/vmctl.h"
#include "shell/format.h"
#include "shell/shell.h"
#include "shell/term.h"
#include "shell/verbs.h"
#include "shell/verbs_script.h"

struct dom *guest_by_name(struct shell *sh, const char *who)
{
	struct msg m;
	struct dom *d;

	if (domtab_is_host(who)) {
		shell_fail(sh, "Domain-0 is the host itself; name a guest\n");
		return NULL;
	}
	d = domtab_find(&guests, who, &m);
	if (!d)
		shell_fail(sh, "%s\n", m.text);
	return d;
}

/* ---- create ---- */

static struct {
	bool attach;
	uintptr_t number; /* of the creation that the shell waits for */
} creation;

static void creation_ended(void *ctx, uint32_t domid, const char *text)
{
	struct shell *sh = the_shell;

	if ((uintptr_t)ctx != creation.number)
		return;
	if (text) {
		shell_fail(sh, "create: %s\n", text);
		shell_done(sh);
	} else if (creation.attach) {
		shell_attach(sh, domid);
	} else {
		shell_done(sh);
	}
}

/* What a guest would be, as xl's dry run prints it. */
static void describe(const struct guest_config *g)
{
	struct json j = json_object(&term_out, 0);

	guest_json(&j, g);
	json_close(&j, '}');
	out_str(&term_out, "\n");
}

/* ^C: the creation goes on, but no verb waits for it. */
static void creation_left(void) { creation.number++; }

void verb_create(struct shell *sh, const struct options *o)
{
	const char *file = o->value['f'];
	enum create_how how;
	int first = 0;
	struct msg m;

	if (!file && o->argc) {
		file = o->argv[0];
		first = 1;
	}
	if (!file) {
		shell_fail(sh, "create: name a configuration file, such as web.cfg\n");
		return;
	}
	if (shell_is_busy(sh))
		return;
	how = o->count['n'] || o->count['N'] ? CREATE_TRY
	      : o->count['p']                ? CREATE_PAUSED
					     : CREATE_RUN;
	creation.attach = o->count['c'] && how != CREATE_TRY;
	creation.number++;
	if (!o->count['q'])
		shell_print(sh, "Parsing config from %s\n", file);
	shell_busy(sh, creation_left);
	if (creation_from_file(&(struct creation_request){ .file = file,
				       .overrides = o->argv + first,
				       .n_overrides = o->argc - first,
				       .how = how,
				       .mistakes = &term_messages,
				       .remarks = &term_messages,
				       .describe = describe,
				       .fn = creation_ended,
				       .ctx = (void *)creation.number },
		    &m)) {
		shell_fail(sh, "create: %s\n", m.text);
		shell_done(sh);
	}
}

/* ---- pause ---- */

/*
 * The guest that the user named, if it runs or is paused. NULL: it does not, and the user has
 * been told so.
 */
static struct dom *live_guest_by_name(struct shell *sh, const char *who)
{
	struct dom *d = guest_by_name(sh, who);

	if (!d || d->state == DOM_LIVE)
		return d;
	shell_fail(sh, "domain %u does not run\n", d->domid);
	return NULL;
}

void verb_pause(struct shell *sh, const struct options *o)
{
	struct dom *d = live_guest_by_name(sh, o->argv[0]);

	if (d)
		guest_pause(d);
}

void verb_unpause(struct shell *sh, const struct options *o)
{
	struct dom *d = live_guest_by_name(sh, o->argv[0]);

	if (d)
		guest_unpause(d);
}

/* ---- keys and buttons ---- */

void verb_sysrq(struct shell *sh, const struct options *o)
{
	struct dom *d = live_guest_by_name(sh, o->argv[0]);
	const char *key = o->argv[1];
	char path[64];

	if (!d)
		return;
	if (strlen(key) != 1) {
		shell_fail(sh,
			"sysrq: '%.20s' is not one letter; h shows those that there are\n",
			key);
		return;
	}
	snprintf(path, sizeof(path), "/local/domain/%u/control/sysrq", d->domid);
	if (xs_write_value(path, key, 1, NULL, NULL))
		shell_fail(sh, "sysrq: control has no memory for the request; try again\n");
}

static void nmi_send(struct shell *sh, struct dom *d, const char *vcpu)
{
	char *end = NULL;
	unsigned long n = vcpu ? strtoul(vcpu, &end, 10) : 0;

	if (vcpu && (end == vcpu || *end || n >= d->config->maxvcpus))
		shell_fail(sh, "trigger: domain %u has no vCPU '%.20s'\n", d->domid, vcpu);
	else if (vmctl_send(guest_of(d), VMCTL_NMI, (uint32_t)n))
		shell_fail(sh, "trigger: the VMM of domain %u does not listen; try again\n",
			d->domid);
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
	struct dom *d = live_guest_by_name(sh, o->argv[0]);
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

/* ---- destroy, names ---- */

static struct dom_wait awaited;
/* Print a line for each guest that is down, as xl does. */
static bool reporting;

static void stop_waiting(void)
{
	awaited.n = 0;
	reporting = false;
}

void verb_destroy(struct shell *sh, const struct options *o)
{
	struct dom *d = guest_by_name(sh, o->argv[0]);

	if (!d)
		return;
	awaited = (struct dom_wait){ .gone_only = true };
	wait_add(&awaited, d->domid);
	shell_busy(sh, stop_waiting);
	dom_destroy(&guests, d);
}

void verb_domid(struct shell *sh, const struct options *o)
{
	struct dom *d;
	struct msg m;

	if (domtab_is_host(o->argv[0])) {
		out_str(&term_out, "0\n");
		return;
	}
	d = domtab_find(&guests, o->argv[0], &m);
	if (d)
		out_fmt(&term_out, "%u\n", d->domid);
	else
		shell_fail(sh,
			"Can't get domid of domain name '%.64s', maybe this domain does not exist.\n",
			o->argv[0]);
}

void verb_domname(struct shell *sh, const struct options *o)
{
	const char *who = o->argv[0];
	struct dom *d;
	struct msg m;

	if (!*who || who[strspn(who, "0123456789")]) {
		shell_fail(sh, "Invalid domain id.\n");
		return;
	}
	d = domtab_find(&guests, who, &m);
	if (domtab_is_host(who))
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
	struct dom *d = guest_by_name(sh, o->argv[0]);
	struct msg m;

	if (d && dom_rename(&guests, d, o->argv[1], &m))
		shell_fail(sh, "rename: %s\n", m.text);
}

/* The guest whose console the user waits for; 0: none. */
static uint32_t console_wanted;

static void console_left(void) { console_wanted = 0; }

void verb_console(struct shell *sh, const struct options *o)
{
	const char *type = o->value['t'], *number = o->value['n'];
	struct dom *d;

	if ((type && strcmp(type, "pv") != 0) || (number && strcmp(number, "0") != 0)) {
		shell_fail(sh, "console: a guest has one console: type pv, number 0\n");
		return;
	}
	d = guest_by_name(sh, o->argv[0]);
	if (!d)
		return;
	if (d->state == DOM_RESTING) {
		shell_fail(sh, "domain %u does not run\n", d->domid);
	} else if (guest_has_console(guest_of(d))) {
		shell_attach(sh, d->domid);
	} else {
		console_wanted = d->domid;
		shell_busy(sh, console_left);
	}
}

static void console_there(uint32_t domid)
{
	if (console_wanted != domid)
		return;
	console_wanted = 0;
	shell_attach(the_shell, domid);
}

static void console_gone(uint32_t domid)
{
	if (console_wanted != domid)
		return;
	console_wanted = 0;
	shell_fail(the_shell, "console: domain %u has ended\n", domid);
	shell_done(the_shell);
}

/* ---- going down ---- */

enum down { DOWN_POWEROFF, DOWN_REBOOT };

static void guest_ask_down(struct shell *sh, struct dom *d, enum down how, bool wait)
{
	if (d->state != DOM_LIVE) {
		shell_fail(sh, "domain %u does not run\n", d->domid);
		return;
	}
	shell_print(sh, "%s domain %u\n", how == DOWN_REBOOT ? "Rebooting" : "Shutting down",
		d->domid);
	guest_ask(d, how == DOWN_REBOOT ? "reboot" : "poweroff");
	if (wait)
		wait_add(&awaited, d->domid);
}

static void guests_ask_down(struct shell *sh, const struct options *o, enum down how)
{
	bool wait = o->count['w'] != 0;
	struct dom *d;

	if (!o->argc && !o->count['a']) {
		shell_fail(sh, "You must specify -a or a domain id.\n");
		return;
	}
	awaited = (struct dom_wait){ .gone_only = o->count['w'] > 1 };
	if (o->count['a']) {
		for (d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
			if (d->state == DOM_LIVE)
				guest_ask_down(sh, d, how, wait);
	} else {
		d = guest_by_name(sh, o->argv[0]);
		if (d)
			guest_ask_down(sh, d, how, wait);
	}
	if (!awaited.n)
		return;
	reporting = true;
	shell_print(sh, "Waiting for %u domains\n", awaited.n);
	shell_busy(sh, stop_waiting);
}

void verb_shutdown(struct shell *sh, const struct options *o)
{
	guests_ask_down(sh, o, DOWN_POWEROFF);
}

void verb_reboot(struct shell *sh, const struct options *o)
{
	guests_ask_down(sh, o, DOWN_REBOOT);
}

static void trouble_of_guest(uint32_t domid, const char *text)
{
	if (wait_has(&awaited, domid))
		shell_fail(the_shell, "%s\n", text);
}

static void note_of_guest(const struct dom_action *a)
{
	struct dom *d = domtab_get(&guests, a->domid);
	bool waits = awaited.n != 0;
	enum wait_news news = wait_note(&awaited, a, d && d->state == DOM_DOWN);

	if (a->what == DO_NOTE_GONE)
		console_gone(a->domid);
	if (reporting && news == WAIT_GONE)
		shell_print(the_shell, "Domain %u has been destroyed\n", a->domid);
	else if (reporting && news == WAIT_DOWN && d)
		shell_print(the_shell, "Domain %u has been shut down, reason code %u\n",
			a->domid, d->reason);
	if (!waits || awaited.n)
		return;
	reporting = false;
	shell_done(the_shell);
}

/* ---- the host ---- */

enum { STOP_WAIT_S = 60, CLOSE_WAIT_S = 120 };
static struct svc_timer stop_timer;

/* Guests were destroyed, and some service has not closed their connections in time. */
static void close_late(void *ctx)
{
	(void)ctx;
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		shell_fail(the_shell,
			"Domain %u (%s) is not closed; what it wrote last may be lost.\n",
			d->domid, d->name);
	domtab_stop_waiting(&guests);
	guests_run();
}

static void close_left(void)
{
	shell_busy(the_shell, NULL);
	close_late(NULL);
}

/* From now on ^C gives up on guests that are not closed. */
static void destroy_all(void)
{
	shell_busy(the_shell, close_left);
	stop_timer.fn = close_late;
	svc_timer_set(&stop_timer, svc_in_ms(CLOSE_WAIT_S * 1000));
	domtab_stop_host_now(&guests, guests.stopping);
	guests_run();
}

static void host_down(void) { svc_timer_set(&stop_timer, SK_NO_DEADLINE); }

static void stop_late(void *ctx)
{
	(void)ctx;
	shell_print(the_shell,
		"Some guests did not shut down in %d seconds; they are destroyed.\n",
		STOP_WAIT_S);
	destroy_all();
}

static void stop_host(struct shell *sh, enum host_stop how, bool now)
{
	struct dom *d = domtab_next(&guests, 0);

	if (d && !now)
		shell_print(sh, "Shutting down all guests; Ctrl-C destroys them instead.\n");
	shell_busy(sh, destroy_all);
	stop_timer.fn = stop_late;
	svc_timer_set(&stop_timer, svc_in_ms(STOP_WAIT_S * 1000));
	guests.stopping = how;
	if (now)
		destroy_all();
	else
		domtab_stop_host(&guests, how);
}

void verb_poweroff(struct shell *sh, const struct options *o)
{
	stop_host(sh, HOST_POWEROFF, o->count['f'] != 0);
}

void verb_reboot_host(struct shell *sh, const struct options *o)
{
	stop_host(sh, HOST_REBOOT, o->count['f'] != 0);
}

static void host_stays(int rc)
{
	shell_fail(the_shell, "The host did not go down: %s\n", sk_error_text(rc));
	shell_done(the_shell);
}

void verbs_guest_init(void)
{
	static const struct guest_listener listener = { note_of_guest, script_look,
		console_there, trouble_of_guest, host_down, host_stays };

	guest_listen(&listener);
}

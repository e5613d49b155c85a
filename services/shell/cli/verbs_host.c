/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_host.c - verbs about the host and its own domains: poweroff, list-services, restart,
 * ...
 *
 * Objects     the request that stops the host. ^C makes it more urgent.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "client/domains.h"
#include "cli/format.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

/* ---- poweroff, reboot-host ---- */

static struct ctl_power power;

static void power_over(void *ctx, int status, const void *body, uint32_t len)
{
	(void)ctx;
	(void)len;
	if (status)
		shell_refused(the_shell, NULL, status, body);
	shell_done(the_shell);
}

static void power_note(void *ctx, enum ctl_kind kind, const void *body)
{
	(void)ctx;
	if (kind == CTL_NOTE_TEXT)
		shell_fail(the_shell, "%s\n", (const char *)body);
}

static void power_ask(enum ctl_power_how how)
{
	power.how = how;
	(void)ask_send(&(struct ask){ .op = CTL_POWER, .body = &power, .len = sizeof(power) });
}

/* ^C after ^C: guests that are not closed are given up. */
static void power_give_up(void)
{
	shell_busy(the_shell, NULL);
	power_ask(CTL_POWER_AT_ONCE);
}

/* ^C: guests are destroyed. */
static void power_destroy(void)
{
	shell_busy(the_shell, power_give_up);
	power_ask(CTL_POWER_NOW);
}

static void stop_host(struct shell *sh, bool reboot, bool now)
{
	power = (struct ctl_power){ .reboot = reboot,
		.how = now ? CTL_POWER_NOW : CTL_POWER_GENTLY };
	if (look.n && !now)
		shell_print(sh, "Shutting down all guests; Ctrl-C destroys them instead.\n");
	shell_busy(sh, now ? power_give_up : power_destroy);
	if (ask_send(&(struct ask){ .op = CTL_POWER,
		    .body = &power,
		    .len = sizeof(power),
		    .fn = power_over,
		    .note = power_note }))
		return;
	shell_fail(sh, "out of memory\n");
	shell_done(sh);
}

void verb_poweroff(struct shell *sh, const struct options *o)
{
	stop_host(sh, false, o->count['f'] != 0);
}

void verb_reboot_host(struct shell *sh, const struct options *o)
{
	stop_host(sh, true, o->count['f'] != 0);
}

/* ---- domains of the host ---- */

static enum table_form services_form;

static void services_print(void)
{
	struct table t;

	table_begin(&t, &term_out, services_form);
	format_service_head(&t);
	for (uint32_t i = 0; i < services.n; i++)
		format_service_row(&t, &services.row[i]);
	table_end(&t);
	shell_done(the_shell);
}

void verb_list_services(struct shell *sh, const struct options *o)
{
	(void)sh;
	services_form = verb_form(o);
	look_at_services(false, services_print);
}

static struct {
	const char *verb;
	char name[DOMAIN_NAME_MAX];
	uint32_t id;
} restarting;

/* Without a text, it was init. */
static const char *restart_refusal(int status, const char *text)
{
	switch (text[0] ? 0 : status) {
	case -SK_E_NOT_FOUND:
		return "no domain of the host has this name; `list-services` shows what there is";
	case -SK_E_BUSY:
		return "it is being started again already";
	case -SK_E_STATE:
		return "it does not run; `list-services` says why";
	case -SK_E_DENIED:
		return "this needs the boot option init.kill=1, because guests may notice";
	default:
		return ask_error_text(status, text);
	}
}

static void restart_answered(void *ctx, int status, const void *body, uint32_t len)
{
	(void)ctx;
	(void)len;
	if (status && status != -SK_E_RESTARTED) /* it was control itself */
		shell_fail(the_shell, "%s: %.31s: %s\n", restarting.verb, restarting.name,
			restart_refusal(status, body));
	shell_done(the_shell);
}

static void restart_leave(void) { ask_leave(restarting.id); }

static void domain_end(struct shell *sh, const char *verb, const char *name, enum init_kill how)
{
	char padded[DOMAIN_NAME_MAX] = "";

	restarting.verb = verb;
	snprintf(restarting.name, sizeof(restarting.name), "%s", name);
	if (strlen(name) >= sizeof(padded)) {
		restart_answered(NULL, -SK_E_NOT_FOUND, "", 0);
		return;
	}
	strcpy(padded, name);
	shell_waits(sh, restart_leave);
	restarting.id = host_restart_ask(padded, how, restart_answered);
	if (!restarting.id)
		restart_answered(NULL, -SK_E_NO_MEM, "", 0);
}

void verb_restart(struct shell *sh, const struct options *o)
{
	domain_end(sh, "restart", o->argv[0], INIT_KILL_RESTART);
}

void verb_kill(struct shell *sh, const struct options *o)
{
#define X(sym, num, text) [num] = (text),
	static const char *const kills[] = { INIT_KILLS(X) };
#undef X
	const char *how = o->argc > 1 ? o->argv[1] : kills[INIT_KILL_FAULT];

	for (uint32_t i = INIT_KILL_FAULT; i <= INIT_KILL_GARBAGE; i++) {
		if (strcmp(how, kills[i]) == 0) {
			domain_end(sh, "kill", o->argv[0], (enum init_kill)i);
			return;
		}
	}
	shell_fail(
		sh, "kill: '%.20s' is no way to fail; use fault, hang, exit or garbage\n", how);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verbs_services.c - verbs about the host's own domains: list-services, restart, kill */
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "client/host.h"
#include "shell/format.h"
#include "shell/shell.h"
#include "shell/term.h"
#include "shell/verbs.h"

void verb_list_services(struct shell *sh, const struct options *o)
{
	struct host_row r;

	(void)sh;
	(void)o;
	format_service_head(&term_out);
	for (uint32_t i = 0; host_domain(i, &r); i++)
		format_service_row(&term_out, &r);
}

static const char *refusal(int rc)
{
	switch (rc) {
	case -SK_E_NOT_FOUND:
		return "no domain of the host has this name; `list-services` shows what there is";
	case -SK_E_BUSY:
		return "it is being started again already";
	case -SK_E_STATE:
		return "it does not run; `list-services` says why";
	case -SK_E_DENIED:
		return "this needs the boot option init.kill=1, because guests may notice";
	default:
		return sk_error_text(rc);
	}
}

static void domain_end(struct shell *sh, const char *verb, const char *name, enum init_kill how)
{
	int rc = host_domain_restart(name, how);

	if (rc)
		shell_fail(sh, "%s: %.31s: %s\n", verb, name, refusal(rc));
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

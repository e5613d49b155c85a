/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm.c - in place of a VMM: the command line of its guest says `rogue=` and what it does: an
 * attack, `tries`, or the number of a fault. The VMMs of all other guests are honest.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "proto/vmctl.h"
#include "rogue.h"

/* As a guest that was built: else nobody waits for it, except the one who wanted it. */
static void ready_say(void)
{
	const struct vmctl_msg m = { .type = VMCTL_READY };
	struct svc_conn *c = svc_channel("vmctl");

	if (!c || svc_request(c, &m, sizeof(m)))
		say("control does not take READY");
}

struct plan plan_make(bool honest)
{
	const struct vm_config *cfg = (const struct vm_config *)VM_CONFIG_VADDR;
	const char *what = strstr(cfg->cmdline, "rogue=");

	(void)honest;
	if (!what)
		return (struct plan){ .kind = PLAN_HONEST };
	what += strlen("rogue=");
	if (strcmp(what, "unready") == 0)
		return (struct plan){ .kind = PLAN_NOTHING };
	ready_say();
	if (strcmp(what, "tries") == 0)
		return (struct plan){ .kind = PLAN_TRIES };
	if (isdigit((unsigned char)*what))
		return (struct plan){ .kind = PLAN_FAULT,
			.index = (uint32_t)strtoul(what, NULL, 10) % faults_count() };
	return (struct plan){ .kind = PLAN_ATTACK, .index = attack_find(what) };
}

bool own_try_ready(void) { return true; }

void own_try(void) {}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verbs_size.c - mem-set, mem-max, vcpu-set: how much memory and how many vCPUs a guest has */
#include <stdint.h>

#include "cli/look.h"
#include "cli/mem_size.h"
#include "cli/number.h"
#include "cli/shell.h"
#include "cli/verbs.h"

static void size_ask(
	struct shell *sh, const struct options *o, enum ctl_op op, const char *verb)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	struct ctl_number n = { .domid = d ? d->domid : 0 };

	if (!d)
		return;
	if (mem_size_parse(o->argv[1], &n.value))
		shell_fail(sh,
			"%s: '%.40s' is not a valid memory size; write 512 (MiB), or 524288k, 512m, 1g\n",
			verb, o->argv[1]);
	else
		verb_ask(op, &n, sizeof(n), verb, NULL);
}

void verb_mem_set(struct shell *sh, const struct options *o)
{
	size_ask(sh, o, CTL_MEM_SET, "mem-set");
}

void verb_mem_max(struct shell *sh, const struct options *o)
{
	size_ask(sh, o, CTL_MEM_MAX, "mem-max");
}

void verb_vcpu_set(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	struct ctl_number n = { .domid = d ? d->domid : 0, .flags = o->count['i'] != 0 };
	uint32_t vcpus;

	if (!d)
		return;
	if (number_parse(o->argv[1], UINT32_MAX, &vcpus)) {
		shell_fail(sh, "vcpu-set: '%.20s' is not a number of vCPUs\n", o->argv[1]);
		return;
	}
	n.value = vcpus;
	verb_ask(CTL_VCPU_SET, &n, sizeof(n), "vcpu-set", NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_vcpu.c - vcpu-set: the number of vCPUs that a guest uses
 *
 * All vCPUs up to maxvcpus= exist from the start. The guest is asked through xenstore, and its
 * kernel takes them up and down. The number becomes that of the configuration, so that a reboot
 * keeps it, as with xl.
 *
 * Lifecycle   a handler checks and writes; nothing waits for the guest.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/xenstore.h"
#include "guest/guest.h"
#include "shell/shell.h"
#include "shell/verbs.h"
#include "sys/clock.h"

/* 0, or -1 with *m. */
static int number_check(const struct dom *d, unsigned long n, bool any_host, struct msg *m)
{
	uint32_t cpus = sys_info()->n_cpus;

	if (d->state != DOM_LIVE)
		return msg_fail(m, "domain %u does not run", d->domid);
	if (!n || n > d->config->maxvcpus)
		return msg_fail(m, "domain %u can have 1 to %u vCPUs; maxvcpus= says how many",
			d->domid, d->config->maxvcpus);
	if (n > d->config->vcpus && n > cpus && !any_host)
		return msg_fail(m,
			"%lu vCPUs are more than the host's %u CPUs; -i (--ignore-host) allows it",
			n, cpus);
	return 0;
}

/* 0, or -1: no memory. */
static int availability_write(const struct dom *d, uint32_t n)
{
	char path[64];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < d->config->maxvcpus; i++) {
		const char *value = i < n ? "online" : "offline";

		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", d->domid,
			i);
		rc = xs_write_value(path, value, (uint32_t)strlen(value), NULL, NULL);
	}
	return rc;
}

void verb_vcpu_set(struct shell *sh, const struct options *o)
{
	struct dom *d = guest_by_name(sh, o->argv[0]);
	char *end;
	unsigned long n = strtoul(o->argv[1], &end, 10);
	struct msg m;

	if (!d)
		return;
	if (end == o->argv[1] || *end || o->argv[1][0] == '-') {
		shell_fail(sh, "vcpu-set: '%.20s' is not a number of vCPUs\n", o->argv[1]);
	} else if (number_check(d, n, o->count['i'] != 0, &m)) {
		shell_fail(sh, "vcpu-set: %s\n", m.text);
	} else if (availability_write(d, (uint32_t)n)) {
		shell_fail(sh, "vcpu-set: control has no memory for the request; try again\n");
	} else {
		d->config->vcpus = (uint32_t)n;
		d->config_kept = false;
	}
}

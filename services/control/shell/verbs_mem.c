/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_mem.c - mem-set: the memory size of a guest
 *
 * The guest is asked through xenstore, and its balloon driver reaches the size. Memory beyond
 * what its VMM has comes from the pool when the guest takes it (guest_grow). The new size
 * becomes that of the guest's configuration, so that a reboot keeps it, as with xl.
 *
 * Lifecycle   a handler checks and writes; nothing waits for the guest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/xenstore.h"
#include "guest/build.h"
#include "guest/guest_pool.h"
#include "guest/life.h"
#include "shell/mem_size.h"
#include "shell/shell.h"
#include "shell/verbs.h"

/* MiB, as for memory=. */
enum { MEM_MIN = 4 };

static void target_write(struct shell *sh, struct dom *d, uint64_t kib)
{
	char path[64], value[24];

	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", d->domid);
	snprintf(value, sizeof(value), "%" PRIu64, kib);
	if (xs_write_value(path, value, (uint32_t)strlen(value), NULL, NULL)) {
		shell_fail(sh, "mem-set: control has no memory for the request; try again\n");
		return;
	}
	d->config->memory = guest_memory_round((uint32_t)((kib + 1023) / 1024));
	d->config_kept = false;
}

/* 0, or -1 with *m. */
static int size_check(const struct dom *d, uint64_t kib, struct msg *m)
{
	uint64_t mib = (kib + 1023) / 1024, free = guest_pool.free >> 20, has;

	if (d->state != DOM_LIVE)
		return msg_fail(m, "domain %u does not run", d->domid);
	has = guest_has(guest_of(d));
	if (mib > d->config->maxmem)
		return msg_fail(m,
			"%" PRIu64
			" MiB is more than the maxmem=%u that domain %u was created with",
			mib, d->config->maxmem, d->domid);
	if (mib < MEM_MIN)
		return msg_fail(m, "a guest needs at least %u MiB", MEM_MIN);
	if (mib > has && mib - has > free)
		return msg_fail(m,
			"not enough free memory: domain %u has %" PRIu64
			" MiB and needs %" PRIu64 " more, %" PRIu64
			" are free; destroy a guest or ask for less",
			d->domid, has, mib - has, free);
	return 0;
}

void verb_mem_set(struct shell *sh, const struct options *o)
{
	struct dom *d = guest_by_name(sh, o->argv[0]);
	uint64_t kib;
	struct msg m;

	if (!d)
		return;
	if (mem_size_parse(o->argv[1], &kib))
		shell_fail(sh,
			"mem-set: '%.40s' is not a valid memory size; write 512 (MiB), or 524288k, 512m, 1g\n",
			o->argv[1]);
	else if (size_check(d, kib, &m))
		shell_fail(sh, "mem-set: %s\n", m.text);
	else
		target_write(sh, d, kib);
}

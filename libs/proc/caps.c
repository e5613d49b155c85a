/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps.c - what a domain that was built holds, read from its slots
 */
#include <string.h>
#include "base/array.h"
#include "proc/internal.h"
#include "sys/sk.h"

/* What build.c puts into every domain. */
static const char *cap_usual(uint32_t slot)
{
	static const struct {
		uint32_t slot;
		const char *what;
	} usual[] = {
		{ SK_CAP_CNODE, "its slots" },
		{ SK_CAP_SPACE, "its addresses" },
		{ SK_CAP_THREAD, "its main thread" },
		{ SK_CAP_SCHED, "its CPU time" },
		{ DOMAIN_CAP_PARENT, "endpoint of its builder" },
		{ DOMAIN_CAP_SERVICE, "its own endpoint" },
		{ DOMAIN_CAP_NTFN, "its own signals" },
		{ DOMAIN_CAP_REPLY, "answers to its callers" },
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (usual[i].slot == slot)
			return usual[i].what;
	if (slot >= DOMAIN_CAP_UNTYPED && slot < DOMAIN_CAP_UNTYPED + DOMAIN_UNTYPED_MAX)
		return "its memory";
	return "";
}

static bool cap_read(sk_cap_t cnode, uint32_t slot, struct init_cap *out)
{
	struct sk_cap_info info;

	if (sk_cap_info(cnode, slot, &info) || info.type == SK_OBJ_NULL)
		return false;
	*out = (struct init_cap){ .slot = slot,
		.type = (uint8_t)info.type,
		.rights = (uint8_t)info.rights,
		.order = (uint8_t)info.order,
		.badge = info.badge };
	return true;
}

static uint64_t cnode_slots(sk_cap_t cnode)
{
	struct sk_cap_info info;

	return sk_cap_info(SK_CAP_CNODE, cnode, &info) || info.type != SK_OBJ_CNODE
		       ? 0
		       : SK_CNODE_SLOTS(info.order);
}

bool proc_cap_next(const struct proc *p, uint64_t *at, struct init_cap *out)
{
	uint64_t n = cnode_slots(p->cnode), end = n + cnode_slots(p->keep);

	for (; *at < n; (*at)++) {
		if (!cap_read(p->cnode, (uint32_t)*at, out))
			continue;
		strcpy(out->what, cap_usual(out->slot));
		(*at)++;
		return true;
	}
	for (; *at < end; (*at)++) {
		if (!cap_read(p->keep, (uint32_t)(*at - n), out))
			continue;
		out->flags = INIT_CAP_MAPPED;
		(*at)++;
		return true;
	}
	return false;
}

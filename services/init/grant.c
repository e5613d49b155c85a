/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant.c - the capabilities that the manifest names for a domain
 *
 * Each goes to the next extra slot, and the arguments name the slot: cap.NAME=SLOT, or
 * cap.NAME=SLOT,COUNT.
 */
#include <stdio.h>
#include "caps/caps.h"
#include "init.h"
#include "proto/platform.h"
#include "sys/sk.h"

static uint64_t pool_bytes;

enum {
	POOL_ORDER_MIN = SK_LARGE_ORDER,
	RESERVE_ORDER = 22,
	KEPT_OBJECTS_ORDER = 12,
};

/*
 * By the number of the capability in the manifest: slots of a CNode that outlives its domain,
 * with what was moved there. The next life finds it there.
 */
static struct lent {
	uint32_t slot, count;
} lent[MANIFEST_CAPS_MAX];

static int give_control(struct domain *d, uint32_t slot, sk_cap_t cap, uint32_t rights)
{
	return proc_give(&d->proc, slot, cap, rights, 0);
}

static int give_ports(struct domain *d, uint32_t slot, const struct manifest_cap *c)
{
	return proc_give(
		&d->proc, slot, SK_CAP_IOPORT, SK_R | SK_W, c->a | (uint64_t)c->b << 16);
}

static bool slot_empty(sk_cap_t slot)
{
	struct sk_cap_info info;

	return sk_cap_info(SK_CAP_CNODE, slot, &info) || info.type == SK_OBJ_NULL;
}

/*
 * All device untypeds, in slots of their own beyond the extra ones, and the page that lists
 * them.
 */
static int give_device_memory(struct domain *d)
{
	static struct platform_resources res; /* too large for a stack */
	const struct sk_bootinfo *bi = boot_info();
	int rc = 0;

	res = (struct platform_resources){ .rsdp = bi->rsdp };
	for (uint32_t i = 0; !rc && i < bi->n_untyped && res.n_mem < PLATFORM_MEM_MAX; i++) {
		const struct sk_boot_untyped *u = &bi->untyped[i];
		uint32_t slot = PLATFORM_CAP_MEM + res.n_mem;

		if (!(u->flags & SK_BOOT_DEVICE) || slot_empty(u->slot))
			continue;
		rc = (int)sk_move(d->proc.cnode, slot, SK_CAP_CNODE, u->slot);
		res.mem[res.n_mem++] = (struct platform_mem){ u->paddr, slot, u->order };
	}
	return rc ? rc : proc_data(&d->proc, PLATFORM_RES_VADDR, &res, sizeof(res), SK_R);
}

/*
 * The untypeds come back to the slots that they had at boot. What drivers have of them stays
 * derived from them. A platform that gave one up itself has to do without it from now on.
 */
static void take_device_memory(const struct domain *d)
{
	const struct sk_bootinfo *bi = boot_info();
	uint32_t slot = PLATFORM_CAP_MEM;

	for (uint32_t i = 0; i < bi->n_untyped && slot < PLATFORM_CAP_MEM + PLATFORM_MEM_MAX;
		i++) {
		const struct sk_boot_untyped *u = &bi->untyped[i];

		if (!(u->flags & SK_BOOT_DEVICE) || !slot_empty(u->slot))
			continue;
		if (sk_move(SK_CAP_CNODE, u->slot, d->proc.cnode, slot++))
			printf("%s: device memory at %#llx is lost\n", d->m->name,
				(unsigned long long)u->paddr);
	}
}

void grant_take_back(struct domain *d)
{
	for (uint32_t i = 0; d->proc.cnode && i < d->m->n_caps; i++)
		if (manifest.cap[d->m->first_cap + i].kind == MANIFEST_CAP_DEVICE_MEMORY)
			take_device_memory(d);
}

/* The RAM that is left, largest pieces first, except for a reserve. */
static int give_guest_memory(struct domain *d, uint32_t first, uint32_t *count)
{
	uint32_t slot = first, order;
	sk_cap_t reserve, piece;
	int rc;

	rc = object_make(SK_OBJ_UNTYPED, RESERVE_ORDER, &reserve);
	if (rc)
		return rc;
	while (slot && !untyped_take(POOL_ORDER_MIN, &piece, &order)) {
		rc = proc_move(&d->proc, slot, piece);
		if (rc)
			break;
		pool_bytes += 1ull << order;
		(*count)++;
		if (extra_slot(d, &slot))
			slot = 0;
	}
	if (slot)
		d->next_extra = slot; /* the one that was not filled */
	cap_drop(reserve);
	printf("%llu MiB for guests in %u pieces\n", (unsigned long long)(pool_bytes >> 20),
		(unsigned int)*count);
	return rc;
}

uint64_t guest_pool_bytes(void) { return pool_bytes; }

static int give_kept_objects(struct domain *d, uint32_t slot)
{
	sk_cap_t memory;
	int rc = memory_charge(d, KEPT_OBJECTS_ORDER, &memory);

	return rc ? rc : proc_move(&d->proc, slot, memory);
}

bool grant_lent(const struct domain *d, uint32_t slot)
{
	for (uint32_t i = 0; i < d->m->n_caps; i++) {
		const struct lent *l = &lent[d->m->first_cap + i];

		if (slot >= l->slot && slot - l->slot < l->count)
			return true;
	}
	return false;
}

/* True: the slots from *slot on hold it since an earlier life. */
static bool lent_before(struct domain *d, const struct lent *l, uint32_t *slot, uint32_t *count)
{
	if (!l->count)
		return false;
	*slot = l->slot;
	*count = l->count;
	d->next_extra = l->slot + l->count;
	return true;
}

static void lend(const struct domain *d, struct lent *l, uint32_t slot, uint32_t count)
{
	if (d->cnode)
		*l = (struct lent){ slot, count };
}

#define X(name, num, text) \
	_Static_assert(sizeof(text) <= sizeof(((struct init_cap *)0)->what), "it can be told");
MANIFEST_CAPS(X)
#undef X

static const char *cap_text(uint32_t kind)
{
	static const char *const texts[] = {
#define X(name, num, what) [num] = (what),
		MANIFEST_CAPS(X)
#undef X
	};

	return texts[kind];
}

/* Say where it is: to the domain, and for `caps`. */
static int cap_args(
	struct domain *d, const struct manifest_cap *c, uint32_t slot, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		extra_name(d, slot + i, cap_text(c->kind));
	return arg_add(d, "cap.%s=%u,%u\n", c->name, (unsigned int)slot, (unsigned int)count);
}

static int grant(struct domain *d, const struct manifest_cap *c)
{
	struct lent *l = &lent[c - manifest.cap];
	uint32_t slot, count = 1;
	int rc;

	if (c->kind == MANIFEST_CAP_DEVICE_MEMORY)
		return give_device_memory(d);
	if (lent_before(d, l, &slot, &count))
		return cap_args(d, c, slot, count);
	rc = extra_slot(d, &slot);
	if (rc)
		return rc;
	switch (c->kind) {
	case MANIFEST_CAP_CTL_IRQ:
		rc = give_control(d, slot, SK_CAP_CTL_IRQ, SK_ALL);
		break;
	case MANIFEST_CAP_CTL_SCHED:
		rc = give_control(d, slot, SK_CAP_CTL_SCHED, SK_ALL);
		break;
	case MANIFEST_CAP_CTL_LOG:
		rc = give_control(d, slot, SK_CAP_CTL_LOG, SK_ALL);
		break;
	case MANIFEST_CAP_KLOG:
		rc = give_control(d, slot, SK_CAP_KLOG, SK_R);
		break;
	case MANIFEST_CAP_PORTS:
		rc = give_ports(d, slot, c);
		break;
	case MANIFEST_CAP_GUEST_MEMORY:
		count = 0;
		rc = give_guest_memory(d, slot, &count);
		lend(d, l, slot, count);
		break;
	case MANIFEST_CAP_KEPT_OBJECTS:
		rc = give_kept_objects(d, slot);
		lend(d, l, slot, count);
		break;
	default:
		rc = -SK_E_INVAL;
	}
	return rc ? rc : cap_args(d, c, slot, count);
}

int grant_caps(struct domain *d)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < d->m->n_caps; i++)
		rc = grant(d, &manifest.cap[d->m->first_cap + i]);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps.c - a domain's slots, and how its allocators start
 *
 * Objects     slot_meta: an entry per slot of the own CNode, in pages that caps_init() maps
 *             first.
 * Locks       caps_lock guards slots, memory and addresses. Its holders make only system calls.
 * Lifecycle   caps_init() runs before main, from the start-up page (in the root task, from the
 *             boot information).
 * Invariants  CAPS1 a slot that is not `used` is empty
 */
#include <stdbool.h>
#include "caps/internal.h"
#include "proto/domain.h"
#include "sys/self.h"
#include "sys/sk.h"

struct mutex caps_lock;
struct slot_meta *slot_meta;
static uint32_t first_slot, n_slots, hint;

/* ---- slots ------------------------------------------------------------------------------- */
void slots_init(uint32_t first, uint32_t n)
{
	first_slot = first;
	n_slots = n;
	hint = first;
}

static uint32_t free_run(uint32_t from, uint32_t n)
{
	uint32_t run = 0;

	for (uint32_t i = from; i < n_slots; i++) {
		run = slot_meta[i].used ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return 0;
}

sk_cap_t slot_take(uint32_t n)
{
	uint32_t first = 0;

	if (!n || n > n_slots)
		return 0;
	first = free_run(hint, n);
	if (!first)
		first = free_run(first_slot, n);
	for (uint32_t i = 0; first && i < n; i++)
		slot_meta[first + i] = (struct slot_meta){ .used = true };
	if (first)
		hint = first + n;
	return first;
}

void slot_put(sk_cap_t slot, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		slot_meta[slot + i] = (struct slot_meta){ 0 };
	if (slot < hint)
		hint = slot;
}

sk_cap_t slot_alloc(uint32_t n)
{
	sk_cap_t slot;

	mutex_lock(&caps_lock);
	slot = slot_take(n);
	mutex_unlock(&caps_lock);
	return slot;
}

static bool slot_ours(sk_cap_t first, uint32_t n)
{
	return first >= first_slot && first < n_slots && n <= n_slots - first;
}

void slot_free(sk_cap_t first, uint32_t n)
{
	if (!slot_ours(first, n))
		return;
	mutex_lock(&caps_lock);
	slot_put(first, n);
	mutex_unlock(&caps_lock);
}

/* ---- capabilities ------------------------------------------------------------------------ */
void cap_drop(sk_cap_t cap)
{
	if (!cap)
		return;
	mutex_lock(&caps_lock);
	if (!slot_ours(cap, 1)) {
		(void)sk_delete(SK_CAP_CNODE, cap);
	} else if (slot_meta[cap].home) {
		memory_drop(cap);
	} else {
		(void)sk_delete(SK_CAP_CNODE, cap);
		slot_put(cap, 1);
	}
	mutex_unlock(&caps_lock);
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	sk_cap_t slot = slot_alloc(1);
	long rc;

	if (!slot)
		return -SK_E_SLOT;
	if (badge)
		rc = sk_mint(SK_CAP_CNODE, slot, SK_CAP_CNODE, from, rights, badge);
	else
		rc = sk_copy(SK_CAP_CNODE, slot, SK_CAP_CNODE, from, rights);
	if (rc) {
		slot_free(slot, 1);
		return (int)rc;
	}
	*out = slot;
	return 0;
}

/* ---- start ------------------------------------------------------------------------------- */
static void read_boot_info(void)
{
	const struct sk_bootinfo *bi = (const struct sk_bootinfo *)SK_BOOTINFO_VADDR;

	slots_init(bi->first_free_slot, bi->n_slots);
	for (uint32_t i = 0; i < bi->n_untyped; i++)
		if (!(bi->untyped[i].flags & SK_BOOT_DEVICE))
			memory_add(bi->untyped[i].slot, bi->untyped[i].order, 0);
}

static void read_domain_info(void)
{
	const struct domain_info *info = (const struct domain_info *)DOMAIN_INFO_VADDR;

	slots_init(info->free_slot, info->n_slots);
	for (uint32_t i = 0; i < info->n_untyped; i++)
		memory_add(DOMAIN_CAP_UNTYPED + i, info->untyped_order[i], 0);
}

/* Map the slot table itself. Its frames and page tables get the first slots. */
static int meta_init(void)
{
	uint64_t bytes = n_slots * sizeof(struct slot_meta), at;
	uint32_t order = SK_PAGE_ORDER, level, next = first_slot;
	sk_cap_t frame = next++;
	long rc;

	while (1ull << order < bytes)
		order++;
	rc = memory_retype(SK_OBJ_FRAME, order, order, frame);
	if (rc)
		return (int)rc;
	while ((rc = sk_map(frame, SK_CAP_SPACE, DOMAIN_FREE_VADDR, 0, order, SK_R | SK_W, &at,
			&level)) == -SK_E_NO_TABLE) {
		rc = memory_retype(SK_OBJ_TABLE, 0, SK_ORDER_TABLE, next);
		if (!rc)
			rc = sk_map_table(next++, SK_CAP_SPACE, DOMAIN_FREE_VADDR, level);
		if (rc)
			return (int)rc;
	}
	if (rc)
		return (int)rc;
	slot_meta = (struct slot_meta *)DOMAIN_FREE_VADDR;
	for (uint32_t i = first_slot; i < next; i++)
		slot_meta[i].used = true;
	return 0;
}

int caps_init(void)
{
	if (sys_root())
		read_boot_info();
	else
		read_domain_info();
	if (first_slot >= n_slots || n_slots > UINT16_MAX)
		return -SK_E_SLOT;
	vm_init();
	return meta_init();
}

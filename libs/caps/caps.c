/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps.c - a domain's slots, and how its allocators start
 *
 * Objects     slot_meta: an entry per slot of the own CNode, in pages that caps_init() maps
 *             first.
 * Locks       caps_lock guards slots, memory and addresses. Its holders make only system calls.
 * Lifecycle   caps_init() runs before main, from the start-up page (in the root task, from the
 *             boot information).
 * Invariants  CAPS1 a slot that is SLOT_EMPTY is empty
 */
#include <stdbool.h>
#include "caps/internal.h"
#include "proto/domain.h"
#include "sys/self.h"
#include "sys/sk.h"

/* Page tables for the slot table: one of each level below the root. */
enum { TABLES_MAX = 3 };

struct mutex caps_lock;
struct slot_meta *slot_meta;
static uint32_t first_slot, n_slots, hint;
/* Slots may be in use when the domain starts. */
static bool cnode_kept;

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
		slot_meta[first + i] = (struct slot_meta){ .used = SLOT_USED };
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

bool slot_adopt(sk_cap_t slot)
{
	bool inherited;

	if (!slot_ours(slot, 1))
		return false;
	mutex_lock(&caps_lock);
	inherited = slot_meta[slot].used == SLOT_INHERITED;
	if (inherited)
		slot_meta[slot].used = SLOT_USED;
	mutex_unlock(&caps_lock);
	return inherited;
}

sk_cap_t slot_inherited(sk_cap_t after)
{
	sk_cap_t slot = after < first_slot ? first_slot : after + 1;

	if (!cnode_kept)
		return 0;
	mutex_lock(&caps_lock);
	while (slot < n_slots && slot_meta[slot].used != SLOT_INHERITED)
		slot++;
	mutex_unlock(&caps_lock);
	return slot < n_slots ? slot : 0;
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
	cnode_kept = info->flags & DOMAIN_CNODE_KEPT;
	for (uint32_t i = 0; i < info->n_untyped; i++)
		memory_add(DOMAIN_CAP_UNTYPED + i, info->untyped_order[i], 0);
}

static bool slot_filled(sk_cap_t slot)
{
	struct sk_cap_info info;

	return cnode_kept && !sk_cap_info(SK_CAP_CNODE, slot, &info) &&
	       info.type != SK_OBJ_NULL;
}

/* An empty slot, *next or behind it; *next then comes after it. */
static sk_cap_t slot_first(uint32_t *next)
{
	while (*next < n_slots && slot_filled(*next))
		(*next)++;
	return (*next)++;
}

/* own: the slots of the slot table itself. */
static void slots_note(const sk_cap_t *own, uint32_t n_own)
{
	for (uint32_t i = 0; i < n_own; i++)
		slot_meta[own[i]].used = SLOT_USED;
	for (sk_cap_t i = first_slot; cnode_kept && i < n_slots; i++)
		if (!slot_meta[i].used && slot_filled(i))
			slot_meta[i].used = SLOT_INHERITED;
}

/* Map the slot table itself. Its frames and page tables get the first slots. */
static int meta_init(void)
{
	uint64_t bytes = n_slots * sizeof(struct slot_meta), at;
	uint32_t order = SK_PAGE_ORDER, level, next = first_slot, n_own = 0;
	sk_cap_t own[1 + TABLES_MAX], frame = slot_first(&next);
	long rc;

	own[n_own++] = frame;
	while (1ull << order < bytes)
		order++;
	rc = memory_retype(SK_OBJ_FRAME, order, order, frame);
	if (rc)
		return (int)rc;
	while ((rc = sk_map(frame, SK_CAP_SPACE, DOMAIN_FREE_VADDR, 0, order, SK_R | SK_W, &at,
			&level)) == -SK_E_NO_TABLE &&
		n_own <= TABLES_MAX) {
		own[n_own] = slot_first(&next);
		rc = memory_retype(SK_OBJ_TABLE, 0, SK_ORDER_TABLE, own[n_own]);
		if (!rc)
			rc = sk_map_table(own[n_own++], SK_CAP_SPACE, DOMAIN_FREE_VADDR, level);
		if (rc)
			return (int)rc;
	}
	if (rc)
		return (int)rc;
	slot_meta = (struct slot_meta *)DOMAIN_FREE_VADDR;
	slots_note(own, n_own);
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

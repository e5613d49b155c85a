/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - objects out of a domain's untypeds
 *
 * Objects     sources: untypeds that are carved from the bottom up. free_list[k]: untypeds of
 *             order k that have no children. A chunk: a page-sized untyped, from which objects
 *             smaller than a page are made.
 * Locks       caps_lock, held by the caller.
 * Lifecycle   an object of a page or more gets an untyped of its own (its home). Dropping the
 *             object revokes its home, even if other domains have copies, and the memory can be
 *             used again for anything of that order.
 * Invariants  MEMORY1 memory that alignment skips in a source is on a free list
 *             MEMORY2 an untyped that is on a free list, or is the home of an object, is never
 *                     carved further
 */
#include "caps/internal.h"
#include "sys/sk.h"

enum {
	SOURCES_MAX = 128,
	ORDERS = 48,
};

struct source {
	sk_cap_t slot;
	uint64_t size, used;
};
static struct source sources[SOURCES_MAX];
static uint32_t n_sources;
static uint16_t free_list[ORDERS];
/* The chunk from which small objects are made now. */
static sk_cap_t chunk;
static uint64_t chunk_used;

static const uint8_t object_orders[SK_OBJ_END] = {
#define X(name, num, order, what) [num] = (order),
	SK_OBJECTS(X)
#undef X
};

void memory_add(sk_cap_t untyped, uint32_t order, uint64_t used)
{
	if (n_sources < SOURCES_MAX)
		sources[n_sources++] = (struct source){ untyped, 1ull << order, used };
}

/* ---- sources ----------------------------------------------------------------------------- */
static uint64_t align_up(uint64_t v, uint32_t order)
{
	return (v + (1ull << order) - 1) & ~((1ull << order) - 1);
}

static bool source_fits(const struct source *s, uint32_t order)
{
	uint64_t at = align_up(s->used, order);

	return at <= s->size && s->size - at >= 1ull << order;
}

/*
 * Among the sources with enough room, the one with the least left, so that large pieces stay
 * whole.
 */
static struct source *source_find(uint32_t order)
{
	struct source *best = NULL;

	for (struct source *s = sources; s < sources + n_sources; s++)
		if (source_fits(s, order) &&
			(!best || s->size - s->used < best->size - best->used))
			best = s;
	return best;
}

static void free_push(sk_cap_t slot, uint32_t order)
{
	slot_meta[slot].order = (uint8_t)order;
	slot_meta[slot].next = free_list[order];
	free_list[order] = (uint16_t)slot;
}

static sk_cap_t free_pop(uint32_t order)
{
	sk_cap_t slot = free_list[order];

	if (slot)
		free_list[order] = slot_meta[slot].next;
	return slot;
}

/* MEMORY1. A gap is lost if there is no slot for it. */
static void keep_gap(struct source *s, uint32_t order)
{
	while (s->used & ((1ull << order) - 1)) {
		uint32_t gap = (uint32_t)__builtin_ctzll(s->used);
		sk_cap_t slot;

		if (gap < SK_PAGE_ORDER) {
			s->used = align_up(s->used, SK_PAGE_ORDER);
			continue;
		}
		slot = slot_take(1);
		if (!slot)
			return;
		if (sk_retype(s->slot, SK_OBJ_UNTYPED, gap, SK_CAP_CNODE, slot, 1, 0)) {
			slot_put(slot, 1);
			return;
		}
		free_push(slot, gap);
		s->used += 1ull << gap;
	}
}

static int source_retype(
	struct source *s, uint32_t type, uint32_t order, uint32_t object_order, sk_cap_t slot)
{
	long rc;

	if (slot_meta)
		keep_gap(s, object_order);
	rc = sk_retype(s->slot, type, order, SK_CAP_CNODE, slot, 1, 0);
	if (!rc)
		s->used = align_up(s->used, object_order) + (1ull << object_order);
	return (int)rc;
}

int memory_retype(uint32_t type, uint32_t order, uint32_t object_order, sk_cap_t slot)
{
	struct source *s = source_find(object_order);

	return s ? source_retype(s, type, order, object_order, slot) : -SK_E_NO_MEM;
}

/* ---- untypeds of their own --------------------------------------------------------------- */
/* Make a source of the smallest free untyped that is larger. */
static struct source *source_from_free(uint32_t order)
{
	sk_cap_t slot;

	if (n_sources == SOURCES_MAX)
		return NULL;
	for (uint32_t k = order + 1; k < ORDERS; k++) {
		slot = free_pop(k);
		if (slot) {
			memory_add(slot, k, 0);
			return &sources[n_sources - 1];
		}
	}
	return NULL;
}

static int untyped_make(uint32_t order, sk_cap_t *out)
{
	struct source *s;
	sk_cap_t slot = free_pop(order);
	int rc;

	if (slot) {
		*out = slot;
		return 0;
	}
	slot = slot_take(1);
	if (!slot)
		return -SK_E_SLOT;
	s = source_find(order);
	if (!s)
		s = source_from_free(order);
	rc = s ? source_retype(s, SK_OBJ_UNTYPED, order, order, slot) : -SK_E_NO_MEM;
	if (rc) {
		slot_put(slot, 1);
		return rc;
	}
	slot_meta[slot].order = (uint8_t)order;
	*out = slot;
	return 0;
}

static void untyped_release(sk_cap_t untyped)
{
	(void)sk_revoke(SK_CAP_CNODE, untyped);
	slot_meta[untyped].live = 0;
	free_push(untyped, slot_meta[untyped].order);
}

/* ---- objects ----------------------------------------------------------------------------- */
static int make_large(uint32_t type, uint32_t order, uint32_t object_order, sk_cap_t slot)
{
	sk_cap_t home;
	int rc = untyped_make(object_order, &home);

	if (rc)
		return rc;
	rc = (int)sk_retype(home, type, order, SK_CAP_CNODE, slot, 1, 0);
	if (rc)
		untyped_release(home);
	else
		slot_meta[slot].home = (uint16_t)home;
	return rc;
}

static int make_small(uint32_t type, uint32_t object_order, sk_cap_t slot)
{
	int rc;

	if (!chunk ||
		align_up(chunk_used, object_order) + (1ull << object_order) > SK_PAGE_SIZE) {
		rc = untyped_make(SK_PAGE_ORDER, &chunk);
		if (rc) {
			chunk = 0;
			return rc;
		}
		chunk_used = 0;
	}
	rc = (int)sk_retype(chunk, type, 0, SK_CAP_CNODE, slot, 1, 0);
	if (rc)
		return rc;
	chunk_used = align_up(chunk_used, object_order) + (1ull << object_order);
	slot_meta[chunk].live++;
	slot_meta[slot].home = (uint16_t)chunk;
	return 0;
}

int memory_make(uint32_t type, uint32_t order, sk_cap_t *out)
{
	uint32_t object_order;
	sk_cap_t slot;
	int rc;

	if (type >= SK_OBJ_END)
		return -SK_E_INVAL;
	object_order = object_orders[type] ? object_orders[type] : order;
	if (object_order >= ORDERS || !object_order)
		return -SK_E_INVAL;
	if (type == SK_OBJ_UNTYPED) {
		rc = untyped_make(order, out);
		if (!rc)
			slot_meta[*out].home = (uint16_t)*out;
		return rc;
	}
	slot = slot_take(1);
	if (!slot)
		return -SK_E_SLOT;
	if (object_order < SK_PAGE_ORDER)
		rc = make_small(type, object_order, slot);
	else
		rc = make_large(type, object_orders[type] ? 0 : order, object_order, slot);
	if (rc)
		slot_put(slot, 1);
	else
		*out = slot;
	return rc;
}

void memory_drop(sk_cap_t cap)
{
	sk_cap_t home = slot_meta[cap].home;

	if (home == cap) {
		slot_meta[cap].home = 0;
		untyped_release(cap);
		return;
	}
	if (slot_meta[home].live) {
		(void)sk_delete(SK_CAP_CNODE, cap);
		if (--slot_meta[home].live == 0 && home != chunk)
			untyped_release(home);
	} else {
		untyped_release(home);
	}
	slot_put(cap, 1);
}

/* ---- public ------------------------------------------------------------------------------ */
int object_make(uint32_t type, uint32_t order, sk_cap_t *out)
{
	int rc;

	mutex_lock(&caps_lock);
	rc = memory_make(type, order, out);
	mutex_unlock(&caps_lock);
	return rc;
}

int object_make_in(sk_cap_t untyped, uint32_t type, uint32_t order, sk_cap_t cnode,
	sk_cap_t slot, uint32_t n)
{
	return (int)sk_retype(untyped, type, order, cnode, slot, n, 0);
}

int untyped_take(uint32_t min_order, sk_cap_t *out, uint32_t *order)
{
	int rc = -SK_E_NO_MEM;

	for (*order = ORDERS; rc && *order > min_order;)
		rc = object_make(SK_OBJ_UNTYPED, --*order, out);
	return rc;
}

void untyped_add(sk_cap_t untyped, uint32_t order)
{
	mutex_lock(&caps_lock);
	memory_add(untyped, order, 0);
	mutex_unlock(&caps_lock);
}

uint64_t caps_free_bytes(void)
{
	uint64_t bytes = 0;

	mutex_lock(&caps_lock);
	for (uint32_t i = 0; i < n_sources; i++)
		bytes += sources[i].size - sources[i].used;
	for (uint32_t k = 0; k < ORDERS; k++)
		for (sk_cap_t s = free_list[k]; s; s = slot_meta[s].next)
			bytes += 1ull << k;
	mutex_unlock(&caps_lock);
	return bytes;
}

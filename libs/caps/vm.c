/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.c - a domain's own addresses, and mapping frames there
 *
 * Objects     ranges: the free addresses from DOMAIN_FREE_VADDR up, sorted, first fit, merged
 *             when freed.
 * Locks       caps_lock.
 * Invariants  ADDR1 ranges do not touch each other
 *             ADDR2 page tables stay once they are made; low addresses are reused first
 */
#include "caps/internal.h"
#include "proto/domain.h"
#include "sys/sk.h"

enum { RANGES_MAX = 256 };
/* Space for the slot table, at DOMAIN_FREE_VADDR. */
#define META_SPACE (4ull << 20)

static struct range {
	uint64_t start, end;
} ranges[RANGES_MAX];
static uint32_t n_ranges;

void vm_init(void)
{
	ranges[0] = (struct range){ DOMAIN_FREE_VADDR + META_SPACE, DOMAIN_GUEST_VADDR };
	n_ranges = 1;
}

/* ---- addresses --------------------------------------------------------------------------- */
static void range_insert(uint32_t at, struct range r)
{
	if (n_ranges == RANGES_MAX)
		return; /* the range is lost, which is harmless in so large an address space */
	for (uint32_t i = n_ranges++; i > at; i--)
		ranges[i] = ranges[i - 1];
	ranges[at] = r;
}

static void range_remove(uint32_t at)
{
	n_ranges--;
	for (uint32_t i = at; i < n_ranges; i++)
		ranges[i] = ranges[i + 1];
}

static uint64_t addr_take(uint64_t size, uint64_t align)
{
	for (uint32_t i = 0; i < n_ranges; i++) {
		uint64_t at = (ranges[i].start + align - 1) & ~(align - 1);
		struct range rest = { at + size, ranges[i].end };

		if (at > ranges[i].end || ranges[i].end - at < size)
			continue;
		if (rest.start < rest.end)
			range_insert(i + 1, rest);
		if (at > ranges[i].start)
			ranges[i].end = at;
		else
			range_remove(i);
		return at;
	}
	return 0;
}

static void addr_put(uint64_t start, uint64_t size)
{
	uint64_t end = start + size;
	uint32_t i = 0;

	while (i < n_ranges && ranges[i].start < start)
		i++;
	if (i > 0 && ranges[i - 1].end == start) {
		ranges[--i].end = end;
	} else if (i < n_ranges && ranges[i].start == end) {
		ranges[i].start = start;
	} else {
		range_insert(i, (struct range){ start, end });
		return;
	}
	if (i + 1 < n_ranges && ranges[i].end == ranges[i + 1].start) { /* ADDR1 */
		ranges[i].end = ranges[i + 1].end;
		range_remove(i + 1);
	}
}

/* ---- mapping ----------------------------------------------------------------------------- */

/*
 * The kernel says which level is missing somewhere in the range; put a table in the first gap.
 */
static int table_add(sk_cap_t space, uint64_t vaddr, uint64_t size, uint32_t level)
{
	uint64_t span = 1ull << (12 + 9 * level), at = vaddr;
	sk_cap_t table;
	long rc;

	rc = memory_make(SK_OBJ_TABLE, 0, &table);
	if (rc)
		return (int)rc;
	do {
		rc = sk_map_table(table, space, at, level);
		at = (at | (span - 1)) + 1;
	} while (rc == -SK_E_EXISTS && at < vaddr + size);
	if (rc)
		memory_drop(table);
	return (int)rc;
}

static int with_lock(caps_lock) map_locked(sk_cap_t space, sk_cap_t frame, uint64_t vaddr,
	uint64_t offset, uint32_t order, uint32_t rights)
{
	uint32_t level;
	uint64_t at;
	long rc;

	while ((rc = sk_map(frame, space, vaddr, offset, order, rights, &at, &level)) ==
		-SK_E_NO_TABLE) {
		rc = table_add(space, vaddr, 1ull << order, level);
		if (rc)
			return (int)rc;
	}
	return (int)rc;
}

int space_map_at(sk_cap_t space, sk_cap_t frame, uint64_t vaddr, uint64_t offset,
	uint32_t order, uint32_t rights)
{
	int rc;

	mutex_lock(&caps_lock);
	rc = map_locked(space, frame, vaddr, offset, order, rights);
	mutex_unlock(&caps_lock);
	return rc;
}

static int with_lock(caps_lock)
	vm_map_locked(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	uint64_t size = 1ull << order;
	uint64_t at = addr_take(size, size < SK_LARGE_SIZE ? size : SK_LARGE_SIZE);
	int rc;

	if (!at)
		return -SK_E_NO_MEM;
	rc = map_locked(SK_CAP_SPACE, frame, at, 0, order, rights);
	if (rc)
		addr_put(at, size);
	else
		*out = (void *)at;
	return rc;
}

int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	int rc;

	if (order < SK_PAGE_ORDER || order > SK_HUGE_ORDER)
		return -SK_E_INVAL;
	mutex_lock(&caps_lock);
	rc = vm_map_locked(frame, order, rights, out);
	mutex_unlock(&caps_lock);
	return rc;
}

void vm_unmap(void *addr, sk_cap_t frame, uint32_t order)
{
	mutex_lock(&caps_lock);
	(void)sk_unmap(frame, 0, order);
	addr_put((uint64_t)addr, 1ull << order);
	mutex_unlock(&caps_lock);
}

int vm_alloc(uint32_t order, sk_cap_t *frame, void **out)
{
	int rc = object_make(SK_OBJ_FRAME, order, frame);

	if (rc)
		return rc;
	rc = vm_map(*frame, order, SK_R | SK_W, out);
	if (rc)
		cap_drop(*frame);
	return rc;
}

/* Make the tables by mapping a page in each large page for a moment. */
static int with_lock(caps_lock) tables_make(sk_cap_t frame, uint64_t start, uint64_t size)
{
	uint64_t at = start;
	int rc = 0;

	while (!rc && at < start + size) {
		rc = map_locked(SK_CAP_SPACE, frame, at, 0, SK_PAGE_ORDER, SK_R);
		if (!rc)
			rc = (int)sk_unmap(frame, 0, SK_PAGE_ORDER);
		at = (at | (SK_LARGE_SIZE - 1)) + 1;
	}
	return rc;
}

static int with_lock(caps_lock) reserve_locked(uint64_t size, void **out)
{
	sk_cap_t frame;
	uint64_t at;
	int rc;

	at = addr_take(size, SK_PAGE_SIZE);
	if (!at)
		return -SK_E_NO_MEM;
	rc = memory_make(SK_OBJ_FRAME, SK_PAGE_ORDER, &frame);
	if (!rc) {
		rc = tables_make(frame, at, size);
		memory_drop(frame);
	}
	if (rc)
		addr_put(at, size);
	else
		*out = (void *)at;
	return rc;
}

int vm_reserve(uint64_t size, void **out)
{
	int rc;

	size = (size + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
	mutex_lock(&caps_lock);
	rc = reserve_locked(size, out);
	mutex_unlock(&caps_lock);
	return rc;
}

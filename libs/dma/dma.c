/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.c - maps frames into a device's DMA space
 *
 * Invariants  one mapping per copy of a frame capability, so that dropping the copy ends the
 *             mapping and leaves the giver's own mappings alone. Device addresses are used
 *             again for memory of the same size, so that their tables are used again, too:
 *             those that have been free for longest, so that a late access of the device finds
 *             nothing.
 */
#include "dma/dma.h"

#include <string.h>

#include "caps/caps.h"
#include "sys/sk.h"

/* The first IOVA; 0 stays invalid so that a forgotten address faults. */
static uint64_t next_addr = 1ull << 32;

/* Addresses that are free again, in the order in which they became free. */
enum { FREE_MAX = 256 };
static struct {
	uint64_t at;
	uint32_t order;
} free_addrs[FREE_MAX];
static uint32_t n_free;

static uint64_t addr_take(uint32_t order)
{
	uint64_t size = 1ull << order, at;

	for (uint32_t i = 0; i < n_free; i++) {
		if (free_addrs[i].order != order)
			continue;
		at = free_addrs[i].at;
		n_free--;
		memmove(&free_addrs[i], &free_addrs[i + 1],
			(n_free - i) * sizeof(free_addrs[0]));
		return at;
	}
	at = (next_addr + size - 1) & ~(size - 1);
	next_addr = at + size;
	return at;
}

/* Beyond FREE_MAX, which is more than any driver maps at a time, it is not used again. */
static void addr_give(uint64_t at, uint32_t order)
{
	if (n_free == FREE_MAX)
		return;
	free_addrs[n_free].at = at;
	free_addrs[n_free++].order = order;
}

/*
 * MAP, making tables of the IoSpace on demand. *at: in, the wanted address; out, the device's.
 */
static int map_with_tables(sk_cap_t space, sk_cap_t frame, uint64_t offset, uint32_t order,
	uint32_t rights, uint64_t *at)
{
	for (;;) {
		uint32_t level;
		uint64_t got;
		int rc = (int)sk_map(frame, space, *at, offset, order, rights, &got, &level);
		sk_cap_t table;

		if (rc == 0)
			*at = got;
		if (rc != -SK_E_NO_TABLE)
			return rc;
		rc = object_make(SK_OBJ_TABLE, 0, &table);
		if (rc)
			return rc;
		rc = (int)sk_map_table(table, space, *at, level);
		if (rc) {
			cap_drop(table);
			return rc;
		}
	}
}

/* An IOMMU without pages of this size gets smaller ones. */
static int map_in_pieces(sk_cap_t space, sk_cap_t frame, uint64_t offset, uint32_t order,
	uint32_t rights, uint64_t *at)
{
	uint64_t half = (1ull << order) / 2, upper = *at + half;
	int rc = map_with_tables(space, frame, offset, order, rights, at);

	if (rc != -SK_E_LIMIT || order == SK_PAGE_ORDER)
		return rc;
	rc = map_in_pieces(space, frame, offset, order - 1, rights, at);
	return rc ? rc : map_in_pieces(space, frame, offset + half, order - 1, rights, &upper);
}

int dma_map(sk_cap_t space, sk_cap_t frame, uint64_t offset, uint32_t order, uint32_t rights,
	struct dma_map *out)
{
	int rc = cap_copy(frame, rights & (SK_R | SK_W), 0, &out->frame);

	if (rc)
		return rc;
	out->order = order;
	out->at = out->addr = addr_take(order);
	rc = map_in_pieces(space, out->frame, offset, order, rights, &out->addr);
	if (rc)
		dma_unmap(out);
	return rc;
}

void dma_unmap(struct dma_map *m)
{
	cap_drop(m->frame);
	m->frame = SK_NULL_CAP;
	addr_give(m->at, m->order);
}

int dma_alloc(sk_cap_t space, uint32_t order, void **virt, uint64_t *addr)
{
	struct dma_map m;
	sk_cap_t frame;
	int rc = vm_alloc(order, &frame, virt);

	if (rc)
		return rc;
	rc = dma_map(space, frame, 0, order, SK_R | SK_W, &m);
	if (rc) {
		vm_unmap(*virt, frame, order);
		cap_drop(frame);
		return rc;
	}
	*addr = m.addr;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devmem.c - maps and hands out device memory
 *
 * Objects     a list of the mapped pages. They are few: configuration space and tables.
 * Invariants  physical address p is visible at WINDOW + p, so that neighbours stay neighbours.
 */
#include "devmem.h"

#include <stdbool.h>
#include "caps/caps.h"
#include "proto/platform.h"
#include "sys/sk.h"

#define WINDOW 0x400000000000ull

enum { MAPPED_MAX = 512 };
static uint64_t mapped[MAPPED_MAX]; /* page addresses */
static unsigned int n_mapped;

static const struct platform_resources *resources(void)
{
	return (const struct platform_resources *)PLATFORM_RES_VADDR;
}

int devmem_frame(uint64_t paddr, uint32_t order, sk_cap_t *out)
{
	const struct platform_resources *r = resources();
	uint64_t size = 1ull << order;

	for (uint32_t i = 0; i < r->n_mem && i < PLATFORM_MEM_MAX; i++) {
		const struct platform_mem *m = &r->mem[i];
		uint64_t end = m->paddr + (1ull << m->order);
		sk_cap_t slot;
		int rc;

		if (paddr < m->paddr || paddr >= end || size > end - paddr)
			continue;
		slot = slot_alloc(1);
		if (!slot)
			return -SK_E_NO_MEM;
		rc = (int)sk_retype(
			m->slot, SK_OBJ_FRAME, order, SK_CAP_CNODE, slot, 1, paddr - m->paddr);
		if (rc) {
			slot_free(slot, 1);
			return rc;
		}
		*out = slot;
		return 0;
	}
	return -SK_E_NOT_FOUND;
}

static bool page_mapped(uint64_t page)
{
	for (unsigned int i = 0; i < n_mapped; i++)
		if (mapped[i] == page)
			return true;
	return false;
}

static bool page_map(uint64_t page)
{
	sk_cap_t frame;

	if (page_mapped(page))
		return true;
	if (n_mapped == MAPPED_MAX || devmem_frame(page, SK_PAGE_ORDER, &frame))
		return false;
	if (space_map_at(SK_CAP_SPACE, frame, WINDOW + page, 0, SK_PAGE_ORDER,
		    SK_R | SK_W | SK_MAP_UNCACHED)) {
		cap_drop(frame);
		return false;
	}
	mapped[n_mapped++] = page;
	return true;
}

volatile void *devmem_map(uint64_t paddr, size_t len)
{
	uint64_t page = paddr & ~(SK_PAGE_SIZE - 1), end = paddr + len;

	if (end < paddr || end > WINDOW || len == 0)
		return NULL;
	for (; page < end; page += SK_PAGE_SIZE)
		if (!page_map(page))
			return NULL;
	return (volatile void *)(WINDOW + paddr);
}

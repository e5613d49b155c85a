/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c - memory of a domain that is being built: frames, page tables, and filling pages before
 * it runs
 *
 * Invariants  PROC_MAP1 every mapping in the domain is held by its keep, or by a slot of its
 *                       own; a view that the builder needs for a moment is a copy, which is
 *                       dropped before the call returns
 */
#include <string.h>
#include "caps/caps.h"
#include "proc/internal.h"
#include "sys/sk.h"

/* Larger pages would need an alignment that no address here has. */
enum { MAP_ORDER_MAX = 29 };

int keep_put(struct proc *p, sk_cap_t cap)
{
	long rc;

	if (p->keep_next == p->keep_slots)
		return -SK_E_SLOT;
	rc = sk_move(p->keep, p->keep_next, SK_CAP_CNODE, cap);
	if (rc)
		return (int)rc;
	p->keep_next++;
	slot_free(cap, 1);
	return 0;
}

int make_own(struct proc *p, sk_cap_t from, uint32_t type, uint32_t order, sk_cap_t *out)
{
	sk_cap_t slot = slot_alloc(1);
	int rc;

	if (!slot)
		return -SK_E_SLOT;
	rc = object_make_in(from ? from : p->untyped, type, order, SK_CAP_CNODE, slot, 1);
	if (rc)
		slot_free(slot, 1);
	else
		*out = slot;
	return rc;
}

uint32_t map_order(uint64_t vaddr, uint64_t offset, uint64_t size, uint32_t frame_order)
{
	uint32_t order = 63 - (uint32_t)__builtin_clzll(size);

	if (offset && (uint32_t)__builtin_ctzll(offset) < order)
		order = (uint32_t)__builtin_ctzll(offset);
	if (order > frame_order)
		order = frame_order;
	if (order > MAP_ORDER_MAX)
		order = MAP_ORDER_MAX;
	if (order >= SK_LARGE_ORDER && vaddr % SK_LARGE_SIZE)
		order = SK_LARGE_ORDER - 1;
	return order;
}

/*
 * The kernel says which level is missing somewhere in the range; put a table in the first gap.
 */
static int table_add(struct proc *p, uint64_t vaddr, uint64_t size, uint32_t level)
{
	uint64_t span = 1ull << (12 + 9 * level), at = vaddr;
	sk_cap_t table;
	long rc;

	rc = make_own(p, 0, SK_OBJ_TABLE, 0, &table);
	if (rc)
		return (int)rc;
	do {
		rc = sk_map_table(table, p->space, at, level);
		at = (at | (span - 1)) + 1;
	} while (rc == -SK_E_EXISTS && at < vaddr + size);
	if (!rc)
		rc = keep_put(p, table);
	if (rc)
		cap_drop(table);
	return (int)rc;
}

static int map_one(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t offset,
	uint32_t order, uint32_t rights)
{
	uint32_t level;
	uint64_t at;
	long rc;

	while ((rc = sk_map(frame, p->space, vaddr, offset, order, rights, &at, &level)) ==
		-SK_E_NO_TABLE) {
		rc = table_add(p, vaddr, 1ull << order, level);
		if (rc)
			break;
	}
	return (int)rc;
}

int map_part(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t offset, uint64_t size,
	uint32_t rights)
{
	struct sk_cap_info info;
	int rc;

	rc = (int)sk_cap_info(SK_CAP_CNODE, frame, &info);
	if (rc)
		return rc;
	if (info.type != SK_OBJ_FRAME || (vaddr | offset | size) % SK_PAGE_SIZE)
		return -SK_E_INVAL;
	while (size) {
		uint32_t order = map_order(vaddr, offset, size, info.order);

		rc = map_one(p, frame, vaddr, offset, order, rights);
		if (rc)
			return rc;
		vaddr += 1ull << order;
		offset += 1ull << order;
		size -= 1ull << order;
	}
	return 0;
}

int proc_map(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t offset, uint64_t size,
	uint32_t rights)
{
	sk_cap_t copy;
	int rc;

	rc = cap_copy(frame, rights & (SK_R | SK_W | SK_EXEC), 0, &copy);
	if (rc)
		return rc;
	rc = map_part(p, copy, vaddr, offset, size, rights);
	if (!rc)
		rc = keep_put(p, copy);
	if (rc)
		cap_drop(copy);
	return rc;
}

uint32_t proc_mark(const struct proc *p) { return p->keep_next; }

/* A table was put there before what is mapped by it. */
void proc_unmap(struct proc *p, uint32_t from, uint32_t to)
{
	for (uint32_t slot = to; slot > from; slot--)
		(void)sk_delete(p->keep, slot - 1);
	if (p->keep_next == to)
		p->keep_next = from;
}

/* New frames are zero, so only the part that data covers is written. */
static int frame_fill(sk_cap_t frame, uint32_t order, const void *data, uint64_t size)
{
	sk_cap_t copy;
	void *view;
	int rc;

	rc = cap_copy(frame, SK_R | SK_W, 0, &copy);
	if (rc)
		return rc;
	rc = vm_map(copy, order, SK_R | SK_W, &view);
	if (!rc) {
		memcpy(view, data, size);
		vm_unmap(view, copy, order);
	}
	cap_drop(copy); /* PROC_MAP1 */
	return rc;
}

static int frame_new(struct proc *p, uint64_t vaddr, uint32_t order, const void *data,
	uint64_t size, uint32_t rights)
{
	sk_cap_t frame;
	int rc;

	rc = make_own(p, 0, SK_OBJ_FRAME, order, &frame);
	if (rc)
		return rc;
	if (size)
		rc = frame_fill(frame, order, data, size);
	if (!rc)
		rc = map_part(p, frame, vaddr, 0, 1ull << order, rights);
	if (!rc)
		rc = keep_put(p, frame);
	if (rc)
		cap_drop(frame);
	return rc;
}

int map_new(struct proc *p, uint64_t vaddr, uint64_t mem_size, const void *data,
	uint64_t data_size, uint32_t rights)
{
	int rc = 0;

	mem_size = (mem_size + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
	while (!rc && mem_size) {
		uint32_t order = map_order(vaddr, 0, mem_size, PROC_DATA_ORDER);
		uint64_t step = 1ull << order;
		uint64_t part = data_size < step ? data_size : step;

		rc = frame_new(p, vaddr, order, data, part, rights);
		vaddr += step;
		mem_size -= step;
		data = (const uint8_t *)data + part;
		data_size -= part;
	}
	return rc;
}

int proc_data(struct proc *p, uint64_t vaddr, const void *data, uint64_t size, uint32_t rights)
{
	if (!size || vaddr % SK_PAGE_SIZE || (rights & ~(uint32_t)(SK_R | SK_W)))
		return -SK_E_INVAL;
	return map_new(p, vaddr, size, data, size, rights | SK_R);
}

uint64_t proc_vaddr(struct proc *p, uint32_t order)
{
	uint64_t size = 1ull << order, align = order < SK_LARGE_ORDER ? size : SK_LARGE_SIZE;
	uint64_t at = (p->next_vaddr + align - 1) & ~(align - 1);

	p->next_vaddr = at + size;
	return at;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ram.c - guest RAM and nested mappings through the kernel's calls
 *
 * Objects     for each piece of RAM (an untyped that control gave): a frame, mapped in this
 *             domain, and a copy of its capability, mapped in the nested space. Each kind has
 *             consecutive slots.
 * Locks       vm.made_lock: making pieces of boot; inside vm.mem_lock. Otherwise physmap.c
 *             calls with vm.mem_lock held, and ram_init() runs before any vCPU.
 * Lifecycle   A piece of boot is made when it is touched first: by the VMM through gmem(), or
 *             by the guest, whose access ends in a nested fault. Further ones are made by
 *             ram_piece_make(). They end with the guest.
 * Invariants  RAM1 the VMM reads and writes RAM only where it has been touched
 *             RAM2 the memory and the slots of all pieces, and the memory for their page
 *                  tables, were given to the VMM before it started: making one cannot fail
 */
#include "machine/ram.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "caps/caps.h"
#include "machine/chunk.h"
#include "proto/domain.h"
#include "sys/sk.h"

enum { RWX = SK_R | SK_W | SK_EXEC };

int ram_own_alloc(uint32_t order, sk_cap_t *frame, void **out)
{
	return vm_alloc(order, frame, out);
}

int ram_map(const struct ram_at *at, uint32_t order, enum ram_access access)
{
	return space_map_at(vm.nested, vm.ram_nested + (sk_cap_t)at->piece, at->gpa, at->offset,
		order, access == RAM_WRITABLE ? RWX : SK_R | SK_EXEC);
}

void ram_unmap(const struct ram_at *at, uint32_t order)
{
	(void)sk_unmap(vm.ram_nested + (sk_cap_t)at->piece, at->offset, order);
}

int ram_copy_make(uint64_t piece, sk_cap_t *copy)
{
	return cap_copy(vm.ram_frame + (sk_cap_t)piece, SK_ALL, 0, copy);
}

int ram_copy_map(sk_cap_t copy, uint64_t offset, sk_gpa_t gpa)
{
	return space_map_at(vm.nested, copy, gpa, offset, SK_PAGE_ORDER, RWX);
}

void ram_copy_unmap(sk_cap_t copy, uint64_t offset)
{
	(void)sk_unmap(copy, offset, SK_PAGE_ORDER);
}

void ram_copy_drop(sk_cap_t copy) { cap_drop(copy); }

int ram_frame_map(sk_cap_t frame, sk_gpa_t gpa, sk_cap_t *copy)
{
	int rc = cap_copy(frame, SK_ALL, 0, copy);

	if (rc)
		return rc;
	rc = ram_copy_map(*copy, 0, gpa);
	if (rc)
		cap_drop(*copy);
	return rc;
}

int ram_large_split(sk_gpa_t gpa, sk_cap_t *table)
{
	int rc = object_make(SK_OBJ_TABLE, 0, table);

	if (rc)
		return rc;
	rc = (int)sk_map_table(*table, vm.nested, gpa, 1);
	if (rc)
		ram_table_drop(*table);
	return rc;
}

void ram_table_drop(sk_cap_t table) { cap_drop(table); }

/* The guest-physical address of the byte at this distance from the start of RAM. */
static sk_gpa_t gpa_of(uint64_t linear)
{
	return linear < vm.low_size ? linear : VM_HIGH_GPA + (linear - vm.low_size);
}

/* Map a frame in large pages, because it may be larger than one entry of the tables can map. */
static int map_piece(
	sk_cap_t space, sk_cap_t frame, uint64_t at, uint64_t size, uint32_t rights)
{
	uint32_t order = size >= 1ull << SK_HUGE_ORDER ? SK_HUGE_ORDER : SK_LARGE_ORDER;
	int rc = 0;

	for (uint64_t offset = 0; !rc && offset < size; offset += 1ull << order)
		rc = space_map_at(space, frame, at + offset, offset, order, rights);
	return rc;
}

/*
 * Make the piece's frame and its second capability, and map it in the VMM. Undone when it
 * fails.
 */
static int piece_make(uint32_t i, uint32_t order, sk_gpa_t gpa)
{
	int rc = object_make_in(
		VM_CAP_RAM + i, SK_OBJ_FRAME, order, SK_CAP_CNODE, vm.ram_frame + i, 1);

	if (rc)
		return rc;
	rc = (int)sk_copy(
		SK_CAP_CNODE, vm.ram_nested + i, SK_CAP_CNODE, vm.ram_frame + i, SK_ALL);
	if (!rc)
		rc = map_piece(SK_CAP_SPACE, vm.ram_frame + i,
			(uint64_t)(uintptr_t)vm.ram + gpa, 1ull << order, SK_R | SK_W);
	if (rc)
		(void)sk_revoke(SK_CAP_CNODE, VM_CAP_RAM + i);
	return rc;
}

int ram_piece_make(uint64_t piece, sk_gpa_t gpa)
{
	return piece_make((uint32_t)piece, CHUNK_SHIFT, gpa);
}

static int boot_piece_make(uint32_t i)
{
	sk_gpa_t gpa = gpa_of((uint64_t)i << vm.ram_order);
	int rc = piece_make(i, vm.ram_order, gpa);

	return rc ? rc
		  : map_piece(vm.nested, vm.ram_nested + i, gpa, 1ull << vm.ram_order, RWX);
}

void ram_boot_piece(uint64_t piece)
{
	uint64_t *word = &vm.made[piece / 64], bit = 1ull << piece % 64;
	int rc = 0;

	mutex_lock(&vm.made_lock);
	if (!(*word & bit)) {
		rc = boot_piece_make((uint32_t)piece);
		__atomic_fetch_or(word, bit, __ATOMIC_RELEASE);
	}
	mutex_unlock(&vm.made_lock);
	if (rc) { /* RAM2 */
		printf("RAM of the guest cannot be made: %s\n", sk_error_text(rc));
		exit(1);
	}
}

int ram_init(const struct vm_config *cfg)
{
	uint64_t total = (uint64_t)cfg->n_ram << cfg->ram_order, low = VM_LOW_MAX;
	int rc;

	if (cfg->ram_order < SK_LARGE_ORDER || cfg->ram_order > SK_HUGE_ORDER || !cfg->n_ram ||
		cfg->n_ram > VM_PIECES_MAX)
		return -SK_E_INVAL;
	low &= ~((1ull << cfg->ram_order) - 1); /* no piece straddles the hole */
	vm.ram_order = cfg->ram_order;
	vm.ram = (uint8_t *)(uintptr_t)DOMAIN_GUEST_VADDR;
	vm.low_size = total < low ? total : low;
	vm.high_size = total - vm.low_size;
	rc = object_make(SK_OBJ_SPACE_NESTED, 0, &vm.nested);
	if (rc)
		return rc;
	vm.n_boot_pieces = vm.n_given = vm.n_pieces = cfg->n_ram;
	vm.max_pieces = cfg->n_ram + cfg->n_more;
	vm.ram_end = gpa_of(total - 1) + 1;
	vm.ram_frame = slot_alloc(vm.max_pieces);
	vm.ram_nested = slot_alloc(vm.max_pieces);
	return vm.ram_frame && vm.ram_nested ? 0 : -SK_E_SLOT;
}

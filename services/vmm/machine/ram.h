/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ram.h - the guest's RAM and its mappings: physmap.c's interface to the kernel, which a test
 * replaces
 *
 * A piece of RAM is an untyped that control gave. The VMM has two capabilities to its frame:
 * one is mapped in the VMM, the other for the guest, at the piece's home.
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include "machine/chunk.h"
#include "machine/vm.h"

/*
 * Set vm.low_size and the values that follow from it, for the pieces that the configuration
 * names. Each of them is made when it is touched.
 */
int ram_init(const struct vm_config *cfg) must_check;
/* Make a piece of boot, unless it was made already, and map it here and for the guest. */
void ram_boot_piece(uint64_t piece);
/* gpa is in the RAM of boot. What the VMM or the guest has touched is mapped for both. */
static inline void ram_touch(sk_gpa_t gpa)
{
	uint64_t piece = ram_linear(gpa) >> vm.ram_order;

	if (!(__atomic_load_n(&vm.made[piece / 64], __ATOMIC_ACQUIRE) >> piece % 64 & 1))
		ram_boot_piece(piece);
}
/*
 * Make a further piece, one chunk, into a frame that the VMM sees at vm.ram + gpa. No part of
 * it is mapped for the guest. A call that failed can be repeated.
 */
int ram_piece_make(uint64_t piece, sk_gpa_t gpa) must_check;

/* Allocate 2^order bytes of zeroed memory for the VMM itself; it is never freed. */
int ram_own_alloc(uint32_t order, sk_cap_t *frame, void **out) must_check;

/* A place in a piece of RAM, and its home. */
struct ram_at {
	uint64_t piece, offset;
	sk_gpa_t gpa;
};
enum ram_access {
	RAM_READ_ONLY,
	RAM_WRITABLE,
};
/*
 * Map 2^order bytes at their home, where nothing is mapped: a chunk in one large page, or at
 * most half of one in small pages. The guest may execute what is in them.
 */
int ram_map(const struct ram_at *at, uint32_t order, enum ram_access access) must_check;
/* Unmap what is mapped at its home, and small pages also if only some of them are. */
void ram_unmap(const struct ram_at *at, uint32_t order);
/*
 * Map pages of a piece elsewhere, through a copy of its capability. A copy has one window: all
 * pages that are mapped through it lie at the same distance from their places in the piece.
 * When one copy is dropped, all pages of the piece at that distance are unmapped, whichever
 * copy they were mapped through.
 */
int ram_copy_make(uint64_t piece, sk_cap_t *copy) must_check;
int ram_copy_map(sk_cap_t copy, uint64_t offset, sk_gpa_t gpa) must_check;
void ram_copy_unmap(sk_cap_t copy, uint64_t offset);
void ram_copy_drop(sk_cap_t copy);
/* Map one of the VMM's own frames for the guest, through a copy that is made for this. */
int ram_frame_map(sk_cap_t frame, sk_gpa_t gpa, sk_cap_t *copy) must_check;
/* Split the 2 MiB page at gpa into 512 small ones, with a page table of its own. */
int ram_large_split(sk_gpa_t gpa, sk_cap_t *table) must_check;
/* The reverse, when nothing is mapped there. */
void ram_table_drop(sk_cap_t table);

#endif

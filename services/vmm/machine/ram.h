/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ram.h - the guest's RAM and its mappings: physmap.c's view of the kernel; a test has its own
 *
 * A piece of RAM is an untyped that control gave. The VMM has two capabilities to its frame:
 * one is mapped in the VMM, the other for the guest, at the piece's home.
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include "machine/vm.h"

/*
 * The pieces that the configuration names, mapped here and for the guest. Sets vm.low_size and
 * what follows from it.
 */
int ram_init(const struct vm_config *cfg) must_check;
/*
 * A further piece, one chunk, becomes a frame that the VMM sees at vm.ram + gpa. Nothing of it
 * is mapped for the guest. A call that failed can be made again.
 */
int ram_piece_make(uint64_t piece, sk_gpa_t gpa) must_check;

/* Zeroed memory of the VMM's own, 2^order bytes; never given back. */
int ram_own_alloc(uint32_t order, sk_cap_t *frame, void **out) must_check;

/* Map a page of a piece at its home. */
int ram_page_map(uint64_t piece, uint64_t offset, sk_gpa_t gpa) must_check;
void ram_page_unmap(uint64_t piece, uint64_t offset);
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
/* Map a frame of the VMM's own for the guest, through a copy that is made for it. */
int ram_frame_map(sk_cap_t frame, sk_gpa_t gpa, sk_cap_t *copy) must_check;
/* The 2 MiB page at gpa becomes 512 small ones. */
int ram_large_split(sk_gpa_t gpa) must_check;

#endif

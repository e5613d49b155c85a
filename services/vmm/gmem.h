/*
 * gmem.h - how the machine half knows which guest page is what; for gmem.c and mem.c
 */
#ifndef VMM_GMEM_H
#define VMM_GMEM_H

#include "vm.h"

enum { CHUNK_PAGES = 512, CHUNK_SHIFT = 21, CHUNK_LEAF = 512 };

enum page_kind {
	PAGE_HOLE = 0,
	PAGE_HOME, /* RAM in its own place: mapped through the nested capability of its piece of RAM */
	PAGE_MOVED,   /* RAM of another place, through a copy of that capability */
	PAGE_SPECIAL, /* a struct mem_page */
};
struct page_slot {
	uint8_t *ptr; /* atomic: what the guest sees here, as the VMM sees it; NULL = hole */
	sk_cap_t cap; /* PAGE_MOVED: the copy */
	uint32_t kind;
};
/* 2 MiB of guest-physical space that is not one whole piece of RAM any more, or never was RAM. */
struct chunk {
	uint64_t number;
	struct chunk *next; /* vm.split */
	uint32_t n_free;
	uint64_t free[CHUNK_PAGES /
		      64]; /* pages of RAM that have their home here and are nowhere in the guest */
	struct page_slot page[CHUNK_PAGES];
};

/* Is that chunk RAM by birth? */
static inline bool chunk_is_ram(uint64_t number)
{
	uint64_t gpa = number << CHUNK_SHIFT;

	return gpa < vm.low_size || (gpa >= VM_HIGH_GPA && gpa - VM_HIGH_GPA < vm.high_size);
}
/* NULL: whole. number < 2^(VM_PHYS_BITS - CHUNK_SHIFT). */
static inline struct chunk *chunk_find(uint64_t number)
{
	struct chunk **leaf = __atomic_load_n(&vm.chunk[number / CHUNK_LEAF], __ATOMIC_ACQUIRE);

	return leaf ? __atomic_load_n(&leaf[number % CHUNK_LEAF], __ATOMIC_ACQUIRE) : NULL;
}

/* ---- the kernel's side, memk.c; a test has its own ---------------------------------------------- */

/* Zeroed memory of the VMM's own, 2^order bytes; never given back. */
int memk_alloc(uint32_t order, sk_cap_t *frame, void **out) must_check;
/* Map a page: of RAM piece `piece` at `offset`, through its own nested capability. */
int memk_map_home(uint64_t piece, uint64_t offset, sk_gpa_t gpa) must_check;
void memk_unmap_home(uint64_t piece, uint64_t offset);
/* The same through a fresh copy of the capability, which goes when it is unmapped. */
int memk_map_copy(uint64_t piece, uint64_t offset, sk_gpa_t gpa, sk_cap_t *copy) must_check;
void memk_unmap_copy(sk_cap_t copy, uint64_t offset);
int memk_map_frame(sk_cap_t frame, sk_gpa_t gpa, sk_cap_t *copy) must_check;
/* The 2 MiB page at gpa becomes 512 small ones. */
int memk_split(sk_gpa_t gpa) must_check;

#endif

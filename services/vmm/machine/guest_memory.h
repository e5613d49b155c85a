/*
 * guest_memory.h - how the machine half knows which guest page is what; for guest_memory.c and physmap.c
 */
#ifndef VMM_GUEST_MEMORY_H
#define VMM_GUEST_MEMORY_H

#include "machine/vm.h"

enum { CHUNK_PAGES = 512, CHUNK_SHIFT = 21, CHUNK_LEAF = 512 };

enum page_kind {
	PAGE_HOLE = 0,
	PAGE_HOME, /* RAM in its own place: mapped through the nested capability of its piece of RAM */
	PAGE_MOVED,   /* RAM of another place, through a copy of that capability (physmap.c) */
	PAGE_SPECIAL, /* a struct mem_page */
};
/*
 * What the guest sees at a page, in one word so that guest_memory.c reads it without a lock: the kind in bits 0 and 1; MOVED:
 * the page's home; SPECIAL: where the VMM sees the page.
 */
typedef uint64_t page_word_t;
#define PAGE_ADDR 0x0000fffffffff000ull

static inline enum page_kind page_kind(page_word_t w) { return (enum page_kind)(w & 3); }

/* As the VMM sees it; NULL: hole. `at` is the page itself. */
static inline uint8_t *page_ptr(page_word_t w, sk_gpa_t at)
{
	switch (page_kind(w)) {
	case PAGE_HOME:
		return vm.ram + at;
	case PAGE_MOVED:
		return vm.ram + (w & PAGE_ADDR);
	case PAGE_SPECIAL:
		return (uint8_t *)(uintptr_t)(w & PAGE_ADDR);
	default:
		return NULL;
	}
}

/* 2 MiB of guest-physical space that is not one whole piece of RAM any more, or never was RAM. */
struct chunk {
	uint64_t number;
	struct chunk *next; /* vm.split: those that are the home of RAM */
	page_word_t *page;  /* CHUNK_PAGES of them, atomic */
	uint64_t offset;    /* in that piece of RAM */
	uint32_t piece;     /* of RAM that has its home here; PIECE_NONE */
	uint32_t n_free;
	uint64_t free[CHUNK_PAGES /
		      64]; /* pages of RAM that have their home here and are nowhere in the guest */
};
#define PIECE_NONE UINT32_MAX

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

/* ---- the kernel's side, ram.c; a test has its own ---------------------------------------------- */

/* Zeroed memory of the VMM's own, 2^order bytes; never given back. */
int memk_alloc(uint32_t order, sk_cap_t *frame, void **out) must_check;
/* Map a page: of RAM piece `piece` at `offset`, through its own nested capability. */
int memk_map_home(uint64_t piece, uint64_t offset, sk_gpa_t gpa) must_check;
void memk_unmap_home(uint64_t piece, uint64_t offset);
/*
 * The same through a copy of the capability. It has one window: all that is mapped through it is at the same distance
 * from its place in the piece, and whatever of the piece lies so, through which copy ever, goes when one is dropped.
 */
int memk_copy(uint64_t piece, sk_cap_t *copy) must_check;
int memk_map_copy(sk_cap_t copy, uint64_t offset, sk_gpa_t gpa) must_check;
void memk_unmap_copy(sk_cap_t copy, uint64_t offset);
void memk_drop_copy(sk_cap_t copy);
/*
 * A further piece of RAM, one chunk, which control gave, becomes a frame that the VMM sees at vm.ram + gpa; nothing
 * of it is mapped for the guest. What fails can be tried again.
 */
int memk_home(uint64_t piece, sk_gpa_t gpa) must_check;
int memk_map_frame(sk_cap_t frame, sk_gpa_t gpa, sk_cap_t *copy) must_check;
/* The 2 MiB page at gpa becomes 512 small ones. */
int memk_split(sk_gpa_t gpa) must_check;

#endif

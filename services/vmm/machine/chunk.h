/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chunk.h - what each guest page is; physmap.c writes this, guest_memory.c reads it without a
 * lock
 */
#ifndef VMM_CHUNK_H
#define VMM_CHUNK_H

#include "machine/vm.h"

enum {
	CHUNK_PAGES = 512,
	CHUNK_SHIFT = 21,
	/* chunks in a leaf of vm.chunk */
	CHUNK_LEAF = 512,
};

enum page_kind {
	PAGE_HOLE = 0,
	/* RAM at its home, mapped through the nested capability of its piece of RAM. */
	PAGE_HOME,
	/* RAM whose home is elsewhere, mapped through a copy of that capability (physmap.c). */
	PAGE_MOVED,
	/* A struct guest_page. */
	PAGE_SPECIAL,
};

/*
 * What the guest sees at a page, in one word, so that it can be read without a lock. Bits 0 and
 * 1 are the kind. The rest is the page's home for MOVED, and the address at which the VMM sees
 * the page for SPECIAL.
 */
typedef uint64_t page_word_t;
#define PAGE_ADDR 0x0000fffffffff000ull

static inline enum page_kind page_kind(page_word_t w) { return (enum page_kind)(w & 3); }

/* The page at gpa `at` as the VMM sees it; NULL for a hole. */
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

/*
 * 2 MiB of guest-physical space that is no longer one whole piece of RAM, or never was RAM.
 */
struct chunk {
	uint64_t number;
	/* Links the chunks that are the home of RAM: vm.split. */
	struct chunk *next;
	/* CHUNK_PAGES words, atomic. */
	page_word_t *page;
	/*
	 * The piece of RAM that has its home here, or PIECE_NONE; and where in that piece the
	 * chunk begins.
	 */
	uint32_t piece;
	uint64_t offset;
	/* Pages of RAM that have their home here and are not in the guest now. */
	uint32_t n_free;
	uint64_t free[CHUNK_PAGES / 64];
};
#define PIECE_NONE UINT32_MAX

/* Is that chunk part of the RAM that is present at boot? */
static inline bool chunk_is_ram(uint64_t number)
{
	uint64_t gpa = number << CHUNK_SHIFT;

	return gpa < vm.low_size || (gpa >= VM_HIGH_GPA && gpa - VM_HIGH_GPA < vm.high_size);
}

/* The distance in bytes of RAM at gpa from the start of all RAM, in the order of its pieces. */
static inline uint64_t ram_linear(sk_gpa_t gpa)
{
	return gpa < VM_HIGH_GPA ? gpa : gpa - VM_HIGH_GPA + vm.low_size;
}

/*
 * NULL if the chunk is whole, or not RAM and unused. number < 2^(VM_PHYS_BITS - CHUNK_SHIFT).
 */
static inline struct chunk *chunk_find(uint64_t number)
{
	struct chunk **leaf = __atomic_load_n(&vm.chunk[number / CHUNK_LEAF], __ATOMIC_ACQUIRE);

	return leaf ? __atomic_load_n(&leaf[number % CHUNK_LEAF], __ATOMIC_ACQUIRE) : NULL;
}

#endif

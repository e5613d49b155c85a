/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * space.h - address spaces of threads, guests and devices, and the tables and frames mapped in
 * them
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include "cap.h"

#define SPACE_LEVELS 4
#define USER_START 0x1000ull
/* The last page stays empty: SYSRET must not see a kernel address. */
#define USER_END 0x7ffffffff000ull
#define NESTED_END (1ull << 47)

/*
 * Second page of the object. The first is the table that the hardware begins with: of level 4,
 * or of level 3 for IOMMUs that have no more. A walk begins at `root`, which is then `top`.
 */
struct space {
	struct object obj;         /* its type says which format */
	uint64_t root;             /* physical address of the table of level 4 */
	struct slot *mapped;       /* frames and tables in it (tree lock) */
	uint64_t arch_data[4];     /* x86_64: generation, what tlb_model.c keeps */
	struct io_device *devices; /* DMA space: what is assigned to it (tree lock) */
	uint64_t top;              /* its only entry of level 4, if there is no such table */
};
static inline struct space *space_of(struct object *o) { return (struct space *)o; }
/* Physical address of the table that the hardware begins with, and its level. */
static inline uint64_t space_tables(const struct space *s)
{
	return virt_to_phys(s) - SK_PAGE_SIZE;
}
static inline unsigned int space_levels(const struct space *s)
{
	return s->obj.type == SK_OBJ_SPACE_IO ? io_limits.levels : SPACE_LEVELS;
}

/* Which level of table was missing at the last -SK_E_NO_TABLE (tree lock). */
extern unsigned int space_missing_level;
/*
 * Map a page of an object for its user; `slot`, an empty internal one, then stands for the
 * mapping.
 */
int under_tree space_map_page(struct slot *slot, uint8_t owner, void *page, struct space *s,
	uint64_t vaddr) must_check;
/* The frame or table capability is deleted. */
int under_tree frame_unmap_all(struct slot *frame) must_check;
int under_tree table_unlink(struct slot *table) must_check;
/* The slot moved: make its neighbours in the list of its space point to it. */
void space_relink(struct slot *s);

#endif

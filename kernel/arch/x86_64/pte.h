/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte.h - page table entries of host, nested (NPT) and DMA tables
 *
 * Host and nested tables have the long-mode format. Nested tables have the user bit everywhere,
 * because a guest's accesses are user accesses to the nested walk.
 */
#ifndef X86_64_PTE_H
#define X86_64_PTE_H

#include <stdbool.h>
#include <sk/syscall.h>

enum { PTE_PRESENT = 1, PTE_WRITE = 2, PTE_USER = 4, PTE_PWT = 8, PTE_PCD = 16 };
enum { PTE_LARGE = 128 };
#define PTE_ACCESSED 0x20ull /* by the processor */
/* Free for software: an entry of the root task that no capability stands for. */
#define PTE_BOOT (1ull << 9)
#define PTE_NX (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

static inline unsigned int pte_index(uint64_t vaddr, unsigned int level)
{
	return vaddr >> (12 + 9 * (level - 1)) & 511;
}
/* Bytes that one entry of a table of this level translates. */
static inline uint64_t pte_span(unsigned int level) { return 1ull << (12 + 9 * (level - 1)); }
static inline uint64_t pte_table(uint64_t paddr)
{
	return paddr | PTE_PRESENT | PTE_WRITE | PTE_USER;
}
static inline uint64_t pte_leaf(uint64_t paddr, unsigned int rights, unsigned int level)
{
	uint64_t e = paddr | PTE_PRESENT | PTE_USER;

	if (rights & SK_W)
		e |= PTE_WRITE;
	if (!(rights & SK_EXEC))
		e |= PTE_NX;
	if (rights & SK_MAP_UNCACHED)
		e |= PTE_PCD | PTE_PWT;
	else if (rights & SK_MAP_WRITE_COMBINE)
		e |= PTE_PWT;
	if (level > 1)
		e |= PTE_LARGE;
	return e;
}
/*
 * Tables and pages of DMA spaces, in one form for both kinds of IOMMU. AMD-Vi wants the level
 * of the next table in each entry, which VT-d ignores there, and keeps the rights in bits that
 * VT-d reserves.
 */
#define PTE_AMD_READ (1ull << 61)
#define PTE_AMD_WRITE (1ull << 62)
static inline uint64_t pte_io(uint64_t paddr, unsigned int rights, bool amd)
{
	uint64_t e = paddr | PTE_PRESENT | (amd ? PTE_AMD_READ : 0);

	if (rights & SK_W)
		e |= PTE_WRITE | (amd ? PTE_AMD_WRITE : 0);
	return e;
}
static inline uint64_t pte_io_table(uint64_t paddr, unsigned int level, bool amd)
{
	return pte_io(paddr, SK_R | SK_W, amd) | (uint64_t)level << 9;
}
static inline uint64_t pte_io_leaf(
	uint64_t paddr, unsigned int rights, unsigned int level, bool amd)
{
	return pte_io(paddr, rights, amd) | (level > 1 ? PTE_LARGE : 0);
}
static inline int pte_present(uint64_t e) { return (e & PTE_PRESENT) != 0; }
static inline int pte_is_table(uint64_t e, unsigned int level)
{
	return level > 1 && (e & PTE_PRESENT) && !(e & PTE_LARGE);
}
static inline uint64_t pte_paddr(uint64_t e) { return e & PTE_ADDR; }
/* First entry of the table (one level down) that replaces the large entry e of this level. */
static inline uint64_t pte_split(uint64_t e, unsigned int level)
{
	return level == 2 ? e & ~PTE_LARGE : e;
}

/* memory.c */
/*
 * The entry for vaddr in the lowest table that there is, but not below level `to`; its level in
 * *level.
 */
uint64_t *pte_walk(uint64_t *root, uint64_t vaddr, unsigned int to, unsigned int *level);
/*
 * While booting: the entry for a page; tables that are missing are made, their entries with
 * these bits.
 */
uint64_t *boot_entry(uint64_t *root, uint64_t vaddr, uint64_t bits);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - the kernel's own page tables: image, window, MMIO and temporary mappings; boot
 * memory
 *
 * Objects     kernel_pml4, whose upper half every host space copies; one 4 KiB entry for each
 *             page of RAM in the window; fixmap entries for MMIO and one temporary page per
 *             CPU. A window entry is written by the owner of its page, a fixmap entry while
 *             booting: there is no lock.
 * Lifecycle   memory_init() first of all; boot_alloc() until core has made its untypeds.
 * Invariants  MEM1 nothing is writable and executable
 *             MEM2 the tables of the window are complete after memory_init(), so that opening
 *                cannot fail
 *             MEM3 no entry of the upper half of the root changes after that
 */
#include "../../../boot/parse.h"
#include "../../check.h"
#include "cpu.h"
#include "pte.h"

#define PTE_GLOBAL 0x100ull
#define PTE_KERNEL (PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_GLOBAL)
#define FIXMAP_BASE (KERNEL_BASE + 0x800000)
#define BOOT_MAP_END (4ull << 30)
enum { IMAGE_PTS = 2, LOW_END = 1 << 20, FLUSH_ALL_PAGES = 64, ZERO_PART = 1024 };

typedef uint64_t table_t[512] __attribute__((aligned(SK_PAGE_SIZE)));
static table_t kernel_pml4, image_pdpt, image_pd, image_pt[IMAGE_PTS], fixmap_pt;
extern table_t boot_pml4;
extern const char kernel_image_start[], kernel_text_end[], kernel_rodata_end[],
	kernel_image_end[];

uint64_t kernel_root, boot_alloc_total, trampoline_paddr;
static bool switched;

static uint64_t image_paddr(const void *p) { return (uint64_t)p - KERNEL_BASE; }

/* --- boot allocator ----------------------------------------------------------------------- */

static uint64_t find_room(uint64_t size)
{
	for (uint32_t i = 0; i < boot_info.n_mem; i++) {
		const struct boot_mem *m = &boot_info.mem[i];
		uint64_t at = max_u64(m->base, LOW_END);

		if (m->type == BOOT_MEM_RAM && at + size <= m->base + m->size &&
			at + size <= BOOT_MAP_END)
			return at;
	}
	panic("boot: no room for %lu KiB of kernel tables below 4 GiB", size >> 10);
}

static void carve(uint64_t base, uint64_t size, uint32_t type)
{
	const char *err = boot_mem_carve(&boot_info, base, size, type);

	if (err)
		panic("boot: %s", err);
}

/* A page that is no longer RAM and that user land may map; before memory_init(). */
uint64_t boot_page_reserve(void)
{
	uint64_t at = find_room(SK_PAGE_SIZE);

	carve(at, SK_PAGE_SIZE, BOOT_MEM_RESERVED);
	return at;
}

void *boot_alloc(size_t size)
{
	uint64_t bytes = align_up(size, SK_PAGE_SIZE), at = find_room(bytes);

	carve(at, bytes, BOOT_MEM_KERNEL);
	boot_alloc_total += bytes;
	if (switched)
		arch_window_open(at, bytes);
	return memset(phys_to_virt(at), 0, bytes);
}

/* --- window ------------------------------------------------------------------------------- */

uint64_t *pte_walk(uint64_t *root, uint64_t vaddr, unsigned int to, unsigned int *level)
{
	unsigned int l = 4;
	uint64_t *e = &root[pte_index(vaddr, l)];

	for (; l > to && pte_is_table(*e, l); l--)
		e = (uint64_t *)phys_to_virt(pte_paddr(*e)) + pte_index(vaddr, l - 1);
	*level = l;
	return e;
}

uint64_t *boot_entry(uint64_t *root, uint64_t vaddr, uint64_t bits)
{
	unsigned int level;
	uint64_t *e;

	while (e = pte_walk(root, vaddr, 1, &level), level > 1)
		*e = virt_to_phys(boot_alloc(SK_PAGE_SIZE)) | bits;
	return e;
}

/* The entry for a page, given the one for the page before, or NULL. */
static uint64_t *window_entry(uint64_t paddr, uint64_t *before)
{
	unsigned int level;
	uint64_t *e;

	if (before && (uint64_t)(before + 1) & (SK_PAGE_SIZE - 1))
		return before + 1;
	e = pte_walk(kernel_pml4, WINDOW_BASE + paddr, 1, &level);
	if (level > 1)
		panic("window: %lx is not RAM", paddr);
	return e;
}

void arch_window_open(uint64_t paddr, uint64_t size)
{
	uint64_t *e = NULL;

	for (uint64_t at = paddr; at < paddr + size; at += SK_PAGE_SIZE) {
		e = window_entry(at, e);
		*e = at | PTE_KERNEL;
	}
}

void arch_window_close(uint64_t paddr, uint64_t size)
{
	uint64_t low = 0, high = 0, *e = NULL;

	for (uint64_t at = paddr; at < paddr + size; at += SK_PAGE_SIZE) {
		e = window_entry(at, e);
		if (!pte_present(*e))
			continue;
		*e = 0;
		low = high ? low : at;
		high = at + SK_PAGE_SIZE;
	}
	if (high)
		arch_tlb_shootdown(NULL, WINDOW_BASE + low, high - low);
}

/* Drop translations of the kernel half on this CPU, global ones included. */
void flush_window(uint64_t vaddr, uint64_t size)
{
	if (size / SK_PAGE_SIZE <= FLUSH_ALL_PAGES) {
		for (uint64_t at = vaddr; at < vaddr + size; at += SK_PAGE_SIZE)
			invlpg(at);
	} else {
		uint64_t cr4 = read_cr4();

		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
		write_cr3(read_cr3());
	}
}

/*
 * The stores bypass the caches and evict their lines (AMD64 manual volume 1, 3.9.3; Intel SDM
 * volume 1, 10.4.6.2). The last user of the page may have written it uncached, and the next may
 * read it so: a line that stayed in a cache would differ from memory.
 */
void arch_zero_page(uint64_t paddr)
{
	unsigned int slot = FIX_TEMP + this_cpu()->id;
	uint64_t va = FIXMAP_BASE + slot * SK_PAGE_SIZE;

	fixmap_pt[slot] = paddr | PTE_PRESENT | PTE_WRITE | PTE_NX;
	for (uint64_t part = va; part < va + SK_PAGE_SIZE; part += ZERO_PART)
		__asm__ volatile(
			".set at, 0; .rept %c2 / 8; movnti %1, at(%0); .set at, at + 8; .endr"
			:
			: "r"(part), "r"(0ull), "i"(ZERO_PART)
			: "memory");
	__asm__ volatile("sfence" : : : "memory");
	fixmap_pt[slot] = 0;
	invlpg(va);
}

void *fixmap_mmio(unsigned int slot, uint64_t paddr)
{
	uint64_t va = FIXMAP_BASE + slot * SK_PAGE_SIZE;

	fixmap_pt[slot] = (paddr & PTE_ADDR) | PTE_KERNEL | PTE_PCD | PTE_PWT;
	invlpg(va);
	return (void *)(va + (paddr & (SK_PAGE_SIZE - 1)));
}

/* --- start-up ----------------------------------------------------------------------------- */

static void image_build(void)
{
	for (const char *p = kernel_image_start; p < kernel_image_end; p += SK_PAGE_SIZE) {
		uint64_t paddr = image_paddr(p), e = paddr | PTE_PRESENT | PTE_GLOBAL;

		if (p >= kernel_text_end)
			e |= PTE_NX;
		if (p >= kernel_rodata_end)
			e |= PTE_WRITE;
		image_pt[(paddr >> 21) - 1][paddr >> 12 & 511] = e;
	}
	for (unsigned int i = 0; i < IMAGE_PTS; i++)
		image_pd[1 + i] = image_paddr(image_pt[i]) | PTE_PRESENT | PTE_WRITE;
	image_pd[pte_index(FIXMAP_BASE, 2)] = image_paddr(fixmap_pt) | PTE_PRESENT | PTE_WRITE;
	image_pdpt[pte_index(KERNEL_BASE, 3)] = image_paddr(image_pd) | PTE_PRESENT | PTE_WRITE;
	kernel_pml4[511] = image_paddr(image_pdpt) | PTE_PRESENT | PTE_WRITE;
}

/*
 * Take a page below 1 MiB for the first steps of the other CPUs, and page 0, which stays
 * unused.
 */
static void low_pages_take(void)
{
	uint64_t best = 0;

	for (uint32_t i = 0; i < boot_info.n_mem; i++) {
		const struct boot_mem *m = &boot_info.mem[i];
		uint64_t end = m->base + m->size < 0xa0000 ? m->base + m->size : 0xa0000;

		if (m->type == BOOT_MEM_RAM && m->base < 0xa0000 &&
			end - m->base >= 2 * SK_PAGE_SIZE)
			best = end - SK_PAGE_SIZE;
	}
	trampoline_paddr = best;
	if (best)
		carve(best, SK_PAGE_SIZE, BOOT_MEM_KERNEL);
	if (boot_info.mem[0].type == BOOT_MEM_RAM && boot_info.mem[0].base == 0)
		carve(0, SK_PAGE_SIZE, BOOT_MEM_KERNEL);
}

void memory_init(void)
{
	struct boot_mem ram[BOOT_MEM_MAX], *m;
	uint32_t n;

	kernel_root = image_paddr(kernel_pml4);
	low_pages_take();
	image_build();
	n = boot_info.n_mem;
	memcpy(ram, boot_info.mem, sizeof(ram)); /* allocating the tables changes the map */
	for (m = ram; m < ram + n; m++) {
		uint64_t end = m->type >= BOOT_MEM_LOADED ? m->base + m->size : 0;

		/* MEM2 */
		for (uint64_t at = m->base & ~(SK_LARGE_SIZE - 1); at < end;
			at += SK_LARGE_SIZE)
			boot_entry(kernel_pml4, WINDOW_BASE + at, PTE_PRESENT | PTE_WRITE);
	}
	for (m = boot_info.mem; m < boot_info.mem + boot_info.n_mem; m++)
		if (m->type == BOOT_MEM_KERNEL && m->base >= LOW_END)
			arch_window_open(m->base, m->size);
	switched = true;
	write_cr3(kernel_root);
	for (unsigned int i = 256; i < 512; i++)
		boot_pml4[i] = kernel_pml4[i];
}

/* All CPUs have started: nothing may translate low addresses any more. */
void boot_map_drop(void) { memset(boot_pml4, 0, sizeof(boot_pml4)); }

void arch_space_init_root(uint64_t *root)
{
	memset(root, 0, SK_PAGE_SIZE / 2);
	memcpy(root + 256, kernel_pml4 + 256, SK_PAGE_SIZE / 2);
}

#ifdef CHECKED
bool arch_space_root_ok(const uint64_t *root)
{
	for (unsigned int i = 256; i < 512; i++)
		if ((root[i] ^ kernel_pml4[i]) & ~PTE_ACCESSED)
			return false;
	return true;
}
#endif

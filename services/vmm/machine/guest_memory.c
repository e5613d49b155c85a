/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_memory.c - the VMM's view of guest memory: by guest-physical and by guest-virtual
 * address
 *
 * Locks       none: physmap.c publishes chunks and their page words atomically, and the memory
 *             behind them stays.
 * Invariants  GMEM1 a pointer is returned only if every page of the range is in the guest now
 *                   and the range is contiguous here
 *             GMEM2 a walk reads at most 5 entries, each of them once
 */
#include "machine/guest_memory.h"

#include <string.h>

#include "machine/chunk.h"
#include "machine/dirty.h"
#include "machine/ram.h"

#define GPA_LIMIT (1ull << VM_PHYS_BITS)

/*
 * The guest's memory at gpa as the VMM sees it. *len is how many bytes from there are
 * contiguous, at least.
 */
static inline uint8_t *piece_at(sk_gpa_t gpa, uint64_t *len)
{
	struct chunk *c = chunk_find(gpa >> CHUNK_SHIFT);
	uint8_t *page;

	if (!c) {
		*len = VM_CHUNK - (gpa & (VM_CHUNK - 1));
		if (!chunk_is_ram(gpa >> CHUNK_SHIFT))
			return NULL;
		ram_touch(gpa); /* RAM1 */
		return vm.ram + gpa;
	}
	*len = SK_PAGE_SIZE - (gpa & (SK_PAGE_SIZE - 1));
	page = page_ptr(
		__atomic_load_n(&c->page[gpa / SK_PAGE_SIZE % CHUNK_PAGES], __ATOMIC_ACQUIRE),
		gpa & ~(SK_PAGE_SIZE - 1));
	return page ? page + (gpa & (SK_PAGE_SIZE - 1)) : NULL;
}

void *gmem(sk_gpa_t gpa, uint64_t len)
{
	uint64_t done = 0, n;
	uint8_t *first = NULL;

	if (!len || gpa >= GPA_LIMIT || len > GPA_LIMIT - gpa)
		return NULL;
	while (done < len) {
		uint8_t *p = piece_at(gpa + done, &n);

		if (!p || (done && p != first + done)) /* GMEM1 */
			return NULL;
		if (!done)
			first = p;
		done += n;
	}
	return first;
}

/* ---- guest page tables ------------------------------------------------------------------- */

enum {
	CR0_PG = 1u << 31,
	CR0_WP = 1 << 16,
	CR4_PSE = 1 << 4,
	CR4_PAE = 1 << 5,
	CR4_LA57 = 1 << 12,
	CR4_SMAP = 1 << 21,
	EFER_LMA = 1 << 10
};
enum { FLAG_AC = 1 << 18 };
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80 };
#define PTE_ADDR 0x000ffffffffff000ull

enum walk_use {
	WALK_READ,
	WALK_WRITE,
};

struct walk {
	unsigned int levels, bits; /* levels of tables, index bits per level */
	unsigned int entry;        /* bytes */
	uint64_t root;
	bool pse; /* large pages without PAE */
	bool wp;
};

static bool canonical(uint64_t gva, unsigned int bits)
{
	int64_t s = (int64_t)(gva << (64 - bits)) >> (64 - bits);

	return (uint64_t)s == gva;
}

/* Of 32-bit modes, and of long mode with five levels. False: the address cannot exist. */
static bool walk_init(const struct sk_vcpu_state *st, uint64_t gva, struct walk *w)
{
	*w = (struct walk){ .bits = 9, .entry = 8, .wp = st->cr0 & CR0_WP, .pse = true };
	if (st->efer & EFER_LMA) {
		w->levels = 5;
		w->root = st->cr3 & PTE_ADDR;
		return canonical(gva, 57);
	}
	if (gva >> 32)
		return false;
	if (st->cr4 & CR4_PAE) {
		w->levels = 3;
		w->root = st->cr3 & 0xffffffe0;
	} else {
		w->levels = 2;
		w->bits = 10;
		w->entry = 4;
		w->root = st->cr3 & 0xfffff000;
		w->pse = st->cr4 & CR4_PSE;
	}
	return true;
}

/* An entry is aligned to its size, so it lies in one page. */
static inline bool entry_read(sk_gpa_t gpa, unsigned int size, uint64_t *out)
{
	uint64_t ignored;
	void *p = gpa < GPA_LIMIT ? piece_at(gpa, &ignored) : NULL;

	if (!p)
		return false;
	*out = size == 8 ? __atomic_load_n((uint64_t *)p, __ATOMIC_RELAXED)
			 : __atomic_load_n((uint32_t *)p, __ATOMIC_RELAXED);
	return true;
}

/* Set the accessed bit, and the dirty bit for a write, as the processor does. */
static void entry_mark(sk_gpa_t gpa, uint64_t entry, uint64_t bits)
{
	uint8_t *p;

	if ((entry & bits) == bits)
		return;
	p = gmem(gpa, 1);
	if (!p)
		return;
	__atomic_fetch_or(p, (uint8_t)bits, __ATOMIC_RELAXED);
	dirty_wrote(p, 1);
}

static uint64_t large_page(
	const struct walk *w, uint64_t entry, uint64_t gva, unsigned int shift)
{
	uint64_t mask = (1ull << shift) - 1, base = entry & PTE_ADDR & ~mask;

	if (w->entry == 4) /* PSE-36: bits 13 to 20 are address bits 32 to 39 */
		base = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
	return base | (gva & mask);
}

/* The walk itself, inline so that the compiler makes one for the usual mode. */
static inline __attribute__((always_inline)) bool walk_levels(
	const struct walk w, uint64_t gva, enum walk_use use, uint32_t *rights, sk_gpa_t *gpa)
{
	uint64_t table = w.root, entry, at;
	unsigned int shift;

	for (unsigned int level = w.levels; level; level--) { /* GMEM2 */
		bool pdpte = w.levels == 3 && level == 3, leaf;

		shift = 12 + w.bits * (level - 1);
		at = table + (gva >> shift & ((1ull << w.bits) - 1)) * w.entry;
		if (pdpte)
			at = table + (gva >> 30 & 3) * 8;
		if (!entry_read(at, w.entry, &entry) || !(entry & PTE_P))
			return false;
		if (!pdpte)
			*rights &= (uint32_t)entry;
		leaf = level == 1 || (entry & PTE_PS && w.pse && !pdpte && level < 4);
		if (!pdpte)
			entry_mark(at, entry,
				PTE_A | (leaf && use == WALK_WRITE && (*rights & PTE_W || !w.wp)
							? PTE_D
							: 0));
		if (leaf && level > 1) {
			*gpa = large_page(&w, entry, gva, shift);
			return true;
		}
		table = entry & (w.entry == 4 ? 0xfffff000 : PTE_ADDR);
	}
	*gpa = table | (gva & (SK_PAGE_SIZE - 1));
	return true;
}

/*
 * Store in *rights the rights (PTE_W, PTE_U) that all levels of the page grant, and in *gpa its
 * address. With WALK_WRITE the dirty bit is set. False: not mapped.
 */
static bool walk_page(const struct sk_vcpu_state *st, uint64_t gva, enum walk_use use,
	uint32_t *rights, sk_gpa_t *gpa)
{
	struct walk w;

	*rights = PTE_W | PTE_U;
	*gpa = gva;
	if (!(st->cr0 & CR0_PG))
		return !(gva >> 32);
	if (st->efer & EFER_LMA && !(st->cr4 & CR4_LA57)) {
		const struct walk four = { 4, 9, 8, st->cr3 & PTE_ADDR, true,
			st->cr0 & CR0_WP };

		return canonical(gva, 48) && walk_levels(four, gva, use, rights, gpa);
	}
	return walk_init(st, gva, &w) && walk_levels(w, gva, use, rights, gpa);
}

sk_gpa_t gva_to_gpa(struct vcpu *v, uint64_t gva)
{
	uint32_t rights;
	sk_gpa_t gpa;

	return walk_page(v->st, gva, WALK_READ, &rights, &gpa) ? gpa : UINT64_MAX;
}

sk_gpa_t gva_to_gpa_writable(struct vcpu *v, uint64_t gva)
{
	uint32_t rights;
	sk_gpa_t gpa;

	if (!walk_page(v->st, gva, WALK_WRITE, &rights, &gpa))
		return UINT64_MAX;
	return v->st->cr0 & CR0_WP && !(rights & PTE_W) ? UINT64_MAX : gpa;
}

uint32_t gva_access(struct vcpu *v, uint64_t gva, uint32_t access, sk_gpa_t *gpa)
{
	const struct sk_vcpu_state *st = v->st;
	bool user = access & PF_USER, write = access & PF_WRITE;
	uint32_t rights;

	if (!walk_page(st, gva, write ? WALK_WRITE : WALK_READ, &rights, gpa))
		return access | PF_NONE;
	if (!(st->cr0 & CR0_PG))
		return 0;
	if ((user && !(rights & PTE_U)) ||
		(write && !(rights & PTE_W) && (user || st->cr0 & CR0_WP)) ||
		(!user && rights & PTE_U && st->cr4 & CR4_SMAP && !(st->rflags & FLAG_AC)))
		return access | PF_PRESENT;
	return 0;
}

/* The rest of the page at gpa as the VMM sees it: *n bytes, at most `len`. NULL: not memory. */
static uint8_t *page_rest(sk_gpa_t gpa, uint64_t len, uint64_t *n)
{
	uint64_t ignored;

	*n = SK_PAGE_SIZE - gpa % SK_PAGE_SIZE;
	if (*n > len)
		*n = len;
	return gpa < GPA_LIMIT ? piece_at(gpa, &ignored) : NULL;
}

int gva_read(struct vcpu *v, uint64_t gva, void *buf, uint64_t len)
{
	uint64_t n;

	for (uint64_t done = 0; done < len; done += n) {
		const uint8_t *p = page_rest(gva_to_gpa(v, gva + done), len - done, &n);

		if (!p)
			return -SK_E_RANGE;
		memcpy((uint8_t *)buf + done, p, n);
	}
	return 0;
}

int gva_write(struct vcpu *v, uint64_t gva, const void *buf, uint64_t len)
{
	uint64_t n;

	for (uint64_t done = 0; done < len; done += n) {
		uint8_t *p = page_rest(gva_to_gpa_writable(v, gva + done), len - done, &n);

		if (!p)
			return -SK_E_RANGE;
		memcpy(p, (const uint8_t *)buf + done, n);
		dirty_wrote(p, n);
	}
	return 0;
}

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
 *             GMEM3 a walk is not repeated if it would read the same entries with the same
 *                   values, and lead to the same page of the VMM: the guest may change its
 *                   tables at any time without a word, so they are read each time
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
static inline __attribute__((always_inline)) uint8_t *piece_at(sk_gpa_t gpa, uint64_t *len)
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

/* GMEM1. The range from gpa on, of which the VMM sees the first bytes at `first`. */
static __attribute__((noinline)) void *pieces_join(
	sk_gpa_t gpa, uint64_t len, uint8_t *first, uint64_t done)
{
	uint64_t n;

	for (; done < len; done += n)
		if (piece_at(gpa + done, &n) != first + done)
			return NULL;
	return first;
}

void *gmem(sk_gpa_t gpa, uint64_t len)
{
	uint64_t n;
	uint8_t *first;

	if (!len || gpa >= GPA_LIMIT || len > GPA_LIMIT - gpa)
		return NULL;
	first = piece_at(gpa, &n);
	return !first || n >= len ? first : pieces_join(gpa, len, first, n);
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

/* An entry is aligned to its size, so it lies in one page. Returns where; NULL: nowhere. */
static inline const void *entry_read(sk_gpa_t gpa, unsigned int size, uint64_t *out)
{
	uint64_t ignored;
	const void *p = gpa < GPA_LIMIT ? piece_at(gpa, &ignored) : NULL;

	if (p)
		*out = size == 8 ? __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED)
				 : __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
	return p;
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

/* Note an entry of 8 bytes, for its level and the ones below. */
static void seen_note(
	struct gva_seen *seen, unsigned int level, const uint64_t *at, uint64_t value)
{
	for (unsigned int i = 0; i < level; i++) {
		seen->entry[i] = at;
		seen->value[i] = value;
	}
}

/*
 * The walk itself, inline so that the compiler makes one for the usual mode. seen: to note the
 * entries in, or NULL.
 */
static inline __attribute__((always_inline)) bool walk_levels(const struct walk w, uint64_t gva,
	enum walk_use use, uint32_t *rights, sk_gpa_t *gpa, struct gva_seen *seen)
{
	uint64_t table = w.root, entry, at;
	const void *where;
	unsigned int shift;

	for (unsigned int level = w.levels; level; level--) { /* GMEM2 */
		bool pdpte = w.levels == 3 && level == 3, leaf;

		shift = 12 + w.bits * (level - 1);
		at = table + (gva >> shift & ((1ull << w.bits) - 1)) * w.entry;
		if (pdpte)
			at = table + (gva >> 30 & 3) * 8;
		where = entry_read(at, w.entry, &entry);
		if (!where || !(entry & PTE_P))
			return false;
		if (seen)
			seen_note(seen, level, where, entry | PTE_A);
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

static inline bool four_levels(const struct sk_vcpu_state *st)
{
	return st->cr0 & CR0_PG && st->efer & EFER_LMA && !(st->cr4 & CR4_LA57);
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
	if (four_levels(st)) {
		const struct walk four = { 4, 9, 8, st->cr3 & PTE_ADDR, true,
			st->cr0 & CR0_WP };

		return canonical(gva, 48) && walk_levels(four, gva, use, rights, gpa, NULL);
	}
	return walk_init(st, gva, &w) && walk_levels(w, gva, use, rights, gpa, NULL);
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

static inline bool seen_again(const struct gva_seen *s, unsigned int i)
{
	return __atomic_load_n(s->entry[i], __ATOMIC_RELAXED) == s->value[i];
}

/* Would a walk for this page do the same as the one in *s? */
static inline bool seen_valid(
	const struct sk_vcpu_state *st, const struct gva_seen *s, uint64_t page)
{
	return s->page == page && s->at && s->cr3 == st->cr3 &&
	       s->map_changes == __atomic_load_n(&vm.map_changes, __ATOMIC_ACQUIRE) &&
	       seen_again(s, 3) && seen_again(s, 2) && seen_again(s, 1) && seen_again(s, 0);
}

static bool seen_walk(const struct sk_vcpu_state *st, struct gva_seen *s, uint64_t gva)
{
	const struct walk four = { 4, 9, 8, st->cr3 & PTE_ADDR, true, false };
	uint64_t ignored;
	uint32_t rights = 0;
	sk_gpa_t gpa;

	s->at = NULL;
	s->page = gva / SK_PAGE_SIZE;
	s->cr3 = st->cr3;
	s->map_changes = __atomic_load_n(&vm.map_changes, __ATOMIC_ACQUIRE);
	if (canonical(gva, 48) && walk_levels(four, gva, WALK_READ, &rights, &gpa, s) &&
		gpa < GPA_LIMIT)
		s->at = piece_at(gpa & ~(SK_PAGE_SIZE - 1), &ignored);
	return s->at;
}

/* Read from one page by tables of four levels. False: they do not lead to memory. */
static inline bool page_read(struct vcpu *v, uint64_t gva, void *buf, uint64_t len)
{
	struct gva_seen *s = &v->seen[gva / SK_PAGE_SIZE % GVA_SEEN];

	if (!seen_valid(v->st, s, gva / SK_PAGE_SIZE) && !seen_walk(v->st, s, gva))
		return false;
	if (len == sizeof(uint32_t)) /* the argument of EVTCHNOP_send */
		__builtin_memcpy(buf, s->at + gva % SK_PAGE_SIZE, sizeof(uint32_t));
	else
		memcpy(buf, s->at + gva % SK_PAGE_SIZE, len);
	return true;
}

int gva_read(struct vcpu *v, uint64_t gva, void *buf, uint64_t len)
{
	uint64_t n;

	if (four_levels(v->st) && len - 1 < SK_PAGE_SIZE - gva % SK_PAGE_SIZE)
		return page_read(v, gva, buf, len) ? 0 : -SK_E_RANGE;
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

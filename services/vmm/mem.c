/*
 * mem.c - the guest's physical map: holes for the balloon, pages of the VMM shown to the guest
 *
 * Objects     struct chunk: 2 MiB of guest-physical space that needs a page-by-page view, made when the first
 *             page of it changes, kept for ever. struct mem_page: a page of the VMM's own.
 * Locks       vm.mem_lock for every change; gmem.c reads without it.
 * Lifecycle   RAM that leaves the guest stays with the VMM, marked free in its home chunk, until a fill takes it.
 * Invariants  M1 a page of RAM is at one place of the guest or free in its home chunk, never both
 *             M2 vm.balloon_pages is the number of free pages
 *             M3 chunks outside RAM are bounded by EXTRA_CHUNKS, whatever addresses the guest names
 */
#include "gmem.h"

#include <string.h>

enum { CHUNK_ORDER = 14, EXTRA_CHUNKS = 256 };
_Static_assert(sizeof(struct chunk) <= 1u << CHUNK_ORDER, "a chunk and its pages");

static uint32_t n_extra; /* mem_lock */
static struct mem_page *specials;

static bool gpa_valid(sk_gpa_t gpa)
{
	return gpa < 1ull << VM_PHYS_BITS && !(gpa & (VM_PAGE - 1)) &&
	       gpa / VM_PAGE != VM_LAPIC_GPA / VM_PAGE;
}

/* Bytes from the start of all RAM, in the order of its pieces. */
static uint64_t ram_linear(sk_gpa_t gpa)
{
	return gpa < VM_HIGH_GPA ? gpa : gpa - VM_HIGH_GPA + vm.low_size;
}

static uint64_t piece_of(sk_gpa_t gpa) { return ram_linear(gpa) >> vm.ram_order; }

static uint64_t offset_of(sk_gpa_t gpa)
{
	return ram_linear(gpa) & ((1ull << vm.ram_order) - 1);
}

static struct page_slot *slot_of(struct chunk *c, sk_gpa_t gpa)
{
	return &c->page[gpa / VM_PAGE % CHUNK_PAGES];
}

static void slot_set(struct page_slot *s, uint8_t *ptr, enum page_kind kind, sk_cap_t cap)
{
	s->kind = kind;
	s->cap = cap;
	__atomic_store_n(&s->ptr, ptr, __ATOMIC_RELEASE);
}

static int leaf_make(uint64_t number)
{
	sk_cap_t frame;
	void *leaf;
	int rc;

	if (vm.chunk[number / CHUNK_LEAF])
		return 0;
	rc = memk_alloc(12, &frame, &leaf);
	if (rc)
		return rc;
	__atomic_store_n(&vm.chunk[number / CHUNK_LEAF], leaf, __ATOMIC_RELEASE);
	return 0;
}

/* The chunk of gpa with a page-by-page view. */
static int chunk_get(sk_gpa_t gpa, struct chunk **out)
{
	uint64_t number = gpa >> CHUNK_SHIFT;
	bool ram = chunk_is_ram(number);
	struct chunk *c = chunk_find(number);
	sk_cap_t frame;
	uint32_t i;
	int rc;

	*out = c;
	if (c)
		return 0;
	if (!ram && n_extra == EXTRA_CHUNKS) /* M3 */
		return -SK_E_LIMIT;
	rc = leaf_make(number);
	if (!rc)
		rc = memk_alloc(CHUNK_ORDER, &frame, (void **)out);
	if (!rc && ram)
		rc = memk_split(number << CHUNK_SHIFT);
	if (rc)
		return rc;
	c = *out;
	c->number = number;
	for (i = 0; ram && i < CHUNK_PAGES; i++)
		slot_set(&c->page[i], vm.ram + (number << CHUNK_SHIFT) + i * VM_PAGE, PAGE_HOME,
			0);
	if (ram) {
		c->next = vm.split;
		vm.split = c;
	} else {
		n_extra++;
	}
	__atomic_store_n(
		&vm.chunk[number / CHUNK_LEAF][number % CHUNK_LEAF], c, __ATOMIC_RELEASE);
	return 0;
}

/* ---- free pages of RAM ------------------------------------------------------------------------------ */

static void ram_free(sk_gpa_t home)
{
	struct chunk *c = chunk_find(home >> CHUNK_SHIFT);
	uint32_t i = (uint32_t)(home / VM_PAGE % CHUNK_PAGES);

	c->free[i / 64] |= 1ull << i % 64;
	c->n_free++;
	vm.balloon_pages++;
}

static void ram_take(struct chunk *c, uint32_t i)
{
	c->free[i / 64] &= ~(1ull << i % 64);
	c->n_free--;
	vm.balloon_pages--;
}

/* A free page: the one whose home is gpa if it is free, else any. False: none. */
static bool ram_find(sk_gpa_t gpa, struct chunk **out, uint32_t *index)
{
	uint32_t i = (uint32_t)(gpa / VM_PAGE % CHUNK_PAGES);
	struct chunk *c = chunk_find(gpa >> CHUNK_SHIFT);

	if (c && c->free[i / 64] >> i % 64 & 1) {
		*out = c;
		*index = i;
		return true;
	}
	for (c = vm.split; c; c = c->next)
		for (i = 0; c->n_free && i < CHUNK_PAGES / 64; i++)
			if (c->free[i]) {
				*out = c;
				*index = i * 64 + (uint32_t)__builtin_ctzll(c->free[i]);
				return true;
			}
	return false;
}

/* ---- pages of the VMM --------------------------------------------------------------------------------- */

int mem_page_alloc(struct mem_page *p)
{
	void *ptr;
	int rc;

	memset(p, 0, sizeof(*p));
	rc = memk_alloc(12, &p->frame, &ptr);
	if (rc)
		return rc;
	p->ptr = ptr;
	mutex_lock(&vm.mem_lock);
	p->next = specials;
	specials = p;
	mutex_unlock(&vm.mem_lock);
	return 0;
}

static void special_unmap(struct mem_page *p)
{
	memk_unmap_copy(p->nested, 0);
	p->nested = 0;
}

static struct mem_page *special_find(const uint8_t *ptr)
{
	struct mem_page *p = specials;

	while (p && p->ptr != ptr)
		p = p->next;
	return p;
}

/* ---- changes, under the lock --------------------------------------------------------------------------- */

static void slot_empty(struct page_slot *s, sk_gpa_t gpa)
{
	uint8_t *ptr = s->ptr;
	uint32_t kind = s->kind;
	sk_cap_t cap = s->cap;
	sk_gpa_t home = (sk_gpa_t)(ptr - vm.ram);

	slot_set(s, NULL, PAGE_HOLE, 0);
	switch (kind) {
	case PAGE_HOME:
		memk_unmap_home(piece_of(gpa), offset_of(gpa));
		ram_free(gpa);
		break;
	case PAGE_MOVED:
		memk_unmap_copy(cap, offset_of(home));
		ram_free(home);
		break;
	case PAGE_SPECIAL:
		special_unmap(special_find(ptr));
		break;
	default:
		break;
	}
}

/* Show the free page of RAM with home `home` at gpa. */
static int slot_fill(struct page_slot *s, sk_gpa_t gpa, sk_gpa_t home)
{
	sk_cap_t copy = 0;
	int rc;

	if (home == gpa)
		rc = memk_map_home(piece_of(gpa), offset_of(gpa), gpa);
	else
		rc = memk_map_copy(piece_of(home), offset_of(home), gpa, &copy);
	if (rc)
		return rc;
	slot_set(s, vm.ram + home, home == gpa ? PAGE_HOME : PAGE_MOVED, copy);
	return 0;
}

static int hole_make(sk_gpa_t gpa)
{
	struct chunk *c;
	int rc;

	if (!gpa_valid(gpa))
		return -SK_E_RANGE;
	if (!chunk_is_ram(gpa >> CHUNK_SHIFT) && !chunk_find(gpa >> CHUNK_SHIFT))
		return -SK_E_NOT_FOUND;
	rc = chunk_get(gpa, &c);
	if (rc)
		return rc;
	if (slot_of(c, gpa)->kind == PAGE_HOLE)
		return -SK_E_NOT_FOUND;
	slot_empty(slot_of(c, gpa), gpa);
	return 0;
}

static int hole_fill(sk_gpa_t gpa)
{
	struct chunk *c, *from;
	uint32_t i;
	int rc;

	if (!gpa_valid(gpa))
		return -SK_E_RANGE;
	if (!vm.balloon_pages)
		return chunk_is_ram(gpa >> CHUNK_SHIFT) && !chunk_find(gpa >> CHUNK_SHIFT)
			       ? -SK_E_EXISTS
			       : -SK_E_NO_MEM;
	rc = chunk_get(gpa, &c);
	if (rc)
		return rc;
	if (slot_of(c, gpa)->kind != PAGE_HOLE)
		return -SK_E_EXISTS;
	if (!ram_find(gpa, &from, &i))
		return -SK_E_NO_MEM;
	rc = slot_fill(slot_of(c, gpa), gpa, (from->number << CHUNK_SHIFT) + i * VM_PAGE);
	if (!rc)
		ram_take(from, i); /* M1 */
	return rc;
}

static int special_map(sk_gpa_t gpa, struct mem_page *p)
{
	struct chunk *c;
	int rc;

	if (!gpa_valid(gpa))
		return -SK_E_RANGE;
	rc = chunk_get(gpa, &c);
	if (rc)
		return rc;
	if (p->nested) {
		if (p->gpa == gpa)
			return 0;
		slot_empty(slot_of(chunk_find(p->gpa >> CHUNK_SHIFT), p->gpa), p->gpa);
	}
	slot_empty(slot_of(c, gpa), gpa);
	rc = memk_map_frame(p->frame, gpa, &p->nested);
	if (rc)
		return rc;
	p->gpa = gpa;
	slot_set(slot_of(c, gpa), p->ptr, PAGE_SPECIAL, 0);
	return 0;
}

static int page_move(sk_gpa_t from, sk_gpa_t to)
{
	struct chunk *cf, *ct;
	struct page_slot *s;
	sk_gpa_t home;
	int rc;

	if (!gpa_valid(from) || !gpa_valid(to) || !gmem(from, VM_PAGE))
		return -SK_E_RANGE;
	if (from == to)
		return 0;
	rc = chunk_get(from, &cf);
	if (!rc)
		rc = chunk_get(to, &ct);
	if (rc)
		return rc;
	s = slot_of(cf, from);
	if (s->kind == PAGE_SPECIAL)
		return special_map(to, special_find(s->ptr));
	home = (sk_gpa_t)(s->ptr - vm.ram);
	slot_empty(slot_of(ct, to), to);
	slot_empty(s, from);
	rc = slot_fill(slot_of(ct, to), to, home);
	if (!rc)
		ram_take(chunk_find(home >> CHUNK_SHIFT),
			(uint32_t)(home / VM_PAGE % CHUNK_PAGES));
	return rc;
}

/* ---- the same with the lock ------------------------------------------------------------------------------ */

int mem_hole_make(sk_gpa_t gpa)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = hole_make(gpa);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

int mem_hole_fill(sk_gpa_t gpa)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = hole_fill(gpa);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

int mem_special_map(sk_gpa_t gpa, struct mem_page *p)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = special_map(gpa, p);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

int mem_move(sk_gpa_t from, sk_gpa_t to)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = page_move(from, to);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

uint64_t mem_pages(void)
{
	return (vm.low_size + vm.high_size) / VM_PAGE -
	       __atomic_load_n(&vm.balloon_pages, __ATOMIC_RELAXED);
}

uint64_t mem_max_gfn(void)
{
	return ((vm.high_size ? VM_HIGH_GPA + vm.high_size : vm.low_size) - 1) / VM_PAGE;
}

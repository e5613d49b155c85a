/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * physmap.c - the guest's physical map: holes for the balloon, pages of the VMM shown to the
 * guest, memory from control
 *
 * Objects     struct chunk: 2 MiB of guest-physical space that need a page-by-page view, made
 *             when the first page of it changes, kept until the VMM ends. struct guest_page: a
 *             page of the VMM's own. struct copy: a capability for pages that are not at home.
 * Locks       vm.mem_lock for every change; guest_memory.c reads without it.
 * Lifecycle   RAM that leaves the guest stays with the VMM, marked free in its home chunk,
 *             until a fill takes it. A piece that control gave later gets its home where the
 *             guest first wants a page in a chunk without RAM.
 * Invariants  PHYSMAP1 a page of RAM is at one place of the guest or free in its home chunk,
 *                      never both
 *             PHYSMAP2 vm.balloon_pages is the number of free pages
 *             PHYSMAP3 at most EXTRA_CHUNKS chunks exist without RAM of their own, whatever
 *                      addresses the guest names
 *             PHYSMAP4 pieces below vm.n_pieces have a home; those from vm.n_pieces to
 *                      vm.n_given have none
 *             PHYSMAP5 all pages of a piece that are moved by the same distance are mapped
 *                      through one copy, which counts them
 */
#include "machine/physmap.h"

#include <string.h>

#include "machine/chunk.h"
#include "machine/dirty.h"
#include "machine/guest_memory.h"
#include "machine/ram.h"

enum {
	/* sizes of the view of a chunk, and of an array of struct chunk */
	VIEW_ORDER = 12,
	HEADS_ORDER = 12,
	EXTRA_CHUNKS = 256,
};
enum { HEADS = (1 << HEADS_ORDER) / sizeof(struct chunk) };
_Static_assert(CHUNK_PAGES * sizeof(page_word_t) <= 1u << VIEW_ORDER, "the view of a chunk");

static uint32_t n_extra; /* mem_lock */
static struct guest_page *specials;

static bool gpa_valid(sk_gpa_t gpa)
{
	return gpa < 1ull << VM_PHYS_BITS && !(gpa & (SK_PAGE_SIZE - 1)) &&
	       gpa / SK_PAGE_SIZE != VM_LAPIC_GPA / SK_PAGE_SIZE;
}

static uint64_t piece_of(sk_gpa_t gpa) { return ram_linear(gpa) >> vm.ram_order; }

static uint64_t offset_of(sk_gpa_t gpa)
{
	return ram_linear(gpa) & ((1ull << vm.ram_order) - 1);
}

static page_word_t *slot_of(struct chunk *c, sk_gpa_t gpa)
{
	return &c->page[gpa / SK_PAGE_SIZE % CHUNK_PAGES];
}

static void slot_set(page_word_t *s, enum page_kind kind, uint64_t addr)
{
	__atomic_store_n(s, addr | kind, __ATOMIC_RELEASE);
	__atomic_store_n(&vm.map_changes, vm.map_changes + 1, __ATOMIC_RELEASE); /* GMEM3 */
}

/* Offset of the page at gpa in the piece of RAM that has its home in c. */
static uint64_t home_offset(const struct chunk *c, sk_gpa_t gpa)
{
	return c->offset + (gpa & (VM_CHUNK - 1));
}

/* ---- chunks ------------------------------------------------------------------------------ */

static int leaf_make(uint64_t number)
{
	sk_cap_t frame;
	void *leaf;
	int rc;

	if (vm.chunk[number / CHUNK_LEAF])
		return 0;
	rc = ram_own_alloc(12, &frame, &leaf);
	if (rc)
		return rc;
	__atomic_store_n(&vm.chunk[number / CHUNK_LEAF], leaf, __ATOMIC_RELEASE);
	return 0;
}

/*
 * The chunk that is used next, with its view. It is kept for the next attempt if a later step
 * fails.
 */
static struct chunk *chunk_spare;
static uint32_t n_spare;

static int chunk_spare_make(void)
{
	sk_cap_t frame;
	int rc = 0;

	if (!n_spare) {
		rc = ram_own_alloc(HEADS_ORDER, &frame, (void **)&chunk_spare);
		n_spare = rc ? 0 : HEADS;
	}
	if (!rc && !chunk_spare->page)
		rc = ram_own_alloc(VIEW_ORDER, &frame, (void **)&chunk_spare->page);
	return rc;
}

static struct chunk *chunk_spare_take(uint64_t number)
{
	n_spare--;
	chunk_spare->number = number;
	chunk_spare->piece = PIECE_NONE;
	return chunk_spare++;
}

/* Make c the home of that piece of RAM, no page of which is in the guest. */
static void chunk_set_home(struct chunk *c, uint32_t piece, uint64_t offset)
{
	c->piece = piece;
	c->offset = offset;
	c->next = vm.split;
	vm.split = c;
}

/* Get the chunk of gpa with a page-by-page view, making it if necessary. */
static int chunk_get(sk_gpa_t gpa, struct chunk **out)
{
	uint64_t number = gpa >> CHUNK_SHIFT, start = number << CHUNK_SHIFT;
	bool ram = chunk_is_ram(number);
	struct chunk *c = chunk_find(number);
	sk_cap_t table; /* it stays */
	int rc;

	*out = c;
	if (c)
		return 0;
	if (!ram && n_extra == EXTRA_CHUNKS) /* PHYSMAP3 */
		return -SK_E_LIMIT;
	rc = leaf_make(number);
	if (!rc)
		rc = chunk_spare_make();
	if (!rc && ram && !dirty_split_taken(number)) {
		ram_touch(start);
		rc = ram_large_split(start, &table);
	}
	if (rc)
		return rc;
	c = chunk_spare_take(number);
	for (uint32_t i = 0; ram && i < CHUNK_PAGES; i++)
		slot_set(&c->page[i], PAGE_HOME, 0);
	if (ram)
		chunk_set_home(c, (uint32_t)piece_of(start), offset_of(start));
	else
		n_extra++;
	__atomic_store_n(
		&vm.chunk[number / CHUNK_LEAF][number % CHUNK_LEAF], c, __ATOMIC_RELEASE);
	*out = c;
	return 0;
}

/* ---- free pages of RAM ------------------------------------------------------------------- */

static void free_page_put(sk_gpa_t home)
{
	struct chunk *c = chunk_find(home >> CHUNK_SHIFT);
	uint32_t i = (uint32_t)(home / SK_PAGE_SIZE % CHUNK_PAGES);

	c->free[i / 64] |= 1ull << i % 64;
	c->n_free++;
	vm.balloon_pages++;
}

static void free_page_take(struct chunk *c, uint32_t i)
{
	c->free[i / 64] &= ~(1ull << i % 64);
	c->n_free--;
	vm.balloon_pages--;
}

/* Find a free page: the one whose home is gpa if it is free, else any. False: there is none. */
static bool free_page_find(sk_gpa_t gpa, struct chunk **out, uint32_t *index)
{
	uint32_t i = (uint32_t)(gpa / SK_PAGE_SIZE % CHUNK_PAGES);
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

/* ---- copies ------------------------------------------------------------------------------ */

struct copy {
	struct copy *next;
	/* window: where in the guest the piece would begin, modulo 2^64 */
	uint64_t piece, window;
	sk_cap_t cap;
	uint32_t pages;
};

static struct copy *copies_free;

static struct copy **copy_find(uint64_t piece, uint64_t window)
{
	struct copy **c = &vm.copies;

	while (*c && ((*c)->piece != piece || (*c)->window != window))
		c = &(*c)->next;
	return c;
}

static int copy_node(struct copy **out)
{
	sk_cap_t frame;
	struct copy *page;
	int rc;

	if (!copies_free) {
		rc = ram_own_alloc(12, &frame, (void **)&page);
		if (rc)
			return rc;
		for (uint32_t i = 0; i < SK_PAGE_SIZE / sizeof(*page); i++) {
			page[i].next = copies_free;
			copies_free = &page[i];
		}
	}
	*out = copies_free;
	return 0;
}

/* Get the copy for that window, making it if necessary; a new one has no pages. */
static int copy_get(uint64_t piece, uint64_t window, struct copy ***at)
{
	struct copy *c;
	sk_cap_t cap;
	int rc;

	*at = copy_find(piece, window);
	if (**at)
		return 0;
	rc = copy_node(&c);
	if (!rc)
		rc = ram_copy_make(piece, &cap);
	if (rc)
		return rc;
	copies_free = c->next;
	*c = (struct copy){ NULL, piece, window, cap, 0 };
	**at = c;
	return 0;
}

static void copy_put(struct copy **at)
{
	struct copy *c = *at;

	if (!c || c->pages)
		return;
	ram_copy_drop(c->cap);
	*at = c->next;
	c->next = copies_free;
	copies_free = c;
}

static int copy_map(uint64_t piece, uint64_t offset, sk_gpa_t gpa)
{
	struct copy **at;
	int rc = copy_get(piece, gpa - offset, &at);

	if (rc)
		return rc;
	rc = ram_copy_map((*at)->cap, offset, gpa);
	if (rc)
		copy_put(at);
	else
		(*at)->pages++; /* PHYSMAP5 */
	return rc;
}

static void copy_unmap(uint64_t piece, uint64_t offset, sk_gpa_t gpa)
{
	struct copy **c = copy_find(piece, gpa - offset);

	if (!*c)
		return; /* PHYSMAP5: cannot happen */
	ram_copy_unmap((*c)->cap, offset);
	(*c)->pages--;
	copy_put(c);
}

/* ---- pages of the VMM -------------------------------------------------------------------- */

int physmap_page_alloc(struct guest_page *p)
{
	void *ptr;
	int rc;

	memset(p, 0, sizeof(*p));
	rc = ram_own_alloc(12, &p->frame, &ptr);
	if (rc)
		return rc;
	p->addr = ptr;
	mutex_lock(&vm.mem_lock);
	p->next = specials;
	specials = p;
	mutex_unlock(&vm.mem_lock);
	return 0;
}

static void special_unmap(struct guest_page *p)
{
	ram_copy_unmap(p->nested, 0);
	ram_copy_drop(p->nested);
	p->nested = 0;
}

static struct guest_page *special_find(const uint8_t *ptr)
{
	struct guest_page *p = specials;

	while (p && p->addr != ptr)
		p = p->next;
	return p;
}

/* ---- changes, under the lock ------------------------------------------------------------- */

static void slot_empty(page_word_t *s, sk_gpa_t gpa)
{
	struct chunk *c = chunk_find(gpa >> CHUNK_SHIFT), *from;
	page_word_t was = *s;
	sk_gpa_t home = was & PAGE_ADDR;

	slot_set(s, PAGE_HOLE, 0);
	dirty_changed(c, gpa);
	switch (page_kind(was)) {
	case PAGE_HOME:
		ram_unmap(
			&(struct ram_at){ c->piece, home_offset(c, gpa), gpa }, SK_PAGE_ORDER);
		free_page_put(gpa);
		break;
	case PAGE_MOVED:
		from = chunk_find(home >> CHUNK_SHIFT);
		copy_unmap(from->piece, home_offset(from, home), gpa);
		free_page_put(home);
		break;
	case PAGE_SPECIAL:
		special_unmap(special_find(page_ptr(was, gpa)));
		break;
	default:
		break;
	}
}

/* Show the free page of RAM with home `home` at gpa. */
static int slot_fill(page_word_t *s, sk_gpa_t gpa, sk_gpa_t home)
{
	const struct chunk *from = chunk_find(home >> CHUNK_SHIFT);
	int rc;

	if (home == gpa)
		rc = ram_map(&(struct ram_at){ from->piece, home_offset(from, gpa), gpa },
			SK_PAGE_ORDER, RAM_WRITABLE);
	else
		rc = copy_map(from->piece, home_offset(from, home), gpa);
	if (rc)
		return rc;
	if (home == gpa) {
		slot_set(s, PAGE_HOME, 0);
		dirty_changed(from, gpa);
	} else {
		slot_set(s, PAGE_MOVED, home);
	}
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
	if (page_kind(*slot_of(c, gpa)) == PAGE_HOLE)
		return -SK_E_NOT_FOUND;
	slot_empty(slot_of(c, gpa), gpa);
	return 0;
}

/* Give the chunk of gpa, which has no RAM of its own, one of the pieces that control gave. */
static int home_make(sk_gpa_t gpa, struct chunk **out)
{
	sk_gpa_t start = gpa & ~(VM_CHUNK - 1);
	int rc = chunk_get(gpa, out);

	if (!rc)
		rc = ram_piece_make(vm.n_pieces, start);
	if (rc)
		return rc;
	chunk_set_home(*out, vm.n_pieces++, 0); /* PHYSMAP4 */
	n_extra--;
	memset((*out)->free, 0xff, sizeof((*out)->free));
	(*out)->n_free = CHUNK_PAGES;
	vm.balloon_pages += CHUNK_PAGES; /* PHYSMAP2 */
	if (start + VM_CHUNK > vm.ram_end)
		vm.ram_end = start + VM_CHUNK;
	return 0;
}

/*
 * What to do for a page in a chunk without RAM when there is no piece without a home.
 */
enum no_piece {
	TAKE_BALLOONED,
	ASK_CONTROL,
};

/*
 * Should a piece of RAM get its home in c? -SK_E_AGAIN: yes, but control has to give it first.
 */
static int home_wanted(const struct chunk *c, enum no_piece otherwise)
{
	if ((c && c->piece != PIECE_NONE) || vm.n_pieces == vm.max_pieces)
		return -SK_E_EXISTS;
	if (vm.n_pieces < vm.n_given)
		return 0;
	return otherwise == ASK_CONTROL ? -SK_E_AGAIN : -SK_E_NO_MEM;
}

static int hole_fill(sk_gpa_t gpa, enum no_piece otherwise)
{
	struct chunk *c, *from;
	uint32_t i;
	int rc;

	if (!gpa_valid(gpa))
		return -SK_E_RANGE;
	c = chunk_find(gpa >> CHUNK_SHIFT);
	if (c ? page_kind(*slot_of(c, gpa)) != PAGE_HOLE : chunk_is_ram(gpa >> CHUNK_SHIFT))
		return -SK_E_EXISTS;
	rc = home_wanted(c, otherwise);
	if (rc == -SK_E_AGAIN)
		return rc;
	if (!rc)
		rc = home_make(gpa, &c);
	else
		rc = vm.balloon_pages ? chunk_get(gpa, &c) : -SK_E_NO_MEM;
	if (rc)
		return rc;
	if (!free_page_find(gpa, &from, &i))
		return -SK_E_NO_MEM;
	rc = slot_fill(slot_of(c, gpa), gpa, (from->number << CHUNK_SHIFT) + i * SK_PAGE_SIZE);
	if (!rc)
		free_page_take(from, i); /* PHYSMAP1 */
	return rc;
}

static int special_map(sk_gpa_t gpa, struct guest_page *p)
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
	rc = ram_frame_map(p->frame, gpa, &p->nested);
	if (rc)
		return rc;
	p->gpa = gpa;
	slot_set(slot_of(c, gpa), PAGE_SPECIAL, (uintptr_t)p->addr);
	return 0;
}

static int page_move(sk_gpa_t from, sk_gpa_t to)
{
	struct chunk *cf, *ct;
	page_word_t *s;
	sk_gpa_t home;
	int rc;

	if (!gpa_valid(from) || !gpa_valid(to) || !gmem(from, SK_PAGE_SIZE))
		return -SK_E_RANGE;
	if (from == to)
		return 0;
	rc = chunk_get(from, &cf);
	if (!rc)
		rc = chunk_get(to, &ct);
	if (rc)
		return rc;
	s = slot_of(cf, from);
	if (page_kind(*s) == PAGE_SPECIAL)
		return special_map(to, special_find(page_ptr(*s, from)));
	home = page_kind(*s) == PAGE_HOME ? from : *s & PAGE_ADDR;
	slot_empty(slot_of(ct, to), to);
	slot_empty(s, from);
	rc = slot_fill(slot_of(ct, to), to, home);
	if (!rc)
		free_page_take(chunk_find(home >> CHUNK_SHIFT),
			(uint32_t)(home / SK_PAGE_SIZE % CHUNK_PAGES));
	return rc;
}

/* ---- the same with the lock -------------------------------------------------------------- */

int physmap_hole_make(sk_gpa_t gpa)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = hole_make(gpa);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

static int hole_fill_locked(sk_gpa_t gpa, enum no_piece otherwise)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = hole_fill(gpa, otherwise);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

int physmap_hole_fill(sk_gpa_t gpa) { return hole_fill_locked(gpa, TAKE_BALLOONED); }

int physmap_hole_fill_or_ask(sk_gpa_t gpa) { return hole_fill_locked(gpa, ASK_CONTROL); }

int physmap_page_show(sk_gpa_t gpa, struct guest_page *p)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = special_map(gpa, p);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

int physmap_page_move(sk_gpa_t from, sk_gpa_t to)
{
	int rc;

	mutex_lock(&vm.mem_lock);
	rc = page_move(from, to);
	mutex_unlock(&vm.mem_lock);
	return rc;
}

uint32_t physmap_ram_given(uint32_t n)
{
	mutex_lock(&vm.mem_lock);
	if (n > vm.max_pieces - vm.n_given)
		n = vm.max_pieces - vm.n_given;
	vm.n_given += n;
	mutex_unlock(&vm.mem_lock);
	return n;
}

uint32_t physmap_ram_room(void)
{
	uint32_t n;

	mutex_lock(&vm.mem_lock);
	n = vm.max_pieces - vm.n_given;
	mutex_unlock(&vm.mem_lock);
	return n;
}

uint64_t physmap_pages(void)
{
	uint64_t grown, n;

	mutex_lock(&vm.mem_lock);
	grown = (uint64_t)(vm.n_pieces - vm.n_boot_pieces) * CHUNK_PAGES;
	n = (vm.low_size + vm.high_size) / SK_PAGE_SIZE + grown - vm.balloon_pages;
	mutex_unlock(&vm.mem_lock);
	return n;
}

uint64_t physmap_max_gfn(void)
{
	uint64_t end;

	mutex_lock(&vm.mem_lock);
	end = vm.ram_end;
	mutex_unlock(&vm.mem_lock);
	return end / SK_PAGE_SIZE - 1;
}

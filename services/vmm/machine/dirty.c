/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirty.c - which pages of RAM were written since the guest's memory was copied while it runs
 *
 * Objects     struct tracked, one for each chunk that is, or may become, the home of RAM. They
 *             are made for the first save and kept, because other threads may look at them at
 *             any time.
 * Locks       vm.mem_lock for mappings; bits are atomic.
 * Lifecycle   of a chunk: untracked -> read-only, in one large page if it is whole -> split
 *             into small pages at the first write -> untracked, in one large page again.
 * Invariants  DIRTY1 a tracked page that the guest may write has its bit set
 *             DIRTY2 a bit is set after the VMM's write, so whoever copies a page whose bit is
 *                    not set then sees the write or the bit later
 *             DIRTY3 a fault in a tracked chunk makes the page writable: it does not happen
 *                    again, before the next round
 *             DIRTY4 for a further round, the bit of a page is cleared first, then the page is
 *                    read-only, then it is copied: a write is in the copy, or sets the bit
 *                    again
 */
#include "machine/dirty.h"

#include <string.h>

#include "log.h"
#include "machine/ram.h"

struct tracked {
	uint64_t dirty[CHUNK_PAGES / 64];
	/* What a further round copies; it is of this round. */
	uint64_t copied[CHUNK_PAGES / 64];
	uint32_t round;
	uint32_t on;
	/* The page table of a whole chunk that is mapped in small pages; 0: there is none. */
	sk_cap_t table;
};

static struct tracked *tracked;
static bool active; /* atomic */
static uint32_t round_now;

/* ---- homes ------------------------------------------------------------------------------- */

static uint32_t boot_chunks(void)
{
	return (uint32_t)((vm.low_size + vm.high_size) >> CHUNK_SHIFT);
}

static uint32_t n_tracked(void) { return boot_chunks() + vm.max_pieces - vm.n_boot_pieces; }

/* NULL: the chunk is not the home of RAM, or nothing was ever tracked. */
static struct tracked *tracked_of(const struct chunk *c, uint64_t number)
{
	struct tracked *first = __atomic_load_n(&tracked, __ATOMIC_ACQUIRE);

	if (!first)
		return NULL;
	if (chunk_is_ram(number))
		return &first[ram_linear(number << CHUNK_SHIFT) >> CHUNK_SHIFT];
	if (!c || c->piece == PIECE_NONE)
		return NULL;
	return &first[boot_chunks() + c->piece - vm.n_boot_pieces];
}

static bool bit_get(const struct tracked *t, uint32_t i)
{
	return __atomic_load_n(&t->dirty[i / 64], __ATOMIC_ACQUIRE) >> i % 64 & 1;
}

static void bit_set(struct tracked *t, uint32_t i)
{
	__atomic_fetch_or(&t->dirty[i / 64], 1ull << i % 64, __ATOMIC_SEQ_CST);
}

static uint32_t index_of(sk_gpa_t gpa) { return (uint32_t)(gpa / SK_PAGE_SIZE % CHUNK_PAGES); }

/* ---- mappings ---------------------------------------------------------------------------- */

/* Where a chunk that is the home of RAM lies in its piece. */
static struct ram_at home_of(const struct chunk *c, uint64_t number)
{
	sk_gpa_t gpa = number << CHUNK_SHIFT;
	uint64_t linear = ram_linear(gpa);

	if (c)
		return (struct ram_at){ c->piece, c->offset, gpa };
	return (struct ram_at){ linear >> vm.ram_order, linear & ((1ull << vm.ram_order) - 1),
		gpa };
}

static uint32_t homes_count(const struct chunk *c, uint32_t first, uint32_t n)
{
	uint32_t found = 0;

	for (uint32_t i = first; c && i < first + n; i++)
		found += page_kind(c->page[i]) == PAGE_HOME;
	return c ? found : n;
}

/* The tables are there and the entries are empty, so it cannot fail. */
static void home_map(const struct ram_at *at, uint32_t order, enum ram_access access)
{
	if (ram_map(at, order, access))
		vm_log("RAM at %#llx cannot be mapped again", (unsigned long long)at->gpa);
}

/* Map the pages that are at home among n, a power of 2, from `first` on. */
static void homes_map(const struct chunk *c, const struct ram_at *chunk, uint32_t first,
	uint32_t n, enum ram_access access)
{
	uint32_t found = homes_count(c, first, n);
	uint64_t distance = (uint64_t)first * SK_PAGE_SIZE;
	struct ram_at at = { chunk->piece, chunk->offset + distance, chunk->gpa + distance };

	if (found == n && n < CHUNK_PAGES) {
		home_map(&at, SK_PAGE_ORDER + (uint32_t)__builtin_ctz(n), access);
	} else if (found) {
		homes_map(c, chunk, first, n / 2, access);
		homes_map(c, chunk, first + n / 2, n / 2, access);
	}
}

/* With vm.mem_lock: map all of the chunk again. */
static void chunk_remap(
	const struct chunk *c, uint64_t number, struct tracked *t, enum ram_access access)
{
	struct ram_at at = home_of(c, number);

	ram_unmap(&at, CHUNK_SHIFT);
	if (!c && t->table && access == RAM_WRITABLE) {
		ram_table_drop(t->table);
		t->table = 0;
	}
	if (c || t->table)
		homes_map(c, &at, 0, CHUNK_PAGES, access);
	else
		home_map(&at, CHUNK_SHIFT, access);
}

/* ---- I/O thread -------------------------------------------------------------------------- */

int dirty_begin(void)
{
	uint32_t order = SK_PAGE_ORDER;
	sk_cap_t frame;
	void *at;
	int rc;

	if (!tracked) {
		while (1ull << order < n_tracked() * sizeof(struct tracked))
			order++;
		rc = ram_own_alloc(order, &frame, &at);
		if (rc)
			return rc;
		__atomic_store_n(&tracked, at, __ATOMIC_RELEASE);
	}
	memset(tracked, 0, n_tracked() * sizeof(struct tracked));
	round_now = 0;
	__atomic_store_n(&active, true, __ATOMIC_SEQ_CST);
	return 0;
}

void dirty_protect(uint64_t number)
{
	struct chunk *c = chunk_find(number);
	struct tracked *t = tracked_of(c, number);

	if (!t || t->on)
		return;
	mutex_lock(&vm.mem_lock);
	c = chunk_find(number);
	if (!c)
		ram_touch(number << CHUNK_SHIFT);
	t->on = 1;
	chunk_remap(c, number, t, RAM_READ_ONLY);
	mutex_unlock(&vm.mem_lock);
}

uint64_t dirty_count(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < n_tracked(); i++)
		for (uint32_t w = 0; tracked[i].on && w < CHUNK_PAGES / 64; w++)
			n += (uint32_t)__builtin_popcountll(
				__atomic_load_n(&tracked[i].dirty[w], __ATOMIC_ACQUIRE));
	return n;
}

void dirty_round(void) { round_now++; }

/* The pages among 64 that are at home: only these are copied while the guest runs. */
static uint64_t homes_mask(const struct chunk *c, uint32_t word)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; c && i < 64; i++)
		if (page_kind(c->page[word * 64 + i]) == PAGE_HOME)
			mask |= 1ull << i;
	return c ? mask : ~0ull;
}

/* DIRTY4, with vm.mem_lock */
static void round_take(const struct chunk *c, uint64_t number, struct tracked *t)
{
	uint64_t any = 0;

	for (uint32_t i = 0; i < CHUNK_PAGES / 64; i++) {
		uint64_t mask = homes_mask(c, i);

		t->copied[i] = mask & __atomic_fetch_and(&t->dirty[i], ~mask, __ATOMIC_SEQ_CST);
		any |= t->copied[i];
	}
	if (any)
		chunk_remap(c, number, t, RAM_READ_ONLY);
}

bool dirty_again(const struct chunk *c, sk_gpa_t gpa)
{
	uint64_t number = gpa >> CHUNK_SHIFT;
	struct tracked *t = tracked_of(c, number);
	uint32_t i = index_of(gpa);

	if (!t || !t->on)
		return false;
	if (t->round != round_now) {
		mutex_lock(&vm.mem_lock);
		t->round = round_now;
		round_take(chunk_find(number), number, t);
		mutex_unlock(&vm.mem_lock);
	}
	return t->copied[i / 64] >> i % 64 & 1;
}

/* The number of the chunk in which the boot RAM with that place in `tracked` lies. */
static uint64_t boot_number(uint32_t i)
{
	uint64_t low = vm.low_size >> CHUNK_SHIFT;

	return i < low ? i : i - low + (VM_HIGH_GPA >> CHUNK_SHIFT);
}

void dirty_end(void)
{
	if (!active)
		return;
	__atomic_store_n(&active, false, __ATOMIC_SEQ_CST);
	mutex_lock(&vm.mem_lock);
	for (uint32_t i = 0; i < boot_chunks(); i++)
		if (tracked[i].on)
			chunk_remap(chunk_find(boot_number(i)), boot_number(i), &tracked[i],
				RAM_WRITABLE);
	for (struct chunk *c = vm.split; c; c = c->next) {
		struct tracked *t = tracked_of(c, c->number);

		if (!chunk_is_ram(c->number) && t->on)
			chunk_remap(c, c->number, t, RAM_WRITABLE);
	}
	mutex_unlock(&vm.mem_lock);
}

bool dirty_page(const struct chunk *c, sk_gpa_t gpa)
{
	const struct tracked *t = tracked_of(c, gpa >> CHUNK_SHIFT);

	return !t || !t->on || bit_get(t, index_of(gpa));
}

bool dirty_hole(const struct chunk *c, sk_gpa_t gpa)
{
	const struct tracked *t = tracked_of(c, gpa >> CHUNK_SHIFT);

	return t && t->on && bit_get(t, index_of(gpa));
}

bool dirty_none(const struct chunk *c, uint64_t number)
{
	const struct tracked *t = tracked_of(c, number);
	uint64_t any = 0;

	if (!t || !t->on)
		return false;
	for (uint32_t i = 0; i < CHUNK_PAGES / 64; i++)
		any |= __atomic_load_n(&t->dirty[i], __ATOMIC_ACQUIRE);
	return !any;
}

/* ---- any thread -------------------------------------------------------------------------- */

/* DIRTY2 */
void dirty_wrote(const void *at, uint64_t len)
{
	uint64_t home = (uint64_t)((uintptr_t)at - (uintptr_t)vm.ram);
	uint64_t end = home + len;

	if (!__atomic_load_n(&active, __ATOMIC_SEQ_CST) || home >> VM_PHYS_BITS)
		return; /* the rest are pages of the VMM */
	for (home &= ~(SK_PAGE_SIZE - 1); home < end; home += SK_PAGE_SIZE) {
		struct tracked *t = tracked_of(
			chunk_find(home >> CHUNK_SHIFT), home >> CHUNK_SHIFT);

		if (t)
			bit_set(t, index_of(home));
	}
}

/* Make all pages of the chunk writable, because there is no memory for a page table. */
static void chunk_give_up(uint64_t number, struct tracked *t)
{
	for (uint32_t i = 0; i < CHUNK_PAGES; i++)
		bit_set(t, i);
	chunk_remap(NULL, number, t, RAM_WRITABLE);
}

/* With vm.mem_lock, of a tracked chunk in which the page is at home. */
static void page_release(const struct chunk *c, sk_gpa_t gpa, struct tracked *t)
{
	uint64_t number = gpa >> CHUNK_SHIFT, distance = gpa & (VM_CHUNK - 1);
	struct ram_at at = home_of(c, number);
	sk_cap_t table;

	if (!c && !t->table) {
		if (ram_large_split(at.gpa, &table)) {
			chunk_give_up(number, t);
			return;
		}
		t->table = table;
	}
	bit_set(t, index_of(gpa)); /* DIRTY1 */
	at.offset += distance;
	at.gpa += distance;
	ram_unmap(&at, SK_PAGE_ORDER);
	home_map(&at, SK_PAGE_ORDER, RAM_WRITABLE);
}

/* May the guest write a page of RAM there, if nothing is tracked? */
static bool at_home(const struct chunk *c, sk_gpa_t gpa)
{
	if (!c)
		return chunk_is_ram(gpa >> CHUNK_SHIFT);
	return page_kind(__atomic_load_n(&c->page[index_of(gpa)], __ATOMIC_ACQUIRE)) ==
	       PAGE_HOME;
}

/* DIRTY3 */
bool dirty_fault(sk_gpa_t gpa)
{
	uint64_t number = gpa >> CHUNK_SHIFT;
	const struct chunk *c;
	struct tracked *t;

	if (gpa >> VM_PHYS_BITS || !at_home(chunk_find(number), gpa))
		return false;
	mutex_lock(&vm.mem_lock);
	c = chunk_find(number);
	t = tracked_of(c, number);
	if (t && t->on && active && at_home(c, gpa))
		page_release(c, gpa & ~(SK_PAGE_SIZE - 1), t);
	mutex_unlock(&vm.mem_lock);
	return t;
}

/* ---- physmap.c --------------------------------------------------------------------------- */

void dirty_changed(const struct chunk *c, sk_gpa_t gpa)
{
	struct tracked *t = active ? tracked_of(c, gpa >> CHUNK_SHIFT) : NULL;

	if (t)
		bit_set(t, index_of(gpa));
}

bool dirty_split_taken(uint64_t number)
{
	struct tracked *t = tracked_of(NULL, number);
	bool split = t && t->table;

	if (split)
		t->table = 0; /* it stays, as for every chunk with a page-by-page view */
	return split;
}

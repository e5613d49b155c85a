/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps_test.c - a domain's slots, memory and addresses, on the kernel of kern.h
 *
 * A refusal changes nothing: failures_leave_nothing lets each system call of an operation fail
 * once.
 */
#include "kern.h"

#include <stdlib.h>

#include "caps/caps.h"
#include "caps/internal.h"
#include "dma/dma.h"
#include "proto/domain.h"
#include "sys/sk.h"

enum { SLOTS = 1000, IO_SPACE = 30, ENDPOINT = 31, ORDER = 22 };

static void start_with(uint32_t n_untyped, const uint8_t *order)
{
	struct domain_info *info;

	kern_start(SLOTS + 1);
	info = kern_domain();
	info->free_slot = DOMAIN_CAP_FREE;
	info->n_slots = SLOTS;
	info->n_untyped = n_untyped;
	for (uint32_t i = 0; i < n_untyped; i++) {
		info->untyped_order[i] = order[i];
		(void)kern_untyped(DOMAIN_CAP_UNTYPED + i, order[i]);
	}
	(void)kern_object(IO_SPACE, SK_OBJ_SPACE_IO);
	(void)kern_object(ENDPOINT, SK_OBJ_ENDPOINT);
	assert_int_equal(caps_init(), 0);
}

static void start(void) { start_with(1, (const uint8_t[]){ ORDER }); }

static unsigned int slots_taken(void)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		n += slot_meta[i].used;
	return n;
}

/* C1; and nothing outside the domain's own slots is marked. */
static void slots_agree(void)
{
	for (uint32_t i = DOMAIN_CAP_FREE; i < SLOTS; i++)
		assert_true(slot_meta[i].used || !kern_own(i)->obj);
	assert_null(kern_own(SLOTS)->obj);
}

/* ---- slots ---- */
static void slots_are_given_once(void)
{
	uint32_t before, n = 0, taken[SLOTS];
	sk_cap_t run, s;

	start();
	before = slots_taken();
	assert_int_equal(slot_alloc(0), 0);
	assert_int_equal(slot_alloc(SLOTS + 1), 0);
	run = slot_alloc(4);
	assert_true(run >= DOMAIN_CAP_FREE);
	assert_int_equal(slot_alloc(1), run + 4);
	slot_free(run + 4, 1);
	while ((s = slot_alloc(1)) != 0) {
		assert_true(s < SLOTS && (s < run || s >= run + 4));
		for (uint32_t i = 0; i < n; i++)
			assert_int_not_equal(taken[i], s);
		taken[n++] = s;
	}
	assert_int_equal(n, SLOTS - DOMAIN_CAP_FREE - before - 4);
	/* freed slots are found again, even below the last one that was given */
	slot_free(run, 4);
	assert_int_equal(slot_alloc(5), 0);
	assert_int_equal(slot_alloc(4), run);
	/* a run has no hole, and slots that a longer run skipped are found */
	slot_free(run, 2);
	slot_free(run + 3, 1);
	assert_int_equal(slot_alloc(3), 0);
	slot_free(taken[n - 1], 1);
	slot_free(taken[n - 2], 1);
	slot_free(taken[n - 3], 1);
	assert_int_equal(slot_alloc(3), taken[n - 3]);
	assert_int_equal(slot_alloc(1), run);
	assert_int_equal(slot_alloc(1), run + 1);
	assert_int_equal(slot_alloc(1), run + 3);
	/* the domain may not give these: */
	slot_free(DOMAIN_CAP_FREE - 1, 1);
	slot_free(SLOTS - 1, 2);
	slot_free(SLOTS, 1);
	assert_int_equal(slot_alloc(1), 0);
}

static void dropping_what_is_not_an_object(void)
{
	sk_cap_t s;

	start();
	cap_drop(0);
	assert_int_equal(cap_copy(ENDPOINT, SK_W, 5, &s), 0);
	assert_int_equal(kern_own(s)->rights, SK_W);
	assert_int_equal(kern_own(s)->badge, 5);
	cap_drop(s);
	assert_null(kern_own(s)->obj);
	assert_false(slot_meta[s].used);
	assert_int_equal(cap_copy(ENDPOINT, SK_R | SK_GRANT, 0, &s), 0);
	assert_int_equal(kern_own(s)->rights, SK_R | SK_GRANT);
	/* a fixed slot is emptied, but never given out */
	cap_drop(ENDPOINT);
	assert_null(kern_own(ENDPOINT)->obj);
	for (sk_cap_t t; (t = slot_alloc(1)) != 0;)
		assert_int_not_equal(t, ENDPOINT);
}

/* ---- memory ---- */
static void dropped_memory_comes_back(void)
{
	uint64_t before;
	sk_cap_t c, d;

	start();
	assert_int_equal(object_make(SK_OBJ_NOTIFICATION, 0, &c), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 16, &d), 0);
	cap_drop(d);
	before = caps_free_bytes();
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(object_make(SK_OBJ_FRAME, 12 + i % 8, &c), 0);
		assert_int_equal(object_make(SK_OBJ_THREAD, 0, &d), 0);
		assert_ptr_not_equal(kern_own(c)->obj, kern_own(d)->obj);
		cap_drop(c);
		cap_drop(d);
		slots_agree();
	}
	assert_int_equal(caps_free_bytes(), before);
	assert_int_equal(object_make(SK_OBJ_FRAME, 21, &c), 0);
	cap_drop(c);
	assert_int_equal(object_make(SK_OBJ_UNTYPED, 14, &c), 0);
	assert_int_equal(kern_own(c)->obj->type, SK_OBJ_UNTYPED);
	assert_int_equal(object_make_in(c, SK_OBJ_FRAME, 13, SK_CAP_CNODE, 33, 1), 0);
	cap_drop(c); /* objects that were made from it are gone */
	assert_null(kern_own(33)->obj);
	assert_int_equal(object_make(SK_OBJ_FRAME, 14, &c), 0);
}

static void small_objects_share_pages(void)
{
	enum { N = 64 };
	unsigned int retypes;
	sk_cap_t c[N];
	uint64_t before = 0;

	start();
	for (unsigned int round = 0; round < 20; round++) {
		retypes = kern.calls[SK_SYS_RETYPE];
		for (unsigned int i = 0; i < N; i++)
			assert_int_equal(object_make(i % 3 ? SK_OBJ_NOTIFICATION : SK_OBJ_SCHED,
						 0, &c[i]),
				0);
		/*
		 * 64 objects of 128 or 256 bytes take three pages, perhaps one more that was
		 * already begun
		 */
		assert_in_range(kern.calls[SK_SYS_RETYPE] - retypes, N, N + 4);
		for (unsigned int i = 0; i < N; i++)
			for (unsigned int k = 0; k < i; k++)
				assert_ptr_not_equal(kern_own(c[i])->obj, kern_own(c[k])->obj);
		for (unsigned int i = 0; i < N; i++)
			cap_drop(c[(i * 7) % N]);
		slots_agree();
		if (round == 1)
			before = caps_free_bytes();
	}
	assert_in_range(caps_free_bytes(), before - 4096, before + 4096);
	/* while one object of a page lives, the page is not given away */
	assert_int_equal(object_make(SK_OBJ_ENDPOINT, 0, &c[0]), 0);
	for (unsigned int i = 1; i < N; i++)
		assert_int_equal(object_make(SK_OBJ_ENDPOINT, 0, &c[i]), 0);
	for (unsigned int i = 1; i < N; i++)
		cap_drop(c[i]);
	assert_int_equal(kern_own(c[0])->obj->type, SK_OBJ_ENDPOINT);
	cap_drop(c[0]);
}

static void revoke_reaches_every_copy(void)
{
	sk_cap_t frame, copy;

	start();
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &frame), 0);
	assert_int_equal(cap_copy(frame, SK_R, 0, &copy), 0);
	cap_drop(frame);
	assert_null(kern_own(copy)->obj);
}

/* All of an untyped can be used, whatever the sizes and their order. */
static void nothing_is_lost_to_alignment(void)
{
	static const uint8_t odd[] = { 12, 16, 13, 17, 12, 12, 15, 12 };
	uint64_t free_bytes, got = 0, at[600];
	unsigned int n = 0;
	sk_cap_t c;

	start_with(1, (const uint8_t[]){ 20 });
	free_bytes = caps_free_bytes();
	for (unsigned int i = 0; i < sizeof(odd); i++) {
		assert_int_equal(object_make(SK_OBJ_FRAME, odd[i], &c), 0);
		at[n++] = kern_own(c)->obj->paddr;
		got += 1ull << odd[i];
	}
	assert_int_equal(caps_free_bytes(), free_bytes - got);
	while (object_make(SK_OBJ_FRAME, 12, &c) == 0) {
		for (unsigned int i = 0; i < n; i++)
			assert_int_not_equal(at[i], kern_own(c)->obj->paddr);
		at[n++] = kern_own(c)->obj->paddr;
		got += 4096;
	}
	assert_int_equal(got, free_bytes);
	assert_int_equal(caps_free_bytes(), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &c), -SK_E_NO_MEM);
	assert_int_equal(object_make(SK_OBJ_NOTIFICATION, 0, &c), -SK_E_NO_MEM);
	slots_agree();
}

/* When no memory is left, the smallest returned piece that is large enough is cut. */
static void free_pieces_are_cut(void)
{
	sk_cap_t c, small, fit, large;

	start_with(1, (const uint8_t[]){ 20 });
	assert_int_equal(object_make(SK_OBJ_FRAME, 18, &large), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 16, &fit), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 14, &small), 0);
	while (object_make(SK_OBJ_FRAME, 12, &c) == 0)
		;
	cap_drop(small);
	cap_drop(large);
	cap_drop(fit);
	assert_int_equal(object_make(SK_OBJ_FRAME, 15, &c), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 18, &large), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 14, &small), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 15, &c), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 15, &c), -SK_E_NO_MEM);
}

/* A request takes from the piece with the least memory left that fits. */
static void large_pieces_stay_whole(void)
{
	sk_cap_t c, big;

	start_with(3, (const uint8_t[]){ 21, 16, 17 });
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(object_make(SK_OBJ_FRAME, 12, &c), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 21, &big), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 18, &c), -SK_E_NO_MEM);
}

static void arguments_of_objects(void)
{
	sk_cap_t c;

	start();
	assert_int_equal(object_make(SK_OBJ_END, 0, &c), -SK_E_INVAL);
	assert_int_equal(object_make(SK_OBJ_FRAME, 48, &c), -SK_E_INVAL);
	assert_int_equal(object_make(SK_OBJ_FRAME, 0, &c), -SK_E_INVAL);
	assert_int_equal(object_make(SK_OBJ_IOPORT, 0, &c), -SK_E_INVAL);
	/* these objects have a fixed size, whatever order is asked for */
	assert_int_equal(object_make(SK_OBJ_THREAD, 20, &c), 0);
	assert_int_equal(kern_own(c)->obj->order, SK_ORDER_THREAD);
	assert_int_equal(object_make(SK_OBJ_CNODE, 13, &c), 0);
	assert_int_equal(kern_own(c)->obj->n_slots, SK_CNODE_SLOTS(13));
}

static void the_largest_piece_is_taken(void)
{
	uint32_t order;
	sk_cap_t u, c;

	start_with(2, (const uint8_t[]){ 20, 22 });
	assert_int_equal(untyped_take(23, &u, &order), -SK_E_NO_MEM);
	assert_int_equal(untyped_take(12, &u, &order), 0);
	assert_int_equal(order, 22);
	assert_int_equal(kern_own(u)->obj->order, 22);
	/* a returned piece counts as well */
	assert_int_equal(object_make(SK_OBJ_FRAME, 19, &c), 0);
	cap_drop(c);
	assert_int_equal(untyped_take(12, &u, &order), 0);
	assert_int_equal(order, 19);
	assert_int_equal(untyped_take(20, &u, &order), -SK_E_NO_MEM);
}

static void memory_that_comes_later(void)
{
	sk_cap_t u, c;

	start_with(1, (const uint8_t[]){ 20 });
	assert_int_equal(object_make(SK_OBJ_UNTYPED, 19, &u), 0);
	while (object_make(SK_OBJ_FRAME, 16, &c) == 0)
		continue;
	assert_true(caps_free_bytes() < 1 << 16);
	untyped_add(u, 19);
	assert_true(caps_free_bytes() >= 1 << 19);
	for (int i = 0; i < 8; i++)
		assert_int_equal(object_make(SK_OBJ_FRAME, 16, &c), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 16, &c), -SK_E_NO_MEM);
}

static void counts_the_contents_of_a_cnode(void)
{
	struct caps_count c;
	sk_cap_t cnode;

	start();
	assert_int_equal(object_make(SK_OBJ_CNODE, 13, &cnode), 0);
	assert_int_equal(object_make_in(DOMAIN_CAP_UNTYPED, SK_OBJ_FRAME, 12, cnode, 1, 1), 0);
	assert_int_equal(object_make_in(DOMAIN_CAP_UNTYPED, SK_OBJ_FRAME, 12, cnode, 99, 1), 0);
	assert_int_equal(
		object_make_in(DOMAIN_CAP_UNTYPED, SK_OBJ_ENDPOINT, 0, cnode, 50, 1), 0);
	assert_int_equal(
		object_make_in(DOMAIN_CAP_UNTYPED, SK_OBJ_UNTYPED, 12, cnode, 51, 1), 0);
	caps_count(cnode, &c);
	assert_int_equal(c.slots, SK_CNODE_SLOTS(13));
	assert_int_equal(c.used, 4);
	assert_int_equal(c.frames, 2);
	assert_int_equal(c.objects, 1);
	caps_count(ENDPOINT, &c);
	assert_int_equal(c.slots + c.used, 0);
	caps_count(SLOTS - 1, &c);
	assert_int_equal(c.slots + c.used, 0);
}

/* ---- addresses ---- */
static void memory_is_where_it_is_mapped(void)
{
	uint8_t *a, *b;
	sk_cap_t f, copy;
	void *v;

	start();
	assert_int_equal(vm_alloc(13, &f, &v), 0);
	a = v;
	assert_int_equal((uint64_t)a % 8192, 0);
	a[8191] = 7;
	assert_int_equal(kern.phys[kern_own(f)->obj->paddr + 8191], 7);
	/* one window for each capability */
	assert_int_equal(vm_map(f, 13, SK_R, &v), -SK_E_EXISTS);
	assert_int_equal(cap_copy(f, SK_R, 0, &copy), 0);
	assert_int_equal(vm_map(copy, 13, SK_R | SK_W, &v), -SK_E_RIGHTS);
	assert_int_equal(vm_map(copy, 13, SK_R, &v), 0);
	b = v;
	assert_ptr_equal(b, a + 8192); /* refusals took no addresses */
	assert_int_equal(b[8191], 7);
	assert_int_equal(vm_map(f, 11, SK_R, &v), -SK_E_INVAL);
	assert_int_equal(vm_map(f, 31, SK_R, &v), -SK_E_INVAL);
	vm_unmap(a, f, 13);
	assert_int_equal(kern.space->n_maps, 2); /* the slot table, and b */
	assert_int_equal(vm_map(f, 13, SK_R, &v), 0);
	assert_ptr_equal(v, a);
}

/* V1: freed neighbours become one range, in whatever order they are freed. */
static void free_addresses_are_joined(void)
{
	static const uint8_t orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 },
		{ 0, 2, 1, 3 }, { 2, 0, 3, 1 } };
	sk_cap_t f[4], big;
	void *v[4], *w;

	start();
	assert_int_equal(object_make(SK_OBJ_FRAME, 14, &big), 0);
	for (unsigned int k = 0; k < sizeof(orders) / sizeof(orders[0]); k++) {
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(vm_alloc(12, &f[i], &v[i]), 0);
		for (unsigned int i = 0; i < 4; i++) {
			vm_unmap(v[orders[k][i]], f[orders[k][i]], 12);
			cap_drop(f[orders[k][i]]);
		}
		assert_int_equal(vm_map(big, 14, SK_R | SK_W, &w), 0);
		assert_ptr_equal(w, v[0]);
		vm_unmap(w, big, 14);
	}
}

static void large_frames_are_aligned(void)
{
	sk_cap_t f, g;
	void *v, *w;

	start();
	assert_int_equal(vm_alloc(12, &f, &v), 0);
	assert_int_equal(vm_alloc(21, &g, &w), 0);
	assert_int_equal((uint64_t)w % SK_LARGE_SIZE, 0);
	assert_true((uint8_t *)w >= (uint8_t *)v + 4096);
	/* the gap before it can still be used */
	assert_int_equal(vm_alloc(12, &f, &w), 0);
	assert_ptr_equal((uint8_t *)v + 4096, w);
}

/* Only tables are made, so that mapping there later needs no memory. */
static void reserved_addresses(void)
{
	unsigned int tables, maps;
	uint64_t bytes;
	sk_cap_t f;
	void *v, *w;

	start();
	maps = kern.space->n_maps;
	assert_int_equal(vm_reserve(2 * SK_LARGE_SIZE + 5000, &v), 0);
	assert_int_equal(kern.space->n_maps, maps);
	tables = kern.space->n_tables;
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &f), 0);
	assert_int_equal(space_map_at(SK_CAP_SPACE, f, (uint64_t)v + 2 * SK_LARGE_SIZE + 4096,
				 0, 12, SK_R),
		0);
	assert_int_equal(kern.space->n_tables, tables);
	assert_int_equal(vm_alloc(12, &f, &w), 0);
	assert_true((uint8_t *)w >= (uint8_t *)v + 2 * SK_LARGE_SIZE + 8192 || w < v);
	/* the page that paid for the tables is used for further ones */
	assert_int_equal(vm_reserve(4096, &w), 0);
	bytes = caps_free_bytes();
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(vm_reserve(4096, &w), 0);
	assert_int_equal(caps_free_bytes(), bytes);
}

static void tables_that_are_refused(void)
{
	unsigned int taken;
	uint64_t bytes;
	sk_cap_t f;

	start();
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &f), 0);
	taken = slots_taken();
	bytes = caps_free_bytes();
	for (unsigned int i = 0; i < 10; i++) {
		kern.fail_nr = SK_SYS_MAP_TABLE;
		kern.fail_in = 1;
		kern.fail_rc = -SK_E_EXISTS;
		assert_int_equal(
			space_map_at(SK_CAP_SPACE, f, DOMAIN_CHANNEL_VADDR, 0, 12, SK_R),
			-SK_E_EXISTS);
		kern.fail_in = 1;
		assert_int_equal(dma_map(IO_SPACE, f, 0, 12, SK_R, &(struct dma_map){ 0 }),
			-SK_E_EXISTS);
	}
	assert_in_range(slots_taken(), taken, taken + 1);
	assert_int_equal(caps_free_bytes(), bytes);
}

/* Each part of a frame has its tables, in another space, too. */
static void a_frame_across_two_tables(void)
{
	struct kern_object *other;
	sk_cap_t f, space;

	start();
	assert_int_equal(object_make(SK_OBJ_SPACE_HOST, 0, &space), 0);
	assert_int_equal(object_make(SK_OBJ_FRAME, 13, &f), 0);
	other = kern_own(space)->obj;
	assert_int_equal(
		space_map_at(space, f, 0x10000000 - SK_PAGE_SIZE, 0, 13, SK_R | SK_EXEC), 0);
	assert_int_equal(other->n_tables, 4); /* the two pages are in different lowest tables */
	assert_non_null(kern_view(other, 0x10000000, NULL));
	assert_int_equal(space_map_at(space, f, 0, 0, 13, SK_R), -SK_E_EXISTS);
}

/* ---- DMA ---- */
static void device_memory(void)
{
	struct kern_object *io;
	struct dma_map a, b, c;
	uint64_t addr;
	sk_cap_t f;
	void *v;

	start();
	io = kern_own(IO_SPACE)->obj;
	assert_int_equal(object_make(SK_OBJ_FRAME, 14, &f), 0);
	assert_int_equal(dma_map(IO_SPACE, f, 4096, 12, SK_R, &a), 0);
	assert_int_equal(dma_map(IO_SPACE, f, 0, 14, SK_R | SK_W, &a), 0);
	assert_int_equal(a.addr % (1 << 14), 0);
	assert_true(a.addr > 0);
	assert_int_equal(dma_map(IO_SPACE, f, 8192, 13, SK_R, &b), 0);
	assert_true(b.addr >= a.addr + (1 << 14));
	assert_ptr_equal(kern_view(io, b.addr, NULL), kern_view(io, a.addr + 8192, NULL));
	assert_int_equal(kern_own(b.frame)->rights, SK_R);
	/* an IOMMU that has no pages of this size */
	kern.fail_in = 1;
	kern.fail_nr = SK_SYS_MAP;
	kern.fail_rc = -SK_E_LIMIT;
	assert_int_equal(dma_map(IO_SPACE, f, 0, 14, SK_R, &c), 0);
	assert_int_equal(kern.failed_nr, SK_SYS_MAP);
	for (unsigned int i = 0; i < 1 << 14; i += 4096)
		assert_ptr_equal(
			kern_view(io, c.addr + i, NULL), kern_view(io, a.addr + i, NULL));
	dma_unmap(&a);
	assert_null(kern_view(io, a.addr, NULL));
	assert_non_null(kern_view(io, b.addr, NULL));
	assert_non_null(kern_own(f)->obj); /* the caller's own capability stays */
	assert_int_equal(dma_alloc(IO_SPACE, 12, &v, &addr), 0);
	*(uint8_t *)v = 9;
	assert_int_equal(*kern_view(io, addr, NULL), 9);
	assert_true(addr >= b.addr + (1 << 13));
}

/* However often memory comes and goes, its tables are made once. */
static void device_addresses_are_used_again(void)
{
	struct kern_object *io;
	struct dma_map small, a, b, c;
	uint32_t tables;
	sk_cap_t f;

	start();
	io = kern_own(IO_SPACE)->obj;
	assert_int_equal(object_make(SK_OBJ_FRAME, 14, &f), 0);
	assert_int_equal(dma_map(IO_SPACE, f, 0, 12, SK_R, &small), 0);
	assert_int_equal(dma_map(IO_SPACE, f, 0, 14, SK_R, &a), 0);
	assert_int_equal(dma_map(IO_SPACE, f, 0, 14, SK_R, &b), 0);
	tables = io->n_tables;
	dma_unmap(&small);
	dma_unmap(&b);
	dma_unmap(&a);
	assert_int_equal(dma_map(IO_SPACE, f, 0, 14, SK_R, &c), 0);
	assert_true(c.addr == b.addr); /* free for longer than that of a, and of this size */
	assert_non_null(kern_view(io, c.addr, NULL));
	for (unsigned int i = 0; i < 10000; i++) {
		dma_unmap(&c);
		assert_int_equal(dma_map(IO_SPACE, f, 0, 14, SK_R, &c), 0);
		assert_true(c.addr == (i % 2 ? b.addr : a.addr));
	}
	assert_int_equal(io->n_tables, tables);
}

/* ---- failures ---- */
static int op_frame(void)
{
	sk_cap_t c;
	int rc = object_make(SK_OBJ_FRAME, 15, &c);

	if (!rc)
		cap_drop(c);
	return rc;
}

static int op_small(void)
{
	sk_cap_t c;
	int rc = object_make(SK_OBJ_ENDPOINT, 0, &c);

	if (!rc)
		cap_drop(c);
	return rc;
}

static int op_alloc(void)
{
	sk_cap_t c;
	void *v;
	int rc = vm_alloc(13, &c, &v);

	if (!rc) {
		vm_unmap(v, c, 13);
		cap_drop(c);
	}
	return rc;
}

static int op_copy(void)
{
	sk_cap_t c;
	int rc = cap_copy(ENDPOINT, SK_W, 9, &c);

	if (!rc)
		cap_drop(c);
	return rc;
}

static int op_dma(void)
{
	struct dma_map m;
	int rc = dma_map(IO_SPACE, kern_own(40)->obj ? 40 : 0, 0, 12, SK_R, &m);

	if (!rc)
		dma_unmap(&m);
	return rc;
}

static int (*const ops[])(void) = { op_frame, op_small, op_alloc, op_copy, op_dma };

/* Tables stay, and so do the sizes of untypeds once cut, so each operation first runs once. */
static void failures_leave_nothing(void)
{
	static const long errors[] = { -SK_E_NO_MEM, -SK_E_SLOT, -SK_E_RIGHTS };

	start();
	(void)kern_frame(40, 12);
	for (unsigned int o = 0; o < sizeof(ops) / sizeof(ops[0]); o++) {
		unsigned int taken, n = 0;
		uint64_t bytes;
		bool failed;

		assert_int_equal(ops[o](), 0);
		taken = slots_taken();
		bytes = caps_free_bytes();
		do {
			kern.fail_in = ++n;
			kern.fail_rc = errors[n % 3];
			failed = ops[o]() != 0;
			kern.fail_in = 0;
			slots_agree();
			assert_in_range(slots_taken(), taken, taken + 2);
			assert_int_equal(caps_free_bytes(), bytes);
		} while (failed || n < 3);
		assert_int_equal(ops[o](), 0);
		assert_int_equal(slots_taken(), taken);
	}
}

/* Without a slot each call fails, and the free memory stays the same. */
static void without_slots(void)
{
	uint64_t bytes;
	sk_cap_t c, f, last = 0;
	uint32_t order;
	void *v;

	start();
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &f), 0);
	while ((c = slot_alloc(1)) != 0)
		last = c;
	bytes = caps_free_bytes();
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &c), -SK_E_SLOT);
	assert_int_equal(object_make(SK_OBJ_UNTYPED, 12, &c), -SK_E_SLOT);
	assert_int_equal(cap_copy(ENDPOINT, SK_W, 0, &c), -SK_E_SLOT);
	assert_int_equal(untyped_take(12, &c, &order), -SK_E_SLOT);
	assert_int_equal(vm_reserve(1 << 24, &v), -SK_E_SLOT);
	slot_free(last, 1);
	/* this needs two slots */
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &c), -SK_E_SLOT);
	assert_int_equal(slot_alloc(1), last);
	assert_int_equal(caps_free_bytes(), bytes);
	assert_int_equal(
		space_map_at(SK_CAP_SPACE, f, DOMAIN_CHANNEL_VADDR, 0, 12, SK_R), -SK_E_SLOT);
}

/* ---- the start ---- */
static void the_root_task(void)
{
	struct sk_bootinfo *bi;
	sk_cap_t c;

	kern_start(SLOTS + 1);
	kern.root = true;
	bi = kern_boot();
	bi->first_free_slot = 500;
	bi->n_slots = SLOTS;
	bi->n_untyped = 2;
	bi->untyped[0] = (struct sk_boot_untyped){ 20, 20, SK_BOOT_DEVICE, KERN_DEVICE };
	bi->untyped[1] = (struct sk_boot_untyped){ 21, 18, 0, 0 };
	(void)kern_device(20, 20, KERN_DEVICE);
	(void)kern_untyped(21, 18);
	assert_int_equal(caps_init(), 0);
	assert_true(caps_free_bytes() < 1 << 18);
	assert_int_equal(object_make(SK_OBJ_FRAME, 12, &c), 0);
	assert_true(c >= 500);
	assert_true(kern_own(c)->parent->parent == kern_own(21));
}

/* ---- a CNode that outlives its domain ---- */
enum { LEFT = DOMAIN_CAP_FREE + 40 };

/* Every third slot of the first 30 is in use, and LEFT. */
static bool left_behind(sk_cap_t s)
{
	return s >= DOMAIN_CAP_FREE && (s == LEFT || (s < DOMAIN_CAP_FREE + 30 && s % 3 == 0));
}

static void start_again(uint32_t flags)
{
	struct domain_info *info;

	kern_start(SLOTS + 1);
	info = kern_domain();
	info->free_slot = DOMAIN_CAP_FREE;
	info->n_slots = SLOTS;
	info->n_untyped = 1;
	info->flags = flags;
	info->untyped_order[0] = ORDER;
	(void)kern_untyped(DOMAIN_CAP_UNTYPED, ORDER);
	for (sk_cap_t s = 0; flags && s < SLOTS; s++)
		if (left_behind(s))
			(void)kern_object(s, SK_OBJ_NOTIFICATION);
	assert_int_equal(caps_init(), 0);
}

static void a_kept_cnode(void)
{
	sk_cap_t s, at = 0;
	unsigned int n = 0;

	start_again(DOMAIN_CNODE_KEPT);
	/* all of them are found, in their order, and nothing else */
	for (s = 0; s < SLOTS; s++) {
		if (!left_behind(s))
			continue;
		at = slot_inherited(at);
		assert_int_equal(at, s);
		assert_int_equal(kern_own(s)->obj->type, SK_OBJ_NOTIFICATION);
		n++;
	}
	assert_int_equal(n, 11);
	assert_int_equal(slot_inherited(at), 0);
	/* each is taken over once; what is not there, or has another use, is not */
	assert_true(slot_adopt(LEFT));
	assert_false(slot_adopt(LEFT));
	assert_false(slot_adopt(LEFT + 1));
	assert_false(slot_adopt(DOMAIN_CAP_FREE - 1));
	assert_false(slot_adopt(SLOTS));
	assert_false(slot_adopt(UINT32_MAX));
	/* the others are dropped, and their slots are free */
	for (at = 0; (at = slot_inherited(at)) != 0;) {
		cap_drop(at);
		assert_null(kern_own(at)->obj);
	}
	assert_int_equal(slot_inherited(0), 0);
	slots_agree();
	for (n = 0; (s = slot_alloc(1)) != 0; n++)
		assert_int_not_equal(s, LEFT);
	assert_in_range(n, SLOTS - DOMAIN_CAP_FREE - 6, SLOTS - DOMAIN_CAP_FREE - 2);
	assert_non_null(kern_own(LEFT)->obj);
}

/* Without the flag no slot is looked at. */
static void a_new_cnode(void)
{
	start_again(0);
	assert_int_equal(kern.calls[SK_SYS_CAP_INFO], 0);
	assert_int_equal(slot_inherited(0), 0);
}

static void starts_that_fail(void)
{
	struct domain_info *info;

	kern_start(SLOTS + 1);
	info = kern_domain();
	info->n_slots = info->free_slot = 300;
	assert_int_equal(caps_init(), -SK_E_SLOT);
	info->n_slots = 0x10000;
	assert_int_equal(caps_init(), -SK_E_SLOT);
	info->n_slots = SLOTS; /* enough slots, but no memory */
	assert_int_equal(caps_init(), -SK_E_NO_MEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(slots_are_given_once),
		KERN_CASE(dropping_what_is_not_an_object),
		KERN_CASE(dropped_memory_comes_back),
		KERN_CASE(small_objects_share_pages),
		KERN_CASE(revoke_reaches_every_copy),
		KERN_CASE(nothing_is_lost_to_alignment),
		KERN_CASE(free_pieces_are_cut),
		KERN_CASE(large_pieces_stay_whole),
		KERN_CASE(arguments_of_objects),
		KERN_CASE(the_largest_piece_is_taken),
		KERN_CASE(memory_that_comes_later),
		KERN_CASE(counts_the_contents_of_a_cnode),
		KERN_CASE(memory_is_where_it_is_mapped),
		KERN_CASE(free_addresses_are_joined),
		KERN_CASE(large_frames_are_aligned),
		KERN_CASE(reserved_addresses),
		KERN_CASE(tables_that_are_refused),
		KERN_CASE(a_frame_across_two_tables),
		KERN_CASE(device_memory),
		KERN_CASE(device_addresses_are_used_again),
		KERN_CASE(failures_leave_nothing),
		KERN_CASE(without_slots),
		KERN_CASE(the_root_task),
		KERN_CASE(a_kept_cnode),
		KERN_CASE(a_new_cnode),
		KERN_CASE(starts_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem_test.c - the guest's physical map over a fake nested space, and walks of hostile
 * page tables
 */
#define _GNU_SOURCE
#include "log.h"
#include "machine/chunk.h"
#include "machine/guest_memory.h"
#include "machine/physmap.h"
#include "machine/ram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct vm vm;
static struct vcpu cpu;
static struct sk_vcpu_state st;

enum { RAM_SIZE = 32 << 20, MAP_MAX = 16384 };
#define SPAN (5 * VM_HIGH_GPA)

/* ---- the kernel's side: every mapping of 4 KiB, and large pages by chunk ----------------- */

struct mapping {
	sk_gpa_t gpa;
	uint64_t piece, offset;
	sk_cap_t cap;
	bool home;
};
static struct mapping maps[MAP_MAX];
static uint32_t n_maps;
static bool split[2][RAM_SIZE / VM_CHUNK];
static sk_cap_t next_cap;
static uint32_t n_copies; /* copies that have not been dropped */
static uint64_t piece_of_copy[1 << 16];
static int fail_maps, fail_homes;
static uint64_t heap; /* bytes that physmap.c took, including the tables of splits */

/* The homes of the pieces that were added later. */
enum { GROW_MAX = 4 };
static sk_gpa_t grown[GROW_MAX];

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word, 0);
	m->word = 1;
}

void mutex_unlock(struct mutex *m)
{
	assert_int_equal(m->word, 1);
	m->word = 0;
}

int ram_own_alloc(uint32_t order, sk_cap_t *frame, void **out)
{
	static uint8_t *pool;
	static uint64_t left;

	if (left < 1ull << order) {
		left = 64 << 20;
		pool = mmap(
			NULL, left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(pool != MAP_FAILED);
	}
	heap += 1ull << order;
	*frame = ++next_cap;
	*out = pool;
	pool += 1ull << order;
	left -= 1ull << order;
	return 0;
}

static sk_gpa_t home_of(uint64_t piece, uint64_t offset)
{
	uint64_t linear = (piece << vm.ram_order) + offset;

	if (piece >= vm.n_boot_pieces)
		return grown[piece - vm.n_boot_pieces] + offset;
	return linear < vm.low_size ? linear : VM_HIGH_GPA + linear - vm.low_size;
}

static bool *split_at(sk_gpa_t gpa)
{
	return &split[gpa >= VM_HIGH_GPA][gpa % VM_HIGH_GPA / VM_CHUNK];
}

static int map_add(struct mapping m)
{
	uint32_t i;

	if (fail_maps)
		return -SK_E_NO_MEM;
	for (i = 0; i < n_maps; i++)
		assert_int_not_equal(maps[i].gpa, m.gpa);
	if (chunk_is_ram(m.gpa >> CHUNK_SHIFT))
		assert_true(*split_at(m.gpa));
	maps[n_maps++] = m;
	return 0;
}

static void map_remove(uint32_t i) { maps[i] = maps[--n_maps]; }

int ram_map(const struct ram_at *at, uint32_t order, enum ram_access access)
{
	assert_int_equal(order, SK_PAGE_ORDER);
	assert_int_equal(access, RAM_WRITABLE);
	assert_int_equal(home_of(at->piece, at->offset), at->gpa);
	return map_add((struct mapping){ at->gpa, at->piece, at->offset, 0, true });
}

void ram_unmap(const struct ram_at *at, uint32_t order)
{
	uint32_t i;

	assert_int_equal(order, SK_PAGE_ORDER);
	for (i = 0; i < n_maps; i++)
		if (maps[i].home && maps[i].piece == at->piece &&
			maps[i].offset == at->offset) {
			assert_int_equal(maps[i].gpa, at->gpa);
			map_remove(i);
			return;
		}
	fail_msg("not mapped");
}

int ram_copy_make(uint64_t piece, sk_cap_t *copy)
{
	*copy = ++next_cap;
	assert_true(*copy < sizeof(piece_of_copy) / sizeof(piece_of_copy[0]));
	piece_of_copy[*copy] = piece;
	n_copies++;
	return 0;
}

/*
 * The kernel gives a capability one window, and no other capability may have the same: see
 * ram_copy_drop().
 */
int ram_copy_map(sk_cap_t copy, uint64_t offset, sk_gpa_t gpa)
{
	uint64_t piece = piece_of_copy[copy];
	uint32_t i;

	for (i = 0; i < n_maps; i++)
		if (!maps[i].home && maps[i].piece == piece)
			assert_true((maps[i].cap == copy) ==
				    (maps[i].gpa - maps[i].offset == gpa - offset));
	return map_add((struct mapping){ gpa, piece, offset, copy, false });
}

void ram_copy_unmap(sk_cap_t copy, uint64_t offset)
{
	uint32_t i;

	for (i = 0; i < n_maps; i++)
		if (!maps[i].home && maps[i].cap == copy && maps[i].offset == offset) {
			map_remove(i);
			return;
		}
	fail_msg("not mapped");
}

/*
 * The kernel clears all pages of the piece in the window, whichever capability mapped them, so
 * none may be left there.
 */
void ram_copy_drop(sk_cap_t copy)
{
	uint32_t i;

	for (i = 0; i < n_maps; i++)
		assert_true(maps[i].home || maps[i].cap != copy);
	n_copies--;
}

/* As the kernel does it, the VMM sees memory at this place from now on. */
void ram_boot_piece(uint64_t piece)
{
	assert_true(piece < vm.n_boot_pieces);
	assert_false(vm.made[piece / 64] >> piece % 64 & 1);
	vm.made[piece / 64] |= 1ull << piece % 64;
}

static bool made(uint64_t piece) { return vm.made[piece / 64] >> piece % 64 & 1; }

int ram_piece_make(uint64_t piece, sk_gpa_t gpa)
{
	if (fail_homes)
		return -SK_E_NO_MEM;
	assert_true(piece >= vm.n_boot_pieces && piece < vm.n_given);
	assert_int_equal(gpa % VM_CHUNK, 0);
	grown[piece - vm.n_boot_pieces] = gpa;
	return 0;
}

int ram_frame_map(sk_cap_t frame, sk_gpa_t gpa, sk_cap_t *copy)
{
	(void)frame;
	*copy = ++next_cap;
	n_copies++;
	return map_add((struct mapping){ gpa, UINT64_MAX, 0, *copy, false });
}

int ram_large_split(sk_gpa_t gpa, sk_cap_t *table)
{
	uint32_t i;

	*table = ++next_cap;
	heap += SK_PAGE_SIZE;
	assert_false(*split_at(gpa));
	assert_true(made(ram_linear(gpa) >> vm.ram_order));
	*split_at(gpa) = true;
	for (i = 0; i < CHUNK_PAGES; i++) {
		sk_gpa_t at = gpa + i * SK_PAGE_SIZE;
		uint64_t linear = at < VM_HIGH_GPA ? at : at - VM_HIGH_GPA + vm.low_size;

		maps[n_maps++] = (struct mapping){ at, linear >> vm.ram_order,
			linear & ((1ull << vm.ram_order) - 1), 0, true };
	}
	return 0;
}

/* Nothing is tracked here: dirty_test.c. */
void ram_table_drop(sk_cap_t table) { (void)table; }

void vm_log(const char *fmt, ...) { assert_null(fmt); }

/*
 * The memory that an access of the guest at gpa reaches, as the VMM sees it; NULL: nested
 * fault.
 */
static uint8_t *nested(sk_gpa_t gpa, const struct guest_page *pages, uint32_t n)
{
	uint32_t i, j;

	if (chunk_is_ram(gpa >> CHUNK_SHIFT) && !*split_at(gpa))
		return vm.ram + gpa;
	for (i = 0; i < n_maps; i++) {
		if (maps[i].gpa != gpa)
			continue;
		if (maps[i].piece != UINT64_MAX)
			return vm.ram + home_of(maps[i].piece, maps[i].offset);
		for (j = 0; j < n; j++)
			if (pages[j].nested == maps[i].cap)
				return pages[j].addr;
		fail_msg("a page of nobody's at %lx", (long)gpa);
	}
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	if (!vm.ram)
		vm.ram = mmap(NULL, SPAN, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(vm.ram != MAP_FAILED);
	vm = (struct vm){ .ram = vm.ram,
		.low_size = RAM_SIZE / 2,
		.high_size = RAM_SIZE / 2,
		.ram_order = 22,
		.ram_end = VM_HIGH_GPA + RAM_SIZE / 2 };
	vm.n_boot_pieces = vm.n_given = vm.n_pieces = vm.max_pieces = RAM_SIZE >> 22;
	memset(vm.ram, 0, RAM_SIZE / 2);
	memset(split, 0, sizeof(split));
	n_maps = n_copies = 0;
	fail_maps = fail_homes = 0;
	memset(&st, 0, sizeof(st));
	memset(&cpu, 0, sizeof(cpu));
	cpu.st = &st;
	return 0;
}

/* ---- by guest-physical address ----------------------------------------------------------- */

static void bounds(void **state)
{
	(void)state;
	assert_ptr_equal(gmem(0, 1), vm.ram);
	assert_ptr_equal(gmem(0, RAM_SIZE / 2), vm.ram);
	assert_null(gmem(0, 0));
	assert_null(gmem(0, RAM_SIZE / 2 + 1));
	assert_null(gmem(RAM_SIZE / 2, 1));
	assert_non_null(gmem(VM_HIGH_GPA + RAM_SIZE / 2 - 1, 1));
	assert_null(gmem(VM_HIGH_GPA + RAM_SIZE / 2 - 1, 2));
	assert_null(gmem(VM_HIGH_GPA - 1, 2));
	assert_null(gmem(UINT64_MAX, 1));
	assert_null(gmem(UINT64_MAX, 2));
	assert_null(gmem(1, UINT64_MAX));
	assert_null(gmem(1ull << VM_PHYS_BITS, 1));
}

/* RAM costs nothing before it is touched, and is made once. */
static void touch(void **state)
{
	struct guest_page page;

	(void)state;
	assert_int_equal(physmap_pages(), RAM_SIZE / SK_PAGE_SIZE);
	assert_null(gmem(RAM_SIZE / 2, 1));
	assert_int_equal(vm.made[0], 0);
	assert_non_null(gmem(VM_CHUNK, 1)); /* a piece is two chunks */
	assert_int_equal(vm.made[0], 1);
	assert_non_null(gmem(0x800000 - 1, 2));
	assert_int_equal(vm.made[0], 7);
	assert_non_null(gmem(VM_HIGH_GPA, 1));
	assert_int_equal(vm.made[0], 0x17);
	assert_int_equal(physmap_page_alloc(&page), 0);
	assert_int_equal(physmap_page_show(VM_HIGH_GPA + 0x400000, &page), 0);
	assert_int_equal(vm.made[0], 0x37);
	assert_int_equal(physmap_hole_fill(VM_HIGH_GPA + 0x800000), -SK_E_EXISTS);
	assert_int_equal(vm.made[0], 0x37);
}

static void holes(void **state)
{
	uint64_t pages = physmap_pages();

	(void)state;
	assert_int_equal(pages, RAM_SIZE / SK_PAGE_SIZE);
	assert_int_equal(physmap_hole_make(0x5000), 0);
	assert_int_equal(physmap_hole_make(0x5000), -SK_E_NOT_FOUND);
	assert_int_equal(physmap_hole_make(0x5001), -SK_E_RANGE);
	assert_int_equal(physmap_hole_make(RAM_SIZE / 2), -SK_E_NOT_FOUND);
	assert_int_equal(physmap_hole_make(1ull << 60), -SK_E_RANGE);
	assert_null(gmem(0x5000, 1));
	assert_null(gmem(0x4000, 0x1001));
	assert_null(gmem(0x4fff, 2));
	assert_ptr_equal(gmem(0x4000, 0x1000), vm.ram + 0x4000);
	assert_ptr_equal(gmem(0x6000, VM_CHUNK), vm.ram + 0x6000);
	assert_null(nested(0x5000, NULL, 0));
	assert_int_equal(physmap_pages(), pages - 1);
	assert_int_equal(physmap_hole_fill_or_ask(0x4000), -SK_E_EXISTS);
	assert_int_equal(physmap_hole_fill_or_ask(0x5000), 0);
	assert_ptr_equal(nested(0x5000, NULL, 0), vm.ram + 0x5000);
	assert_int_equal(physmap_pages(), pages);
	assert_int_equal(physmap_hole_fill_or_ask(0x5000), -SK_E_EXISTS);
	assert_int_equal(physmap_hole_fill_or_ask(0x400000), -SK_E_EXISTS);
}

/* A page of RAM may come back elsewhere, even beyond RAM, and then at home again. */
static void moved_pages(void **state)
{
	const sk_gpa_t beyond = 0x8000000;

	(void)state;
	assert_int_equal(physmap_hole_fill_or_ask(beyond), -SK_E_NO_MEM);
	assert_int_equal(physmap_hole_make(VM_HIGH_GPA + 0x3000), 0);
	assert_int_equal(physmap_hole_fill_or_ask(beyond), 0);
	assert_ptr_equal(gmem(beyond, SK_PAGE_SIZE), vm.ram + VM_HIGH_GPA + 0x3000);
	assert_ptr_equal(nested(beyond, NULL, 0), vm.ram + VM_HIGH_GPA + 0x3000);
	assert_null(gmem(beyond, SK_PAGE_SIZE + 1));
	assert_int_equal(physmap_hole_fill_or_ask(VM_HIGH_GPA + 0x3000),
		-SK_E_NO_MEM); /* its page is at `beyond` */
	assert_int_equal(physmap_hole_make(0x7000), 0);
	/* gets another page's memory */
	assert_int_equal(physmap_hole_fill_or_ask(VM_HIGH_GPA + 0x3000), 0);
	assert_ptr_equal(gmem(VM_HIGH_GPA + 0x3000, 8), vm.ram + 0x7000);
	/* not contiguous here */
	assert_null(gmem(VM_HIGH_GPA + 0x2000, 0x2000));
	assert_int_equal(physmap_hole_make(beyond), 0);
	assert_int_equal(physmap_hole_make(VM_HIGH_GPA + 0x3000), 0);
	assert_int_equal(
		physmap_hole_fill_or_ask(VM_HIGH_GPA + 0x3000), 0); /* its own, which is free */
	assert_ptr_equal(gmem(VM_HIGH_GPA + 0x3000, 8), vm.ram + VM_HIGH_GPA + 0x3000);
	assert_int_equal(vm.balloon_pages, 1);
}

static void special_pages(void **state)
{
	static struct guest_page p[2];

	(void)state;
	assert_int_equal(physmap_page_alloc(&p[0]), 0);
	assert_int_equal(physmap_page_alloc(&p[1]), 0);
	assert_int_equal(physmap_page_show(0x1000, &p[0]), 0);
	assert_int_equal(physmap_page_show(0x1000, &p[0]), 0);
	assert_ptr_equal(gmem(0x1000, SK_PAGE_SIZE), p[0].addr);
	assert_ptr_equal(nested(0x1000, p, 2), p[0].addr);
	assert_int_equal(vm.balloon_pages, 1);
	assert_int_equal(physmap_page_show(VM_SPECIAL_GPA, &p[1]), 0);
	assert_ptr_equal(nested(VM_SPECIAL_GPA, p, 2), p[1].addr);
	assert_int_equal(physmap_page_show(0x1000, &p[1]), 0); /* in place of the other one */
	assert_ptr_equal(gmem(0x1000, 1), p[1].addr);
	assert_ptr_equal(nested(0x1000, p, 2), p[1].addr);
	assert_null(gmem(VM_SPECIAL_GPA, 1));
	assert_null(nested(VM_SPECIAL_GPA, p, 2));
	assert_int_equal(p[0].nested, 0);
	/* it moves, and leaves a hole */
	assert_int_equal(physmap_page_show(0x400000, &p[1]), 0);
	assert_null(gmem(0x1000, 1));
	assert_int_equal(physmap_hole_fill_or_ask(0x1000), 0);
	assert_ptr_equal(gmem(0x1000, 1), vm.ram + 0x1000);
	assert_int_equal(physmap_hole_make(0x400000), 0);
	assert_int_equal(p[1].nested, 0);
	assert_int_equal(vm.balloon_pages, 1);
	assert_int_equal(physmap_page_show(VM_LAPIC_GPA, &p[0]), -SK_E_RANGE);
	assert_int_equal(physmap_page_show(1ull << VM_PHYS_BITS, &p[0]), -SK_E_RANGE);
	assert_int_equal(physmap_page_show(12, &p[0]), -SK_E_RANGE);
}

static void moves(void **state)
{
	static struct guest_page p;

	(void)state;
	memset(vm.ram + 0x9000, 0x5a, 8);
	assert_int_equal(physmap_page_move(0x9000, 0x10000000), 0);
	assert_null(gmem(0x9000, 1));
	assert_int_equal(*(uint8_t *)gmem(0x10000000, 1), 0x5a);
	assert_ptr_equal(nested(0x10000000, NULL, 0), vm.ram + 0x9000);
	assert_int_equal(vm.balloon_pages, 0);
	assert_int_equal(physmap_page_move(0x10000000, 0x9000), 0); /* home again */
	assert_ptr_equal(nested(0x9000, NULL, 0), vm.ram + 0x9000);
	/* in place of RAM, which leaves the guest */
	assert_int_equal(physmap_page_move(0x9000, 0xa000), 0);
	assert_int_equal(vm.balloon_pages, 1);
	assert_ptr_equal(gmem(0xa000, 1), vm.ram + 0x9000);
	assert_int_equal(physmap_page_move(0x9000, 0xb000), -SK_E_RANGE);
	assert_int_equal(physmap_page_move(0xa000, 0xa000), 0);
	assert_int_equal(physmap_page_alloc(&p), 0);
	assert_int_equal(physmap_page_show(0xc000, &p), 0);
	assert_int_equal(physmap_page_move(0xc000, 0xd000), 0);
	assert_ptr_equal(gmem(0xd000, 1), p.addr);
}

/* Pages that moved side by side share one capability; when one leaves, the other stays. */
static void moves_side_by_side(void **state)
{
	(void)state;
	assert_int_equal(physmap_page_move(0x9000, 0x10000000), 0);
	assert_int_equal(physmap_page_move(0xa000, 0x10001000), 0);
	assert_int_equal(n_copies, 1);
	assert_int_equal(physmap_page_move(0xc000, 0x10002000), 0); /* at another distance */
	assert_int_equal(n_copies, 2);
	assert_int_equal(physmap_hole_make(0x10000000), 0);
	assert_int_equal(n_copies, 2);
	assert_ptr_equal(nested(0x10001000, NULL, 0), vm.ram + 0xa000);
	assert_int_equal(physmap_hole_make(0x10001000), 0);
	assert_int_equal(n_copies, 1);
	fail_maps = 1;
	assert_int_equal(physmap_page_move(0x10002000, 0x10003000), -SK_E_NO_MEM);
	assert_int_equal(n_copies, 0);
}

/* ---- memory beyond the start's ----------------------------------------------------------- */

static const sk_gpa_t hot = 0x10000000;

static int setup_growing(void **state)
{
	int rc = setup(state);

	vm.max_pieces += GROW_MAX;
	return rc;
}

/*
 * Control is asked for RAM for a place that has none. The piece gets its home there, and the
 * guest gets only the pages that it populates.
 */
static void grows(void **state)
{
	uint64_t pages = physmap_pages(), i;

	(void)state;
	assert_int_equal(physmap_max_gfn(), (VM_HIGH_GPA + RAM_SIZE / 2) / SK_PAGE_SIZE - 1);
	assert_int_equal(physmap_hole_fill_or_ask(hot + 0x3000), -SK_E_AGAIN);
	assert_int_equal(physmap_hole_fill(hot + 0x3000), -SK_E_NO_MEM);
	assert_int_equal(physmap_hole_fill_or_ask(0x3000), -SK_E_EXISTS);
	assert_int_equal(physmap_ram_given(1), 1);
	assert_int_equal(physmap_pages(), pages);
	for (i = 0; i < CHUNK_PAGES; i++) {
		sk_gpa_t at = hot + (i * 5 % CHUNK_PAGES) * SK_PAGE_SIZE;

		assert_null(nested(at, NULL, 0));
		assert_int_equal(physmap_hole_fill_or_ask(at), 0);
		assert_ptr_equal(gmem(at, SK_PAGE_SIZE), vm.ram + at);
		assert_ptr_equal(nested(at, NULL, 0), vm.ram + at);
		assert_int_equal(physmap_pages(), pages + i + 1);
	}
	for (i = 0; i < n_maps; i++)
		assert_true(maps[i].home); /* no capability is copied */
	assert_ptr_equal(gmem(hot, VM_CHUNK), vm.ram + hot);
	assert_int_equal(vm.balloon_pages, 0);
	assert_int_equal(physmap_hole_fill_or_ask(hot + 0x3000), -SK_E_EXISTS);
	assert_int_equal(physmap_hole_make(hot + 0x3000), 0);
	assert_int_equal(
		physmap_hole_fill_or_ask(hot + 0x3000), 0); /* its own: control is not asked */
	assert_int_equal(physmap_hole_fill_or_ask(hot + VM_CHUNK), -SK_E_AGAIN);
}

/*
 * Never more than maxmem, even if control gives more; ballooned pages fill places without RAM.
 */
static void growth_ends(void **state)
{
	uint32_t i;

	(void)state;
	assert_int_equal(physmap_ram_room(), GROW_MAX);
	assert_int_equal(physmap_ram_given(GROW_MAX - 1), GROW_MAX - 1);
	assert_int_equal(physmap_ram_given(7), 1);
	assert_int_equal(physmap_ram_given(UINT32_MAX), 0);
	assert_int_equal(physmap_ram_room(), 0);
	for (i = 0; i < GROW_MAX; i++)
		assert_int_equal(physmap_hole_fill_or_ask((1ull << 33) - i * VM_CHUNK), 0);
	assert_int_equal(physmap_max_gfn(), ((1ull << 33) + VM_CHUNK) / SK_PAGE_SIZE - 1);
	/* all pieces have a home: their remaining pages go where they are wanted */
	assert_int_equal(physmap_hole_fill_or_ask(hot), 0);
	assert_int_not_equal(page_kind(*chunk_find(hot >> CHUNK_SHIFT)->page), PAGE_HOME);
	assert_int_equal(vm.balloon_pages, GROW_MAX * (CHUNK_PAGES - 1) - 1);
	assert_ptr_equal(gmem(hot, SK_PAGE_SIZE), nested(hot, NULL, 0));
}

/* A chunk in which the guest has other pages becomes the home of a piece; those pages stay. */
static void grows_around(void **state)
{
	static struct guest_page p;

	(void)state;
	assert_int_equal(physmap_page_alloc(&p), 0);
	assert_int_equal(physmap_page_show(hot, &p), 0);
	assert_int_equal(physmap_page_move(0x9000, hot + SK_PAGE_SIZE), 0);
	assert_int_equal(physmap_hole_fill_or_ask(hot + 2 * SK_PAGE_SIZE), -SK_E_AGAIN);
	assert_int_equal(physmap_ram_given(1), 1);
	fail_homes = 1;
	assert_int_equal(physmap_hole_fill_or_ask(hot + 2 * SK_PAGE_SIZE), -SK_E_NO_MEM);
	fail_homes = 0;
	assert_int_equal(vm.balloon_pages, 0);
	assert_int_equal(physmap_hole_fill_or_ask(hot + 2 * SK_PAGE_SIZE), 0);
	assert_int_equal(vm.balloon_pages, CHUNK_PAGES - 1);
	assert_ptr_equal(gmem(hot, 1), p.addr);
	assert_ptr_equal(nested(hot + SK_PAGE_SIZE, &p, 1), vm.ram + 0x9000);
	assert_int_equal(physmap_hole_make(hot + SK_PAGE_SIZE), 0);
	assert_int_equal(physmap_hole_fill_or_ask(hot + SK_PAGE_SIZE), 0);
	assert_ptr_equal(nested(hot + SK_PAGE_SIZE, &p, 1), vm.ram + hot + SK_PAGE_SIZE);
}

/*
 * With every second page of every chunk ballooned out, the heap stays within what control gives
 * a VMM for each piece of RAM.
 */
static void heap_suffices(void **state)
{
	uint64_t before = heap, i;

	(void)state;
	for (i = 0; i < RAM_SIZE / 2; i += 2 * SK_PAGE_SIZE) {
		assert_int_equal(physmap_hole_make(i), 0);
		assert_int_equal(physmap_hole_make(VM_HIGH_GPA + i), 0);
	}
	assert_int_equal(vm.balloon_pages, RAM_SIZE / SK_PAGE_SIZE / 2);
	/* in addition: a table of pointers for each half, and a page of chunk heads */
	assert_in_range(
		heap - before, 1, RAM_SIZE / VM_CHUNK * VM_HEAP_PIECE + 3 * SK_PAGE_SIZE);
}

/* However many addresses a guest names, they cost a bounded number of structures. */
static void extra_bounded(void **state)
{
	const sk_gpa_t far = 4 * VM_HIGH_GPA;
	uint64_t i;
	int rc = 0;

	(void)state;
	assert_int_equal(physmap_hole_make(0), 0);
	for (i = 0; !rc && i < 1000; i++) {
		rc = physmap_hole_fill(far + i * VM_CHUNK);
		if (!rc)
			assert_int_equal(physmap_hole_make(far + i * VM_CHUNK), 0);
	}
	assert_int_equal(rc, -SK_E_LIMIT);
	assert_true(i < 300);
	/*
	 * a chunk that becomes the home of RAM no longer counts, because RAM bounds the number
	 * of those
	 */
	assert_int_equal(physmap_ram_given(1), 1);
	assert_int_equal(physmap_hole_fill_or_ask(far), 0);
	assert_int_equal(page_kind(*chunk_find(far >> CHUNK_SHIFT)->page), PAGE_HOME);
	assert_int_equal(physmap_hole_fill(far + i * VM_CHUNK), 0);
	assert_int_equal(physmap_hole_fill(far + (i + 1) * VM_CHUNK), -SK_E_LIMIT);
}

static void failure_loses_nothing(void **state)
{
	(void)state;
	assert_int_equal(physmap_hole_make(0x5000), 0);
	fail_maps = 1;
	assert_int_equal(physmap_hole_fill_or_ask(0x5000), -SK_E_NO_MEM);
	fail_maps = 0;
	assert_int_equal(vm.balloon_pages, 1);
	assert_int_equal(physmap_hole_fill_or_ask(0x5000), 0);
	assert_int_equal(vm.balloon_pages, 0);
}

/* A long random run, compared with what the nested space shows. */
static void model_run(void)
{
	static struct guest_page p[4];
	sk_gpa_t where[24];
	uint32_t i, j;

	srand(1);
	for (i = 0; i < 4; i++)
		assert_int_equal(physmap_page_alloc(&p[i]), 0);
	for (i = 0; i < 24; i++)
		where[i] = (i % 3 == 0          ? 0x200000ull
				   : i % 3 == 1 ? VM_HIGH_GPA
						: 0x20000000ull) +
			   i * SK_PAGE_SIZE;
	for (i = 0; i < 20000; i++) {
		sk_gpa_t a = where[rand() % 24], b = where[rand() % 24];
		int rc;

		switch (rand() % 4) {
		case 0:
			rc = physmap_hole_make(a);
			break;
		case 1:
			rc = physmap_hole_fill_or_ask(a);
			if (rc == -SK_E_AGAIN)
				rc = physmap_ram_given(1) == 1 ? physmap_hole_fill(a) : 1;
			break;
		case 2:
			rc = physmap_page_show(a, &p[rand() % 4]);
			break;
		default:
			rc = physmap_page_move(a, b);
			break;
		}
		assert_true(rc == 0 || rc == -SK_E_NOT_FOUND || rc == -SK_E_EXISTS ||
			    rc == -SK_E_NO_MEM || rc == -SK_E_RANGE || rc == -SK_E_LIMIT);
		for (j = 0; j < 24; j++)
			assert_ptr_equal(gmem(where[j], SK_PAGE_SIZE), nested(where[j], p, 4));
	}
	for (j = 0; j < 24; j++) {
		int rc = physmap_hole_make(where[j]);

		assert_true(rc == 0 || rc == -SK_E_NOT_FOUND || rc == -SK_E_RANGE);
	}
	assert_int_equal(n_copies, 0);
}

static void model(void **state)
{
	(void)state;
	model_run();
	assert_int_equal(vm.n_pieces, vm.n_boot_pieces);
}

static void model_growing(void **state)
{
	(void)state;
	model_run();
	assert_int_equal(
		vm.n_pieces, vm.n_boot_pieces + 1); /* all places beyond RAM are in one chunk */
}

/* ---- by guest-virtual address ------------------------------------------------------------ */

static void pte(sk_gpa_t at, uint64_t v) { memcpy(vm.ram + at, &v, 8); }

static void long_mode(void)
{
	st.cr0 = 0x80010001;
	st.cr4 = 0x20;
	st.efer = 0x500;
	st.cr3 = 0x10000;
}

static void four_levels(void **state)
{
	const uint64_t gva = 0xffff888000003123;
	uint64_t v;

	(void)state;
	long_mode();
	pte(0x10000 + 8 * (gva >> 39 & 511), 0x11003);
	pte(0x11000 + 8 * (gva >> 30 & 511), 0x12003);
	pte(0x12000 + 8 * (gva >> 21 & 511), 0x13003);
	pte(0x13000 + 8 * 3, 0x8000000000042001); /* read-only, no execute */
	assert_int_equal(gva_to_gpa(&cpu, gva), 0x42123);
	assert_int_equal(gva_to_gpa_writable(&cpu, gva), UINT64_MAX);
	st.cr0 = 0x80000001; /* without WP, a supervisor can write to any page */
	assert_int_equal(gva_to_gpa_writable(&cpu, gva), 0x42123);
	memcpy(&v, vm.ram + 0x13018, 8);
	assert_int_equal(v, 0x8000000000042061); /* accessed and dirty */
	assert_int_equal(gva_to_gpa(&cpu, gva + SK_PAGE_SIZE), UINT64_MAX);
	assert_int_equal(gva_to_gpa(&cpu, 0x0000888000003123), UINT64_MAX); /* not canonical */
	st.cr3 = 0x10000 | 1ull << 50; /* the tables lie beyond memory */
	assert_int_equal(gva_to_gpa(&cpu, gva), UINT64_MAX);
}

static void large_pages(void **state)
{
	(void)state;
	long_mode();
	pte(0x10000, 0x11003);
	pte(0x11000, 0x12003);
	pte(0x11008, 0x100000083ull); /* 1 GiB at 4 GiB */
	pte(0x12008, 0x600083);       /* 2 MiB */
	assert_int_equal(gva_to_gpa_writable(&cpu, 0x2abcde), 0x6abcde);
	assert_int_equal(gva_to_gpa_writable(&cpu, 0x40123456), 0x100123456ull);
	pte(0x10000,
		/* a large page at the top level does not exist: the bit is reserved */
		0x11083);
	assert_int_equal(gva_to_gpa_writable(&cpu, 0x2abcde), 0x6abcde);
}

static void five_levels(void **state)
{
	(void)state;
	long_mode();
	st.cr4 |= 0x1000;
	pte(0x10000 + 8 * 511, 0x11003);
	pte(0x11000, 0x12003);
	pte(0x12000, 0x83);
	assert_int_equal(gva_to_gpa(&cpu, 0xffff000000001234), 0x1234);
	assert_int_equal(gva_to_gpa(&cpu, 0x00ff800000001234), UINT64_MAX);
}

static void old_modes(void **state)
{
	(void)state;
	assert_int_equal(gva_to_gpa_writable(&cpu, 0x12345), 0x12345); /* no paging */
	assert_int_equal(gva_to_gpa_writable(&cpu, 1ull << 32), UINT64_MAX);
	st.cr0 = 0x80010001; /* two levels */
	st.cr3 = 0x10000;
	memcpy(vm.ram + 0x10000 + 4, &(uint32_t){ 0x11003 }, 4);
	memcpy(vm.ram + 0x11000 + 8, &(uint32_t){ 0x77003 }, 4);
	memcpy(vm.ram + 0x10000 + 8, &(uint32_t){ 0x00c00083 }, 4);
	assert_int_equal(gva_to_gpa_writable(&cpu, 0x402abc), 0x77abc);
	assert_int_equal(
		gva_to_gpa_writable(&cpu, 0x801234), UINT64_MAX); /* large pages are off */
	st.cr4 = 0x10;
	assert_int_equal(gva_to_gpa_writable(&cpu, 0x801234), 0xc01234);
	assert_int_equal(gva_to_gpa_writable(&cpu, 1ull << 32), UINT64_MAX);
	st.cr4 = 0x20; /* PAE: the third level has no write bit */
	st.cr3 = 0x20020;
	pte(0x20020 + 8, 0x21001);
	pte(0x21000 + 8, 0x22003);
	pte(0x22000, 0x55003);
	assert_int_equal(gva_to_gpa_writable(&cpu, 0x40200010), 0x55010);
	assert_int_equal(gva_to_gpa_writable(&cpu, 0xc0200010), UINT64_MAX);
}

static void copies(void **state)
{
	uint8_t buf[2 * SK_PAGE_SIZE];
	uint32_t i;

	(void)state;
	long_mode();
	pte(0x10000, 0x11003);
	pte(0x11000, 0x12003);
	pte(0x12000, 0x13003);
	pte(0x13000 + 8 * 1, 0x50003);
	pte(0x13000 + 8 * 2, 0x40003); /* in reverse order in memory */
	pte(0x13000 + 8 * 4, 0xfee00003);
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 3);
	assert_int_equal(gva_write(&cpu, 0x1800, buf, SK_PAGE_SIZE), 0);
	assert_memory_equal(vm.ram + 0x50800, buf, 0x800);
	assert_memory_equal(vm.ram + 0x40000, buf + 0x800, 0x800);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(gva_read(&cpu, 0x1800, buf, SK_PAGE_SIZE), 0);
	assert_int_equal(buf[0xfff], (uint8_t)(0xfff * 3));
	assert_int_equal(gva_read(&cpu, 0x2800, buf, SK_PAGE_SIZE), -SK_E_RANGE);
	assert_int_equal(gva_read(&cpu, 0x4000, buf, 1), -SK_E_RANGE); /* no memory there */
	assert_int_equal(gva_read(&cpu, UINT64_MAX, buf, 2), -SK_E_RANGE);
	/* a walk through tables that point to themselves ends, too */
	pte(0x13000 + 8 * 5, 0x10003);
	pte(0x10000 + 8 * 1, 0x10003);
	assert_int_not_equal(gva_to_gpa(&cpu, 0x8040201000), 0);
}

/* What the guest sees at 0x1804; 0: nothing. */
static uint32_t word_read(void)
{
	uint32_t w = 0;

	return gva_read(&cpu, 0x1804, &w, sizeof(w)) ? 0 : w;
}

/* The memory at gpa has this word for 0x1804; the entry leads there, and then nowhere. */
static void seen_after(sk_gpa_t entry, uint64_t value, sk_gpa_t gpa, uint32_t word)
{
	uint64_t old;

	memcpy(&old, vm.ram + entry, 8);
	memcpy(vm.ram + gpa + 0x804, &word, sizeof(word));
	pte(entry, value);
	assert_int_equal(word_read(), word);
	assert_int_equal(word_read(), word);
	pte(entry, value & ~1ull);
	assert_int_equal(word_read(), 0);
	pte(entry, old);
	assert_int_not_equal(word_read(), word);
}

/* A guest may change its tables at any time, and is not asked to say so. */
static void reads_see_each_change(void **state)
{
	static struct guest_page page;
	uint32_t word = 0x10;
	uint64_t entry;

	(void)state;
	long_mode();
	for (uint32_t set = 0; set < 2; set++) { /* two sets of tables */
		pte(0x10000 + set * 0x10000, 0x11003 + set * 0x10000);
		pte(0x11000 + set * 0x10000, 0x12003 + set * 0x10000);
		pte(0x12000 + set * 0x10000, 0x13003 + set * 0x10000);
		pte(0x13008 + set * 0x10000, 0x50003 + set * 0x10000);
	}
	memcpy(vm.ram + 0x50804, &word, sizeof(word));
	assert_int_equal(word_read(), 0x10);
	assert_int_equal(word_read(), 0x10);
	memcpy(&entry, vm.ram + 0x13008, 8);
	assert_int_equal(entry, 0x50023);
	word = 0x11;
	memcpy(vm.ram + 0x50804, &word, sizeof(word));
	assert_int_equal(word_read(), 0x11);
	pte(0x13008, 0x50003); /* looks whether it is accessed */
	assert_int_equal(word_read(), 0x11);
	memcpy(&entry, vm.ram + 0x13008, 8);
	assert_int_equal(entry, 0x50023);
	for (uint32_t level = 0; level < 4; level++) {
		sk_gpa_t at = 0x10000 + level * 0x1000 + (level == 3 ? 8 : 0);
		sk_gpa_t next = level == 3 ? 0x60000 : 0x21000 + level * 0x1000;

		seen_after(at, next | 3, 0x60000, 0x20 + level);
	}
	seen_after(0x12000, 0x400083, 0x401000, 0x30); /* a large page in place of the table */
	st.cr3 = 0x20000;
	assert_int_equal(word_read(), 0x23);
	st.cr3 = 0x10000;
	assert_int_equal(word_read(), 0x11);
	/* what the guest has at that address is another page, and then none */
	assert_int_equal(physmap_page_alloc(&page), 0);
	assert_int_equal(physmap_page_show(0x50000, &page), 0);
	word = 0x40;
	memcpy((uint8_t *)page.addr + 0x804, &word, sizeof(word));
	assert_int_equal(word_read(), 0x40);
	assert_int_equal(physmap_page_show(0x70000, &page), 0);
	assert_int_equal(word_read(), 0);
	st.cr0 &= 0x7fffffff; /* without paging */
	word = 0x50;
	memcpy(vm.ram + 0x1804, &word, sizeof(word));
	assert_int_equal(word_read(), 0x50);
	assert_int_equal(gva_read(&cpu, 1ull << 40, &word, 0), 0); /* nothing of nowhere */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bounds, setup),
		cmocka_unit_test_setup(touch, setup),
		cmocka_unit_test_setup(holes, setup),
		cmocka_unit_test_setup(moved_pages, setup),
		cmocka_unit_test_setup(special_pages, setup),
		cmocka_unit_test_setup(moves, setup),
		cmocka_unit_test_setup(moves_side_by_side, setup),
		cmocka_unit_test_setup(failure_loses_nothing, setup),
		cmocka_unit_test_setup(grows, setup_growing),
		cmocka_unit_test_setup(growth_ends, setup_growing),
		cmocka_unit_test_setup(grows_around, setup_growing),
		cmocka_unit_test_setup(heap_suffices, setup),
		cmocka_unit_test_setup(model, setup),
		cmocka_unit_test_setup(model_growing, setup_growing),
		cmocka_unit_test_setup(extra_bounded, setup_growing),
		cmocka_unit_test_setup(four_levels, setup),
		cmocka_unit_test_setup(large_pages, setup),
		cmocka_unit_test_setup(five_levels, setup),
		cmocka_unit_test_setup(old_modes, setup),
		cmocka_unit_test_setup(copies, setup),
		cmocka_unit_test_setup(reads_see_each_change, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirty_test.c - memory that is copied while the guest runs, and then what has changed since
 *
 * Objects     the guest's mappings, page by page, with the right to write; a copy of the guest,
 *             as a reader of the stream would have it.
 */
#define _GNU_SOURCE
#include "log.h"
#include "machine/dirty.h"
#include "machine/guest_memory.h"
#include "machine/memory_image.h"
#include "machine/physmap.h"
#include "machine/ram.h"
#include "machine/vmctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct vm vm;

enum { RAM_SIZE = 16 << 20, PAGES = RAM_SIZE / SK_PAGE_SIZE, HALF = PAGES / 2 };
#define SPAN (2 * VM_HIGH_GPA)
#define HIGH_GFN (VM_HIGH_GPA / SK_PAGE_SIZE)

/* ---- the kernel's side ------------------------------------------------------------------- */

struct mapping {
	uint8_t *page; /* NULL: a nested fault */
	bool writable;
};
static struct mapping maps[2 * HALF];
static bool has_table[PAGES / CHUNK_PAGES];
static uint32_t n_tables, n_faults, fail_splits;

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word, 0);
	m->word = 1;
}

void mutex_unlock(struct mutex *m) { m->word = 0; }

void vm_log(const char *fmt, ...) { assert_null(fmt); }

int vm_grow_now(uint32_t pieces)
{
	(void)pieces;
	return -SK_E_NO_MEM;
}

static uint32_t index_of(sk_gpa_t gpa)
{
	uint64_t gfn = gpa / SK_PAGE_SIZE;

	return (uint32_t)(gfn < HALF ? gfn : gfn - HIGH_GFN + HALF);
}

static sk_gpa_t gpa_of(uint32_t i)
{
	return (i < HALF ? i : i - HALF + HIGH_GFN) * SK_PAGE_SIZE;
}

int ram_own_alloc(uint32_t order, sk_cap_t *frame, void **out)
{
	static uint8_t *pool;
	static uint64_t left;

	if (left < 1ull << order) {
		left = 16 << 20;
		pool = mmap(
			NULL, left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	*frame = 1;
	*out = pool;
	pool += 1ull << order;
	left -= 1ull << order;
	return 0;
}

int ram_map(const struct ram_at *at, uint32_t order, enum ram_access access)
{
	uint32_t i = index_of(at->gpa), n = 1u << (order - SK_PAGE_ORDER);

	assert_int_equal(at->piece << vm.ram_order | at->offset, (uint64_t)i * SK_PAGE_SIZE);
	assert_int_equal(i % n, 0);
	assert_int_equal(order < CHUNK_SHIFT, has_table[i / CHUNK_PAGES]);
	for (uint32_t p = i; p < i + n; p++) {
		assert_null(maps[p].page);
		maps[p].page = vm.ram + gpa_of(p);
		maps[p].writable = access == RAM_WRITABLE;
	}
	return 0;
}

void ram_boot_piece(uint64_t piece)
{
	uint32_t first = (uint32_t)(piece << (vm.ram_order - SK_PAGE_ORDER));

	vm.made[piece / 64] |= 1ull << piece % 64;
	for (uint32_t i = first; i < first + (1u << (vm.ram_order - SK_PAGE_ORDER)); i++)
		maps[i] = (struct mapping){ vm.ram + gpa_of(i), true };
}

void ram_unmap(const struct ram_at *at, uint32_t order)
{
	uint32_t i = index_of(at->gpa);

	assert_true(vm.made[at->piece / 64] >> at->piece % 64 & 1);

	for (uint32_t p = i; p < i + (1u << (order - SK_PAGE_ORDER)); p++)
		if (maps[p].page == vm.ram + gpa_of(p))
			maps[p].page = NULL;
}

int ram_large_split(sk_gpa_t gpa, sk_cap_t *table)
{
	uint32_t c = index_of(gpa) / CHUNK_PAGES;

	if (fail_splits)
		return -SK_E_NO_MEM;
	assert_false(has_table[c]);
	has_table[c] = true;
	n_tables++;
	*table = c + 1;
	return 0;
}

void ram_table_drop(sk_cap_t table)
{
	for (uint32_t i = 0; i < CHUNK_PAGES; i++)
		assert_null(maps[(table - 1) * CHUNK_PAGES + i].page);
	has_table[table - 1] = false;
	n_tables--;
}

static uint64_t copied_piece;

int ram_copy_make(uint64_t piece, sk_cap_t *copy)
{
	*copy = 1 + (sk_cap_t)piece;
	return 0;
}

int ram_copy_map(sk_cap_t copy, uint64_t offset, sk_gpa_t gpa)
{
	uint64_t linear = ((uint64_t)(copy - 1) << vm.ram_order) + offset;

	copied_piece++;
	assert_null(maps[index_of(gpa)].page);
	maps[index_of(gpa)].page = vm.ram + gpa_of((uint32_t)(linear / SK_PAGE_SIZE));
	maps[index_of(gpa)].writable = true;
	return 0;
}

/* physmap.c names the place in the piece only; the page is found by what it maps. */
void ram_copy_unmap(sk_cap_t copy, uint64_t offset)
{
	uint64_t linear = ((uint64_t)(copy - 1) << vm.ram_order) + offset;
	uint8_t *page = vm.ram + gpa_of((uint32_t)(linear / SK_PAGE_SIZE));

	for (uint32_t i = 0; i < PAGES; i++)
		if (maps[i].page == page && vm.ram + gpa_of(i) != page)
			maps[i].page = NULL;
}

void ram_copy_drop(sk_cap_t copy) { (void)copy; }

int ram_frame_map(sk_cap_t frame, sk_gpa_t gpa, sk_cap_t *copy)
{
	(void)frame, (void)gpa, (void)copy;
	return -SK_E_NO_MEM;
}

int ram_piece_make(uint64_t piece, sk_gpa_t gpa)
{
	(void)piece, (void)gpa;
	return -SK_E_NO_MEM;
}

/* ---- the guest --------------------------------------------------------------------------- */

static void guest_writes(uint32_t i, uint8_t value)
{
	struct mapping *m = &maps[i];

	if (!gmem(gpa_of(i), 1))
		return;
	if (!m->page || !m->writable) {
		n_faults++;
		assert_true(dirty_fault(gpa_of(i) + 8));
	}
	assert_non_null(m->page);
	assert_true(m->writable);
	assert_false(dirty_fault(gpa_of(i)) && !m->writable);
	m->page[value] = value;
}

static void vmm_writes(uint32_t i, uint8_t value)
{
	uint8_t *p = gmem(gpa_of(i), SK_PAGE_SIZE);

	if (!p)
		return;
	p[4000 + value % 64] = value;
	dirty_wrote(p + 4000, 64);
}

static void guest_lives(uint32_t n, void (*writes)(uint32_t i, uint8_t value))
{
	while (n--) {
		uint32_t i = (uint32_t)rand() % PAGES;

		switch (rand() % 8) {
		case 0:
			(void)!physmap_hole_make(gpa_of(i));
			break;
		case 1:
		case 2:
			(void)!physmap_hole_fill(gpa_of(i));
			break;
		case 3:
			(void)!physmap_page_move(gpa_of(i), gpa_of((uint32_t)rand() % PAGES));
			break;
		case 4:
			vmm_writes(i, (uint8_t)n);
			break;
		default:
			writes(i, (uint8_t)n);
			break;
		}
	}
}

/* ---- the copy ---------------------------------------------------------------------------- */

static uint8_t (*copy)[SK_PAGE_SIZE];
static bool copy_has[PAGES];
static uint32_t n_copied;

static void copy_begin(void)
{
	for (uint32_t i = 0; i < PAGES; i++) /* a new guest has all of its RAM */
		copy_has[i] = true;
	memset(copy, 0, RAM_SIZE);
	n_copied = 0;
	assert_int_equal(dirty_begin(), 0);
}

/* One round; the guest lives meanwhile if `lives` says how. */
static void copy_round(enum memory_round round, uint32_t lives)
{
	struct stream_page p;

	for (uint64_t gfn = 0; memory_image_next(&round, STREAM_HOLE, gfn, &p); gfn = p.gfn + 1)
		copy_has[index_of(p.gfn * SK_PAGE_SIZE)] = false;
	for (uint64_t gfn = 0; memory_image_next(&round, STREAM_PAGE, gfn, &p);
		gfn = p.gfn + 1) {
		uint32_t i = index_of(p.gfn * SK_PAGE_SIZE);

		memcpy(copy[i], p.data, SK_PAGE_SIZE);
		copy_has[i] = true;
		n_copied++;
		if (lives && p.gfn % 16 == 0)
			guest_lives(lives, guest_writes);
	}
}

static void copy_is_whole(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		const uint8_t *p = gmem(gpa_of(i), SK_PAGE_SIZE);

		assert_int_equal(copy_has[i], p != NULL);
		if (p && memcmp(p, copy[i], SK_PAGE_SIZE) != 0)
			fail_msg("page %u is not as it was", i);
	}
}

static int setup(void **state)
{
	(void)state;
	if (!vm.ram)
		vm.ram = mmap(NULL, SPAN, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	copy = copy ? copy : malloc(RAM_SIZE);
	vm = (struct vm){ .ram = vm.ram,
		.low_size = RAM_SIZE / 2,
		.high_size = RAM_SIZE / 2,
		.ram_order = 22,
		.ram_end = VM_HIGH_GPA + RAM_SIZE / 2 };
	vm.n_boot_pieces = vm.n_given = vm.n_pieces = vm.max_pieces = RAM_SIZE >> 22;
	memset(vm.ram, 0, RAM_SIZE / 2);
	memset(vm.ram + VM_HIGH_GPA, 0, RAM_SIZE / 2);
	memset(maps, 0, sizeof(maps)); /* nothing was touched so far */
	memset(has_table, 0, sizeof(has_table));
	n_tables = n_faults = fail_splits = 0;
	srand(7);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dirty_end();
	for (uint32_t i = 0; i < PAGES; i++) {
		const uint8_t *page = gmem(gpa_of(i), 1);

		assert_ptr_equal(maps[i].page, page);
		assert_true(!maps[i].page || maps[i].writable);
	}
	return 0;
}

/* ---- cases ------------------------------------------------------------------------------- */

/* What is not written is copied once, and each page that is written costs one fault. */
static void few_writes_cost_little(void **state)
{
	(void)state;
	copy_begin();
	copy_round(MEMORY_ALL, 0);
	assert_int_equal(n_copied, PAGES);
	for (uint32_t n = 0; n < 3; n++) {
		guest_writes(5, 1);
		guest_writes(6, 1);
		guest_writes(PAGES - 1, 1);
		vmm_writes(700, 1);
	}
	assert_int_equal(n_faults, 3);
	assert_int_equal(n_tables, 2);
	copy_round(MEMORY_REST, 0);
	assert_int_equal(n_copied, PAGES + 4);
	copy_is_whole();
	dirty_end();
	assert_int_equal(n_tables, 0); /* large pages again */
	guest_writes(8, 1);
	assert_int_equal(n_faults, 3);
}

/* A further round has what was written since the last one, and the rest what comes later. */
static void rounds_while_the_guest_runs(void **state)
{
	(void)state;
	copy_begin();
	copy_round(MEMORY_ALL, 0);
	guest_writes(5, 1);
	guest_writes(PAGES - 1, 1);
	vmm_writes(700, 1);
	assert_int_equal(dirty_count(), 3);
	dirty_round();
	copy_round(MEMORY_AGAIN, 0);
	assert_int_equal(n_copied, PAGES + 3);
	assert_int_equal(dirty_count(), 0);
	dirty_round();
	copy_round(MEMORY_AGAIN, 0);
	assert_int_equal(n_copied, PAGES + 3);
	copy_is_whole();
	guest_writes(5, 2);
	guest_writes(6, 2);
	assert_int_equal(n_faults, 4);
	assert_int_equal(dirty_count(), 2);
	copy_round(MEMORY_REST, 0);
	assert_int_equal(n_copied, PAGES + 5);
	copy_is_whole();
	dirty_end();
	assert_int_equal(n_tables, 0);
}

static void a_guest_that_changes_everything(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 24; n++) {
		guest_lives(500, guest_writes);
		copy_begin();
		copy_round(MEMORY_ALL, n % 4);
		for (uint32_t round = 0; round < n % 3; round++) {
			guest_lives(200, guest_writes);
			dirty_round();
			copy_round(MEMORY_AGAIN, n % 4);
		}
		guest_lives(n % 5 * 100, guest_writes);
		copy_round(MEMORY_REST, 0);
		copy_is_whole();
		dirty_end();
	}
	assert_true(copied_piece > 100); /* pages that moved were part of it */
}

/* Without memory for a page table, all of the chunk counts as written. */
static void no_memory_for_tables(void **state)
{
	(void)state;
	copy_begin();
	copy_round(MEMORY_ALL, 0);
	fail_splits = 1;
	guest_writes(5, 1);
	guest_writes(6, 1);
	assert_int_equal(n_faults, 1);
	copy_round(MEMORY_REST, 0);
	assert_int_equal(n_copied, PAGES + CHUNK_PAGES);
	copy_is_whole();
}

/* The page-by-page view of a chunk takes over the table that tracking has made. */
static void a_table_is_taken_over(void **state)
{
	(void)state;
	copy_begin();
	copy_round(MEMORY_ALL, 0);
	guest_writes(5, 1);
	assert_int_equal(physmap_hole_make(gpa_of(9)), 0);
	assert_int_equal(n_tables, 1);
	dirty_end();
	assert_int_equal(n_tables, 1);
	assert_int_equal(physmap_hole_fill(gpa_of(9)), 0);
}

/* What is no RAM at home is none of its business, and what was a fault before the end is. */
static void faults_of_others(void **state)
{
	(void)state;
	assert_false(dirty_fault(VM_LAPIC_GPA));
	assert_false(dirty_fault(UINT64_MAX));
	copy_begin();
	copy_round(MEMORY_ALL, 0);
	assert_int_equal(physmap_hole_make(gpa_of(9)), 0);
	assert_false(dirty_fault(gpa_of(9)));
	assert_false(dirty_fault(VM_LAPIC_GPA));
	dirty_end();
	assert_true(dirty_fault(gpa_of(1)));
	assert_int_equal(physmap_hole_fill(gpa_of(9)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(few_writes_cost_little, setup, teardown),
		cmocka_unit_test_setup_teardown(rounds_while_the_guest_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_guest_that_changes_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(no_memory_for_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(a_table_is_taken_over, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_of_others, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

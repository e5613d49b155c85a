/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool_test.c - the guests' memory as a buddy tree
 *
 * Objects     a model of the kernel's view: which slots are split and which are clean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/pool.h"

enum { SLOTS = 60000 };
static struct {
	bool split, live;
} slot[SLOTS];
static uint32_t next_slot, live_slots, fail_after;
static struct pool p;

static int fake_split(sk_cap_t s, uint32_t order, sk_cap_t half[2])
{
	(void)order;
	if (fail_after && --fail_after == 0)
		return -SK_E_SLOT;
	assert_true(slot[s].live && !slot[s].split);
	slot[s].split = true;
	half[0] = next_slot++;
	half[1] = next_slot++;
	slot[half[0]].live = slot[half[1]].live = true;
	live_slots += 2;
	return 0;
}

static void fake_join(sk_cap_t s, const sk_cap_t half[2])
{
	assert_true(slot[s].split && slot[half[0]].live && slot[half[1]].live);
	slot[half[0]].live = slot[half[1]].live = false;
	slot[s].split = false;
	live_slots -= 2;
}

static void fake_clean(sk_cap_t s) { assert_true(slot[s].live && !slot[s].split); }

static struct pool_node nodes[POOL_NODES];

static bool fake_adopt(const sk_cap_t half[2], uint32_t order)
{
	(void)order;
	return half[0] < SLOTS && half[1] < SLOTS && slot[half[0]].live && slot[half[1]].live;
}

static const struct pool_ops ops = { fake_split, fake_join, fake_clean, fake_adopt };

static int setup(void **state)
{
	(void)state;
	memset(slot, 0, sizeof(slot));
	next_slot = 100;
	live_slots = 2;
	fail_after = 0;
	slot[1].live = slot[2].live = true;
	pool_init(&p, &ops, nodes);
	assert_int_equal(pool_add(&p, 1, 30), 0);
	assert_int_equal(pool_add(&p, 2, 24), 0);
	return 0;
}

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(p.total, (1ull << 30) + (1ull << 24));
	assert_int_equal(p.free, p.total);
	assert_int_equal(pool_add(&p, 3, POOL_ORDER_MIN - 1), -SK_E_RANGE);
	assert_int_equal(pool_add(&p, 3, 48), -SK_E_RANGE);
	assert_int_equal(pool_take(&p, POOL_ORDER_MIN - 1), 0);
	assert_int_equal(pool_take(&p, 31), 0);
	assert_int_equal(pool_take(&p, 60), 0);
}

/* A set of small pieces is little more than what is wanted; one of RAM has none of them. */
static void sets_of_small_pieces(void **state)
{
	struct pool_set set;

	(void)state;
	assert_int_equal(pool_take_set(&p, 1300 << 10, POOL_ORDER_MIN, &set), 0);
	assert_int_equal(set.n, 3);
	assert_int_equal(pool_order(&p, set.piece[0]), 20);
	assert_int_equal(pool_order(&p, set.piece[1]), 18);
	assert_int_equal(pool_order(&p, set.piece[2]), 17);
	assert_int_equal(p.free, p.total - (1408 << 10));
	pool_give_set(&p, &set);
	assert_int_equal(pool_take_set(&p, 1300 << 10, POOL_ORDER_RAM, &set), 0);
	assert_int_equal(set.n, 1);
	assert_int_equal(pool_order(&p, set.piece[0]), POOL_ORDER_RAM);
	pool_give_set(&p, &set);
	assert_int_equal(p.free, p.total);
}

static void the_smallest_that_fits(void **state)
{
	pool_piece_t a = pool_take(&p, 21), b, c;

	(void)state;
	assert_int_equal(pool_order(&p, a), 21);
	assert_true(slot[2].split && !slot[1].split);
	b = pool_take(&p, 21);
	assert_int_equal(p.free, p.total - (2ull << 21));
	c = pool_take(&p, 30);
	assert_int_equal(pool_slot(&p, c), 1);
	assert_int_equal(pool_take(&p, 25), 0);
	pool_give(&p, a);
	assert_true(slot[2].split);
	pool_give(&p, c);
	pool_give(&p, b);
	assert_false(slot[2].split);
	assert_int_equal(p.free, p.total);
	assert_int_equal(live_slots, 2);
	assert_int_equal(p.n_nodes, 2);
}

static void sets(void **state)
{
	struct pool_set a, b;

	(void)state;
	assert_int_equal(pool_take_set(&p, 512ull << 20, POOL_ORDER_RAM, &a), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(pool_take_set(&p, (100ull << 20) + 1, POOL_ORDER_RAM, &b), 0);
	assert_int_equal(p.free, p.total - (512ull << 20) - (102ull << 20));
	assert_int_equal(b.n, 4); /* 64 + 32 + 4 + 2 */
	pool_give_set(&p, &a);
	pool_give_set(&p, &b);
	assert_int_equal(p.free, p.total);
	assert_int_equal(live_slots, 2);
	assert_int_equal(pool_take_set(&p, p.total + 1, POOL_ORDER_RAM, &a), -SK_E_NO_MEM);
	assert_int_equal(p.free, p.total);
	assert_int_equal(pool_take_set(&p, p.total, POOL_ORDER_RAM, &a), 0);
	assert_int_equal(p.free, 0);
	assert_int_equal(a.n, 2);
	pool_give_set(&p, &a);
}

static void fragments(void **state)
{
	pool_piece_t piece[512];
	struct pool_set set;

	(void)state;
	for (int i = 0; i < 512; i++)
		assert_true((piece[i] = pool_take(&p, 21)) != 0);
	for (int i = 0; i < 512; i += 2)
		pool_give(&p, piece[i]);
	assert_int_equal(pool_take_set(&p, 128 << 20, POOL_ORDER_RAM, &set), 0);
	pool_give_set(&p, &set);
	assert_int_equal(pool_take_set(&p, 256 << 20, POOL_ORDER_RAM, &set),
		-SK_E_NO_MEM); /* too many pieces */
	for (int i = 1; i < 512; i += 2)
		pool_give(&p, piece[i]);
	assert_int_equal(p.free, p.total);
	assert_int_equal(live_slots, 2);
}

static void a_failed_split_takes_nothing(void **state)
{
	pool_piece_t a;

	(void)state;
	fail_after = 2;
	assert_int_equal(pool_take(&p, 21), 0);
	assert_int_equal(p.free, p.total);
	a = pool_take(&p, 21);
	assert_true(a != 0);
	pool_give(&p, a);
	assert_int_equal(p.free, p.total);
	assert_int_equal(live_slots, 2);
}

static void random_rounds(void **state)
{
	pool_piece_t held[64] = { 0 };
	unsigned int seed = 1, k;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		seed = seed * 1103515245 + 12345;
		k = seed >> 16 & 63;
		if (held[k]) {
			pool_give(&p, held[k]);
			held[k] = 0;
		} else {
			held[k] = pool_take(&p, 21 + (seed >> 24 & 3));
		}
	}
	for (k = 0; k < 64; k++)
		pool_give(&p, held[k]);
	assert_int_equal(p.free, p.total);
	assert_int_equal(live_slots, 2);
	assert_int_equal(p.n_nodes, 2);
}

#define T(f) cmocka_unit_test_setup(f, setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sizes),
		T(sets_of_small_pieces),
		T(the_smallest_that_fits),
		T(sets),
		T(fragments),
		T(a_failed_split_takes_nothing),
		T(random_rounds),
	};

	return cmocka_run_group_tests_name("control pool", tests, NULL, NULL);
}

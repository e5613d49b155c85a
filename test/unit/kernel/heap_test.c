/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap_test.c - the heap of deadlines against a plain list: the first is the smallest, any node
 * can be removed, and right paths are short
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "heap.h"

enum { NODES = 64, STEPS = 20000 };
static struct heap_node nodes[NODES];
static struct heap_node *heap;

/* Checks the subtree at n and returns its number of nodes. */
static unsigned int check(const struct heap_node *n, const struct heap_node *parent)
{
	uint32_t left, right;

	if (!n)
		return 0;
	left = n->left ? n->left->rank : 0;
	right = n->right ? n->right->rank : 0;
	assert_ptr_equal(n->parent, parent);
	assert_true(!parent || parent->key <= n->key);
	assert_true(left >= right);
	assert_int_equal(n->rank, right + 1);
	return 1 + check(n->left, n) + check(n->right, n);
}

static uint64_t first_key(void)
{
	uint64_t key = UINT64_MAX;

	for (unsigned int i = 0; i < NODES; i++)
		if (heap_contains(&nodes[i]) && nodes[i].key < key)
			key = nodes[i].key;
	return key;
}

static void any_order(void **state)
{
	unsigned int in = 0;

	(void)state;
	srand(1);
	for (unsigned int step = 0; step < STEPS; step++) {
		struct heap_node *n = &nodes[rand() % NODES];
		bool was = heap_contains(n);

		if (rand() % 16 == 0 && heap) {
			n = heap; /* remove the first, as an expiring timer does */
			was = true;
		}
		if (was) {
			heap_remove(&heap, n);
			memset(&n->key, 0xee, sizeof(*n) - sizeof(n->tag) - sizeof(n->rank));
			in--;
		} else {
			heap_insert(&heap, n, (uint64_t)rand() % 100);
			in++;
		}
		assert_int_equal(heap_contains(n), !was);
		assert_int_equal(check(heap, NULL), in);
		if (in)
			assert_int_equal(heap->key, first_key());
		else
			assert_null(heap);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(any_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

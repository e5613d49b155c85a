/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.c - leftist heap with parent links
 *
 * Invariants  HEAP1 no key is below its parent's
 *             HEAP2 rank(left) >= rank(right): the way down on the right, which merge() and the
 *                repair of ranks follow, has at most log2(n + 1) nodes
 */
#include <stddef.h>
#include "heap.h"

static uint32_t rank_of(const struct heap_node *n) { return n ? n->rank : 0; }

/* Restore HEAP2 and the rank at n; false when nothing changed. */
static bool balance(struct heap_node *n)
{
	struct heap_node *left = n->left;
	uint32_t rank = n->rank;

	if (rank_of(n->left) < rank_of(n->right)) {
		n->left = n->right;
		n->right = left;
	}
	n->rank = rank_of(n->right) + 1;
	return n->rank != rank;
}

static struct heap_node *merge(struct heap_node *a, struct heap_node *b)
{
	struct heap_node *low;

	if (!a || !b)
		return a ? a : b;
	low = a->key <= b->key ? a : b;
	low->right = merge(low->right, low == a ? b : a); /* depth: HEAP2 */
	low->right->parent = low;
	balance(low);
	return low;
}

void heap_insert(struct heap_node **heap, struct heap_node *n, uint64_t key)
{
	n->key = key;
	n->parent = n->left = n->right = NULL;
	__atomic_store_n(&n->rank, 1, __ATOMIC_RELEASE); /* after the key: heap_contains() */
	*heap = merge(*heap, n);
}

void heap_remove(struct heap_node **heap, struct heap_node *n)
{
	struct heap_node *parent = n->parent;
	struct heap_node *rest = merge(n->left, n->right);

	if (rest)
		rest->parent = parent;
	if (!parent)
		*heap = rest;
	else if (parent->left == n)
		parent->left = rest;
	else
		parent->right = rest;
	n->rank = 0;
	while (parent && balance(parent))
		parent = parent->parent;
}

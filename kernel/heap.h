/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.h - leftist heap of deadlines: insert, remove and minimum in O(log n), no memory of its
 * own
 */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;
	struct heap_node *parent, *left, *right;
	/* length of the shortest way down to a missing child; 0 = not in a heap */
	uint32_t rank;
	uint32_t tag; /* the user's */
};

/* The heap is its root node; NULL when empty. */
void heap_insert(struct heap_node **heap, struct heap_node *n, uint64_t key);
void heap_remove(struct heap_node **heap, struct heap_node *n);
/*
 * Without the heap's lock this is only a hint. If true, writes made before heap_insert() are
 * visible.
 */
static inline bool heap_contains(const struct heap_node *n)
{
	return __atomic_load_n(&n->rank, __ATOMIC_ACQUIRE) != 0;
}

#endif

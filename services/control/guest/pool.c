/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.c - buddy allocator over untypeds
 *
 * Objects     struct pool_node: a piece, in a tree of halves; roots are the untypeds that
 *             pool_add() got.
 * Lifecycle   pieces are free, taken, or split; two free halves are joined at once.
 * Invariants  POOL1 nothing is made out of a free piece
 *             POOL2 the two halves of a piece are never both free
 *             POOL3 `free` is the sum of the free lists
 */
#include "guest/pool.h"

#include <string.h>

void pool_init(struct pool *p, const struct pool_ops *ops)
{
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	for (pool_piece_t i = POOL_NODES - 1; i > 0; i--) {
		p->node[i].next = p->unused;
		p->unused = i;
	}
}

static pool_piece_t node_new(struct pool *p, sk_cap_t slot, uint32_t order, pool_piece_t parent)
{
	pool_piece_t i = p->unused;

	p->unused = p->node[i].next;
	p->node[i] =
		(struct pool_node){ .slot = slot, .order = (uint8_t)order, .parent = parent };
	p->n_nodes++;
	return i;
}

static void node_drop(struct pool *p, pool_piece_t i)
{
	p->node[i] = (struct pool_node){ .next = p->unused };
	p->unused = i;
	p->n_nodes--;
}

static void list_add(struct pool *p, pool_piece_t i)
{
	struct pool_node *n = &p->node[i];

	n->free = true;
	n->prev = 0;
	n->next = p->first[n->order];
	if (n->next)
		p->node[n->next].prev = i;
	p->first[n->order] = i;
	p->free += 1ull << n->order; /* POOL3 */
}

static void list_del(struct pool *p, pool_piece_t i)
{
	struct pool_node *n = &p->node[i];

	n->free = false;
	if (n->prev)
		p->node[n->prev].next = n->next;
	else
		p->first[n->order] = n->next;
	if (n->next)
		p->node[n->next].prev = n->prev;
	n->next = n->prev = 0;
	p->free -= 1ull << n->order;
}

int pool_add(struct pool *p, sk_cap_t slot, uint32_t order)
{
	if (order < POOL_ORDER_MIN || order >= POOL_ORDERS)
		return -SK_E_RANGE;
	if (!p->unused)
		return -SK_E_LIMIT;
	p->total += 1ull << order;
	list_add(p, node_new(p, slot, order, 0));
	return 0;
}

/* Halve a free piece: both halves are free then. */
static int split(struct pool *p, pool_piece_t i)
{
	struct pool_node *n = &p->node[i];
	sk_cap_t half[2];
	int rc;

	if (!p->unused || !p->node[p->unused].next)
		return -SK_E_LIMIT;
	rc = p->ops->split(n->slot, n->order - 1, half);
	if (rc)
		return rc;
	list_del(p, i);
	n->half[0] = node_new(p, half[0], n->order - 1, i);
	n->half[1] = node_new(p, half[1], n->order - 1, i);
	list_add(p, n->half[1]);
	list_add(p, n->half[0]);
	return 0;
}

pool_piece_t pool_take(struct pool *p, uint32_t order)
{
	pool_piece_t i;
	uint32_t k = order;

	if (order < POOL_ORDER_MIN || order >= POOL_ORDERS)
		return 0;
	while (k < POOL_ORDERS && !p->first[k])
		k++;
	if (k == POOL_ORDERS)
		return 0;
	for (; k > order; k--)
		if (split(p, p->first[k]))
			return 0;
	i = p->first[order];
	list_del(p, i);
	return i;
}

void pool_give(struct pool *p, pool_piece_t i)
{
	pool_piece_t parent;
	struct pool_node *n;

	if (!i)
		return;
	p->ops->clean(p->node[i].slot); /* POOL1 */
	list_add(p, i);
	while ((parent = p->node[i].parent) != 0) {
		n = &p->node[parent];
		if (!p->node[n->half[0]].free || !p->node[n->half[1]].free)
			break;
		p->ops->join(n->slot,
			(sk_cap_t[]){ p->node[n->half[0]].slot, p->node[n->half[1]].slot });
		list_del(p, n->half[0]);
		list_del(p, n->half[1]);
		node_drop(p, n->half[0]);
		node_drop(p, n->half[1]);
		n->half[0] = n->half[1] = 0;
		list_add(p, parent); /* POOL2 */
		i = parent;
	}
}

static uint32_t order_within(uint64_t bytes)
{
	uint32_t order = POOL_ORDER_MIN;

	while (order + 1 < POOL_ORDERS && 1ull << (order + 1) <= bytes)
		order++;
	return order;
}

int pool_take_set(struct pool *p, uint64_t bytes, struct pool_set *set)
{
	uint64_t left = bytes;
	pool_piece_t piece;

	set->n = 0;
	while (left) {
		piece = 0;
		for (uint32_t order = order_within(left); !piece && order >= POOL_ORDER_MIN;
			order--)
			piece = pool_take(p, order);
		if (piece && set->n == POOL_SET_MAX) {
			pool_give(p, piece);
			piece = 0;
		}
		if (!piece) {
			pool_give_set(p, set);
			return -SK_E_NO_MEM;
		}
		set->piece[set->n++] = piece;
		left -= left < 1ull << pool_order(p, piece) ? left
							    : 1ull << pool_order(p, piece);
	}
	return 0;
}

void pool_give_set(struct pool *p, struct pool_set *set)
{
	while (set->n)
		pool_give(p, set->piece[--set->n]);
}

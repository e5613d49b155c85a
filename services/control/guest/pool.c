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
 *             POOL4 a node is split from the store of half[0] on, which comes last, and whole
 *                from the store of 0 there on, which comes before the halves end. An owner is
 *                stored last. So the nodes describe the kernel's tree at any moment, except for
 *                untypeds that no node names, and these have nothing that a guest needs
 */
#include "guest/pool.h"

#include <string.h>

static void pool_begin(struct pool *p, const struct pool_ops *ops, struct pool_node *node)
{
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	p->node = node;
}

void pool_init(struct pool *p, const struct pool_ops *ops, struct pool_node *node)
{
	pool_begin(p, ops, node);
	memset(node, 0, POOL_NODES * sizeof(*node));
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

/* POOL4. The next life may read the store as soon as it is done. */
static void half_set(struct pool_node *n, uint32_t which, pool_piece_t half)
{
	__atomic_store_n(&n->half[which], half, __ATOMIC_RELEASE);
}

static void owner_set(struct pool_node *n, uint32_t owner)
{
	__atomic_store_n(&n->owner, (uint16_t)owner, __ATOMIC_RELEASE);
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
	pool_piece_t first, second;
	sk_cap_t half[2];
	int rc;

	if (!p->unused || !p->node[p->unused].next)
		return -SK_E_LIMIT;
	rc = p->ops->split(n->slot, n->order - 1, half);
	if (rc)
		return rc;
	list_del(p, i);
	first = node_new(p, half[0], n->order - 1, i);
	second = node_new(p, half[1], n->order - 1, i);
	half_set(n, 1, second);
	half_set(n, 0, first); /* POOL4 */
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

/* POOL2. True: both halves of the piece are free, and it is whole again. */
static bool join(struct pool *p, pool_piece_t i)
{
	struct pool_node *n = &p->node[i];
	const pool_piece_t a = n->half[0], b = n->half[1];

	if (!p->node[a].free || !p->node[b].free)
		return false;
	half_set(n, 0, 0); /* POOL4 */
	half_set(n, 1, 0);
	p->ops->join(n->slot, (sk_cap_t[]){ p->node[a].slot, p->node[b].slot });
	list_del(p, a);
	list_del(p, b);
	node_drop(p, a);
	node_drop(p, b);
	list_add(p, i);
	return true;
}

void pool_give(struct pool *p, pool_piece_t i)
{
	if (!i)
		return;
	p->ops->clean(p->node[i].slot); /* POOL1 */
	owner_set(&p->node[i], 0);
	list_add(p, i);
	while ((i = p->node[i].parent) != 0 && join(p, i))
		continue;
}

void pool_own(
	struct pool *p, pool_piece_t piece, uint32_t owner, enum pool_use use, uint32_t nth)
{
	struct pool_node *n = &p->node[piece];

	n->use = (uint8_t)use;
	n->nth = (uint16_t)nth;
	owner_set(n, owner); /* POOL4 */
}

pool_piece_t pool_owned(const struct pool *p, uint32_t owner, pool_piece_t after)
{
	for (uint32_t i = after + 1u; i < POOL_NODES; i++)
		if (p->node[i].owner == owner && !p->node[i].free && !p->node[i].half[0])
			return (pool_piece_t)i;
	return 0;
}

/* ---- after a restart ---- */

static struct {
	bool seen[POOL_NODES]; /* nodes that are part of the tree */
} resume;

/* Is the node split, as far as the nodes say? */
static bool halves_ok(const struct pool *p, pool_piece_t i)
{
	const struct pool_node *n = &p->node[i];

	for (int k = 0; k < 2; k++) {
		const struct pool_node *half = &p->node[n->half[k] % POOL_NODES];

		if (!n->half[k] || n->half[k] >= POOL_NODES || resume.seen[n->half[k]] ||
			half->parent != i || half->order + 1 != n->order ||
			half->order < POOL_ORDER_MIN)
			return false;
	}
	return n->half[0] != n->half[1];
}

static void leaf_resume(struct pool *p, pool_piece_t i)
{
	struct pool_node *n = &p->node[i];

	n->half[0] = n->half[1] = 0;
	n->next = n->prev = 0;
	n->free = false;
	if (n->owner)
		return;
	p->ops->clean(n->slot);
	list_add(p, i);
}

/* The order goes down by one at each level, so this comes to an end. */
static void piece_resume(struct pool *p, pool_piece_t i)
{
	struct pool_node *n = &p->node[i];
	sk_cap_t slots[2];

	resume.seen[i] = true;
	p->n_nodes++;
	if (halves_ok(p, i)) {
		slots[0] = p->node[n->half[0]].slot;
		slots[1] = p->node[n->half[1]].slot;
	}
	if (!halves_ok(p, i) || !p->ops->adopt(slots, n->order - 1u)) {
		leaf_resume(p, i);
		return;
	}
	n->owner = 0;
	n->free = false;
	resume.seen[n->half[0]] = resume.seen[n->half[1]] =
		true; /* neither is below the other */
	piece_resume(p, n->half[0]);
	piece_resume(p, n->half[1]);
	(void)join(p, i);
}

static void root_resume(struct pool *p, pool_piece_t i, const struct pool_root *r)
{
	struct pool_node *n = &p->node[i];

	p->total += 1ull << r->order;
	n->slot = r->slot;
	n->order = (uint8_t)r->order;
	n->parent = 0;
	piece_resume(p, i);
}

void pool_resume(struct pool *p, const struct pool_ops *ops, struct pool_node *node,
	const struct pool_root *roots, uint32_t n_roots)
{
	pool_piece_t n = 0;

	pool_begin(p, ops, node);
	memset(&resume, 0, sizeof(resume));
	for (uint32_t i = 0; i < n_roots; i++)
		if (roots[i].order >= POOL_ORDER_MIN && roots[i].order < POOL_ORDERS)
			resume.seen[++n] = true; /* a root is no half */
	n = 0;
	for (uint32_t i = 0; i < n_roots; i++)
		if (roots[i].order >= POOL_ORDER_MIN && roots[i].order < POOL_ORDERS)
			root_resume(p, ++n, &roots[i]);
	for (pool_piece_t i = POOL_NODES - 1; i > 0; i--) {
		if (resume.seen[i])
			continue;
		node[i] = (struct pool_node){ .next = p->unused };
		p->unused = i;
	}
}

static uint32_t order_within(uint64_t bytes, uint32_t least)
{
	uint32_t order = least;

	while (order + 1 < POOL_ORDERS && 1ull << (order + 1) <= bytes)
		order++;
	return order;
}

int pool_take_set(struct pool *p, uint64_t bytes, uint32_t least, struct pool_set *set)
{
	uint64_t left = bytes;
	pool_piece_t piece;

	set->n = 0;
	while (left) {
		piece = 0;
		for (uint32_t order = order_within(left, least); !piece && order >= least;
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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h - the guests' memory as a buddy tree of untypeds
 *
 * A piece is an untyped of 2^order bytes in a slot of its own. A split makes its two halves as
 * children; a join revokes the parent. So every free piece is unused as a whole, whatever was
 * taken and given before. The calls of the kernel are behind pool_ops, so that the tree can be
 * tested anywhere.
 */
#ifndef CONTROL_POOL_H
#define CONTROL_POOL_H

#include <sk/types.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	POOL_ORDER_MIN = 21, /* 2 MiB: guests' RAM consists of such pieces */
	POOL_ORDERS = 48,
	POOL_NODES = 8192,
	POOL_SET_MAX = 96, /* pieces of one set */
};

struct pool_ops {
	/*
	 * Make two untypeds of half the size out of `slot`, in slots of their own. 0 or
	 * -SK_E_*.
	 */
	int (*split)(sk_cap_t slot, uint32_t half_order, sk_cap_t half[2]);
	/* Make `slot` whole again; the halves' slots become free. */
	void (*join)(sk_cap_t slot, const sk_cap_t half[2]);
	/* Delete everything that was made out of `slot`. */
	void (*clean)(sk_cap_t slot);
};

/* An index into the pool; 0: no piece. */
typedef uint16_t pool_piece_t;

struct pool_node {
	sk_cap_t slot;
	pool_piece_t parent, half[2]; /* half[0]: 0 while whole */
	pool_piece_t next, prev;      /* on the free list of its order */
	uint8_t order;
	bool free;
};

struct pool {
	const struct pool_ops *ops;
	struct pool_node node[POOL_NODES];
	pool_piece_t first[POOL_ORDERS], unused;
	uint32_t n_nodes;
	uint64_t total, free; /* bytes */
};

/* Pieces that together have some amount of memory. */
struct pool_set {
	uint32_t n;
	pool_piece_t piece[POOL_SET_MAX];
};

void pool_init(struct pool *p, const struct pool_ops *ops);
/* An unused untyped joins the pool. 0 or -SK_E_*. */
int pool_add(struct pool *p, sk_cap_t slot, uint32_t order) must_check;
/* Take a piece of exactly this order; 0: there is none. */
pool_piece_t pool_take(struct pool *p, uint32_t order);
/* Give a piece back to the pool, which deletes everything that was made out of it. */
void pool_give(struct pool *p, pool_piece_t piece);
/*
 * Take at least `bytes`, in as few pieces as possible, the largest first. 0, or -SK_E_NO_MEM
 * and nothing is taken.
 */
int pool_take_set(struct pool *p, uint64_t bytes, struct pool_set *set) must_check;
void pool_give_set(struct pool *p, struct pool_set *set);

static inline sk_cap_t pool_slot(const struct pool *p, pool_piece_t piece)
{
	return p->node[piece].slot;
}
static inline uint32_t pool_order(const struct pool *p, pool_piece_t piece)
{
	return p->node[piece].order;
}

#endif

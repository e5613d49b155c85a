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
	POOL_ORDER_MIN = 17, /* 128 KiB: memory of VMMs */
	POOL_ORDER_RAM = 21, /* 2 MiB: guests' RAM consists of such pieces */
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
	/*
	 * After a restart: are these the halves of a split piece, untypeds of this order? Then
	 * their slots are in use from now on.
	 */
	bool (*adopt)(const sk_cap_t half[2], uint32_t order);
};

/* An index into the pool; 0: no piece. */
typedef uint16_t pool_piece_t;

/* What a guest has a piece for. */
enum pool_use {
	POOL_UNUSED,
	POOL_BASE,
	POOL_HEAP,
	POOL_RAM,
	POOL_DEVICE,
	POOL_MORE,
	POOL_TABLE, /* control itself: keep.c */
	POOL_USES
};

/*
 * The nodes may be in memory that outlives this domain. Then slot, parent, half, order and the
 * owner with use and nth are what the next life believes, after a check.
 */
struct pool_node {
	sk_cap_t slot;
	pool_piece_t parent, half[2]; /* half[0]: 0 while whole */
	pool_piece_t next, prev;      /* on the free list of its order */
	uint8_t order;
	bool free;
	/* The domid of the guest that has the piece; 0: none, so the next life has it free. */
	uint16_t owner;
	uint16_t nth; /* among those with the same use */
	uint8_t use;  /* enum pool_use */
	uint8_t reserved;
};

struct pool {
	const struct pool_ops *ops;
	struct pool_node *node; /* POOL_NODES of them */
	pool_piece_t first[POOL_ORDERS], unused;
	uint32_t n_nodes;
	uint64_t total, free; /* bytes */
};

/* Pieces that together have some amount of memory. */
struct pool_set {
	uint32_t n;
	pool_piece_t piece[POOL_SET_MAX];
};

/* node: POOL_NODES of them. After that, either pool_add() or pool_resume(). */
void pool_init(struct pool *p, const struct pool_ops *ops, struct pool_node *node);
/* An unused untyped joins the pool. 0 or -SK_E_*. */
int pool_add(struct pool *p, sk_cap_t slot, uint32_t order) must_check;

struct pool_root {
	sk_cap_t slot;
	uint32_t order;
};
/*
 * In place of pool_init() and pool_add(), after a restart: `node` is as an earlier life left
 * it, at any moment, and these untypeds joined its pool in this order. Pieces with an owner are
 * taken, all others are cleaned and free.
 */
void pool_resume(struct pool *p, const struct pool_ops *ops, struct pool_node *node,
	const struct pool_root *roots, uint32_t n_roots);
/* A piece that was taken is a guest's from now on, for this use. */
void pool_own(
	struct pool *p, pool_piece_t piece, uint32_t owner, enum pool_use use, uint32_t nth);
/* The next taken piece after `after` (0: the first) that this owner has; 0: none. */
pool_piece_t pool_owned(const struct pool *p, uint32_t owner, pool_piece_t after);
/* Take a piece of exactly this order; 0: there is none. */
pool_piece_t pool_take(struct pool *p, uint32_t order);
/* Give a piece back to the pool, which deletes everything that was made out of it. */
void pool_give(struct pool *p, pool_piece_t piece);
/*
 * Take at least `bytes`, in as few pieces as possible, the largest first, none of them smaller
 * than `least`, an order. 0, or -SK_E_NO_MEM and nothing is taken.
 */
int pool_take_set(
	struct pool *p, uint64_t bytes, uint32_t least, struct pool_set *set) must_check;
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

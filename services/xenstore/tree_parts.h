/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_parts.h - what tree.c and tree_versions.c share: nodes, and the chunks that hold their
 * children
 */
#ifndef XS_TREE_PARTS_H
#define XS_TREE_PARTS_H

#include "tree.h"

/*
 * A node with room for `n_chunks` chunks, but without any; takes its own reference to `data`.
 * NULL without memory.
 */
struct node *node_alloc(struct data *data, uint32_t n_chunks, uint64_t gen);

/* A chunk of `n` children, 1 to CHUNK_MAX; takes its own references. NULL without memory. */
struct chunk *chunk_new(struct node *const *child, uint32_t n);
struct chunk *chunk_ref(struct chunk *c);
void chunk_unref(struct chunk *c);

/* The name of a child that exists or is looked for. */
struct name {
	const char *text;
	size_t len;
	bool numeric;
};

static inline struct name name_of(const struct node *node)
{
	const struct data *d = node->data;

	return (struct name){ data_name(d), d->name_len, d->numeric };
}

/* Below 0, 0 or above 0 if `a` comes before `b`, is the same, or comes after it. */
int name_order(const struct name *a, const struct name *b);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h - the nodes, as a persistent tree
 *
 * A change makes a new root that shares all unchanged parts with the old one. So a
 * transaction's snapshot is a reference, and a change that fails half-way is simply dropped.
 */
#ifndef XS_TREE_H
#define XS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum perm_bits {
	PERM_READ = 1,
	PERM_WRITE = 2,
	/* Never stored; the owner and dom0 have it in addition. */
	PERM_OWNER = 4,
	PERM_ALL = 7,
};

/* The limit for every node and every caller. */
enum { TREE_PERMS_MAX = 32 };

struct perm {
	uint16_t domid;
	uint8_t bits;
};

struct perm_list {
	/* At least 1: [0] names the owner, and gives the rights of domains without an entry. */
	unsigned int n;
	struct perm p[TREE_PERMS_MAX];
};

/* The content of a node; immutable, shared by all versions of the node that have it. */
struct data {
	unsigned int refs;
	/* The domain that is charged. */
	uint16_t acct;
	uint16_t n_perms;
	uint16_t name_len;
	/* The name is a number, which matters for the order of children. */
	bool numeric;
	uint32_t value_len;
	/* Followed by the name with a NUL, then the value. */
	struct perm perms[];
};

/* The most children in one piece of a directory. */
enum { CHUNK_MAX = 32 };

/*
 * A piece of a directory, never empty; immutable, shared by all versions of the directory that
 * have it.
 */
struct chunk {
	unsigned int refs;
	uint32_t n;
	struct node *child[];
};

/* One version of a node; immutable. */
struct node {
	unsigned int refs;
	uint32_t n_children;
	/* Generation of the last change of the data or of the list of children. */
	uint64_t gen;
	struct data *data;
	uint32_t n_chunks;
	/* Sorted: numbers by value, then the rest by bytes. */
	struct chunk *chunk[];
};

/* A walk over the children of a node: start with the node and zeros. */
struct children {
	const struct node *dir; /* NULL: none */
	uint32_t chunk, at;
};

static inline struct chunk *children_chunk(const struct children *c)
{
	return c->dir && c->chunk < c->dir->n_chunks ? c->dir->chunk[c->chunk] : NULL;
}

static inline struct node *children_head(const struct children *c)
{
	struct chunk *chunk = children_chunk(c);

	return chunk ? chunk->child[c->at] : NULL;
}

static inline struct node *children_next(struct children *c)
{
	struct chunk *chunk = children_chunk(c);
	struct node *node = chunk ? chunk->child[c->at] : NULL;

	if (chunk && ++c->at == chunk->n) {
		c->chunk++;
		c->at = 0;
	}
	return node;
}

static inline const char *data_name(const struct data *d)
{
	return (const char *)(d->perms + d->n_perms);
}

static inline const char *data_value(const struct data *d)
{
	return data_name(d) + d->name_len + 1;
}

/*
 * The memory of a node, with its part of its parent's list; and the charge for the node, which
 * is the larger of that memory and of its record in the journal. The record has the whole path.
 */
size_t data_memory(const struct data *d);
size_t data_charge(const struct data *d, size_t path_len);

/* A new data block with one reference, or NULL without memory. */
struct data *data_new(const char *name, const void *value, size_t value_len,
	const struct perm *perms, unsigned int n_perms, uint16_t acct);
void data_unref(struct data *d);

/* A tree of just the root, with `data`; takes its own reference to `data`. */
struct node *node_new(struct data *data, uint64_t gen);
struct node *node_ref(struct node *node);
void node_unref(struct node *node);

/* The node at a canonical path, or NULL. */
struct node *tree_find(struct node *root, const char *path);

/*
 * The deepest node that exists on the way to `path`; *len gets the length of its path. Never
 * NULL.
 */
struct node *tree_find_nearest(struct node *root, const char *path, size_t *len);

/*
 * Puts `data` at `path`, whose parent exists, as a new node or as new content of the existing
 * one. *out gets a new root with one reference. 0 or ENOMEM.
 */
int tree_put(struct node *root, const char *path, struct data *data, uint64_t gen,
	struct node **out);

/*
 * Removes the node at `path`, which exists and is not "/", with all nodes below it. 0 or
 * ENOMEM.
 */
int tree_remove(struct node *root, const char *path, uint64_t gen, struct node **out);

/*
 * Applies to `live` the changes from `base` to `mine`. 0, ENOMEM, or EAGAIN if they conflict
 * with the changes from `base` to `live`.
 */
int tree_merge(struct node *base, struct node *mine, struct node *live, uint64_t gen,
	struct node **out);

/*
 * Removes all nodes that are charged to `domid`, and its entries in the permissions of other
 * nodes. Removing entries stops after about `budget` bytes of new content; *more says that some
 * are left, and the caller has to call again. 0 or ENOMEM.
 */
int tree_purge(struct node *root, uint16_t domid, uint64_t gen, size_t budget,
	struct node **out, bool *more);

/* One node that differs. `top` is false below a removed node. */
struct diff {
	const char *path;
	/* NULL: it did not exist before, or does not exist after. */
	struct data *before, *after;
	bool top;
};

typedef int (*diff_fn)(void *ctx, const struct diff *diff);

/*
 * Calls `fn` for each difference, parents first; stops at the first nonzero result and returns
 * it. `before` may be NULL, which is a tree without any node.
 */
int tree_diff(struct node *before, struct node *after, diff_fn fn, void *ctx);

/*
 * Memory of the nodes from the root to `path`, as far as they exist. After a change at `path`,
 * only holders of the old root need them.
 */
size_t tree_path_memory(struct node *root, const char *path);

#endif

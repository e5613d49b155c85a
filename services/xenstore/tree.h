/*
 * tree.h - the nodes: a persistent tree. Changing it makes a new root that shares what did not change, so a
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
	PERM_OWNER = 4, /* never stored: what the owner and dom0 have on top */
	PERM_ALL = 7,
};

enum { TREE_PERMS_MAX = 32 }; /* what any node may have, whoever asks */

struct perm {
	uint16_t domid;
	uint8_t bits;
};

struct perm_list {
	unsigned n; /* at least 1: [0] names the owner, and what everybody else may */
	struct perm p[TREE_PERMS_MAX];
};

/* What a node says; immutable, shared by all versions of the node that say the same. */
struct data {
	unsigned refs;
	uint16_t acct; /* the domain that pays */
	uint16_t n_perms;
	uint32_t name_len;
	uint32_t value_len;
	struct perm perms[]; /* then the name with a NUL, then the value */
};

/* One version of a node; immutable. */
struct node {
	unsigned refs;
	uint32_t n_children;
	uint64_t gen; /* of the last change of data or of the list of children */
	struct data *data;
	struct node *child[]; /* sorted: numbers by value, then the rest by bytes */
};

static inline const char *data_name(const struct data *d)
{
	return (const char *)(d->perms + d->n_perms);
}

static inline const char *data_value(const struct data *d)
{
	return data_name(d) + d->name_len + 1;
}

/* What a node costs its account, links included. */
size_t data_cost(const struct data *d);

/* A new data block with one reference, or NULL without memory. */
struct data *data_new(const char *name, const void *value, size_t value_len,
	const struct perm *perms, unsigned n_perms, uint16_t acct);
void data_unref(struct data *d);

/* A tree of just the root, owned by `data`; takes a reference of its own. */
struct node *node_new(struct data *data, uint64_t gen);
struct node *node_ref(struct node *node);
void node_unref(struct node *node);

/* The node at a canonical path, or NULL. */
struct node *tree_find(struct node *root, const char *path);

/* The deepest node that exists on the way to `path`; *len gets the length of its path. Never NULL. */
struct node *tree_find_nearest(struct node *root, const char *path, size_t *len);

/*
 * Puts `data` at `path`, whose parent exists: a new node, or new content of the old. *out gets a new root
 * with one reference. 0 or ENOMEM.
 */
int tree_put(struct node *root, const char *path, struct data *data, uint64_t gen,
	struct node **out);

/* Takes the node at `path` (not "/", exists) with all below it. 0 or ENOMEM. */
int tree_remove(struct node *root, const char *path, uint64_t gen, struct node **out);

/*
 * Applies to `live` what changed from `base` to `mine`. 0, ENOMEM, or EAGAIN when both changed the same.
 */
int tree_merge(struct node *base, struct node *mine, struct node *live, uint64_t gen,
	struct node **out);

/* Takes all nodes that `domid` pays for, and its entries in the permissions of others. 0 or ENOMEM. */
int tree_purge(struct node *root, uint16_t domid, uint64_t gen, struct node **out);

/* One node that differs. `top` is false below a removed node. */
struct diff {
	const char *path;
	struct data *before, *after; /* NULL: did not, does not exist */
	bool top;
};

typedef int (*diff_fn)(void *ctx, const struct diff *diff);

/*
 * Calls `fn` for each difference, parents first; ends at the first nonzero answer and returns it. `before` may
 * be NULL: no tree at all.
 */
int tree_diff(struct node *before, struct node *after, diff_fn fn, void *ctx);

/* Bytes of node versions on the way to a change, for the bookkeeping of what snapshots keep alive. */
size_t node_cost(const struct node *node);

#endif

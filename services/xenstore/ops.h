/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.h - what the handlers of requests share
 */
#ifndef XS_OPS_H
#define XS_OPS_H

#include "store.h"
#include "wire.h"

/* One request being handled. */
struct op {
	struct store *s;
	struct session *sess;
	const struct request *req;
	/* The transaction that the header names; NULL if none, or if the request ignores it. */
	struct txn *txn;
	/* The tree that several changes make before they are committed; or NULL. */
	struct node *draft;
	struct reply *reply;
	/* mem_used() before the handler made a new version of the tree. */
	size_t used;
	char path[PATH_SIZE];
};

/* The tree that the request sees. */
static inline struct node *op_root(const struct op *op)
{
	return op->draft ? op->draft : txn_root(op->s, op->txn);
}

/* The answer to requests that have no result. */
int op_ok(struct op *op);

/* The rights of the caller at a node. */
unsigned int op_bits_at(const struct op *op, const char *path, const struct node *node);

/*
 * Finds the node that `name` means, puts its path into op->path, and checks that the caller has
 * the rights `need`. 0, EINVAL, ENOENT, EACCES...
 */
int op_find(struct op *op, const char *name, unsigned int need, struct node **out);

/* Where the permissions of a special name are kept; NULL if the name is not special. */
struct data **op_special(struct op *op, const char *name);

/*
 * Makes `root` (whose reference it takes over) the draft if there is one, or the tree of the
 * transaction. Without either it becomes the live tree, and the events for op->path are fired.
 */
int op_change_tree(struct op *op, struct node *root);

/* ops_node.c */
int op_read(struct op *op);
int op_directory(struct op *op);
int op_directory_part(struct op *op);
int op_get_perms(struct op *op);
int op_write(struct op *op);
int op_mkdir(struct op *op);
int op_rm(struct op *op);
int op_set_perms(struct op *op);
int op_make(struct op *op);

/* ops_admin.c */
int op_watch(struct op *op);
int op_unwatch(struct op *op);
int op_reset_watches(struct op *op);
int op_transaction_start(struct op *op);
int op_transaction_end(struct op *op);
int op_introduce(struct op *op);
int op_release(struct op *op);
int op_get_domain_path(struct op *op);
int op_is_domain_introduced(struct op *op);
int op_resume(struct op *op);
int op_set_target(struct op *op);
int op_control(struct op *op);

#endif

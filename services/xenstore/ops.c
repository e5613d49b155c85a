/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.c - requests: which handler serves each, and what all handlers share
 *
 * Objects     struct op: one request being handled; it lives on the stack.
 * Lifecycle   op_handle() decodes, checks rights, makes a new tree beside the live one, and
 *             commits it last.
 * Invariants  OPS1 a request that fails has changed nothing except the list of paths that its
 *                  transaction has touched
 *             OPS2 requests with OP_CONTROL are refused to all roles except ROLE_CONTROL
 *             OPS3 events are fired after the change is committed
 */
#include "ops.h"

#include <errno.h>
#include <string.h>

#include "proto/xs.h"

enum op_flags {
	/* Only control may send it. */
	OP_CONTROL = 1,
	/* The transaction in the header is ignored. */
	OP_NO_TXN = 2,
	/* It only asks. */
	OP_ASKS = 4,
};

int op_ok(struct op *op) { return reply_puts(op->reply, "OK"); }

unsigned int op_bits_at(const struct op *op, const char *path, const struct node *node)
{
	return perm_bits(op->sess, path, node->data);
}

/* ENOENT if the caller may see the parent, else EACCES. */
static int absent(struct op *op, unsigned int need)
{
	size_t len;
	struct node *above = tree_find_nearest(op_root(op), op->path, &len);
	char part[PATH_SIZE];

	if (session_is_dom0_at(op->sess, op->path))
		return ENOENT;
	memcpy(part, op->path, len);
	part[len] = '\0';
	return (op_bits_at(op, part, above) & need) == need ? ENOENT : EACCES;
}

int op_find(struct op *op, const char *name, unsigned int need, struct node **out)
{
	struct touched *touched;
	int rc = path_canon(name, session_base(op->sess), op->path, NULL);

	if (!rc)
		rc = txn_touch(op->s, op->txn, op->path, &touched);
	if (rc)
		return rc;
	op->used = mem_used();
	*out = tree_find(op_root(op), op->path);
	if (!*out)
		return absent(op, need);
	return (op_bits_at(op, op->path, *out) & need) == need ? 0 : EACCES;
}

int op_change_tree(struct op *op, struct node *root)
{
	struct node *before;
	int rc;

	if (op->draft) {
		node_unref(op->draft);
		op->draft = root;
		return 0;
	}
	if (op->txn)
		return txn_update(op->s, op->txn, op->path, root, mem_used() - op->used);
	before = node_ref(op->s->root);
	rc = store_commit(op->s, op->sess, root, NULL);
	if (!rc)
		watch_fire(op->s, before, op->s->root, op->path); /* OPS3 */
	node_unref(before);
	return rc;
}

struct data **op_special(struct op *op, const char *name)
{
	int i;

	for (i = 0; i < SPECIALS; i++)
		if (!strcmp(name, data_name(op->s->special[i])))
			return &op->s->special[i];
	return NULL;
}

static const struct {
	int (*handle)(struct op *op);
	unsigned int flags;
} ops[XS_TYPE_COUNT + 1] = {
	[XS_CONTROL] = { op_control, OP_CONTROL | OP_NO_TXN | OP_ASKS },
	[XS_DIRECTORY] = { op_directory, OP_ASKS },
	[XS_READ] = { op_read, OP_ASKS },
	[XS_GET_PERMS] = { op_get_perms, OP_ASKS },
	[XS_WATCH] = { op_watch, OP_NO_TXN },
	[XS_UNWATCH] = { op_unwatch, OP_NO_TXN },
	[XS_TRANSACTION_START] = { op_transaction_start, OP_NO_TXN },
	[XS_TRANSACTION_END] = { op_transaction_end, 0 },
	[XS_INTRODUCE] = { op_introduce, OP_CONTROL | OP_NO_TXN },
	[XS_RELEASE] = { op_release, OP_CONTROL | OP_NO_TXN },
	[XS_GET_DOMAIN_PATH] = { op_get_domain_path, OP_NO_TXN | OP_ASKS },
	[XS_WRITE] = { op_write, 0 },
	[XS_MKDIR] = { op_mkdir, 0 },
	[XS_RM] = { op_rm, 0 },
	[XS_SET_PERMS] = { op_set_perms, 0 },
	[XS_IS_DOMAIN_INTRODUCED] = { op_is_domain_introduced, OP_NO_TXN | OP_ASKS },
	[XS_RESUME] = { op_resume, OP_CONTROL | OP_NO_TXN },
	[XS_SET_TARGET] = { op_set_target, OP_CONTROL | OP_NO_TXN },
	[XS_RESET_WATCHES] = { op_reset_watches, OP_NO_TXN },
	[XS_DIRECTORY_PART] = { op_directory_part, OP_ASKS },
	[XS_TYPE_COUNT] = { op_make, OP_CONTROL | OP_NO_TXN },
};

/* Where a type is in the table; a place without a handler: nowhere. */
static uint32_t place(uint32_t type)
{
	return type < XS_TYPE_COUNT ? type : type == XS_MAKE ? XS_TYPE_COUNT : XS_WATCH_EVENT;
}

bool op_only_asks(uint32_t type)
{
	return !ops[place(type)].handle || (ops[place(type)].flags & OP_ASKS);
}

int op_handle(
	struct store *s, struct session *sess, const struct request *req, struct reply *reply)
{
	struct op op = { .s = s, .sess = sess, .req = req, .reply = reply };
	uint32_t type = place(req->hdr.type);

	if (!ops[type].handle)
		return ENOSYS;
	if ((ops[type].flags & OP_CONTROL) && sess->role != ROLE_CONTROL) /* OPS2 */
		return EACCES;
	if (!(ops[type].flags & OP_NO_TXN) && req->hdr.tx_id) {
		op.txn = txn_find(sess, req->hdr.tx_id);
		if (!op.txn)
			return ENOENT;
	}
	return ops[type].handle(&op);
}

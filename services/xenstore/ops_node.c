/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_node.c - requests about nodes: reading, writing, permissions
 *
 * Objects     none of its own; struct op comes from ops.c.
 * Lifecycle   none.
 * Invariants  OPS_NODE4 a node is charged to its owner or, if that is dom0, to the guest whose
 *                       VMM made it
 */
#include "ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ----------------------------------------------------------------------------- */

int op_read(struct op *op)
{
	const char *name;
	struct node *node;
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = op_find(op, name, PERM_READ, &node);
	return rc ? rc : reply_put(op->reply, data_value(node->data), node->data->value_len);
}

int op_directory(struct op *op)
{
	const char *name;
	struct node *node;
	struct children at = { 0 };
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = op_find(op, name, PERM_READ, &node);
	at.dir = rc ? NULL : node;
	while (!rc && (node = children_next(&at)))
		rc = reply_puts(op->reply, data_name(node->data));
	return rc;
}

/* Adds as many whole names from `offset` on as fit, and an empty string after the very last. */
static int put_part(struct op *op, const struct node *node, uint32_t offset)
{
	struct children it = { .dir = node };
	const struct node *child;
	uint64_t at = 0;

	while ((child = children_next(&it))) {
		if (at >= offset && reply_puts(op->reply, data_name(child->data)))
			return 0;
		at += child->data->name_len + 1;
	}
	if (offset > at)
		return EINVAL;
	reply_puts(op->reply, ""); /* if it does not fit, the next part consists of it alone */
	return 0;
}

int op_directory_part(struct op *op)
{
	const char *args[2];
	char gen[24];
	struct node *node;
	uint32_t offset;
	int rc = wire_strings(op->req, args, 2);

	if (!rc)
		rc = wire_u32(args[1], &offset);
	if (!rc)
		rc = op_find(op, args[0], PERM_READ, &node);
	if (rc)
		return rc;
	snprintf(gen, sizeof(gen), "%llu", (unsigned long long)node->gen);
	rc = reply_puts(op->reply, gen);
	return rc ? rc : put_part(op, node, offset);
}

int op_get_perms(struct op *op)
{
	const char *name;
	const struct data *d;
	struct data **special;
	struct node *node;
	char text[8];
	unsigned int i;
	int rc = wire_strings(op->req, &name, 1);

	if (rc)
		return rc;
	special = op_special(op, name);
	if (special) {
		d = *special;
		rc = perm_bits(op->sess, name, d) & PERM_READ ? 0 : EACCES;
	} else {
		rc = op_find(op, name, PERM_READ, &node);
		d = rc ? NULL : node->data;
	}
	for (i = 0; !rc && i < d->n_perms; i++)
		rc = reply_put(op->reply, text, perm_format(&d->perms[i], text));
	return rc;
}

/* ---- writing ----------------------------------------------------------------------------- */

/*
 * The domain that is charged: the owner if that is a guest, else the guest whose VMM made the
 * node.
 */
static uint16_t payer(const struct session *sess, uint16_t owner)
{
	return owner ? owner : sess->dom->domid;
}

static int size_check(const struct op *op, size_t value_len)
{
	if (!session_limited(op->sess))
		return 0;
	if (strlen(op->path) + value_len <= op->s->quota.node_size)
		return 0;
	return quota_refuse(op->s, op->sess->dom, QUOTA_NODE_SIZE);
}

/* New content of an existing node. */
static int put_value(struct op *op, struct node *node, const void *value, size_t len)
{
	const struct data *old = node->data;
	struct data *d = data_new(
		data_name(old), value, len, old->perms, old->n_perms, old->acct);
	struct node *root;
	int rc;

	if (!d)
		return ENOMEM;
	rc = tree_put(op_root(op), op->path, d, ++op->s->gen, &root);
	data_unref(d);
	return rc ? rc : op_change_tree(op, root);
}

/*
 * Makes one node in `*root` at the first `len` bytes of op->path, with permissions that it
 * inherits from `above`.
 */
static int create_one(struct op *op, struct node **root, struct node *above, size_t len,
	const void *value, size_t value_len)
{
	struct perm perms[TREE_PERMS_MAX];
	char part[PATH_SIZE];
	struct node *next;
	struct data *d;
	int rc;

	memcpy(part, op->path, len);
	part[len] = '\0';
	memcpy(perms, above->data->perms, above->data->n_perms * sizeof(perms[0]));
	if (!session_is_dom0_at(op->sess, part))
		perms[0].domid = op->sess->domid;
	d = data_new(path_leaf(part), value, value_len, perms, above->data->n_perms,
		payer(op->sess, perms[0].domid));
	if (!d)
		return ENOMEM;
	rc = tree_put(*root, part, d, ++op->s->gen, &next);
	data_unref(d);
	if (rc)
		return rc;
	node_unref(*root);
	*root = next;
	return 0;
}

/*
 * To make the missing nodes of op->path, the caller needs the right to write to the deepest
 * node that exists.
 */
static int create_check(struct op *op, struct node *above, size_t len)
{
	char part[PATH_SIZE];
	size_t first = len + (len > 1);

	first += path_name_len(op->path + first);
	memcpy(part, op->path, first);
	part[first] = '\0';
	if (session_is_dom0_at(op->sess, part))
		return 0;
	part[len] = '\0';
	return op_bits_at(op, part, above) & PERM_WRITE ? 0 : EACCES;
}

static int create(struct op *op, const void *value, size_t value_len)
{
	struct node *root = node_ref(op_root(op)), *above;
	size_t len, end;
	bool leaf = false;
	int rc;

	above = tree_find_nearest(root, op->path, &len);
	rc = create_check(op, above, len);
	while (!rc && !leaf) {
		above = tree_find_nearest(root, op->path, &len);
		end = len + (len > 1);
		end += path_name_len(op->path + end);
		leaf = !op->path[end];
		rc = create_one(
			op, &root, above, end, leaf ? value : NULL, leaf ? value_len : 0);
	}
	if (rc) {
		node_unref(root);
		return rc;
	}
	return op_change_tree(op, root);
}

static int node_write(struct op *op, const char *name, const char *value, size_t len)
{
	struct node *node;
	int rc = op_find(op, name, PERM_WRITE, &node);

	if (rc && rc != ENOENT)
		return rc;
	if (size_check(op, len))
		return ENOSPC;
	return rc ? create(op, value, len) : put_value(op, node, value, len);
}

int op_write(struct op *op)
{
	const char *at = op->req->body, *end = at + op->req->len;
	const char *name = wire_string(&at, end);
	int rc = name ? node_write(op, name, at, (size_t)(end - at)) : EINVAL;

	return rc ? rc : op_ok(op);
}

int op_mkdir(struct op *op)
{
	const char *name;
	struct node *node;
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = op_find(op, name, PERM_WRITE, &node);
	if (rc == ENOENT) {
		rc = size_check(op, 0);
		if (!rc)
			rc = create(op, NULL, 0);
	}
	return rc ? rc : op_ok(op);
}

static int remove_absent(struct op *op)
{
	char part[PATH_SIZE];
	size_t len = path_parent_len(op->path);

	memcpy(part, op->path, len);
	part[len] = '\0';
	return tree_find(op_root(op), part) ? op_ok(op) : ENOENT;
}

int op_rm(struct op *op)
{
	const char *name;
	struct node *node, *root;
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = op_find(op, name, PERM_WRITE, &node);
	if (rc == ENOENT)
		return remove_absent(op);
	if (!rc && !op->path[1])
		rc = EINVAL;
	if (!rc)
		rc = tree_remove(op_root(op), op->path, ++op->s->gen, &root);
	if (!rc)
		rc = op_change_tree(op, root);
	return rc ? rc : op_ok(op);
}

static int set_special(struct op *op, struct data **slot, const struct perm_list *list)
{
	struct change change = { .kind = CHANGE_SPECIAL };
	struct data *d;
	int rc;

	if (op->sess->role != ROLE_CONTROL)
		return EACCES;
	d = data_new(data_name(*slot), NULL, 0, list->p, list->n, 0);
	if (!d)
		return ENOMEM;
	change.special = d;
	rc = store_commit(op->s, op->sess, node_ref(op->s->root), &change);
	if (rc) {
		data_unref(d);
		return rc;
	}
	data_unref(*slot);
	*slot = d;
	return op_ok(op);
}

/* Only control may change the owner of a node. */
static int owner_check(
	const struct op *op, const struct node *node, const struct perm_list *list)
{
	if (op->sess->role == ROLE_CONTROL || list->p[0].domid == node->data->perms[0].domid)
		return 0;
	return EPERM;
}

static int put_perms(struct op *op, struct node *node, const struct perm_list *list)
{
	const struct data *old = node->data;
	uint16_t owner = list->p[0].domid;
	uint16_t acct = owner == old->perms[0].domid ? old->acct : payer(op->sess, owner);
	struct data *d = data_new(
		data_name(old), data_value(old), old->value_len, list->p, list->n, acct);
	struct node *root;
	int rc;

	if (!d)
		return ENOMEM;
	rc = tree_put(op_root(op), op->path, d, ++op->s->gen, &root);
	data_unref(d);
	return rc ? rc : op_change_tree(op, root);
}

static int node_set_perms(struct op *op, const char *name, const struct perm_list *list)
{
	struct node *node;
	int rc = op_find(op, name, PERM_WRITE | PERM_OWNER, &node);

	if (!rc)
		rc = owner_check(op, node, list);
	return rc ? rc : put_perms(op, node, list);
}

int op_set_perms(struct op *op)
{
	const char *at = op->req->body, *end = at + op->req->len;
	const char *name = wire_string(&at, end);
	struct perm_list list;
	struct data **special;
	int rc = name ? perm_parse(at, end, &list) : EINVAL;

	if (rc)
		return rc;
	if (session_limited(op->sess) && list.n > op->s->quota.perms)
		return quota_refuse(op->s, op->sess->dom, QUOTA_PERMS);
	special = op_special(op, name);
	if (special)
		return set_special(op, special, &list);
	rc = node_set_perms(op, name, &list);
	return rc ? rc : op_ok(op);
}

/* ---- many nodes -------------------------------------------------------------------------- */

/* One node of XS_MAKE. */
struct made {
	const char *name, *value;
	const char *perms, *perms_end;
};

static int made_decode(const char **at, const char *end, struct made *m)
{
	const char *perm;

	m->name = wire_string(at, end);
	m->perms = *at;
	do {
		m->perms_end = *at;
		perm = wire_string(at, end);
	} while (perm && *perm);
	m->value = perm ? wire_string(at, end) : NULL;
	return m->value ? 0 : EINVAL;
}

static int make_one(struct op *op, const struct made *m)
{
	struct perm_list list;
	int rc = node_write(op, m->name, m->value, strlen(m->value));

	if (rc || m->perms == m->perms_end)
		return rc;
	rc = perm_parse(m->perms, m->perms_end, &list);
	return rc ? rc : node_set_perms(op, m->name, &list);
}

/* The names were good, or nothing would have been committed. */
static void make_fire(struct op *op, struct node *before)
{
	const char *at = op->req->body, *end = at + op->req->len;
	struct made m;

	while (at < end && !made_decode(&at, end, &m))
		if (!path_canon(m.name, session_base(op->sess), op->path, NULL))
			watch_fire(op->s, before, op->s->root, op->path); /* OPS3 */
}

/* All of them, or none: OPS1 */
int op_make(struct op *op)
{
	const char *at = op->req->body, *end = at + op->req->len;
	struct node *before = node_ref(op->s->root);
	struct made m;
	int rc = at < end ? 0 : EINVAL;

	op->draft = node_ref(before);
	while (!rc && at < end) {
		rc = made_decode(&at, end, &m);
		if (!rc)
			rc = make_one(op, &m);
	}
	if (rc)
		node_unref(op->draft);
	else
		rc = store_commit(op->s, op->sess, op->draft, NULL);
	if (!rc)
		make_fire(op, before);
	node_unref(before);
	return rc ? rc : op_ok(op);
}

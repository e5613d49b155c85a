/*
 * ops.c - what each request means
 *
 * Objects     struct op: one request being handled; it lives on the stack.
 * Locks       none; the service is one thread.
 * Lifecycle   op_handle() decodes, checks rights, makes the new tree aside, and commits it last.
 * Invariants  O1 a request that fails has changed nothing but what its transaction has touched   O2 only
 *             ROLE_CONTROL gets past OP_CONTROL   O3 events are fired after the change is committed
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store.h"
#include "wire.h"

enum op_flags {
	OP_CONTROL = 1,         /* for control alone */
	OP_NO_TXN = 2,          /* the transaction in the header is ignored */
};

struct op {
	struct store *s;
	struct session *sess;
	const struct request *req;
	struct txn *txn;
	struct reply *reply;
	char path[PATH_SIZE];
};

static int ok(struct op *op)
{
	return reply_puts(op->reply, "OK");
}

static int touch_read(struct op *op, const char *path)
{
	struct touched *p;
	int rc = txn_touch(op->s, op->txn, path, &p);

	if (!rc && p)
		p->read = true;
	return rc;
}

static unsigned bits_at(const struct op *op, const char *path, const struct node *node)
{
	return perm_bits(op->sess, path, node->data);
}

/* Whether somebody who lacks a node may know that he lacks it: as he may do with what there is above it. */
static int absent(struct op *op, unsigned need)
{
	size_t len;
	struct node *above = tree_find_nearest(txn_root(op->s, op->txn), op->path, &len);
	char part[PATH_SIZE];

	if (session_is_dom0_at(op->sess, op->path))
		return ENOENT;
	memcpy(part, op->path, len);
	part[len] = '\0';
	return (bits_at(op, part, above) & need) == need ? ENOENT : EACCES;
}

/* The node that `name` means, with the rights `need`, its path in op->path. 0, EINVAL, ENOENT, EACCES... */
static int find(struct op *op, const char *name, unsigned need, struct node **out)
{
	int rc = path_canon(name, session_base(op->sess), op->path, NULL);

	if (!rc)
		rc = touch_read(op, op->path);
	if (rc)
		return rc;
	*out = tree_find(txn_root(op->s, op->txn), op->path);
	if (!*out)
		return absent(op, need);
	return (bits_at(op, op->path, *out) & need) == need ? 0 : EACCES;
}

/* Makes `root` (a reference that this takes over) true, in the transaction or at once. */
static int change_tree(struct op *op, struct node *root, size_t cost)
{
	struct node *before;
	int rc;

	if (op->txn)
		return txn_update(op->s, op->txn, op->path, root, cost);
	before = node_ref(op->s->root);
	rc = store_commit(op->s, op->sess, root, NULL);
	if (!rc) {
		op->s->noted = true;
		watch_fire(op->s, before, op->s->root, op->path);       /* O3 */
	}
	node_unref(before);
	return rc;
}

/* ---- reading ------------------------------------------------------------------------------ */

static int op_read(struct op *op)
{
	const char *name;
	struct node *node;
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = find(op, name, PERM_READ, &node);
	return rc ? rc : reply_put(op->reply, data_value(node->data), node->data->value_len);
}

static int op_directory(struct op *op)
{
	const char *name;
	struct node *node;
	uint32_t i;
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = find(op, name, PERM_READ, &node);
	for (i = 0; !rc && i < node->n_children; i++)
		rc = reply_puts(op->reply, data_name(node->child[i]->data));
	return rc;
}

/* Whole names from `offset` on, as many as fit; an empty string behind the last of all. */
static int put_part(struct op *op, const struct node *node, uint32_t offset)
{
	uint64_t at = 0;
	uint32_t i;

	for (i = 0; i < node->n_children; i++) {
		const struct data *d = node->child[i]->data;

		if (at >= offset && reply_puts(op->reply, data_name(d)))
			return 0;
		at += d->name_len + 1;
	}
	if (offset > at)
		return EINVAL;
	reply_puts(op->reply, "");      /* without room for it the next part is just that */
	return 0;
}

static int op_directory_part(struct op *op)
{
	const char *args[2];
	char gen[24];
	struct node *node;
	uint32_t offset;
	int rc = wire_strings(op->req, args, 2);

	if (!rc)
		rc = wire_u32(args[1], &offset);
	if (!rc)
		rc = find(op, args[0], PERM_READ, &node);
	if (rc)
		return rc;
	snprintf(gen, sizeof(gen), "%llu", (unsigned long long)node->gen);
	rc = reply_puts(op->reply, gen);
	return rc ? rc : put_part(op, node, offset);
}

static struct data **special_find(struct op *op, const char *name)
{
	int i;

	for (i = 0; i < SPECIALS; i++)
		if (!strcmp(name, data_name(op->s->special[i])))
			return &op->s->special[i];
	return NULL;
}

static int op_get_perms(struct op *op)
{
	const char *name;
	const struct data *d;
	struct data **special;
	struct node *node;
	char text[8];
	unsigned i;
	int rc = wire_strings(op->req, &name, 1);

	if (rc)
		return rc;
	special = special_find(op, name);
	if (special) {
		d = *special;
		rc = perm_bits(op->sess, name, d) & PERM_READ ? 0 : EACCES;
	} else {
		rc = find(op, name, PERM_READ, &node);
		d = rc ? NULL : node->data;
	}
	for (i = 0; !rc && i < d->n_perms; i++)
		rc = reply_put(op->reply, text, perm_format(&d->perms[i], text));
	return rc;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Who pays: the owner, if that is a guest; else the guest whose VMM made it. */
static uint16_t payer(const struct session *sess, uint16_t owner)
{
	return owner ? owner : sess->dom->domid;
}

static int size_check(const struct op *op, size_t value_len)
{
	if (!session_limited(op->sess))
		return 0;
	return strlen(op->path) + value_len > op->s->quota.node_size ? ENOSPC : 0;
}

/* New content of an existing node. */
static int put_value(struct op *op, struct node *node, const void *value, size_t len)
{
	const struct data *old = node->data;
	struct data *d = data_new(data_name(old), value, len, old->perms, old->n_perms, old->acct);
	struct node *root;
	size_t cost;
	int rc;

	if (!d)
		return ENOMEM;
	cost = data_cost(d);
	rc = tree_put(txn_root(op->s, op->txn), op->path, d, ++op->s->gen, &root);
	data_unref(d);
	return rc ? rc : change_tree(op, root, cost);
}

/* One new node below `*root` at the first `len` bytes of op->path, with what it inherits from `above`. */
static int create_one(struct op *op, struct node **root, struct node *above, size_t len, const void *value,
		      size_t value_len, size_t *cost)
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
	*cost += data_cost(d);
	rc = tree_put(*root, part, d, ++op->s->gen, &next);
	data_unref(d);
	if (rc)
		return rc;
	node_unref(*root);
	*root = next;
	return 0;
}

/* The right to make what is missing of op->path: to write to the deepest node that there is. */
static int create_check(struct op *op, struct node *above, size_t len)
{
	char part[PATH_SIZE];
	size_t first = len + (len > 1);

	first += strcspn(op->path + first, "/");
	memcpy(part, op->path, first);
	part[first] = '\0';
	if (session_is_dom0_at(op->sess, part))
		return 0;
	part[len] = '\0';
	return bits_at(op, part, above) & PERM_WRITE ? 0 : EACCES;
}

static int create(struct op *op, const void *value, size_t value_len)
{
	struct node *root = node_ref(txn_root(op->s, op->txn)), *above;
	size_t len, end, cost = 0;
	bool leaf = false;
	int rc;

	above = tree_find_nearest(root, op->path, &len);
	rc = create_check(op, above, len);
	while (!rc && !leaf) {
		above = tree_find_nearest(root, op->path, &len);
		end = len + (len > 1);
		end += strcspn(op->path + end, "/");
		leaf = !op->path[end];
		rc = create_one(op, &root, above, end, leaf ? value : NULL, leaf ? value_len : 0, &cost);
	}
	if (rc) {
		node_unref(root);
		return rc;
	}
	return change_tree(op, root, cost);
}

static int op_write(struct op *op)
{
	const char *at = op->req->body, *end = at + op->req->len;
	const char *name = wire_string(&at, end);
	struct node *node;
	int rc;

	if (!name)
		return EINVAL;
	rc = find(op, name, PERM_WRITE, &node);
	if (rc && rc != ENOENT)
		return rc;
	if (size_check(op, (size_t)(end - at)))
		return ENOSPC;
	rc = rc ? create(op, at, (size_t)(end - at)) : put_value(op, node, at, (size_t)(end - at));
	return rc ? rc : ok(op);
}

static int op_mkdir(struct op *op)
{
	const char *name;
	struct node *node;
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = find(op, name, PERM_WRITE, &node);
	if (rc == ENOENT) {
		rc = size_check(op, 0);
		if (!rc)
			rc = create(op, NULL, 0);
	}
	return rc ? rc : ok(op);
}

static int remove_absent(struct op *op)
{
	char part[PATH_SIZE];
	size_t len = path_parent_len(op->path);

	memcpy(part, op->path, len);
	part[len] = '\0';
	return tree_find(txn_root(op->s, op->txn), part) ? ok(op) : ENOENT;
}

static int op_rm(struct op *op)
{
	const char *name;
	struct node *node, *root;
	int rc = wire_strings(op->req, &name, 1);

	if (!rc)
		rc = find(op, name, PERM_WRITE, &node);
	if (rc == ENOENT)
		return remove_absent(op);
	if (!rc && !op->path[1])
		rc = EINVAL;
	if (!rc)
		rc = tree_remove(txn_root(op->s, op->txn), op->path, ++op->s->gen, &root);
	if (!rc)
		rc = change_tree(op, root, 0);
	return rc ? rc : ok(op);
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
	op->s->noted = true;
	data_unref(*slot);
	*slot = d;
	return ok(op);
}

/* Only control gives nodes away. */
static int owner_check(const struct op *op, const struct node *node, const struct perm_list *list)
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
	struct data *d = data_new(data_name(old), data_value(old), old->value_len, list->p, list->n, acct);
	struct node *root;
	size_t cost;
	int rc;

	if (!d)
		return ENOMEM;
	cost = data_cost(d);
	rc = tree_put(txn_root(op->s, op->txn), op->path, d, ++op->s->gen, &root);
	data_unref(d);
	return rc ? rc : change_tree(op, root, cost);
}

static int op_set_perms(struct op *op)
{
	const char *at = op->req->body, *end = at + op->req->len;
	const char *name = wire_string(&at, end);
	struct perm_list list;
	struct data **special;
	struct node *node;
	int rc = name ? perm_parse(at, end, &list) : EINVAL;

	if (rc)
		return rc;
	if (session_limited(op->sess) && list.n > op->s->quota.perms)
		return ENOSPC;
	special = special_find(op, name);
	if (special)
		return set_special(op, special, &list);
	rc = find(op, name, PERM_WRITE | PERM_OWNER, &node);
	if (!rc)
		rc = owner_check(op, node, &list);
	if (!rc)
		rc = put_perms(op, node, &list);
	return rc ? rc : ok(op);
}

/* ---- watches ------------------------------------------------------------------------------ */

/* The first two of two or three strings: a path, absolute in op->path, and a token. */
static int watch_args(struct op *op, const char **token, bool *relative)
{
	const char *at = op->req->body, *end = at + op->req->len;
	const char *name = wire_string(&at, end);

	*token = name ? wire_string(&at, end) : NULL;
	if (!*token)
		return EINVAL;
	*relative = false;
	if (name[0] != '@')
		return path_canon(name, session_base(op->sess), op->path, relative);
	if (strlen(name) > XENSTORE_REL_PATH_MAX)
		return EINVAL;
	strcpy(op->path, name);
	return 0;
}

static int op_watch(struct op *op)
{
	struct change change = { .kind = CHANGE_WATCH };
	const char *token;
	struct watch *w;
	bool relative;
	int rc = watch_args(op, &token, &relative);

	if (!rc)
		rc = watch_add(op->s, op->sess, op->path, token,
			       relative ? path_base_len(session_base(op->sess)) : 0, &w);
	if (rc)
		return rc;
	change.watch = w;
	rc = store_commit(op->s, op->sess, node_ref(op->s->root), &change);
	if (rc) {
		watch_remove(op->s, w);
		return rc;
	}
	op->s->noted = true;
	watch_fire_one(op->s, w);
	return ok(op);
}

static int op_unwatch(struct op *op)
{
	struct change change = { .kind = CHANGE_UNWATCH };
	const char *token;
	struct watch *w;
	bool relative;
	int rc = watch_args(op, &token, &relative);

	if (rc)
		return rc;
	w = watch_find(op->s, op->sess, op->path, token);
	if (!w)
		return ENOENT;
	change.watch = w;
	rc = store_commit(op->s, op->sess, node_ref(op->s->root), &change);
	if (rc)
		return rc;
	op->s->noted = true;
	watch_remove(op->s, w);
	return ok(op);
}

static int op_reset_watches(struct op *op)
{
	struct change change = { .kind = CHANGE_RESET };
	int rc = store_commit(op->s, op->sess, node_ref(op->s->root), &change);

	if (rc)
		return rc;
	op->s->noted = true;
	session_reset(op->s, op->sess);
	return ok(op);
}

/* ---- transactions ------------------------------------------------------------------------- */

static int op_transaction_start(struct op *op)
{
	struct change change = { .kind = CHANGE_TXN_START };
	struct txn *txn;
	char id[16];
	int rc;

	if (op->req->hdr.tx_id)
		return EBUSY;
	rc = txn_start(op->s, op->sess, &txn);
	if (rc)
		return rc;
	change.txid = txn->id;
	op->s->note.txid = txn->id;
	rc = store_commit(op->s, op->sess, node_ref(op->s->root), &change);
	if (rc) {
		txn_drop(op->s, txn);
		return rc;
	}
	op->s->noted = true;
	return reply_put(op->reply, id, u32_format(txn->id, id));
}

/* The transaction ends, whatever comes of it. */
static int op_transaction_end(struct op *op)
{
	struct change change = { .kind = CHANGE_TXN_END, .txid = op->txn ? op->txn->id : 0 };
	const char *arg;
	int rc = wire_strings(op->req, &arg, 1);

	if (rc || (strcmp(arg, "T") && strcmp(arg, "F")))
		return EINVAL;
	if (!op->txn)
		return ENOENT;
	rc = *arg == 'T' ? txn_commit(op->s, op->txn) : 0;
	if (*arg == 'F' || rc) {
		op->s->note.err = (uint32_t)rc;
		store_record(op->s, op->sess, &change);
	}
	op->s->noted = true;
	txn_drop(op->s, op->txn);
	return rc ? rc : ok(op);
}

/* ---- domains ------------------------------------------------------------------------------ */

static int guest_domid(const char *s, uint16_t *domid)
{
	int rc = path_parse_domid(s, domid);

	if (rc)
		return rc;
	return *domid && *domid < 0x7ff0 ? 0 : EINVAL;  /* DOMID_FIRST_RESERVED */
}

/* The page and the event channel are the VMM's affair; here they only have to be there. */
static int op_introduce(struct op *op)
{
	const char *args[3];
	uint16_t domid;
	int rc = wire_strings(op->req, args, 3);

	if (!rc)
		rc = guest_domid(args[0], &domid);
	if (!rc)
		rc = store_introduce(op->s, op->sess, domid);
	if (rc)
		return rc;
	op->s->noted = true;
	return ok(op);
}

static int op_release(struct op *op)
{
	const char *arg;
	uint16_t domid;
	struct domain *dom;
	int rc = wire_strings(op->req, &arg, 1);

	if (!rc)
		rc = guest_domid(arg, &domid);
	if (rc)
		return rc;
	dom = domain_find(op->s, domid);
	if (!dom || !dom->introduced)
		return ENOENT;
	rc = store_release(op->s, op->sess, domid);
	op->s->noted = true;
	return rc ? rc : ok(op);
}

static int op_get_domain_path(struct op *op)
{
	const char *arg;
	char path[32];
	uint16_t domid;
	int rc = wire_strings(op->req, &arg, 1);

	if (!rc)
		rc = path_parse_domid(arg, &domid);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	return reply_puts(op->reply, path);
}

static int op_is_domain_introduced(struct op *op)
{
	const struct domain *dom;
	const char *arg;
	uint16_t domid;
	int rc = wire_strings(op->req, &arg, 1);

	if (!rc)
		rc = path_parse_domid(arg, &domid);
	if (rc)
		return rc;
	if (domid == 0x7ff0)    /* DOMID_SELF */
		domid = op->sess->domid;
	dom = domain_find(op->s, domid);
	return reply_puts(op->reply, !domid || (dom && dom->introduced) ? "T" : "F");
}

/* There is no state here that a resumed domain would have lost. */
static int op_resume(struct op *op)
{
	const struct domain *dom;
	const char *arg;
	uint16_t domid;
	int rc = wire_strings(op->req, &arg, 1);

	if (!rc)
		rc = guest_domid(arg, &domid);
	if (rc)
		return rc;
	dom = domain_find(op->s, domid);
	return dom && dom->introduced ? ok(op) : ENOENT;
}

static int op_set_target(struct op *op)
{
	struct change change = { .kind = CHANGE_DOMAIN };
	const char *args[2];
	uint16_t domid, target;
	struct domain *dom, *to, was;
	int rc = wire_strings(op->req, args, 2);

	if (!rc)
		rc = guest_domid(args[0], &domid);
	if (!rc)
		rc = guest_domid(args[1], &target);
	if (rc)
		return rc;
	dom = domain_find(op->s, domid);
	to = domain_find(op->s, target);
	if (!dom || !dom->introduced || !to || !to->introduced)
		return ENOENT;
	was = *dom;
	dom->has_target = true;
	dom->target = target;
	change.domain = dom;
	rc = store_commit(op->s, op->sess, node_ref(op->s->root), &change);
	if (rc) {
		dom->has_target = was.has_target;
		dom->target = was.target;
		return rc;
	}
	op->s->noted = true;
	return ok(op);
}

static int op_control(struct op *op)
{
	const char *at = op->req->body;
	const char *command = wire_string(&at, at + op->req->len);
	int rc;

	if (!command)
		return EINVAL;
	if (!strcmp(command, "help"))
		return reply_puts(op->reply, "check\nhelp\n");
	if (strcmp(command, "check"))
		return EINVAL;
	rc = store_check(op->s);
	return rc ? rc : ok(op);
}

static const struct {
	int (*handle)(struct op *op);
	unsigned flags;
} ops[XS_TYPE_COUNT] = {
	[XS_CONTROL] = { op_control, OP_CONTROL | OP_NO_TXN },
	[XS_DIRECTORY] = { op_directory, 0 },
	[XS_READ] = { op_read, 0 },
	[XS_GET_PERMS] = { op_get_perms, 0 },
	[XS_WATCH] = { op_watch, OP_NO_TXN },
	[XS_UNWATCH] = { op_unwatch, OP_NO_TXN },
	[XS_TRANSACTION_START] = { op_transaction_start, OP_NO_TXN },
	[XS_TRANSACTION_END] = { op_transaction_end, 0 },
	[XS_INTRODUCE] = { op_introduce, OP_CONTROL | OP_NO_TXN },
	[XS_RELEASE] = { op_release, OP_CONTROL | OP_NO_TXN },
	[XS_GET_DOMAIN_PATH] = { op_get_domain_path, OP_NO_TXN },
	[XS_WRITE] = { op_write, 0 },
	[XS_MKDIR] = { op_mkdir, 0 },
	[XS_RM] = { op_rm, 0 },
	[XS_SET_PERMS] = { op_set_perms, 0 },
	[XS_IS_DOMAIN_INTRODUCED] = { op_is_domain_introduced, OP_NO_TXN },
	[XS_RESUME] = { op_resume, OP_CONTROL | OP_NO_TXN },
	[XS_SET_TARGET] = { op_set_target, OP_CONTROL | OP_NO_TXN },
	[XS_RESET_WATCHES] = { op_reset_watches, OP_NO_TXN },
	[XS_DIRECTORY_PART] = { op_directory_part, 0 },
};

int op_handle(struct store *s, struct session *sess, const struct request *req, struct reply *reply)
{
	struct op op = { .s = s, .sess = sess, .req = req, .reply = reply };
	uint32_t type = req->hdr.type;

	if (type >= XS_TYPE_COUNT || !ops[type].handle)
		return ENOSYS;
	if ((ops[type].flags & OP_CONTROL) && sess->role != ROLE_CONTROL)       /* O2 */
		return EACCES;
	if (!(ops[type].flags & OP_NO_TXN) && req->hdr.tx_id) {
		op.txn = txn_find(sess, req->hdr.tx_id);
		if (!op.txn)
			return ENOENT;
	}
	return ops[type].handle(&op);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_admin.c - requests about watches, transactions and domains
 *
 * Objects     none of its own; struct op comes from ops.c.
 * Lifecycle   none.
 * Invariants  OPS_ADMIN5 XS_TRANSACTION_END with valid arguments ends the transaction, whatever
 *                        the answer is
 */
#include "ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- watches ----------------------------------------------------------------------------- */

/*
 * The first two strings: a path, whose absolute form goes into op->path, and a token. A third
 * string is ignored.
 */
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

int op_watch(struct op *op)
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
	watch_fire_one(op->s, w);
	return op_ok(op);
}

int op_unwatch(struct op *op)
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
	watch_remove(op->s, w);
	return op_ok(op);
}

int op_reset_watches(struct op *op)
{
	struct change change = { .kind = CHANGE_RESET };
	int rc = store_commit(op->s, op->sess, node_ref(op->s->root), &change);

	if (rc)
		return rc;
	session_reset(op->s, op->sess);
	return op_ok(op);
}

/* ---- transactions ------------------------------------------------------------------------ */

int op_transaction_start(struct op *op)
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
	return reply_put(op->reply, id, u32_format(txn->id, id));
}

/* OPS_ADMIN5 */
int op_transaction_end(struct op *op)
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
	txn_drop(op->s, op->txn);
	return rc ? rc : op_ok(op);
}

/* ---- domains ----------------------------------------------------------------------------- */

static int guest_domid(const char *s, uint16_t *domid)
{
	int rc = path_parse_domid(s, domid);

	if (rc)
		return rc;
	return *domid && *domid < 0x7ff0 ? 0 : EINVAL; /* DOMID_FIRST_RESERVED */
}

/*
 * Only the VMM uses the page and the event channel; here the arguments just have to be present.
 */
int op_introduce(struct op *op)
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
	return op_ok(op);
}

int op_release(struct op *op)
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
	if (!dom || !(dom->introduced || store_forgotten(op->s, dom)))
		return ENOENT;
	rc = store_release(op->s, op->sess, domid);
	return rc ? rc : op_ok(op);
}

int op_get_domain_path(struct op *op)
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

int op_is_domain_introduced(struct op *op)
{
	const struct domain *dom;
	const char *arg;
	uint16_t domid;
	int rc = wire_strings(op->req, &arg, 1);

	if (!rc)
		rc = path_parse_domid(arg, &domid);
	if (rc)
		return rc;
	if (domid == 0x7ff0) /* DOMID_SELF */
		domid = op->sess->domid;
	dom = domain_find(op->s, domid);
	return reply_puts(op->reply, !domid || (dom && dom->introduced) ? "T" : "F");
}

/* A resumed domain has lost no state in the store, so there is nothing to restore. */
int op_resume(struct op *op)
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
	return dom && dom->introduced ? op_ok(op) : ENOENT;
}

int op_set_target(struct op *op)
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
	return op_ok(op);
}

static int put_quota(struct op *op, const struct domain *dom)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "%u: %u nodes, %zu bytes, %u refused%s%s\n",
		dom->domid, (unsigned int)dom->nodes, dom->bytes, (unsigned int)dom->refused,
		dom->refused ? ", the last for " : "",
		dom->refused ? quota_name(dom->refused_for) : "");

	return reply_put(op->reply, line, (size_t)n);
}

/*
 * Lists, for one domain or for all guests, what it uses and how often a quota was the reason
 * for a refusal.
 */
static int control_quota(struct op *op, const char *which)
{
	struct domain *dom, *next;
	uint16_t domid;
	int rc = 0;

	if (which) {
		if (path_parse_domid(which, &domid))
			return EINVAL;
		dom = domain_find(op->s, domid);
		return dom ? put_quota(op, dom) : ENOENT;
	}
	HASH_ITER(hh, op->s->domains, dom, next)
	{
		if (dom->guests)
			rc = rc ? rc : put_quota(op, dom);
	}
	return rc;
}

int op_control(struct op *op)
{
	const char *at = op->req->body, *end = at + op->req->len;
	const char *command = wire_string(&at, end);
	int rc;

	if (!command)
		return EINVAL;
	if (!strcmp(command, "help"))
		return reply_puts(op->reply, "check\nhelp\nquota [<domid>]\n");
	if (!strcmp(command, "quota"))
		return control_quota(op, wire_string(&at, end));
	if (strcmp(command, "check"))
		return EINVAL;
	rc = store_check(op->s);
	return rc ? rc : op_ok(op);
}

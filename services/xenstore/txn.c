/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn.c - transactions
 *
 * Objects     struct txn: the snapshot it began with, its own version of the tree, and the
 *             paths it touched.
 * Lifecycle   txn_start() to txn_drop(), which the caller calls after txn_commit() as well. A
 *             doomed transaction has no snapshot: it reads the live tree, its changes are lost,
 *             and it ends with EAGAIN.
 * Invariants  TXN1 base is the live tree as it was at the start
 *             TXN2 it commits only if all nodes that it read or changed are the same in the
 *                  live tree as in base
 *             TXN3 what it made is charged to its session's domain until it ends
 *             TXN4 the size of the replaced nodes that all snapshots together keep is
 *                  bounded (quota.snapshot); the oldest snapshots are given up first
 */
#include <errno.h>
#include <string.h>

#include "store.h"

struct txn *txn_find(struct session *sess, uint32_t id)
{
	struct txn *t;

	TAILQ_FOREACH(t, &sess->txns, in_session)
		if (t->id == id)
			return t;
	return NULL;
}

static struct txn *txn_new(struct session *sess, uint32_t id)
{
	struct txn *t = mem_alloc(sizeof(*t));

	if (!t)
		return NULL;
	t->session = sess;
	t->id = id;
	TAILQ_INSERT_TAIL(&sess->txns, t, in_session);
	sess->n_txns++;
	return t;
}

static void snapshot_take(struct store *s, struct txn *t)
{
	t->base = node_ref(s->root);
	t->root = node_ref(s->root);
	t->replaced_at_start = s->replaced;
	TAILQ_INSERT_TAIL(&s->txns, t, in_store);
}

static int txn_charge(struct store *s, struct txn *t, size_t cost)
{
	int rc = session_charge(s, t->session, cost);

	if (!rc)
		t->cost += cost;
	return rc;
}

static void txn_refund(struct store *s, struct txn *t, size_t cost)
{
	if (cost > t->cost)
		cost = t->cost;
	session_refund(s, t->session, cost);
	t->cost -= cost;
}

int txn_start(struct store *s, struct session *sess, struct txn **out)
{
	uint32_t id = sess->last_txid;
	struct txn *t;
	int rc;

	if (session_limited(sess) && sess->n_txns >= s->quota.txns)
		return quota_refuse(s, sess->dom, QUOTA_TXNS);
	do
		id++;
	while (!id || txn_find(sess, id));
	t = txn_new(sess, id);
	if (!t)
		return ENOMEM;
	snapshot_take(s, t);
	rc = txn_charge(s, t, sizeof(*t) + MEM_BLOCK);
	if (rc) {
		txn_drop(s, t);
		return rc;
	}
	sess->last_txid = id;
	*out = t;
	return 0;
}

struct txn *txn_restore(struct session *sess, uint32_t id)
{
	struct txn *t = txn_find(sess, id);

	sess->last_txid = id;
	return t ? t : txn_new(sess, id);
}

static void touched_clear(struct txn *t)
{
	struct touched *p, *next;

	HASH_ITER(hh, t->touched, p, next)
	{
		HASH_DELETE(hh, t->touched, p);
		mem_free(p);
	}
	t->n_touched = 0;
}

static void snapshot_release(struct store *s, struct txn *t)
{
	if (!t->base)
		return;
	TAILQ_REMOVE(&s->txns, t, in_store);
	node_unref(t->base);
	node_unref(t->root);
	t->base = NULL;
	t->root = NULL;
	txn_refund(s, t, t->cost);
}

static void txn_release(struct store *s, struct txn *t)
{
	touched_clear(t);
	snapshot_release(s, t);
}

void txn_drop(struct store *s, struct txn *t)
{
	txn_release(s, t);
	TAILQ_REMOVE(&t->session->txns, t, in_session);
	t->session->n_txns--;
	mem_free(t);
}

/* TXN4: no snapshot keeps nodes that were replaced before the oldest snapshot was taken. */
void txn_doom_stale(struct store *s)
{
	struct txn *t;

	while ((t = TAILQ_FIRST(&s->txns)) &&
		s->replaced - t->replaced_at_start > s->quota.snapshot)
		txn_release(s, t);
}

int txn_touch(struct store *s, struct txn *t, const char *path, struct touched **out)
{
	size_t len = strlen(path), size = sizeof(struct touched) + len + 1;
	struct touched *p;
	int rc;

	*out = NULL;
	if (!t || !t->base)
		return 0;
	HASH_FIND(hh, t->touched, path, len, p);
	if (p) {
		*out = p;
		return 0;
	}
	if (session_limited(t->session) && t->n_touched >= s->quota.txn_paths)
		return quota_refuse(s, t->session->dom, QUOTA_TXN_PATHS);
	rc = txn_charge(s, t, size + MEM_BLOCK);
	if (rc)
		return rc;
	p = mem_alloc(size);
	if (!p)
		return ENOMEM;
	memcpy(p->path, path, len + 1);
	HASH_ADD_KEYPTR(hh, t->touched, p->path, len, p);
	if (!p->hh.tbl) {
		mem_free(p);
		return ENOMEM;
	}
	t->n_touched++;
	*out = p;
	return 0;
}

/*
 * Makes `root` (whose reference it takes over) the transaction's own version of the tree;
 * `cost` is the memory that was allocated for it. Memory that the previous version frees is
 * refunded.
 */
int txn_update(struct store *s, struct txn *t, const char *path, struct node *root, size_t cost)
{
	struct domain *dom = t->session->dom;
	struct touched *p;
	size_t used;
	long made;
	int rc;

	if (!t->base) {
		node_unref(root);
		return 0;
	}
	made = quota_count(t->root, root, dom->domid);
	rc = txn_touch(s, t, path, &p);
	if (!rc && session_limited(t->session) && made > 0 &&
		(long)dom->nodes + t->own_nodes + made > (long)s->quota.nodes)
		rc = quota_refuse(s, dom, QUOTA_NODES);
	if (!rc)
		rc = txn_charge(s, t, cost);
	if (rc) {
		node_unref(root);
		return rc;
	}
	t->own_nodes += made;
	p->written = true;
	used = mem_used();
	node_unref(t->root);
	t->root = root;
	txn_refund(s, t, used - mem_used());
	return 0;
}

static uint64_t gen_at(struct node *root, const char *path)
{
	struct node *node = tree_find(root, path);

	return node ? node->gen : 0;
}

/* TXN2 for what it read; tree_merge() checks what it changed. */
static bool reads_hold(const struct store *s, const struct txn *t)
{
	const struct touched *p;

	for (p = t->touched; p; p = p->hh.next)
		if (gen_at(t->base, p->path) != gen_at(s->root, p->path))
			return false;
	return true;
}

/* The caller drops the transaction next, whatever the result. */
int txn_commit(struct store *s, struct txn *t)
{
	struct change change = { .kind = CHANGE_TXN_END, .txid = t->id };
	struct node *merged, *before;
	const struct touched *p;
	int rc;

	if (!t->base || (t->base != s->root && !reads_hold(s, t)))
		return EAGAIN;
	rc = tree_merge(t->base, t->root, s->root, ++s->gen, &merged);
	if (rc)
		return rc;
	before = node_ref(s->root);
	/*
	 * The nodes that it made are about to be charged as nodes of the tree, so the
	 * transaction's own charge ends here. This also keeps txn_doom_stale() away from it.
	 */
	snapshot_release(s, t);
	rc = store_commit(s, t->session, merged, &change);
	for (p = t->touched; p && !rc; p = p->hh.next)
		if (p->written)
			watch_fire(s, before, s->root, p->path);
	node_unref(before);
	return rc;
}

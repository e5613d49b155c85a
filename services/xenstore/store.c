/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - the store as a whole: how changes are committed, and how domains come and go
 *
 * Objects     struct store: the live tree, domains, sessions, watches, transactions.
 * Lifecycle   store_init() to store_fini().
 * Invariants  STORE1 the live tree changes only in store_commit(), after the quotas and the
 *                    journal have accepted the change
 *             STORE2 gen grows with every change and is never used twice, not even across a
 *                    restart
 */
#include <errno.h>
#include <string.h>

#include "persist.h"
#include "store.h"
#include "base/array.h"

/* Bytes of new content that one step of a purge makes. */
enum { PURGE_STEP = 256 << 10 };

static const char *const special_names[SPECIALS] = { "@introduceDomain", "@releaseDomain" };

/* The directories that every Xen host has. */
static int tree_start(struct store *s)
{
	static const char *const dirs[] = { "/local", "/local/domain", "/tool", "/vm" };
	static const struct perm none = { 0, 0 };
	struct data *data = data_new("", NULL, 0, &none, 1, 0);
	struct node *root;
	size_t i;
	int rc;

	if (!data)
		return ENOMEM;
	s->root = node_new(data, ++s->gen);
	data_unref(data);
	for (i = 0; s->root && i < ARRAY_SIZE(dirs); i++) {
		data = data_new(path_leaf(dirs[i]), NULL, 0, &none, 1, 0);
		if (!data)
			return ENOMEM;
		rc = tree_put(s->root, dirs[i], data, ++s->gen, &root);
		data_unref(data);
		if (rc)
			return rc;
		node_unref(s->root);
		s->root = root;
	}
	return s->root ? 0 : ENOMEM;
}

static int books_start(struct store *s)
{
	struct node *full = s->root;
	int rc;

	s->root = NULL;
	rc = quota_prepare(s, full, NULL);
	quota_settle(s, !rc);
	s->root = full;
	return rc;
}

int store_init(struct store *s, const struct quota *quota)
{
	static const struct perm none = { 0, 0 };
	int i, rc;

	memset(s, 0, sizeof(*s));
	s->quota = *quota;
	TAILQ_INIT(&s->sessions);
	TAILQ_INIT(&s->txns);
	for (i = 0; i < SPECIALS; i++) {
		s->special[i] = data_new(special_names[i], NULL, 0, &none, 1, 0);
		if (!s->special[i])
			goto fail;
	}
	rc = tree_start(s);
	if (!rc)
		rc = books_start(s);
	if (!rc)
		return 0;
fail:
	store_fini(s);
	return ENOMEM;
}

void store_fini(struct store *s)
{
	struct domain *dom, *next;
	struct session *sess;
	int i;

	s->journal = NULL;
	while ((sess = TAILQ_FIRST(&s->sessions)))
		session_close(s, sess);
	HASH_ITER(hh, s->domains, dom, next)
	{
		HASH_DELETE(hh, s->domains, dom);
		mem_free(dom);
	}
	for (i = 0; i < SPECIALS; i++)
		data_unref(s->special[i]);
	node_unref(s->root);
	memset(s, 0, sizeof(*s));
}

struct snapshot_cost {
	struct node *root;
	size_t bytes;
};

/*
 * Counts what only snapshots keep after a change: the old content, and the old versions of all
 * nodes above it.
 */
static int snapshot_cost_add(void *ctx, const struct diff *diff)
{
	struct snapshot_cost *w = ctx;

	if (diff->top)
		w->bytes += tree_path_memory(w->root, diff->path);
	if (diff->before)
		w->bytes += data_memory(diff->before);
	return 0;
}

/*
 * True if the change only removes. Such a change is made even if the journal has no room for
 * its record.
 */
static bool shrinks(const struct store *s, const struct change *change)
{
	switch (change ? change->kind : CHANGE_NONE) {
	case CHANGE_PURGE:
		return true;
	case CHANGE_NONE:
	case CHANGE_UNWATCH:
	case CHANGE_RESET:
	case CHANGE_TXN_END:
		return !s->puts;
	default:
		return false;
	}
}

static int commit_journal(
	struct store *s, struct session *by, struct node *root, const struct change *change)
{
	int rc = persist_append(s, by, root, change);

	if (!rc || !shrinks(s, change))
		return rc;
	s->journal_stale = true;
	return 0;
}

int store_commit(
	struct store *s, struct session *by, struct node *root, const struct change *change)
{
	struct snapshot_cost w = { .root = s->root };
	int rc = quota_prepare(s, root, by);

	if (!rc && s->journal)
		rc = commit_journal(s, by, root, change);
	quota_settle(s, !rc);
	if (rc) {
		node_unref(root);
		return rc;
	}
	if (!TAILQ_EMPTY(&s->txns))
		tree_diff(s->root, root, snapshot_cost_add, &w);
	s->replaced += w.bytes;
	node_unref(s->root);
	s->root = root;
	txn_doom_stale(s);
	return 0;
}

void store_record(struct store *s, struct session *by, const struct change *change)
{
	if (s->journal && persist_append(s, by, s->root, change))
		s->journal_stale = true;
}

void domain_sessions_admit(struct store *s, const struct domain *dom)
{
	struct session *sess;

	TAILQ_FOREACH(sess, &s->sessions, link)
		if (sess->dom == dom && session_limited(sess))
			sess->released = false;
}

void domain_sessions_release(struct store *s, const struct domain *dom)
{
	struct session *sess;

	TAILQ_FOREACH(sess, &s->sessions, link) {
		if (sess->dom != dom || !session_limited(sess))
			continue;
		sess->released = true;
		session_reset(s, sess);
	}
}

int store_introduce(struct store *s, struct session *by, uint16_t domid)
{
	struct domain *dom = domain_get(s, domid);
	struct change change = { .kind = CHANGE_DOMAIN, .domain = dom };
	int rc;

	if (!dom)
		return ENOMEM;
	if (dom->introduced)
		return 0;
	dom->introduced = true;
	rc = store_commit(s, by, node_ref(s->root), &change);
	if (rc) {
		dom->introduced = false;
		domain_put(s, dom);
		return rc;
	}
	domain_sessions_admit(s, dom);
	watch_fire_special(s, SPECIAL_INTRODUCE);
	return 0;
}

struct purged {
	struct store *s;
	struct node *before;
};

static int fire_purged(void *ctx, const struct diff *diff)
{
	struct purged *p = ctx;

	if (diff->top)
		watch_fire(p->s, p->before, p->s->root, diff->path);
	return 0;
}

/*
 * One step of a purge; *more says that permissions are left. The record of the first step
 * stands for all steps.
 */
static int purge_step(
	struct store *s, struct session *by, const struct change *change, bool *more)
{
	struct purged p = { .s = s };
	struct node *root;
	int rc = tree_purge(s->root, change->domain->domid, ++s->gen, PURGE_STEP, &root, more);

	if (rc)
		return rc;
	p.before = node_ref(s->root);
	rc = store_commit(s, by, root, change);
	if (!rc)
		tree_diff(p.before, s->root, fire_purged, &p);
	node_unref(p.before);
	return rc;
}

/*
 * Works in steps, so that the nodes whose permissions name the domain are not all in memory
 * twice at once.
 */
static int domain_purge(struct store *s, struct session *by, const struct domain *dom)
{
	struct change change = { .kind = CHANGE_PURGE, .domain = dom };
	bool more = true;
	int rc = 0;

	mem_set_priority(MEM_RESERVED);
	while (more && !rc)
		rc = purge_step(s, by, &change, &more);
	return rc;
}

static void domain_untarget(struct store *s, uint16_t target)
{
	struct domain *dom, *next;

	HASH_ITER(hh, s->domains, dom, next)
	{
		if (!dom->has_target || dom->target != target)
			continue;
		dom->has_target = false;
		store_record(s, NULL, &(struct change){ .kind = CHANGE_DOMAIN, .domain = dom });
		domain_put(s, dom);
	}
}

static bool session_forgotten(const struct session *sess, const struct domain *dom)
{
	return sess->dom == dom && session_limited(sess) && !sess->attached;
}

bool store_forgotten(const struct store *s, const struct domain *dom)
{
	const struct session *sess;

	TAILQ_FOREACH(sess, &s->sessions, link)
		if (session_forgotten(sess, dom))
			return true;
	return false;
}

static void sessions_forget(struct store *s, const struct domain *dom)
{
	struct session *sess, *next;

	for (sess = TAILQ_FIRST(&s->sessions); sess; sess = next) {
		next = TAILQ_NEXT(sess, link);
		if (session_forgotten(sess, dom))
			session_close(s, sess);
	}
}

int store_release(struct store *s, struct session *by, uint16_t domid)
{
	struct domain *dom = domain_find(s, domid);
	bool was;

	if (!dom)
		return 0;
	dom->holds++;
	domain_sessions_release(s, dom);
	was = dom->introduced;
	dom->introduced = false;
	dom->has_target = false;
	domain_untarget(s, domid); /* the record of the purge stands for the whole release */
	dom->purge = domain_purge(s, by, dom) != 0;
	s->purge_due |= dom->purge;
	if (was)
		watch_fire_special(s, SPECIAL_RELEASE);
	sessions_forget(s, dom);
	dom->holds--;
	domain_put(s, dom);
	return 0;
}

void store_housekeep(struct store *s)
{
	struct domain *dom, *next;

	if (s->purge_due) {
		s->purge_due = false;
		HASH_ITER(hh, s->domains, dom, next)
		{
			dom->purge = dom->purge && domain_purge(s, NULL, dom);
			s->purge_due |= dom->purge;
			domain_put(s, dom);
		}
	}
	if (s->journal_stale || persist_long(s))
		(void)persist_compact(s);
}

struct recount {
	uint16_t domid;
	size_t nodes, bytes;
};

static int recount_diff(void *ctx, const struct diff *diff)
{
	struct recount *r = ctx;

	if (diff->after->acct == r->domid) {
		r->nodes++;
		r->bytes += data_charge(diff->after, strlen(diff->path));
	}
	return 0;
}

static size_t session_charges(const struct session *sess)
{
	const struct watch *w;
	const struct txn *t;
	size_t bytes = session_size();

	TAILQ_FOREACH(w, &sess->watches, in_session)
		bytes += w->cost;
	TAILQ_FOREACH(t, &sess->txns, in_session)
		bytes += t->cost;
	return bytes;
}

static int domain_check(struct store *s, const struct domain *dom, size_t *beyond)
{
	size_t sure = dom->guests ? s->shares.sure : 0;
	struct recount r = { .domid = dom->domid };
	const struct session *sess;

	tree_diff(NULL, s->root, recount_diff, &r);
	TAILQ_FOREACH(sess, &s->sessions, link)
		if (sess->dom == dom)
			r.bytes += session_charges(sess);
	*beyond += r.bytes > sure ? r.bytes - sure : 0;
	return r.nodes == dom->nodes && r.bytes == dom->bytes ? 0 : EIO;
}

int store_check(struct store *s)
{
	struct domain *dom, *next;
	size_t beyond = 0;
	int rc = 0;

	HASH_ITER(hh, s->domains, dom, next)
	if (!rc)
		rc = domain_check(s, dom, &beyond);
	return rc ? rc : beyond == s->beyond ? 0 : EIO;
}

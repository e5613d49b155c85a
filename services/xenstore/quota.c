/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quota.c - domains, and what each of them is charged
 *
 * Objects     struct domain: one per domid that owns nodes, has a session or was introduced.
 * Lifecycle   made by domain_get(); domain_put() frees it once nothing refers to its number any
 *             more.
 * Invariants  QUOTA1 nodes and bytes count the live tree plus the charges of sessions
 *             QUOTA2 between quota_prepare() and quota_settle() only pend_* change
 *             QUOTA3 a change by a guest that grows a limited domain beyond its quota is never
 *                    committed
 *             QUOTA4 `beyond` is the sum of what domains use above their sure shares; a guest
 *                    below its sure share is never refused for lack of room
 */
#include <errno.h>
#include <string.h>

#include "persist.h"
#include "store.h"

const struct quota quota_default = {
	.domains = 64,
	.nodes = 1000,
	.node_size = 2048,
	.perms = 5,
	.watches = 128,
	.txns = 10,
	.txn_paths = 1024,
	.events = 256,
	.event_bytes = 16 << 10,
	.memory = 512 << 10,
	/* 15 turns in which all guests write as much as they can: enough for a transaction */
	.snapshot = 3 << 20,
};

#define X(name, words) words,
static const char *const quota_names[QUOTA_KINDS] = { QUOTAS(X) };
#undef X

const char *quota_name(enum quota_kind kind) { return quota_names[kind]; }

int quota_refuse(struct store *s, struct domain *dom, enum quota_kind kind)
{
	bool first = !dom->refused;

	dom->refused += dom->refused < UINT32_MAX;
	dom->refused_for = kind;
	if (first && s->refused)
		s->refused(dom);
	return kind == QUOTA_WATCHES ? E2BIG : ENOSPC;
}

/* ---- shares ------------------------------------------------------------------------------ */

static size_t excess(const struct shares *sh, const struct domain *dom, size_t bytes)
{
	size_t sure = dom->guests ? sh->sure : 0;

	return bytes > sure ? bytes - sure : 0;
}

/* Restores QUOTA4 after a change of the shares or of the domains that have one. */
static void beyond_recount(struct store *s)
{
	struct domain *dom, *next;

	s->beyond = 0;
	HASH_ITER(hh, s->domains, dom, next)
	s->beyond += excess(&s->shares, dom, dom->bytes);
}

static void shares_divide(struct store *s)
{
	size_t most = s->room ? s->room : SIZE_MAX / 2, journal, left;
	struct shares *sh = &s->shares;

	sh->of = s->journal;
	if (s->journal) {
		journal = journal_capacity(s->journal);
		most = journal < most ? journal : most;
	}
	sh->reserve = most / 8;
	left = most - sh->reserve;
	sh->sure = left / 2 / s->quota.domains;
	if (sh->sure > s->quota.memory)
		sh->sure = s->quota.memory;
	sh->pool = left - sh->sure * s->quota.domains;
}

const struct shares *quota_shares(struct store *s)
{
	if (!s->shares.pool || s->shares.of != s->journal) {
		shares_divide(s);
		beyond_recount(s);
	}
	return &s->shares;
}

void quota_set_room(struct store *s, size_t bytes)
{
	s->room = bytes;
	shares_divide(s);
	beyond_recount(s);
}

/* How many bytes beyond the sure shares may be in use after a change by this session. */
static size_t common_limit(struct store *s, const struct session *by)
{
	const struct shares *sh = quota_shares(s);

	return sh->pool + (session_limited(by) ? 0 : sh->reserve);
}

/* ---- domains ----------------------------------------------------------------------------- */

struct domain *domain_find(struct store *s, uint16_t domid)
{
	struct domain *dom;

	HASH_FIND(hh, s->domains, &domid, sizeof(domid), dom);
	return dom;
}

struct domain *domain_get(struct store *s, uint16_t domid)
{
	struct domain *dom = domain_find(s, domid);

	if (dom)
		return dom;
	dom = mem_alloc(sizeof(*dom));
	if (!dom)
		return NULL;
	dom->domid = domid;
	HASH_ADD(hh, s->domains, domid, sizeof(dom->domid), dom);
	if (dom->hh.tbl)
		return dom;
	mem_free(dom);
	return NULL;
}

void domain_put(struct store *s, struct domain *dom)
{
	if (!s->domains || dom->holds || dom->introduced || dom->has_target || dom->nodes ||
		dom->bytes || dom->pending || dom->purge)
		return;
	HASH_DELETE(hh, s->domains, dom);
	mem_free(dom);
}

/* The only place where `bytes` changes. */
static void domain_bytes(struct store *s, struct domain *dom, size_t bytes)
{
	const struct shares *sh = quota_shares(s);

	s->beyond = s->beyond - excess(sh, dom, dom->bytes) + excess(sh, dom, bytes);
	if (bytes < dom->bytes)
		s->freed += dom->bytes - bytes;
	dom->bytes = bytes;
}

int session_charge(struct store *s, const struct session *sess, size_t bytes)
{
	const struct shares *sh = quota_shares(s);
	struct domain *dom = sess->dom;
	size_t more;

	if (session_limited(sess) &&
		(dom->bytes > s->quota.memory || bytes > s->quota.memory - dom->bytes))
		return quota_refuse(s, dom, QUOTA_MEMORY);
	more = excess(sh, dom, dom->bytes + bytes) - excess(sh, dom, dom->bytes);
	if (more && s->beyond + more > common_limit(s, sess))
		return quota_refuse(s, dom, QUOTA_SHARE);
	domain_bytes(s, dom, dom->bytes + bytes);
	return 0;
}

void session_charge_always(struct store *s, const struct session *sess, size_t bytes)
{
	domain_bytes(s, sess->dom, sess->dom->bytes + bytes);
}

void session_refund(struct store *s, const struct session *sess, size_t bytes)
{
	domain_bytes(s, sess->dom, sess->dom->bytes - bytes);
}

int domain_count_guest(struct store *s, struct domain *dom, int by)
{
	if (by > 0 && !dom->guests && s->n_guests >= s->quota.domains && !s->replaying)
		return ENOSPC;
	if (by > 0)
		s->n_guests += !dom->guests++;
	else
		s->n_guests -= !--dom->guests;
	quota_shares(s);
	beyond_recount(s);
	return 0;
}

/* ---- changes of the tree ----------------------------------------------------------------- */

struct quota_charges {
	struct store *s;
	struct domain *first;
};

static int quota_charge(
	struct quota_charges *b, const struct data *data, size_t path_len, int sign)
{
	struct domain *dom = domain_get(b->s, data->acct);

	if (!dom)
		return ENOMEM;
	if (!dom->pending) {
		dom->pending = true;
		dom->pend_next = b->first;
		b->first = dom;
	}
	dom->pend_nodes += sign;
	dom->pend_bytes += sign * (long)data_charge(data, path_len);
	return 0;
}

static int quota_charge_diff(void *ctx, const struct diff *diff)
{
	struct quota_charges *b = ctx;
	size_t path_len = strlen(diff->path);
	int rc = 0;

	if (diff->before)
		rc = quota_charge(b, diff->before, path_len, -1);
	if (!rc && diff->after)
		rc = quota_charge(b, diff->after, path_len, 1);
	b->s->puts = b->s->puts || diff->after;
	return rc;
}

static size_t bytes_after(const struct domain *dom)
{
	return (size_t)((long)dom->bytes + dom->pend_bytes);
}

/*
 * The limits of a domain that a guest's change may not exceed. Dom0 has none: what a guest adds
 * to dom0's nodes counts only against the shares.
 */
static int limits_check(struct store *s, struct domain *dom)
{
	if (!dom->domid)
		return 0;
	if (dom->pend_nodes > 0 && (long)dom->nodes + dom->pend_nodes > (long)s->quota.nodes)
		return quota_refuse(s, dom, QUOTA_NODES);
	if (dom->pend_bytes > 0 && bytes_after(dom) > s->quota.memory)
		return quota_refuse(s, dom, QUOTA_MEMORY);
	return 0;
}

int quota_prepare(struct store *s, struct node *root, struct session *by)
{
	const struct shares *sh = quota_shares(s);
	struct quota_charges b = { .s = s };
	size_t beyond = s->beyond;
	struct domain *dom;
	int rc;

	s->puts = false;
	rc = tree_diff(s->root, root, quota_charge_diff, &b);
	s->pending = b.first;
	for (dom = b.first; dom && !rc; dom = dom->pend_next) {
		if (by && session_limited(by))
			rc = limits_check(s, dom);
		beyond = beyond - excess(sh, dom, dom->bytes) +
			 excess(sh, dom, bytes_after(dom));
	}
	if (!rc && by && beyond > s->beyond && beyond > common_limit(s, by))
		rc = quota_refuse(s, by->dom, QUOTA_SHARE);
	return rc;
}

void quota_settle(struct store *s, bool commit)
{
	struct domain *dom, *next;

	for (dom = s->pending; dom; dom = next) {
		next = dom->pend_next;
		if (commit) {
			dom->nodes = (uint32_t)((long)dom->nodes + dom->pend_nodes);
			domain_bytes(s, dom, bytes_after(dom));
		}
		dom->pend_nodes = 0;
		dom->pend_bytes = 0;
		dom->pending = false;
		domain_put(s, dom);
	}
	s->pending = NULL;
}

struct counting {
	uint16_t acct;
	long nodes;
};

static int count_diff(void *ctx, const struct diff *diff)
{
	struct counting *c = ctx;

	if (diff->before && diff->before->acct == c->acct)
		c->nodes--;
	if (diff->after && diff->after->acct == c->acct)
		c->nodes++;
	return 0;
}

long quota_count(struct node *before, struct node *after, uint16_t acct)
{
	struct counting c = { .acct = acct };

	tree_diff(before, after, count_diff, &c);
	return c.nodes;
}

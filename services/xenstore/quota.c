/*
 * quota.c - domains, and what each of them pays for
 *
 * Objects     struct domain: one per domid that owns nodes, has a session or was introduced.
 * Locks       none; the service is one thread.
 * Lifecycle   made by domain_get(); domain_put() frees it once nothing refers to its number any more.
 * Invariants  Q1 nodes and bytes count the live tree plus what was charged with domain_charge()   Q2 between
 *             quota_prepare() and quota_settle() only pend_* differ   Q3 a change by a guest
 *             that grows a limited domain beyond its quota never settles
 */
#include <errno.h>

#include "store.h"

const struct quota quota_default = {
	.nodes = 1000,
	.node_size = 2048,
	.perms = 5,
	.watches = 128,
	.txns = 10,
	.txn_paths = 1024,
	.events = 256,
	.event_bytes = 32 << 10,
	.memory = 512 << 10,
	.snapshot = 512 << 10,
};

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

int domain_charge(struct store *s, struct domain *dom, size_t bytes)
{
	if (dom->domid && !s->replaying &&
		(dom->bytes > s->quota.memory || bytes > s->quota.memory - dom->bytes))
		return ENOSPC;
	dom->bytes += bytes;
	return 0;
}

void domain_refund(struct domain *dom, size_t bytes) { dom->bytes -= bytes; }

struct booking {
	struct store *s;
	struct domain *first;
};

static int book(struct booking *b, const struct data *data, int sign)
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
	dom->pend_bytes += sign * (long)data_cost(data);
	return 0;
}

static int book_diff(void *ctx, const struct diff *diff)
{
	int rc = 0;

	if (diff->before)
		rc = book(ctx, diff->before, -1);
	if (!rc && diff->after)
		rc = book(ctx, diff->after, 1);
	return rc;
}

static bool exceeds(const struct store *s, const struct domain *dom)
{
	if (!dom->domid)
		return false;
	if (dom->pend_nodes > 0 && (long)dom->nodes + dom->pend_nodes > (long)s->quota.nodes)
		return true;
	return dom->pend_bytes > 0 &&
	       (long)dom->bytes + dom->pend_bytes > (long)s->quota.memory;
}

int quota_prepare(struct store *s, struct node *root, struct session *by)
{
	struct booking b = { .s = s };
	struct domain *dom;
	int rc = tree_diff(s->root, root, book_diff, &b);

	s->pending = b.first;
	for (dom = b.first; dom && !rc; dom = dom->pend_next)
		if (by && session_limited(by) && exceeds(s, dom))
			rc = ENOSPC;
	return rc;
}

void quota_settle(struct store *s, bool commit)
{
	struct domain *dom, *next;

	for (dom = s->pending; dom; dom = next) {
		next = dom->pend_next;
		if (commit) {
			dom->nodes = (uint32_t)((long)dom->nodes + dom->pend_nodes);
			dom->bytes = (size_t)((long)dom->bytes + dom->pend_bytes);
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

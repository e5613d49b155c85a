/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_versions.c - several versions of the tree side by side: merging, differences, and the
 * purge of a domain
 *
 * Objects     struct zip: a walk over two or three versions of a directory. struct builder: a
 *             directory being made.
 * Lifecycle   both live on the stack; builder_finish() or builder_drop() ends a builder.
 * Invariants  XSVERSIONS4 chunks that all versions share are neither read nor copied, so the
 *                         cost of a walk depends on what has changed
 */
#include <errno.h>
#include <string.h>

#include "mem.h"
#include "path.h"
#include "tree_parts.h"

/* A directory that is being made from children and from whole chunks of other versions. */
struct builder {
	struct chunk **chunk;
	uint32_t n_chunks, room, n_children;
	/* Children that are in no chunk so far; one reference each. */
	struct node *list[CHUNK_MAX];
	uint32_t n;
};

static void builder_drop(struct builder *b)
{
	uint32_t i;

	for (i = 0; i < b->n_chunks; i++)
		chunk_unref(b->chunk[i]);
	for (i = 0; i < b->n; i++)
		node_unref(b->list[i]);
	mem_free(b->chunk);
}

/* Takes over the reference. */
static int builder_add_chunk(struct builder *b, struct chunk *c)
{
	struct chunk **more;

	if (b->n_chunks == b->room) {
		more = mem_alloc((2 * b->room + 8) * sizeof(*more));
		if (!more) {
			chunk_unref(c);
			return ENOMEM;
		}
		if (b->n_chunks)
			memcpy(more, b->chunk, b->n_chunks * sizeof(*more));
		mem_free(b->chunk);
		b->chunk = more;
		b->room = 2 * b->room + 8;
	}
	b->chunk[b->n_chunks++] = c;
	return 0;
}

static int builder_flush(struct builder *b)
{
	struct chunk *c;
	uint32_t i;

	if (!b->n)
		return 0;
	c = chunk_new(b->list, b->n);
	if (!c)
		return ENOMEM;
	for (i = 0; i < b->n; i++)
		node_unref(b->list[i]); /* the chunk has its own */
	b->n = 0;
	return builder_add_chunk(b, c);
}

/* Takes over the reference. */
static int builder_add(struct builder *b, struct node *child)
{
	int rc = b->n == CHUNK_MAX ? builder_flush(b) : 0;

	if (rc) {
		node_unref(child);
		return rc;
	}
	b->list[b->n++] = child;
	b->n_children++;
	return 0;
}

static int builder_share(struct builder *b, struct chunk *c)
{
	int rc = builder_flush(b);

	if (rc)
		return rc;
	b->n_children += c->n;
	return builder_add_chunk(b, chunk_ref(c));
}

/*
 * The node with the children that were added, or NULL without memory. The builder is empty
 * afterwards.
 */
static struct node *builder_finish(struct builder *b, struct data *data, uint64_t gen)
{
	struct node *node = builder_flush(b) ? NULL : node_alloc(data, b->n_chunks, gen);

	if (node) {
		if (b->n_chunks)
			memcpy(node->chunk, b->chunk, b->n_chunks * sizeof(b->chunk[0]));
		node->n_chunks = b->n_chunks;
		node->n_children = b->n_children;
		b->n_chunks = 0;
	}
	builder_drop(b);
	return node;
}

/* A walk over the children of up to three versions of one node, name by name. */
struct zip {
	struct children in[3];
	int n;
};

/* The chunk that all versions have at this place, or NULL. */
static struct chunk *zip_shared(const struct zip *z)
{
	struct chunk *first = children_chunk(&z->in[0]);
	int i;

	for (i = 0; i < z->n; i++)
		if (z->in[i].at || children_chunk(&z->in[i]) != first)
			return NULL;
	return first;
}

static void zip_skip_shared(struct zip *z)
{
	int i;

	for (i = 0; i < z->n; i++)
		z->in[i].chunk++;
}

/* Moves to the next child that is not the same in both versions. */
static void zip_skip_same(struct zip *z)
{
	struct node *a;

	for (;;) {
		if (zip_shared(z)) {
			zip_skip_shared(z);
			continue;
		}
		a = children_head(&z->in[0]);
		if (!a || a != children_head(&z->in[1]))
			return;
		children_next(&z->in[0]);
		children_next(&z->in[1]);
	}
}

static int node_order(const struct node *a, const struct node *b)
{
	const struct name x = name_of(a), y = name_of(b);

	return a == b ? 0 : name_order(&x, &y);
}

/* The versions of the next child, NULL where it does not exist; false after the last. */
static bool zip_next(struct zip *z, struct node *out[3])
{
	struct node *first = NULL;
	int i, order[3] = { 0 }, c;

	for (i = 0; i < z->n; i++) {
		out[i] = children_head(&z->in[i]);
		if (!out[i])
			continue;
		c = first ? node_order(out[i], first) : -1;
		order[i] = c > 0;
		if (c >= 0)
			continue;
		first = out[i]; /* the children in out[] before it come later */
		order[0] = order[0] || i > 0;
		order[1] = order[1] || i > 1;
	}
	for (i = 0; i < z->n; i++) {
		if (out[i] && !order[i])
			children_next(&z->in[i]);
		else
			out[i] = NULL;
	}
	return first;
}

/*
 * Merges one child. A new node is a conflict if the content of its parent changed meanwhile,
 * because that includes the permissions that decide who may make the node.
 */
static int merge_child(struct node *v[3], bool parent_same, uint64_t gen, struct node **out)
{
	struct node *base = v[0], *mine = v[1], *live = v[2];

	*out = NULL;
	if (mine == base) {
		*out = live ? node_ref(live) : NULL;
		return 0;
	}
	if (live == base) {
		if (!base && !parent_same)
			return EAGAIN;
		*out = mine ? node_ref(mine) : NULL;
		return 0;
	}
	if (!base || !mine || !live)
		return EAGAIN;
	return tree_merge(base, mine, live, gen, out);
}

static int merge_children(
	struct builder *b, struct zip *z, bool parent_same, uint64_t gen, bool *listed)
{
	struct node *v[3], *child;
	struct chunk *shared;
	int rc = 0;

	while (!rc) {
		shared = zip_shared(z);
		if (shared) {
			rc = builder_share(b, shared);
			zip_skip_shared(z);
			continue;
		}
		if (!zip_next(z, v))
			break;
		rc = merge_child(v, parent_same, gen, &child);
		if (!rc && !child != !v[2])
			*listed = true;
		if (!rc && child)
			rc = builder_add(b, child);
	}
	return rc;
}

int tree_merge(struct node *base, struct node *mine, struct node *live, uint64_t gen,
	struct node **out)
{
	struct zip z = { .in = { { .dir = base }, { .dir = mine }, { .dir = live } }, .n = 3 };
	bool mine_same = mine->data == base->data, live_same = live->data == base->data;
	bool listed = false;
	struct builder b = { 0 };
	int rc;

	*out = NULL;
	if (!mine_same && !live_same)
		return EAGAIN;
	rc = merge_children(&b, &z, live_same, gen, &listed);
	if (rc) {
		builder_drop(&b);
		return rc;
	}
	*out = builder_finish(&b, mine_same ? live->data : mine->data,
		mine_same && !listed ? live->gen : gen);
	return *out ? 0 : ENOMEM;
}

struct purge {
	uint16_t domid;
	uint64_t gen;
	/* Bytes left for new content. */
	size_t budget;
	bool more;
};

/*
 * The data of a node without the entries of the domain, as a new reference; NULL without
 * memory.
 */
static struct data *data_without(struct purge *p, struct data *d)
{
	struct perm kept[TREE_PERMS_MAX];
	unsigned int i, n = 0;
	size_t size = data_memory(d);

	for (i = 0; i < d->n_perms; i++)
		if (!i || d->perms[i].domid != p->domid)
			kept[n++] = d->perms[i];
	if (n < d->n_perms && p->budget) {
		p->budget -= size < p->budget ? size : p->budget;
		return data_new(data_name(d), data_value(d), d->value_len, kept, n, d->acct);
	}
	p->more = p->more || n < d->n_perms;
	d->refs++;
	return d;
}

static struct node *purge_node(struct purge *p, struct node *node);

static int purge_children(struct purge *p, struct builder *b, struct node *node, bool *changed)
{
	struct children at = { .dir = node };
	struct node *child, *kept;
	int rc = 0;

	while (!rc && (child = children_next(&at))) {
		if (child->data->acct == p->domid) {
			*changed = true;
			continue;
		}
		kept = purge_node(p, child);
		*changed = *changed || kept != child;
		rc = kept ? builder_add(b, kept) : ENOMEM;
	}
	return rc;
}

/* A new reference, to the node itself if nothing changes; NULL without memory. */
static struct node *purge_node(struct purge *p, struct node *node)
{
	struct data *data = data_without(p, node->data);
	struct builder b = { 0 };
	bool changed = data != node->data;
	struct node *out = NULL;
	uint64_t gen;

	if (!data)
		return NULL;
	if (purge_children(p, &b, node, &changed)) {
		builder_drop(&b);
	} else if (changed) {
		gen = data != node->data || b.n_children != node->n_children ? p->gen
									     : node->gen;
		out = builder_finish(&b, data, gen);
	} else {
		builder_drop(&b);
		out = node_ref(node);
	}
	data_unref(data);
	return out;
}

int tree_purge(struct node *root, uint16_t domid, uint64_t gen, size_t budget,
	struct node **out, bool *more)
{
	struct purge p = { .domid = domid, .gen = gen, .budget = budget };

	*out = purge_node(&p, root);
	*more = p.more;
	return *out ? 0 : ENOMEM;
}

struct differ {
	diff_fn fn;
	void *ctx;
	char path[PATH_SIZE];
};

static int diff_node(
	struct differ *d, size_t len, struct node *before, struct node *after, bool top);

static int diff_children(
	struct differ *d, size_t len, struct node *before, struct node *after, bool top)
{
	struct zip z = { .in = { { .dir = before }, { .dir = after } }, .n = 2 };
	struct node *v[3] = { NULL };
	size_t base = len == 1 ? 0 : len;
	int rc;

	for (zip_skip_same(&z); zip_next(&z, v); zip_skip_same(&z)) {
		const struct data *data;

		data = (v[0] ? v[0] : v[1])->data;
		d->path[base] = '/';
		memcpy(d->path + base + 1, data_name(data), data->name_len + 1);
		rc = diff_node(d, base + 1 + data->name_len, v[0], v[1], top);
		d->path[len] = '\0';
		if (rc)
			return rc;
	}
	return 0;
}

static int diff_node(
	struct differ *d, size_t len, struct node *before, struct node *after, bool top)
{
	struct diff diff = {
		.path = d->path,
		.before = before ? before->data : NULL,
		.after = after ? after->data : NULL,
		.top = top,
	};
	int rc = 0;

	if (diff.before != diff.after)
		rc = d->fn(d->ctx, &diff);
	return rc ? rc : diff_children(d, len, before, after, top && after);
}

int tree_diff(struct node *before, struct node *after, diff_fn fn, void *ctx)
{
	struct differ d = { .fn = fn, .ctx = ctx, .path = "/" };

	return before == after ? 0 : diff_node(&d, 1, before, after, true);
}

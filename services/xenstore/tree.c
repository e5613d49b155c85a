/*
 * tree.c - the persistent tree of nodes
 *
 * Objects     struct data: name, permissions, value. struct node: one version of a node with its children.
 * Locks       none; the service is one thread.
 * Lifecycle   both are counted by reference. A node holds its data and its children; whoever holds a root
 *             holds the whole snapshot.
 * Invariants  T1 nothing that is reachable by two references is ever written   T2 children are sorted by
 *             name_order(), without doubles   T3 no deeper than PATH_DEPTH_MAX, which bounds recursion here
 */
#include "tree.h"

#include <errno.h>
#include <string.h>

#include "mem.h"
#include "path.h"

size_t data_cost(const struct data *d)
{
	return sizeof(struct node) + sizeof(struct node *) + sizeof(*d) +
	       d->n_perms * sizeof(d->perms[0]) + d->name_len + 1 + d->value_len;
}

size_t node_cost(const struct node *node)
{
	return sizeof(*node) + node->n_children * sizeof(node->child[0]);
}

struct data *data_new(const char *name, const void *value, size_t value_len,
	const struct perm *perms, unsigned n_perms, uint16_t acct)
{
	size_t name_len = strlen(name);
	struct data *d;
	char *text;

	d = mem_alloc(sizeof(*d) + n_perms * sizeof(*perms) + name_len + 1 + value_len);
	if (!d)
		return NULL;
	d->refs = 1;
	d->acct = acct;
	d->n_perms = (uint16_t)n_perms;
	d->name_len = (uint32_t)name_len;
	d->value_len = (uint32_t)value_len;
	memcpy(d->perms, perms, n_perms * sizeof(*perms));
	text = (char *)(d->perms + n_perms);
	memcpy(text, name, name_len + 1);
	if (value_len)
		memcpy(text + name_len + 1, value, value_len);
	return d;
}

void data_unref(struct data *d)
{
	if (d && !--d->refs)
		mem_free(d);
}

static struct node *node_alloc(struct data *data, uint32_t n_children, uint64_t gen)
{
	struct node *node = mem_alloc(sizeof(*node) + n_children * sizeof(node->child[0]));

	if (!node)
		return NULL;
	node->refs = 1;
	node->gen = gen;
	node->data = data;
	data->refs++;
	return node;
}

struct node *node_new(struct data *data, uint64_t gen) { return node_alloc(data, 0, gen); }

struct node *node_ref(struct node *node)
{
	node->refs++;
	return node;
}

void node_unref(struct node *node)
{
	uint32_t i;

	if (!node || --node->refs)
		return;
	for (i = 0; i < node->n_children; i++)
		node_unref(node->child[i]);
	data_unref(node->data);
	mem_free(node);
}

static bool numeric(const char *s, size_t len) { return len && strspn(s, "0123456789") >= len; }

/* Numbers first and by value, so that devices come in the order of their numbers. */
static int name_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
	bool a_num = numeric(a, a_len), b_num = numeric(b, b_len);
	size_t min = a_len < b_len ? a_len : b_len;
	int c;

	if (a_num != b_num)
		return a_num ? -1 : 1;
	if (a_num && a_len != b_len)
		return a_len < b_len ? -1 : 1;
	c = memcmp(a, b, min);
	if (c || a_len == b_len)
		return c;
	return a_len < b_len ? -1 : 1;
}

/* Position of the child `name`, or of where it belongs. */
static uint32_t child_slot(const struct node *node, const char *name, size_t len, bool *found)
{
	uint32_t lo = 0, hi = node->n_children;

	*found = false;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct data *d = node->child[mid]->data;
		int c = name_order(data_name(d), d->name_len, name, len);

		if (!c) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct node *tree_find_nearest(struct node *root, const char *path, size_t *len)
{
	struct node *node = root;
	const char *at = path + 1;

	*len = 1;
	while (*at) {
		size_t n = strcspn(at, "/");
		bool found;
		uint32_t slot = child_slot(node, at, n, &found);

		if (!found)
			break;
		node = node->child[slot];
		at += n;
		*len = (size_t)(at - path);
		if (*at)
			at++;
	}
	return node;
}

struct node *tree_find(struct node *root, const char *path)
{
	size_t len;
	struct node *node = tree_find_nearest(root, path, &len);

	return path[len] ? NULL : node;
}

/*
 * A copy of `node` with the child in `slot` exchanged for `child` (or added when `found` is false, or left
 * out when child is NULL). Takes over the reference to `child`, also when it fails.
 */
static struct node *copy_with_child(
	struct node *node, uint32_t slot, bool found, struct node *child, uint64_t gen)
{
	uint32_t n = node->n_children + (child ? 1 : 0) - (found ? 1 : 0), from = 0, to = 0;
	bool listed = !found || !child;
	struct node *copy = node_alloc(node->data, n, listed ? gen : node->gen);

	if (!copy) {
		node_unref(child);
		return NULL;
	}
	for (; from < slot; from++)
		copy->child[to++] = node_ref(node->child[from]);
	if (child)
		copy->child[to++] = child;
	for (from += found ? 1 : 0; from < node->n_children; from++)
		copy->child[to++] = node_ref(node->child[from]);
	copy->n_children = n;
	return copy;
}

static struct node *copy_with_data(struct node *node, struct data *data, uint64_t gen)
{
	struct node *copy = node_alloc(data, node->n_children, gen);
	uint32_t i;

	if (!copy)
		return NULL;
	for (i = 0; i < node->n_children; i++)
		copy->child[i] = node_ref(node->child[i]);
	copy->n_children = node->n_children;
	return copy;
}

/* `at` is what is left of the path below `node`; data NULL removes. */
static struct node *change_below(
	struct node *node, const char *at, struct data *data, uint64_t gen)
{
	size_t len = strcspn(at, "/");
	struct node *child;
	uint32_t slot;
	bool found;

	if (!*at)
		return data ? copy_with_data(node, data, gen) : NULL;
	slot = child_slot(node, at, len, &found);
	if (at[len])
		child = change_below(node->child[slot], at + len + 1, data, gen);
	else if (!data)
		return copy_with_child(node, slot, true, NULL, gen);
	else if (found)
		child = copy_with_data(node->child[slot], data, gen);
	else
		child = node_new(data, gen);
	return child ? copy_with_child(node, slot, found, child, gen) : NULL;
}

int tree_put(
	struct node *root, const char *path, struct data *data, uint64_t gen, struct node **out)
{
	*out = change_below(root, path + 1, data, gen);
	return *out ? 0 : ENOMEM;
}

int tree_remove(struct node *root, const char *path, uint64_t gen, struct node **out)
{
	*out = change_below(root, path + 1, NULL, gen);
	return *out ? 0 : ENOMEM;
}

/* A walk over the children of up to three versions of one node, name by name. */
struct zip {
	struct node *dir[3];
	uint32_t at[3];
};

static struct node *zip_head(const struct zip *z, int i)
{
	const struct node *dir = z->dir[i];

	return dir && z->at[i] < dir->n_children ? dir->child[z->at[i]] : NULL;
}

static int node_order(const struct node *a, const struct node *b)
{
	return name_order(
		data_name(a->data), a->data->name_len, data_name(b->data), b->data->name_len);
}

/* The versions of the next child, NULL where it does not exist; false behind the last. */
static bool zip_next(struct zip *z, struct node *out[3])
{
	struct node *first = NULL;
	int i;

	for (i = 0; i < 3; i++) {
		out[i] = zip_head(z, i);
		if (out[i] && (!first || node_order(out[i], first) < 0))
			first = out[i];
	}
	if (!first)
		return false;
	for (i = 0; i < 3; i++) {
		if (out[i] && node_order(out[i], first) == 0)
			z->at[i]++;
		else
			out[i] = NULL;
	}
	return true;
}

/*
 * One child in three versions. A node that was made under a parent whose own content (and so perhaps its
 * permissions) changed meanwhile is a conflict: the right to make it was judged by the old ones.
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

static int merge_children(struct node *copy, struct zip *z, bool parent_same, uint64_t gen)
{
	bool listed = false;
	struct node *v[3], *child;
	int rc;

	while (zip_next(z, v)) {
		rc = merge_child(v, parent_same, gen, &child);
		if (rc)
			return rc;
		if (child)
			copy->child[copy->n_children++] = child;
		if (!child != !v[2])
			listed = true;
	}
	if (listed)
		copy->gen = gen;
	return 0;
}

int tree_merge(struct node *base, struct node *mine, struct node *live, uint64_t gen,
	struct node **out)
{
	struct zip z = { .dir = { base, mine, live } };
	bool mine_same = mine->data == base->data, live_same = live->data == base->data;
	struct node *copy;
	int rc;

	*out = NULL;
	if (!mine_same && !live_same)
		return EAGAIN;
	copy = node_alloc(mine_same ? live->data : mine->data,
		mine->n_children + live->n_children, mine_same ? live->gen : gen);
	if (!copy)
		return ENOMEM;
	rc = merge_children(copy, &z, live_same, gen);
	if (rc) {
		node_unref(copy);
		return rc;
	}
	*out = copy;
	return 0;
}

/* The data of a node without the entries of `domid`; a new reference, NULL without memory. */
static struct data *data_without(struct data *d, uint16_t domid)
{
	struct perm kept[TREE_PERMS_MAX];
	unsigned i, n = 0;

	for (i = 0; i < d->n_perms; i++)
		if (!i || d->perms[i].domid != domid)
			kept[n++] = d->perms[i];
	if (n == d->n_perms) {
		d->refs++;
		return d;
	}
	return data_new(data_name(d), data_value(d), d->value_len, kept, n, d->acct);
}

static int purge_children(struct node *copy, struct node *node, uint16_t domid, uint64_t gen)
{
	struct node *child;
	uint32_t i;
	int rc;

	for (i = 0; i < node->n_children; i++) {
		if (node->child[i]->data->acct == domid)
			continue;
		rc = tree_purge(node->child[i], domid, gen, &child);
		if (rc)
			return rc;
		copy->child[copy->n_children++] = child;
	}
	if (copy->n_children != node->n_children)
		copy->gen = gen;
	return 0;
}

static bool same_as(const struct node *copy, const struct node *node)
{
	return copy->data == node->data && copy->n_children == node->n_children &&
	       !memcmp(copy->child, node->child, copy->n_children * sizeof(copy->child[0]));
}

int tree_purge(struct node *root, uint16_t domid, uint64_t gen, struct node **out)
{
	struct data *data = data_without(root->data, domid);
	struct node *copy;
	int rc;

	if (!data)
		return ENOMEM;
	copy = node_alloc(data, root->n_children, data == root->data ? root->gen : gen);
	data_unref(data);
	if (!copy)
		return ENOMEM;
	rc = purge_children(copy, root, domid, gen);
	if (rc) {
		node_unref(copy);
		return rc;
	}
	if (same_as(copy, root)) {
		node_unref(copy);
		copy = node_ref(root);
	}
	*out = copy;
	return 0;
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
	struct zip z = { .dir = { before, after, NULL } };
	struct node *v[3];
	size_t base = len == 1 ? 0 : len;
	int rc;

	while (zip_next(&z, v)) {
		const struct data *data;

		if (v[0] == v[1])
			continue;
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

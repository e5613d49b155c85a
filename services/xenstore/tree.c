/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - the persistent tree of nodes
 *
 * Objects     struct data: name, permissions, value. struct node: one version of a node with
 *             its children, which are a list in pieces (struct chunk), so that a change copies
 *             one piece and not the directory.
 * Lifecycle   both are reference-counted. A node holds its data and its children; a holder
 *             of a root holds the whole snapshot.
 * Invariants  XSTREE1 nothing that is reachable by two references is ever written
 *             XSTREE2 children are sorted by name_order(), without duplicates, and no chunk is
 *                     empty
 *             XSTREE3 the tree is no deeper than PATH_DEPTH_MAX, which bounds recursion here
 */
#include "tree.h"

#include <errno.h>
#include <string.h>

#include "mem.h"
#include "path.h"
#include "tree_parts.h"

enum {
	/*
	 * The most that a child takes of its chunk: its pointer and its part of the chunk's own
	 * size. A chunk that is neither the only one nor just split is at least a quarter full
	 * on average with its neighbour.
	 */
	CHUNK_PART = 16,
	/*
	 * In the journal: the slot of the record, its padding, the generation, and all fixed
	 * fields of a node's entry.
	 */
	RECORD_FIXED = 16 + 7 + 8 + 13,
	RECORD_PERM = 3,
};

size_t data_memory(const struct data *d)
{
	return sizeof(struct node) + CHUNK_PART + sizeof(*d) +
	       d->n_perms * sizeof(d->perms[0]) + d->name_len + 1 + d->value_len +
	       2 * MEM_BLOCK;
}

size_t data_charge(const struct data *d, size_t path_len)
{
	size_t memory = data_memory(d);
	size_t record = RECORD_FIXED + path_len + d->n_perms * RECORD_PERM + d->value_len;

	return memory > record ? memory : record;
}

static bool numeric(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return len;
}

struct data *data_new(const char *name, const void *value, size_t value_len,
	const struct perm *perms, unsigned int n_perms, uint16_t acct)
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
	d->name_len = (uint16_t)name_len;
	d->numeric = numeric(name, name_len);
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

struct node *node_alloc(struct data *data, uint32_t n_chunks, uint64_t gen)
{
	struct node *node = mem_alloc(sizeof(*node) + n_chunks * sizeof(node->chunk[0]));

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

struct chunk *chunk_new(struct node *const *child, uint32_t n)
{
	struct chunk *c = mem_alloc(sizeof(*c) + n * sizeof(c->child[0]));
	uint32_t i;

	if (!c)
		return NULL;
	c->refs = 1;
	c->n = n;
	for (i = 0; i < n; i++)
		c->child[i] = node_ref(child[i]);
	return c;
}

struct chunk *chunk_ref(struct chunk *c)
{
	c->refs++;
	return c;
}

void chunk_unref(struct chunk *c)
{
	uint32_t i;

	if (!c || --c->refs)
		return;
	for (i = 0; i < c->n; i++)
		node_unref(c->child[i]);
	mem_free(c);
}

void node_unref(struct node *node)
{
	uint32_t i;

	if (!node || --node->refs)
		return;
	for (i = 0; i < node->n_chunks; i++)
		chunk_unref(node->chunk[i]);
	data_unref(node->data);
	mem_free(node);
}

/* Numbers come first, ordered by value, so that devices are in the order of their numbers. */
int name_order(const struct name *a, const struct name *b)
{
	size_t min = a->len < b->len ? a->len : b->len;
	int c;

	if (a->numeric != b->numeric)
		return a->numeric ? -1 : 1;
	if (a->numeric && a->len != b->len)
		return a->len < b->len ? -1 : 1;
	c = memcmp(a->text, b->text, min);
	if (c || a->len == b->len)
		return c;
	return a->len < b->len ? -1 : 1;
}

/* The place of a child in its parent's list, or the place where it would be added. */
struct slot {
	uint32_t chunk, at;
	bool found;
};

static int child_order(const struct node *child, const struct name *name)
{
	const struct name own = name_of(child);

	return name_order(&own, name);
}

/* How many chunks begin with `name` or with a name before it. */
static uint32_t chunks_up_to(const struct node *node, const struct name *name)
{
	uint32_t lo = 0, hi = node->n_chunks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (child_order(node->chunk[mid]->child[0], name) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct slot child_slot(const struct node *node, const char *text, size_t len)
{
	struct name name = { .text = text, .len = len };
	struct slot slot = { 0 };
	const struct chunk *c;
	uint32_t lo = 0, hi;

	if (!node->n_chunks)
		return slot;
	name.numeric = numeric(text, len);
	if (node->n_chunks > 1)
		slot.chunk = chunks_up_to(node, &name);
	slot.chunk -= slot.chunk > 0;
	c = node->chunk[slot.chunk];
	for (hi = c->n; lo < hi && !slot.found;) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = child_order(c->child[mid], &name);

		slot.found = !order;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	slot.at = slot.found ? hi : lo;
	return slot;
}

static struct node *child_at(const struct node *node, struct slot slot)
{
	return node->chunk[slot.chunk]->child[slot.at];
}

struct node *tree_find_nearest(struct node *root, const char *path, size_t *len)
{
	struct node *node = root;
	const char *at = path + 1;

	*len = 1;
	while (*at) {
		size_t n = path_name_len(at);
		struct slot slot = child_slot(node, at, n);

		if (!slot.found)
			break;
		node = child_at(node, slot);
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

static size_t chunk_memory(const struct chunk *c)
{
	return sizeof(*c) + c->n * sizeof(c->child[0]) + MEM_BLOCK;
}

size_t tree_path_memory(struct node *root, const char *path)
{
	struct node *node = root;
	const char *at = path + 1;
	size_t bytes = 0;

	for (;;) {
		size_t n = path_name_len(at);
		struct slot slot = child_slot(node, at, n);

		bytes += sizeof(*node) + node->n_chunks * sizeof(node->chunk[0]) + MEM_BLOCK;
		if (node->n_chunks)
			bytes += chunk_memory(node->chunk[slot.chunk]);
		if (!slot.found)
			return bytes;
		node = child_at(node, slot);
		at += n + (at[n] == '/');
	}
}

/* The chunks [from, from + n_old) of a directory are replaced by made[]. */
struct edit {
	uint32_t from, n_old, n_made;
	struct chunk *made[2];
};

/* Few enough to be joined in one chunk that still has room. */
static bool small_together(uint32_t n, const struct chunk *neighbour)
{
	return n + neighbour->n <= CHUNK_MAX * 3 / 4;
}

static uint32_t list_add(struct node **list, uint32_t n, const struct chunk *c)
{
	memcpy(list + n, c->child, c->n * sizeof(c->child[0]));
	return n + c->n;
}

/*
 * Lists the children that the chunk will have. A chunk that has become small is joined with a
 * neighbour.
 */
static uint32_t edit_list(struct edit *e, const struct node *node, struct slot slot,
	struct node *child, struct node **list)
{
	const struct chunk *c = node->n_chunks ? node->chunk[slot.chunk] : NULL;
	uint32_t n = 0, size = c ? c->n : 0, i;

	e->from = slot.chunk;
	e->n_old = c ? 1 : 0;
	size = size + (child ? 1 : 0) - (slot.found ? 1 : 0);
	if (!child && slot.chunk && small_together(size, node->chunk[slot.chunk - 1])) {
		e->from--;
		e->n_old++;
		n = list_add(list, n, node->chunk[e->from]);
	}
	for (i = 0; i < slot.at; i++)
		list[n++] = c->child[i];
	if (child)
		list[n++] = child;
	for (i += slot.found ? 1 : 0; c && i < c->n; i++)
		list[n++] = c->child[i];
	if (!child && slot.chunk + 1 < node->n_chunks &&
		small_together(n, node->chunk[slot.chunk + 1])) {
		e->n_old++;
		n = list_add(list, n, node->chunk[slot.chunk + 1]);
	}
	return n;
}

static bool edit_prepare(
	struct edit *e, const struct node *node, struct slot slot, struct node *child)
{
	struct node *list[CHUNK_MAX + 1];
	uint32_t n = edit_list(e, node, slot, child, list), first = n > CHUNK_MAX ? n / 2 : n;

	e->n_made = (n > 0) + (n > first);
	e->made[0] = n ? chunk_new(list, first) : NULL;
	e->made[1] = n > first ? chunk_new(list + first, n - first) : NULL;
	if ((!n || e->made[0]) && (n == first || e->made[1]))
		return true;
	chunk_unref(e->made[0]);
	chunk_unref(e->made[1]);
	return false;
}

/*
 * A copy of `node` with the child in `slot` replaced by `child`. If the slot has no child,
 * `child` is added; if `child` is NULL, the old child is left out. Takes over the reference to
 * `child` even if it fails.
 */
static struct node *copy_with_child(
	struct node *node, struct slot slot, struct node *child, uint64_t gen)
{
	bool listed = !slot.found || !child;
	struct node *copy = NULL;
	uint32_t i, n;
	struct edit e;

	if (edit_prepare(&e, node, slot, child)) {
		n = node->n_chunks - e.n_old + e.n_made;
		copy = node_alloc(node->data, n, listed ? gen : node->gen);
		for (i = 0; !copy && i < e.n_made; i++)
			chunk_unref(e.made[i]);
	}
	node_unref(child); /* the chunk has its own reference */
	if (!copy)
		return NULL;
	for (i = 0; i < e.from; i++)
		copy->chunk[i] = chunk_ref(node->chunk[i]);
	memcpy(copy->chunk + e.from, e.made, e.n_made * sizeof(e.made[0]));
	for (i = e.from + e.n_old; i < node->n_chunks; i++)
		copy->chunk[i - e.n_old + e.n_made] = chunk_ref(node->chunk[i]);
	copy->n_chunks = n;
	copy->n_children = node->n_children + (child ? 1 : 0) - (slot.found ? 1 : 0);
	return copy;
}

static struct node *copy_with_data(struct node *node, struct data *data, uint64_t gen)
{
	struct node *copy = node_alloc(data, node->n_chunks, gen);
	uint32_t i;

	if (!copy)
		return NULL;
	for (i = 0; i < node->n_chunks; i++)
		copy->chunk[i] = chunk_ref(node->chunk[i]);
	copy->n_chunks = node->n_chunks;
	copy->n_children = node->n_children;
	return copy;
}

/* `at` is the rest of the path below `node`; data NULL removes the node there. */
static struct node *change_below(
	struct node *node, const char *at, struct data *data, uint64_t gen)
{
	size_t len = path_name_len(at);
	struct node *child;
	struct slot slot;

	if (!*at)
		return data ? copy_with_data(node, data, gen) : NULL;
	slot = child_slot(node, at, len);
	if (at[len])
		child = change_below(child_at(node, slot), at + len + 1, data, gen);
	else if (!data)
		return copy_with_child(node, slot, NULL, gen);
	else if (slot.found)
		child = copy_with_data(child_at(node, slot), data, gen);
	else
		child = node_new(data, gen);
	return child ? copy_with_child(node, slot, child, gen) : NULL;
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

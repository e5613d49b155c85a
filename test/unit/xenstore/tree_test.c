/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_test.c - directories in chunks, compared with plain arrays: find, change, compare and
 * merge large ones
 */
#include <stdlib.h>

#include "client.h"

enum { KEYS = 400, ROUNDS = 4000 };

static const struct perm none = { 0, 0 };
static uint32_t seed;

static unsigned random_below(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* A directory as an array: 0 is an absent key, else the value of the key. */
struct model {
	unsigned value[KEYS];
};

/* Numbers and other names, so that both sort orders occur. */
static void key_path(char *out, unsigned key) { sprintf(out, key % 2 ? "/k%u" : "/%u", key); }

static struct node *empty_root(void)
{
	struct data *d = data_new("", NULL, 0, &none, 1, 0);
	struct node *root = node_new(d, 1);

	data_unref(d);
	return root;
}

static void put(struct node **root, struct model *m, unsigned key, unsigned value)
{
	char path[16], text[16];
	struct node *next;
	struct data *d;

	key_path(path, key);
	if (value) {
		sprintf(text, "%u", value);
		d = data_new(path + 1, text, strlen(text) + 1, &none, 1, 0);
		assert_int_equal(tree_put(*root, path, d, 2, &next), 0);
		data_unref(d);
	} else {
		if (!m->value[key])
			return;
		assert_int_equal(tree_remove(*root, path, 2, &next), 0);
	}
	m->value[key] = value;
	node_unref(*root);
	*root = next;
}

static bool comes_before(const struct node *a, const struct node *b)
{
	const char *x = data_name(a->data), *y = data_name(b->data);

	if ((*x == 'k') != (*y == 'k'))
		return *y == 'k';
	if (*x != 'k' && strlen(x) != strlen(y))
		return strlen(x) < strlen(y);
	return strcmp(x, y) < 0;
}

static void same_as_model(struct node *root, const struct model *m)
{
	struct children at = { .dir = root };
	struct node *child, *last = NULL;
	unsigned n = 0, key;
	char path[16];

	while ((child = children_next(&at))) {
		assert_true(!last || comes_before(last, child));
		last = child;
		n++;
	}
	assert_int_equal(n, root->n_children);
	for (key = 0; key < KEYS; key++) {
		key_path(path, key);
		child = tree_find(root, path);
		assert_int_equal(
			child ? strtol(data_value(child->data), NULL, 10) : 0, m->value[key]);
		n -= child != NULL;
	}
	assert_int_equal(n, 0);
}

/* No chunk is empty or too large, and no two neighbours are small enough to be one. */
static void chunks_are_well_filled(const struct node *root)
{
	uint32_t i;

	for (i = 0; i < root->n_chunks; i++) {
		assert_in_range(root->chunk[i]->n, 1, CHUNK_MAX);
		if (i)
			assert_true(root->chunk[i]->n + root->chunk[i - 1]->n > CHUNK_MAX / 2);
	}
}

static void changes(void **state)
{
	struct model m = { { 0 } };
	struct node *root = empty_root();
	unsigned i, likely;

	(void)state;
	seed = 1;
	for (i = 0; i < ROUNDS; i++) {
		likely = i % 2000 < 1000 ? 4 : 1; /* the directory grows, then shrinks */
		put(&root, &m, random_below(KEYS), random_below(5) < likely ? i + 1 : 0);
		chunks_are_well_filled(root);
		if (i % 20 == 0)
			same_as_model(root, &m);
	}
	for (i = 0; i < KEYS; i++)
		put(&root, &m, i, 0);
	assert_int_equal(root->n_children + root->n_chunks, 0);
	node_unref(root);
}

static struct model *diffed;

static int apply(void *ctx, const struct diff *d)
{
	unsigned key = (unsigned)strtoul(d->path + 1 + (d->path[1] == 'k'), NULL, 10);
	unsigned before = d->before ? (unsigned)strtoul(data_value(d->before), NULL, 10) : 0;

	(void)ctx;
	assert_int_equal(diffed->value[key], before);
	assert_ptr_not_equal(d->before, d->after);
	diffed->value[key] = d->after ? (unsigned)strtoul(data_value(d->after), NULL, 10) : 0;
	return 0;
}

static void some_changes(struct node **root, struct model *m, unsigned n)
{
	while (n--)
		put(root, m, random_below(KEYS), random_below(3) ? random_below(10000) + 1 : 0);
}

static void differences(void **state)
{
	struct model m = { { 0 } }, before;
	struct node *root = empty_root(), *old;
	unsigned i;

	(void)state;
	seed = 2;
	some_changes(&root, &m, 300);
	for (i = 0; i < 300; i++) {
		before = m;
		old = node_ref(root);
		some_changes(&root, &m, 1 + i % 30);
		diffed = &before;
		tree_diff(old, root, apply, NULL);
		assert_memory_equal(&before, &m, sizeof(m));
		node_unref(old);
	}
	node_unref(root);
}

/* A key that one side has changed is changed; if both have changed it, there is a conflict. */
static bool merge_models(const struct model *base, const struct model *mine,
	const struct model *live, struct model *out)
{
	unsigned i;

	for (i = 0; i < KEYS; i++) {
		bool by_me = mine->value[i] != base->value[i];

		if (by_me && live->value[i] != base->value[i])
			return false;
		out->value[i] = by_me ? mine->value[i] : live->value[i];
	}
	return true;
}

static void merges(void **state)
{
	struct node *root = empty_root(), *mine, *live, *merged;
	struct model base = { { 0 } }, my, their, both;
	unsigned i, done = 0, refused = 0, j;
	int rc;

	(void)state;
	seed = 3;
	some_changes(&root, &base, 300);
	for (i = 0; i < 600; i++) {
		mine = node_ref(root);
		live = node_ref(root);
		my = their = base;
		for (j = i % 4; j--;)
			put(&mine, &my, random_below(KEYS / 2) * 2 % KEYS, 20000 + i * 8 + j);
		put(&mine, &my, random_below(KEYS), 0);
		for (j = i % 5; j--;)
			put(&live, &their, random_below(KEYS), 40000 + i * 8 + j);
		put(&live, &their, random_below(KEYS), 0);
		rc = tree_merge(root, mine, live, 9, &merged);
		if (merge_models(&base, &my, &their, &both)) {
			assert_int_equal(rc, 0);
			same_as_model(merged, &both);
			node_unref(root);
			root = merged;
			base = both;
			done++;
		} else {
			assert_int_equal(rc, EAGAIN);
			assert_null(merged);
			refused++;
		}
		node_unref(mine);
		node_unref(live);
	}
	assert_true(done > 100 && refused > 5);
	node_unref(root);
}

/* Each allocation of a merge fails once, and nothing is lost. */
static void merging_without_memory(void **state)
{
	struct model base = { { 0 } }, my, their;
	struct node *root = empty_root(), *mine, *live, *merged = NULL;
	size_t used, room;

	(void)state;
	seed = 4;
	some_changes(&root, &base, 300);
	mine = node_ref(root);
	live = node_ref(root);
	my = their = base;
	put(&mine, &my, 10, 1);
	put(&live, &their, 300, 2);
	used = mem_used();
	for (room = 0; !merged; room += 16) {
		mem_set_limit(used + room);
		if (tree_merge(root, mine, live, 9, &merged))
			assert_int_equal(mem_used(), used);
		mem_set_limit(SIZE_MAX);
	}
	assert_true(room > 64);
	node_unref(merged);
	node_unref(mine);
	node_unref(live);
	node_unref(root);
}

static int nothing_left(void **state)
{
	(void)state;
	assert_int_equal(mem_used(), 0);
	return 0;
}

#define TREE(fn) cmocka_unit_test_teardown(fn, nothing_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(changes),
		TREE(differences),
		TREE(merges),
		TREE(merging_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

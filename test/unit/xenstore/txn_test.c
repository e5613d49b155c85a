/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn_test.c - transactions: what they see, when they commit, and which watches fire
 */
#include "client.h"
#include "proto/xs.h"

#define COMMIT(sess, tx) ASK_TX(sess, tx, XS_TRANSACTION_END, "T\0")

static void isolated_until_committed(void **state)
{
	uint32_t tx;

	(void)state;
	ASK(dom0, XS_WRITE, "/a/x\0old");
	ASK(dom0, XS_WATCH, "/a\0t\0");
	event_is(dom0, "/a", "t");
	tx = txn_begin(dom0);
	ASK_TX(dom0, tx, XS_WRITE, "/a/x\0new");
	DONE();
	ASK_TX(dom0, tx, XS_MKDIR, "/a/y/z\0");
	ASK_TX(dom0, tx, XS_READ, "/a/x\0");
	GOT("new");
	ASK(dom0, XS_READ, "/a/x\0");
	GOT("old");
	ASK(dom0, XS_DIRECTORY, "/a\0");
	GOT("x\0");
	no_event(dom0);
	COMMIT(dom0, tx);
	DONE();
	ASK(dom0, XS_READ, "/a/x\0");
	GOT("new");
	event_is(dom0, "/a/x", "t");
	event_is(dom0, "/a/y/z", "t");
	no_event(dom0);
	ASK_TX(dom0, tx, XS_READ, "/a/x\0");
	FAILED("ENOENT");
	COMMIT(dom0, tx);
	FAILED("ENOENT");
}

static void sees_its_snapshot(void **state)
{
	uint32_t tx;

	(void)state;
	ASK(dom0, XS_WRITE, "/a\0one");
	tx = txn_begin(dom0);
	ASK(dom0, XS_WRITE, "/a\0two");
	ASK(dom0, XS_WRITE, "/b\0two");
	ASK_TX(dom0, tx, XS_READ, "/a\0");
	GOT("one");
	ASK_TX(dom0, tx, XS_READ, "/b\0");
	FAILED("ENOENT");
	COMMIT(dom0, tx);
	FAILED("EAGAIN");
}

static void abandoned(void **state)
{
	uint32_t tx = txn_begin(dom0);

	(void)state;
	ASK_TX(dom0, tx, XS_WRITE, "/a\0x");
	ASK_TX(dom0, tx, XS_TRANSACTION_END, "X\0");
	FAILED("EINVAL");
	ASK_TX(dom0, tx, XS_TRANSACTION_END, "");
	FAILED("EINVAL");
	ASK_TX(dom0, tx, XS_TRANSACTION_END, "F\0");
	DONE();
	ASK(dom0, XS_READ, "/a\0");
	FAILED("ENOENT");
	ASK_TX(dom0, 999, XS_READ, "/a\0");
	FAILED("ENOENT");
	ASK(dom0, XS_TRANSACTION_END, "T\0");
	FAILED("ENOENT");
	ASK_TX(dom0, 1, XS_TRANSACTION_START, "\0");
	FAILED("EBUSY");
}

/*
 * Each row says what a transaction does, what happens in the meantime, and whether it may still
 * commit.
 */
struct step {
	uint32_t type;
	const char *body;
	size_t len;
};
#define STEP(type, body) \
	{ \
		type, body, sizeof(body) - 1 \
	}

static const struct {
	struct step in, out;
	bool commits;
} conflicts[] = {
	{ STEP(XS_WRITE, "/a/x\0m"), STEP(XS_WRITE, "/b/x\0l"), true },
	{ STEP(XS_WRITE, "/a/x\0m"), STEP(XS_WRITE, "/a/y\0l"), true },
	{ STEP(XS_WRITE, "/a/new\0m"), STEP(XS_WRITE, "/a/other\0l"), true },
	{ STEP(XS_WRITE, "/a/x\0m"), STEP(XS_RM, "/a/y\0"), true },
	{ STEP(XS_RM, "/a/x\0"), STEP(XS_WRITE, "/a/y\0l"), true },
	{ STEP(XS_READ, "/a/x\0"), STEP(XS_WRITE, "/a/y\0l"), true },
	{ STEP(XS_DIRECTORY, "/a\0"), STEP(XS_WRITE, "/a/y\0l"), true },
	{ STEP(XS_READ, "/a/none\0"), STEP(XS_WRITE, "/a/other\0l"), true },
	{ STEP(XS_WRITE, "/a/x\0m"), STEP(XS_WRITE, "/a/x\0l"), false },
	{ STEP(XS_WRITE, "/a/x\0m"), STEP(XS_RM, "/a/x\0"), false },
	{ STEP(XS_WRITE, "/a/x\0m"), STEP(XS_RM, "/a\0"), false },
	{ STEP(XS_RM, "/a/x\0"), STEP(XS_WRITE, "/a/x\0l"), false },
	{ STEP(XS_RM, "/a\0"), STEP(XS_WRITE, "/a/x\0l"), false },
	{ STEP(XS_RM, "/a/x\0"), STEP(XS_RM, "/a/x\0"), false },
	{ STEP(XS_WRITE, "/a/new\0m"), STEP(XS_WRITE, "/a/new\0l"), false },
	{ STEP(XS_WRITE, "/a/new/deep\0m"), STEP(XS_WRITE, "/a/new/other\0l"), false },
	{ STEP(XS_WRITE, "/a/new\0m"), STEP(XS_SET_PERMS, "/a\0b0\0"), false },
	{ STEP(XS_WRITE, "/a/new\0m"), STEP(XS_RM, "/a\0"), false },
	{ STEP(XS_READ, "/a/x\0"), STEP(XS_WRITE, "/a/x\0l"), false },
	{ STEP(XS_READ, "/a/x\0"), STEP(XS_RM, "/a\0"), false },
	{ STEP(XS_READ, "/a/none\0"), STEP(XS_WRITE, "/a/none\0l"), false },
	{ STEP(XS_DIRECTORY, "/a\0"), STEP(XS_WRITE, "/a/other\0l"), false },
	{ STEP(XS_DIRECTORY, "/a\0"), STEP(XS_RM, "/a/x\0"), false },
	{ STEP(XS_GET_PERMS, "/a/x\0"), STEP(XS_SET_PERMS, "/a/x\0b0\0"), false },
	{ STEP(XS_SET_PERMS, "/a/x\0r0\0"), STEP(XS_SET_PERMS, "/a/x\0b0\0"), false },
	{ STEP(XS_SET_PERMS, "/a/x\0r0\0"), STEP(XS_WRITE, "/a/x\0l"), false },
	{ STEP(XS_MKDIR, "/a/x\0"), STEP(XS_RM, "/a/x\0"), false },
};

static void conflict_table(void **state)
{
	uint32_t tx;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
		const struct step *in = &conflicts[i].in, *out = &conflicts[i].out;

		ASK(dom0, XS_MKDIR, "/a\0");
		ASK(dom0, XS_RM, "/a\0");
		ASK(dom0, XS_WRITE, "/a/x\0x");
		ASK(dom0, XS_WRITE, "/a/y\0y");
		ASK(dom0, XS_WRITE, "/b/x\0x");
		tx = txn_begin(dom0);
		ask(dom0, in->type, tx, in->body, in->len);
		ask(dom0, out->type, 0, out->body, out->len);
		assert_int_not_equal(R.hdr.type, XS_ERROR);
		COMMIT(dom0, tx);
		if ((R.hdr.type != XS_ERROR) != conflicts[i].commits)
			fail_msg("row %zu: %s", i, R.body);
		if (R.hdr.type == XS_ERROR)
			assert_string_equal(R.body, "EAGAIN");
		assert_int_equal(store_check(&S), 0);
	}
}

static void both_sides_merge(void **state)
{
	uint32_t tx, tx2;

	(void)state;
	ASK(dom0, XS_WRITE,
		"/a/x\0"
		"0");
	ASK(dom0, XS_WRITE,
		"/a/y\0"
		"0");
	tx = txn_begin(dom0);
	tx2 = txn_begin(dom0);
	ASK_TX(dom0, tx, XS_WRITE,
		"/a/x\0"
		"1");
	ASK_TX(dom0, tx, XS_WRITE,
		"/a/p/q\0"
		"1");
	ASK_TX(dom0, tx2, XS_WRITE,
		"/a/y\0"
		"2");
	ASK_TX(dom0, tx2, XS_WRITE,
		"/a/r/s\0"
		"2");
	COMMIT(dom0, tx);
	DONE();
	COMMIT(dom0, tx2);
	DONE();
	ASK(dom0, XS_DIRECTORY, "/a\0");
	GOT("p\0r\0x\0y\0");
	ASK(dom0, XS_READ, "/a/x\0");
	GOT("1");
	ASK(dom0, XS_READ, "/a/y\0");
	GOT("2");
	ASK(dom0, XS_READ, "/a/p/q\0");
	GOT("1");
	ASK(dom0, XS_READ, "/a/r/s\0");
	GOT("2");
}

/*
 * A list of children that a merge has changed counts as changed for a transaction that has read
 * it before.
 */
static void a_merged_directory_has_changed(void **state)
{
	uint32_t reader, writer;

	(void)state;
	ASK(dom0, XS_WRITE, "/a/x\0x");
	ASK(dom0, XS_WRITE, "/a/y\0y");
	writer = txn_begin(dom0);
	ASK_TX(dom0, writer, XS_WRITE, "/a/new\0m");
	ASK(dom0, XS_WRITE, "/a/y\0l");
	reader = txn_begin(dom0);
	ASK_TX(dom0, reader, XS_DIRECTORY, "/a\0");
	GOT("x\0y\0");
	COMMIT(dom0, writer);
	DONE();
	COMMIT(dom0, reader);
	FAILED("EAGAIN");
}

/* So does a node from which the end of a domain has taken something. */
static void the_end_of_a_domain_is_a_change(void **state)
{
	uint32_t lists, rights;

	(void)state;
	furnish();
	ASK(dom0, XS_WRITE, "/for5\0x");
	ASK(dom0, XS_SET_PERMS, "/for5\0n0\0r5\0");
	lists = txn_begin(dom0);
	rights = txn_begin(dom0);
	ASK_TX(dom0, lists, XS_DIRECTORY, "/local/domain/5\0");
	GOT("data\0device\0");
	ASK_TX(dom0, rights, XS_GET_PERMS, "/for5\0");
	GOT("n0\0r5\0");
	assert_int_equal(store_release(&S, NULL, 5), 0);
	COMMIT(dom0, lists);
	FAILED("EAGAIN");
	COMMIT(dom0, rights);
	FAILED("EAGAIN");
}

/*
 * The merge alone finds these conflicts, too. In requests, the notes of what was read find them
 * first.
 */
static void merge_alone(void **state)
{
	static const struct perm none = { 0, 0 };
	struct data *d[3] = { data_new("", "b", 1, &none, 1, 0),
		data_new("", "m", 1, &none, 1, 0), data_new("", "l", 1, &none, 1, 0) };
	struct node *n[3] = { node_new(d[0], 1), node_new(d[1], 2), node_new(d[2], 3) }, *out;
	int i;

	(void)state;
	assert_int_equal(tree_merge(n[0], n[1], n[2], 9, &out), EAGAIN);
	assert_int_equal(tree_merge(n[0], n[1], n[0], 9, &out), 0);
	assert_ptr_equal(out->data, d[1]);
	node_unref(out);
	assert_int_equal(tree_merge(n[0], n[0], n[2], 9, &out), 0);
	assert_ptr_equal(out->data, d[2]);
	node_unref(out);
	for (i = 0; i < 3; i++) {
		node_unref(n[i]);
		data_unref(d[i]);
	}
}

static void rights_in_transactions(void **state)
{
	uint32_t tx;

	(void)state;
	furnish();
	tx = txn_begin(guest);
	ASK_TX(guest, tx, XS_WRITE, "/vm/x\0x");
	FAILED("EACCES");
	ASK_TX(guest, tx, XS_WRITE, "device/x\0x");
	DONE();
	ASK_TX(backend, tx, XS_READ, "/local/domain/5/device/x\0");
	FAILED("ENOENT");
	ASK_TX(other, tx, XS_TRANSACTION_END, "T\0");
	FAILED("ENOENT");
	/* the right to make the node is withdrawn while the transaction is open */
	ASK(dom0, XS_SET_PERMS, "/local/domain/5/device\0n0\0");
	COMMIT(guest, tx);
	FAILED("EAGAIN");
	ASK(dom0, XS_READ, "/local/domain/5/device/x\0");
	FAILED("ENOENT");
}

static void events_in_order_of_touch(void **state)
{
	uint32_t tx;

	(void)state;
	ASK(dom0, XS_WRITE, "/o/gone/deep\0x");
	ASK(dom0, XS_WATCH, "/o\0t\0");
	ASK(dom0, XS_WATCH, "/o/gone/deep\0d\0");
	event_is(dom0, "/o", "t");
	event_is(dom0, "/o/gone/deep", "d");
	tx = txn_begin(dom0);
	ASK_TX(dom0, tx, XS_WRITE, "/o/b\0x");
	ASK_TX(dom0, tx, XS_RM, "/o/gone\0");
	ASK_TX(dom0, tx, XS_READ, "/o\0");
	ASK_TX(dom0, tx, XS_WRITE, "/o/a\0x");
	ASK_TX(dom0, tx, XS_WRITE, "/o/b\0y");
	ASK_TX(dom0, tx, XS_WRITE, "/o/brief\0y");
	ASK_TX(dom0, tx, XS_RM, "/o/brief\0");
	COMMIT(dom0, tx);
	DONE();
	event_is(dom0, "/o/b", "t");
	event_is(dom0, "/o/gone", "t");
	event_is(dom0, "/o/gone/deep", "d");
	event_is(dom0, "/o/a", "t");
	no_event(dom0);
}

static void old_snapshots_are_doomed(void **state)
{
	static char msg[2048] = "/noise";
	uint32_t tx;
	unsigned i;

	(void)state;
	furnish();
	S.quota.snapshot = 512 << 10;
	ASK(guest, XS_WRITE, "device/x\0x");
	tx = txn_begin(guest);
	ASK_TX(guest, tx, XS_WRITE, "device/x\0y");
	for (i = 0; i < 400; i++)
		ask(dom0, XS_WRITE, 0, msg, sizeof(msg));
	assert_null(TAILQ_FIRST(&guest->txns)->base);
	ASK_TX(guest, tx, XS_READ, "device/x\0");
	GOT("x");
	ASK_TX(guest, tx, XS_WRITE, "device/y\0y");
	DONE();
	COMMIT(guest, tx);
	FAILED("EAGAIN");
	ASK(guest, XS_READ, "device/y\0");
	FAILED("ENOENT");
	assert_int_equal(guest->n_txns, 0);
}

/* The commit that makes other snapshots too old does not count its own snapshot as too old. */
static void commits_at_the_limit(void **state)
{
	uint32_t tx;

	(void)state;
	furnish();
	ASK(guest, XS_WATCH, "device\0t\0");
	event_is(guest, "device", "t");
	tx = txn_begin(guest);
	ASK_TX(guest, tx, XS_WRITE, "device/x\0y");
	ASK(dom0, XS_WRITE, "/noise\0x");
	S.quota.snapshot = S.replaced - TAILQ_FIRST(&guest->txns)->replaced_at_start;
	COMMIT(guest, tx);
	DONE();
	event_is(guest, "device/x", "t");
	ASK(guest, XS_READ, "device/x\0");
	GOT("y");
}

/* ---- XS_MAKE: one change without a transaction ---- */

static void many_nodes(void **state)
{
	uint64_t gen;

	(void)state;
	furnish();
	ASK(dom0, XS_WATCH, "/vm\0v\0");
	DONE();
	event_is(dom0, "/vm", "v");
	gen = S.gen;
	ASK(dom0, XS_MAKE,
		"/vm/u\0n0\0r5\0\0\0"
		"/vm/u/name\0\0web\0"
		"/local/domain/5/data\0n5\0\0\0");
	DONE();
	ASK(guest, XS_READ, "/vm/u/name\0");
	GOT("web");
	ASK(dom0, XS_GET_PERMS, "/vm/u/name\0");
	GOT("n0\0r5\0");
	ASK(guest, XS_WRITE,
		"data/x\0"
		"1");
	DONE();
	event_is(dom0, "/vm/u", "v");
	event_is(dom0, "/vm/u/name", "v");
	no_event(dom0);
	assert_true(S.gen > gen);
	assert_int_equal(store_check(&S), 0);
	ASK(dom0, XS_MAKE, "/vm/u/name\0\0db\0"); /* a node that is there gets the value */
	DONE();
	ASK(dom0, XS_READ, "/vm/u/name\0");
	GOT("db");
}

/* Nothing of a request with a mistake is there, and nobody hears of it. */
static void many_or_none(void **state)
{
	static const struct {
		const char *body;
		size_t len;
		const char *error;
	} bad[] = {
#define BAD(body, error) { body, sizeof(body) - 1, error }
		BAD("/a\0\0x\0/b\0n0\0\0no end", "EINVAL"),
		BAD("/a\0\0x\0/b\0n0\0", "EINVAL"),
		BAD("/a\0\0x\0/b", "EINVAL"),
		BAD("/a\0\0x\0/b\0q0\0\0x\0", "EINVAL"),
		BAD("/a\0\0x\0/b//c\0\0x\0", "EINVAL"),
		BAD("", "EINVAL"),
#undef BAD
	};

	(void)state;
	ASK(dom0, XS_WATCH, "/\0v\0");
	DONE();
	event_is(dom0, "/", "v");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask(dom0, XS_MAKE, 0, bad[i].body, bad[i].len);
		if (R.hdr.type != XS_ERROR)
			fail_msg("request %zu was carried out", i);
		assert_string_equal(R.body, bad[i].error);
		ASK(dom0, XS_READ, "/a\0");
		FAILED("ENOENT");
		no_event(dom0);
	}
	ASK(guest, XS_MAKE, "data\0\0x\0"); /* only control may */
	FAILED("EACCES");
	ASK(backend, XS_MAKE, "data\0\0x\0");
	FAILED("EACCES");
	assert_int_equal(store_check(&S), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(isolated_until_committed),
		CASE(sees_its_snapshot),
		CASE(abandoned),
		CASE(conflict_table),
		CASE(both_sides_merge),
		CASE(a_merged_directory_has_changed),
		CASE(the_end_of_a_domain_is_a_change),
		CASE(merge_alone),
		CASE(rights_in_transactions),
		CASE(events_in_order_of_touch),
		CASE(old_snapshots_are_doomed),
		CASE(commits_at_the_limit),
		CASE(many_nodes),
		CASE(many_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

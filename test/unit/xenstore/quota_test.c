/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quota_test.c - what a guest may have, which domain is charged, and what happens when memory
 * runs out
 */
#include "client.h"

static int setup_small(void **state)
{
	static const struct quota small = {
		.domains = 4,
		.nodes = 6,
		.node_size = 100,
		.perms = 3,
		.watches = 3,
		.txns = 2,
		.txn_paths = 4,
		.events = 4,
		.event_bytes = 4096,
		.memory = 32768,
		.snapshot = 65536,
	};

	(void)state;
	next_seq = 1;
	return start_with(&small);
}

#define SMALL(fn) cmocka_unit_test_setup_teardown(fn, setup_small, teardown)

static void nodes(void **state)
{
	(void)state;
	furnish();
	assert_int_equal(guest->dom->nodes, 2);
	ASK(guest, XS_WRITE, "device/a/b/c\0x");
	DONE();
	ASK(guest, XS_WRITE, "device/d/e\0x");
	FAILED("ENOSPC");
	ASK(guest, XS_READ, "device/d\0");
	FAILED("ENOENT");
	ASK(guest, XS_WRITE, "device/d\0x");
	DONE();
	ASK(guest, XS_MKDIR, "device/e\0");
	FAILED("ENOSPC");
	ASK(guest, XS_WRITE, "device/d\0y");
	DONE();
	ASK(guest, XS_RM, "device/a\0");
	DONE();
	assert_int_equal(guest->dom->nodes, 3);
	ASK(guest, XS_MKDIR, "device/e\0");
	DONE();
	/* control has no limit, and what it gives away is charged to the domain that gets it */
	ASK(dom0, XS_WRITE, "/many/1/2/3/4/5/6/7\0x");
	DONE();
	ASK(dom0, XS_SET_PERMS, "/many\0n5\0");
	DONE();
	assert_int_equal(guest->dom->nodes, 5);
	ASK(dom0, XS_SET_PERMS, "/many\0n0\0");
	assert_int_equal(guest->dom->nodes, 4);
	ASK(guest, XS_WRITE, "device/f/g\0x");
	DONE();
	ASK(dom0, XS_SET_PERMS, "/many\0n5\0");
	DONE();
	assert_int_equal(guest->dom->nodes, 7);
	ASK(guest, XS_WRITE, "device/f\0y");
	DONE();
	ASK(guest, XS_MKDIR, "device/h\0");
	FAILED("ENOSPC");
}

static void nodes_in_a_transaction(void **state)
{
	uint32_t tx;

	(void)state;
	furnish();
	tx = txn_begin(guest);
	ASK_TX(guest, tx, XS_WRITE, "device/a/b\0x");
	DONE();
	ASK_TX(guest, tx, XS_WRITE, "device/c/d/e\0x");
	FAILED("ENOSPC");
	ASK_TX(guest, tx, XS_WRITE, "device/c\0x");
	DONE();
	ASK(guest, XS_WRITE, "device/z/y\0x");
	DONE();
	ASK_TX(guest, tx, XS_TRANSACTION_END, "T\0");
	FAILED("ENOSPC");
	assert_int_equal(guest->dom->nodes, 4);
	ASK(guest, XS_DIRECTORY, "device\0");
	GOT("z\0");
}

static void sizes(void **state)
{
	char msg[200];

	(void)state;
	furnish();
	memset(msg, 'v', sizeof(msg));
	memcpy(msg, "device/v", 9);
	ask(guest, XS_WRITE, 0, msg, 9 + 76);
	DONE();
	ask(guest, XS_WRITE, 0, msg, 9 + 77);
	FAILED("ENOSPC");
	memcpy(msg, "device/w", 9);
	ask(guest, XS_WRITE, 0, msg, 9 + 77);
	FAILED("ENOSPC");
	ask(dom0, XS_WRITE, 0, msg, sizeof(msg));
	DONE();
	ASK(guest, XS_SET_PERMS, "device/v\0n5\0r1\0r2\0");
	DONE();
	ASK(guest, XS_SET_PERMS, "device/v\0n5\0r1\0r2\0r3\0");
	FAILED("ENOSPC");
	ASK(dom0, XS_SET_PERMS, "/tool\0n0\0r1\0r2\0r3\0");
	DONE();
	ASK(dom0, XS_SET_PERMS,
		"/tool\0"
		"n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0"
		"n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0n0\0");
	FAILED("ENOSPC");
}

static void watches(void **state)
{
	(void)state;
	furnish();
	ASK(guest, XS_WATCH, "a\0t\0");
	ASK(guest, XS_WATCH, "b\0t\0");
	ASK(guest, XS_WATCH, "c\0t\0");
	DONE();
	ASK(guest, XS_WATCH, "d\0t\0");
	FAILED("E2BIG");
	ASK(backend, XS_WATCH, "/local/domain/5/device\0t\0");
	DONE();
	ASK(guest, XS_UNWATCH, "b\0t\0");
	DONE();
	ASK(guest, XS_WATCH, "d\0t\0");
	DONE();
	ASK(dom0, XS_WATCH, "/1\0t\0");
	ASK(dom0, XS_WATCH, "/2\0t\0");
	ASK(dom0, XS_WATCH, "/3\0t\0");
	ASK(dom0, XS_WATCH, "/4\0t\0");
	DONE();
}

static void transactions(void **state)
{
	uint32_t tx;

	(void)state;
	furnish();
	tx = txn_begin(guest);
	txn_begin(guest);
	ASK(guest, XS_TRANSACTION_START, "\0");
	FAILED("ENOSPC");
	ASK_TX(guest, tx, XS_READ, "device\0");
	ASK_TX(guest, tx, XS_READ, "device/a\0");
	ASK_TX(guest, tx, XS_READ, "device/b\0");
	ASK_TX(guest, tx, XS_READ, "device/c\0");
	FAILED("ENOENT");
	ASK_TX(guest, tx, XS_READ, "device/d\0");
	FAILED("ENOSPC");
	ASK_TX(guest, tx, XS_READ, "device/c\0");
	FAILED("ENOENT");
	ASK_TX(guest, tx, XS_TRANSACTION_END, "F\0");
	DONE();
	txn_begin(guest);
}

/*
 * Everything that a transaction holds is charged to its domain, and nothing that it has
 * released.
 */
static void memory_of_transactions(void **state)
{
	char msg[96] = "device/x";
	size_t used, bytes;
	uint32_t tx;
	unsigned i;

	(void)state;
	furnish();
	S.quota.memory = guest->dom->bytes + 16384;
	tx = txn_begin(guest);
	ask(guest, XS_WRITE, tx, msg, 80);
	used = mem_used();
	bytes = guest->dom->bytes;
	for (i = 0; i < 1000; i++) {
		ask(guest, XS_WRITE, tx, msg, 80);
		DONE();
		assert_int_equal(mem_used(), used);
		assert_int_equal(guest->dom->bytes, bytes);
	}
	S.quota.txn_paths = 1024;
	for (i = 0; i < 1000; i++) {
		used = mem_used();
		bytes = guest->dom->bytes;
		snprintf(msg + 9, sizeof(msg) - 9, "%u", i);
		msg[8] = '/';
		ask(guest, XS_READ, tx, msg, strlen(msg) + 1);
		if (!strcmp(R.body, "ENOSPC"))
			break;
		FAILED("ENOENT");
		/* except that a hash table grows now and then */
		assert_true(guest->dom->bytes - bytes + 4096 >= mem_used() - used);
	}
	FAILED("ENOSPC");
	assert_true(guest->dom->bytes <= S.quota.memory);
	memset(msg + 8, 0, sizeof(msg) - 8);
	ASK_TX(guest, tx, XS_TRANSACTION_END, "T\0");
	DONE();
	ASK(guest, XS_WRITE, "device/y\0x");
	DONE();
}

static void memory_of_watches(void **state)
{
	static char msg[4000];
	size_t len;

	(void)state;
	furnish();
	S.quota.watches = 1000;
	S.quota.memory = guest->dom->bytes + 4 * sizeof(msg);
	memset(msg, 't', sizeof(msg) - 1);
	len = sizeof(msg);
	memcpy(msg, "a", 2);
	ask(guest, XS_WATCH, 0, msg, len);
	DONE();
	memcpy(msg, "b", 2);
	ask(guest, XS_WATCH, 0, msg, len);
	memcpy(msg, "c", 2);
	ask(guest, XS_WATCH, 0, msg, len);
	DONE();
	memcpy(msg, "d", 2);
	ask(guest, XS_WATCH, 0, msg, len);
	FAILED("ENOSPC");
	ASK(guest, XS_RESET_WATCHES, "\0");
	ask(guest, XS_WATCH, 0, msg, len);
	DONE();
}

static unsigned told;
static enum quota_kind told_of;

static void tell(const struct domain *dom)
{
	assert_int_equal(dom->domid, 5);
	told++;
	told_of = dom->refused_for;
}

/* A guest that asks for too much again and again does not fill the log. */
static void refusals_are_told_once_and_counted(void **state)
{
	static const char big[200] = "device/v";
	unsigned i;

	(void)state;
	furnish();
	told = 0;
	S.refused = tell;
	ASK(guest, XS_SET_PERMS, "device\0n5\0r1\0r2\0r3\0");
	FAILED("ENOSPC");
	assert_int_equal(told, 1);
	assert_int_equal(told_of, QUOTA_PERMS);
	ask(guest, XS_WRITE, 0, big, sizeof(big));
	FAILED("ENOSPC");
	assert_int_equal(guest->dom->refused_for, QUOTA_NODE_SIZE);
	ASK(guest, XS_WRITE, "device/a/b/c/d/e\0x");
	FAILED("ENOSPC");
	assert_int_equal(guest->dom->refused_for, QUOTA_NODES);
	for (i = 0; i < 100; i++) {
		ASK(guest, XS_MKDIR, "device/a/b/c/d/e\0");
		FAILED("ENOSPC");
	}
	assert_int_equal(guest->dom->refused, 103);
	assert_int_equal(told, 1);
	ASK(dom0, XS_CONTROL,
		"quota\0"
		"5\0");
	assert_non_null(strstr(R.body, "103 refused, the last for nodes\n"));
	ASK(dom0, XS_CONTROL, "quota\0");
	assert_non_null(strstr(R.body, "6: 0 nodes"));
	ASK(dom0, XS_CONTROL,
		"quota\0"
		"77\0");
	FAILED("ENOENT");
	ASK(dom0, XS_CONTROL,
		"quota\0"
		"x\0");
	FAILED("EINVAL");
	ASK(guest, XS_CONTROL, "quota\0");
	FAILED("EACCES");
}

/*
 * Taking back what others have granted to a domain that ends does not need two copies of
 * everything at a time.
 */
static void purging_needs_little_memory(void **state)
{
	static char msg[2000] = "device/v";
	size_t n, room;
	unsigned i;

	(void)state;
	furnish();
	S.quota.memory = 4 << 20;
	ASK(dom0, XS_MKDIR, "/shared\0");
	ASK(dom0, XS_SET_PERMS, "/shared\0b6\0");
	for (i = 0; i < 600; i++) {
		n = (size_t)snprintf(msg, sizeof(msg), "/shared/%u", i) + 1;
		ask(other, XS_WRITE, 0, msg, sizeof(msg));
		DONE();
		n += (size_t)snprintf(msg + n, sizeof(msg) - n, "r6%cn5", 0) + 1;
		ask(other, XS_SET_PERMS, 0, msg, n);
		DONE();
		memset(msg, 0, sizeof(msg));
	}
	ASK(guest, XS_WRITE, "device/x\0x");
	room = 400 << 10;
	mem_set_limit(mem_used() + room);
	assert_int_equal(store_release(&S, NULL, 5), 0);
	assert_false(S.purge_due);
	mem_set_limit(SIZE_MAX);
	ASK(dom0, XS_READ, "/local/domain/5/device\0");
	FAILED("ENOENT");
	for (i = 0; i < 600; i++) {
		n = (size_t)snprintf(msg, sizeof(msg), "/shared/%u", i) + 1;
		ask(dom0, XS_GET_PERMS, 0, msg, n);
		GOT("r6\0");
	}
}

/* All snapshots of all sessions together may keep only as much as one may. */
static void memory_of_snapshots(void **state)
{
	struct session *sess[] = { guest, backend, other };
	size_t used;
	unsigned i, j;

	(void)state;
	furnish();
	ASK(dom0, XS_MKDIR, "/noise\0");
	used = mem_used();
	for (i = 0; i < 4000; i++) {
		static char msg[2000] = "/noise/x";

		for (j = 0; j < 3; j++)
			if (sess[j]->n_txns < S.quota.txns)
				txn_begin(sess[j]);
		ask(dom0, XS_WRITE, 0, msg, sizeof(msg));
		assert_true(mem_used() < used + S.quota.snapshot + (256 << 10));
	}
	assert_null(TAILQ_FIRST(&guest->txns)->base);
}

/* The last part of the memory is for removals and for control. */
static void memory_has_a_reserve(void **state)
{
	(void)state;
	furnish();
	ASK(guest, XS_WRITE, "device/x/y\0x");
	mem_set_limit(mem_used() + 8192);
	mem_set_reserve(8192);
	ASK(guest, XS_WRITE, "device/z\0x");
	FAILED("ENOMEM");
	ASK(guest, XS_WATCH, "a\0t\0");
	FAILED("ENOMEM");
	ASK(guest, XS_RM, "device/x/y\0");
	DONE();
	ASK(dom0, XS_WRITE, "/x\0x");
	DONE();
	mem_set_limit(SIZE_MAX);
	mem_set_reserve(0);
}

/*
 * Memory runs out at each possible place of each request: the client gets an error, and nothing
 * has changed.
 */
static const struct {
	uint32_t type;
	const char *body;
	size_t len;
	bool in_txn;
} starved[] = {
#define ROW(type, body, tx) \
	{ \
		type, body, sizeof(body) - 1, tx \
	}
	ROW(XS_WRITE, "/n/e/w\0value", false),
	ROW(XS_WRITE, "/old/x\0value", false),
	ROW(XS_MKDIR, "/n/e/w\0", false),
	ROW(XS_RM, "/old\0", false),
	ROW(XS_SET_PERMS, "/old/x\0n7\0r5\0", false),
	ROW(XS_SET_PERMS, "@releaseDomain\0n0\0r5\0", false),
	ROW(XS_WATCH, "/w\0t\0", false),
	ROW(XS_TRANSACTION_START, "\0", false),
	ROW(XS_WRITE, "/n/e/w\0value", true),
	ROW(XS_RM, "/old\0", true),
	ROW(XS_READ, "/old/x\0", true),
	ROW(XS_TRANSACTION_END, "T\0", true),
	ROW(XS_INTRODUCE,
		"9\0"
		"1\0"
		"1\0",
		false),
	ROW(XS_RELEASE, "5\0", false),
#undef ROW
};

static void starve(size_t row)
{
	const void *body = starved[row].body;
	size_t room, base;
	struct node *before;
	uint32_t tx = 0, errors = 0;
	void *state = NULL;

	for (room = 0;; room += 8) {
		setup(&state);
		furnish();
		ASK(guest, XS_WRITE, "device/x\0x");
		ASK(dom0, XS_WRITE, "/old/x\0x");
		if (starved[row].in_txn) {
			tx = txn_begin(dom0);
			ASK_TX(dom0, tx, XS_WRITE, "/in/txn\0x");
			ASK(dom0, XS_WRITE, "/outside\0x");
		}
		before = S.root;
		base = mem_used();
		mem_set_limit(base + room);
		ask(dom0, starved[row].type, tx, body, starved[row].len);
		mem_set_limit(SIZE_MAX);
		if (R.hdr.type != XS_ERROR && !S.purge_due)
			break;
		errors++;
		if (R.hdr.type == XS_ERROR) {
			assert_string_equal(R.body, "ENOMEM");
			assert_ptr_equal(S.root, before);
			if (starved[row].type != XS_TRANSACTION_END && !starved[row].in_txn)
				assert_int_equal(mem_used(), base);
		} else {
			ASK(dom0, XS_READ, "/tool\0");
			assert_false(S.purge_due);
			ASK(dom0, XS_READ, "/local/domain/5/device\0");
			FAILED("ENOENT");
		}
		teardown(&state);
		assert_true(room < 1 << 20);
	}
	teardown(&state);
	assert_true(errors > 0);
}

static void starvation(void **state)
{
	size_t i;

	(void)state;
	store_fini(&S);
	for (i = 0; i < sizeof(starved) / sizeof(starved[0]); i++)
		starve(i);
	setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMALL(nodes),
		SMALL(nodes_in_a_transaction),
		SMALL(sizes),
		SMALL(watches),
		SMALL(transactions),
		SMALL(memory_of_transactions),
		SMALL(memory_of_watches),
		SMALL(refusals_are_told_once_and_counted),
		CASE(purging_needs_little_memory),
		CASE(memory_of_snapshots),
		CASE(memory_has_a_reserve),
		CASE(starvation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

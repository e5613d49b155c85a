/*
 * quota_test.c - what a guest may have, who pays, and what happens when memory ends
 */
#include "client.h"

static int setup_small(void **state)
{
	static const struct quota small = {
		.nodes = 6,
		.node_size = 100,
		.perms = 3,
		.watches = 3,
		.txns = 2,
		.txn_paths = 4,
		.events = 4,
		.event_bytes = 4096,
		.memory = 16384,
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
	/* control is not bound, and what it gives away is paid by who gets it */
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

/* Rewriting one node in a transaction for ever must not take memory for ever. */
static void memory_of_transactions(void **state)
{
	char msg[96] = "device/x";
	uint32_t tx;
	unsigned i;

	(void)state;
	furnish();
	tx = txn_begin(guest);
	for (i = 0; i < 1000; i++) {
		ask(guest, XS_WRITE, tx, msg, 80);
		if (R.hdr.type == XS_ERROR)
			break;
	}
	FAILED("ENOSPC");
	assert_true(guest->dom->bytes <= 16384);
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

/* Memory ends at each possible place of each request: the asker is told, and nothing has changed. */
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
		CASE(starvation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

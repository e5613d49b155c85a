/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cost_test.c - the cost of requests in a store that guests have made as expensive as their
 * quotas allow
 *
 * Costs are counted, not timed: the compiler calls __sanitizer_cov_trace_pc() at each basic
 * block, so a number is the same on every run and every machine. The C library's work is not
 * counted; `make bench` counts it, in instructions.
 */
#include "client.h"

enum { ENTRIES = 980, FEW = 4, WATCHES = 128, DEARER = 3 };

static unsigned long blocks;

void __sanitizer_cov_trace_pc(void);

__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void) { blocks++; }

static unsigned long cost(
	struct session *sess, uint32_t type, uint32_t tx, const char *body, size_t len)
{
	unsigned long before = blocks;

	ask(sess, type, tx, body, len);
	assert_int_not_equal(R.hdr.type, XS_ERROR);
	return blocks - before;
}

#define COST(sess, type, body) cost(sess, type, 0, body, sizeof(body) - 1)
#define COST_TX(sess, tx, type, body) cost(sess, type, tx, body, sizeof(body) - 1)

static void not_dearer(const char *what, unsigned long plain, unsigned long now)
{
	if (now > DEARER * plain)
		fail_msg("%s: %lu blocks instead of %lu", what, now, plain);
	print_message("%s: %lu blocks, %lu in a small store\n", what, now, plain);
}

static void fill(const char *dir, unsigned n)
{
	char msg[64];
	unsigned i;

	for (i = 0; i < n; i++) {
		int len = snprintf(msg, sizeof(msg), "%s/k%u%cv", dir, i, 0);

		ask(guest, XS_WRITE, 0, msg, (size_t)len);
		DONE();
	}
}

static void watch_often(struct session *sess, const char *path)
{
	char msg[64];
	unsigned i;

	for (i = 0; i < WATCHES; i++) {
		int len = snprintf(msg, sizeof(msg), "%s%ct%u", path, 0, i);

		ask(sess, XS_WATCH, 0, msg, (size_t)len + 1);
		DONE();
	}
}

static void drain(struct session *sess)
{
	struct reply ev;

	while (session_event(sess, &ev))
		event_pop(sess);
}

/* The store has a journal, as in the service, because writing it is a part of the cost. */
static int setup_journal(void **state)
{
	static uint64_t area[1 << 21];
	static struct journal j;

	setup(state);
	assert_int_equal(journal_format(&j, area, sizeof(area)), 0);
	S.journal = &j;
	furnish();
	fill("data/few", FEW);
	fill("data/many", ENTRIES);
	return 0;
}

static unsigned long write_few(void) { return COST(guest, XS_WRITE, "data/few/k2\0w"); }

static unsigned long write_many(void) { return COST(guest, XS_WRITE, "data/many/k600\0w"); }

static void writing_in_a_large_directory(void **state)
{
	(void)state;
	not_dearer("write", write_few(), write_many());
	not_dearer("create", COST(guest, XS_WRITE, "data/few/x\0w"),
		COST(guest, XS_WRITE, "data/many/x\0w"));
	not_dearer("remove", COST(guest, XS_RM, "data/few/x\0"),
		COST(guest, XS_RM, "data/many/x\0"));
	not_dearer("permissions", COST(guest, XS_SET_PERMS, "data/few/k2\0n5\0r6\0"),
		COST(guest, XS_SET_PERMS, "data/many/k600\0n5\0r6\0"));
	not_dearer("read", COST(guest, XS_READ, "data/few/k2\0"),
		COST(guest, XS_READ, "data/many/k600\0"));
}

static void writing_below_many_watches(void **state)
{
	unsigned long few = write_few();

	(void)state;
	watch_often(guest, "/local/domain/5/data/many");
	watch_often(backend, "/local/domain/5/data/many");
	not_dearer("write, nobody reads", few, write_many());
	not_dearer("write again", few, write_many());
	drain(guest);
	drain(backend);
	not_dearer("write, all read", few, write_many());
}

static void writing_with_many_events_waiting(void **state)
{
	unsigned long few = write_few();
	char msg[64];
	unsigned i;

	(void)state;
	watch_often(guest, "/local/domain/5/data/many");
	drain(guest);
	for (i = 0; i < quota_default.events - 70; i++) {
		int len = snprintf(msg, sizeof(msg), "data/many/k%u%cw", i, 0);

		ask(guest, XS_WRITE, 0, msg, (size_t)len);
		DONE();
	}
	assert_int_equal(guest->n_collapsed, 0);
	not_dearer("write", few, write_many());
}

/* Every guest watches everything, and none reads its events. */
static void writing_below_watches_of_all_guests(void **state)
{
	static const char *const dirs[] = { "/", "/local", "/local/domain", "/local/domain/5",
		"/local/domain/5/data", "/local/domain/5/data/few" };
	unsigned long few = write_few();
	struct session *sess;
	unsigned i, domid;
	char msg[64];

	(void)state;
	for (domid = 10; domid < 72; domid++) {
		assert_int_equal(
			session_open(&S, domid, ROLE_GUEST, (uint16_t)domid, &sess), 0);
		for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
			int len = snprintf(msg, sizeof(msg), "%s%ct", dirs[i], 0);

			ask(sess, XS_WATCH, 0, msg, (size_t)len + 1);
			DONE();
		}
	}
	not_dearer("write", few, write_few());
}

static void dropping_watches_with_events_waiting(void **state)
{
	unsigned long idle, busy;
	char msg[64];
	unsigned i;

	(void)state;
	watch_often(guest, "/local/domain/5/data/few");
	drain(guest);
	idle = COST(guest, XS_RESET_WATCHES, "\0");
	watch_often(guest, "/local/domain/5/data");
	drain(guest);
	for (i = 0; i < 180; i++) {
		int len = snprintf(msg, sizeof(msg), "data/many/k%u%cw", i, 0);

		ask(guest, XS_WRITE, 0, msg, (size_t)len);
	}
	assert_true(guest->n_events > 170);
	busy = COST(guest, XS_RESET_WATCHES, "\0");
	not_dearer("reset of watches", idle, busy);
}

/* Both sides have changed the directory, so the transaction is merged into it. */
static unsigned long merge(const char *mine, const char *theirs)
{
	uint32_t tx = txn_begin(guest);

	ask(guest, XS_WRITE, tx, mine, strlen(mine) + 2);
	DONE();
	ask(guest, XS_WRITE, 0, theirs, strlen(theirs) + 2);
	DONE();
	return COST_TX(guest, tx, XS_TRANSACTION_END, "T\0");
}

static void merging_into_a_large_directory(void **state)
{
	(void)state;
	not_dearer("commit", merge("data/few/k1\0m", "data/few/k2\0l"),
		merge("data/many/k77\0m", "data/many/k888\0l"));
}

static void writing_beside_open_transactions(void **state)
{
	unsigned long few = write_few();
	unsigned i;

	(void)state;
	for (i = 0; i < quota_default.txns; i++) {
		txn_begin(guest);
		txn_begin(backend);
		txn_begin(other);
	}
	not_dearer("write", few, write_few());
	not_dearer("write in a large directory", few, write_many());
}

/* The most that a guest can cost by the length of its paths. */
static void writing_far_down(void **state)
{
	unsigned long few = write_few();
	char msg[XENSTORE_PAYLOAD_MAX] = "data/few";
	size_t len = strlen(msg);
	unsigned i;

	(void)state;
	ASK(guest, XS_RM, "data/many\0");
	for (i = 0; i < 59; i++)
		len += (size_t)sprintf(msg + len, "/%030u", i);
	msg[len + 1] = 'v';
	watch_often(guest, "/local/domain/5/data");
	watch_often(backend, "/local/domain/5/data");
	txn_begin(other);
	ask(guest, XS_WRITE, 0, msg, len + 2);
	DONE();
	print_message("write: %lu blocks, %lu at an ordinary place\n",
		cost(guest, XS_WRITE, 0, msg, len + 2), few);
}

#define STORE(fn) cmocka_unit_test_setup_teardown(fn, setup_journal, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(writing_in_a_large_directory),
		STORE(writing_below_many_watches),
		STORE(writing_with_many_events_waiting),
		STORE(writing_below_watches_of_all_guests),
		STORE(dropping_watches_with_events_waiting),
		STORE(merging_into_a_large_directory),
		STORE(writing_beside_open_transactions),
		STORE(writing_far_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

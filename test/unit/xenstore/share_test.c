/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_test.c - a store full of guests at their quotas: room is left for every other guest,
 * for control, and for removals
 */
#include <stdlib.h>

#include "client.h"

enum { GUESTS = 64, FIRST = 1000 };

static uint64_t area[1 << 19]; /* 4 MiB: less than all guests together may use */
static struct journal J;
static struct session *guests[GUESTS];

static void introduce(unsigned i)
{
	unsigned domid = FIRST + i;
	char msg[128];
	size_t n;

	n = (size_t)snprintf(msg, sizeof(msg), "%u%c1%c1", domid, 0, 0) + 1;
	ask(dom0, XS_INTRODUCE, 0, msg, n);
	DONE();
	n = (size_t)snprintf(msg, sizeof(msg), "/local/domain/%u/data", domid) + 1;
	ask(dom0, XS_MKDIR, 0, msg, n);
	DONE();
	n += (size_t)snprintf(msg + n, sizeof(msg) - n, "n%u", domid) + 1;
	ask(dom0, XS_SET_PERMS, 0, msg, n);
	DONE();
	assert_int_equal(
		session_open(&S, 100 + domid, ROLE_GUEST, (uint16_t)domid, &guests[i]), 0);
}

static bool guest_writes(unsigned i, unsigned key, size_t len)
{
	char msg[2100] = { 0 };
	size_t n = (size_t)snprintf(msg, sizeof(msg), "data/%u", key) + 1;

	ask(guests[i], XS_WRITE, 0, msg, n + len);
	if (R.hdr.type != XS_ERROR)
		return true;
	assert_string_equal(R.body, "ENOSPC");
	return false;
}

/* Write large values, then small ones, until not even these fit. */
static void fill(unsigned i)
{
	unsigned key = 0;

	while (guest_writes(i, key, 1900))
		key++;
	while (guest_writes(i, key, 0))
		key++;
}

static int setup_full(void **state)
{
	unsigned i;

	(void)state;
	next_seq = 1;
	mem_set_limit(SIZE_MAX);
	assert_int_equal(store_init(&S, &quota_default), 0);
	assert_int_equal(journal_format(&J, area, sizeof(area)), 0);
	S.journal = &J;
	assert_int_equal(session_open(&S, 99, ROLE_CONTROL, 0, &dom0), 0);
	for (i = 0; i < GUESTS; i++)
		introduce(i);
	for (i = 0; i < GUESTS - 1; i++)
		fill(i);
	return 0;
}

static size_t charged(void)
{
	struct domain *dom, *next;
	size_t bytes = 0;

	HASH_ITER(hh, S.domains, dom, next)
	bytes += dom->bytes;
	return bytes;
}

static void restart(void)
{
	struct journal_report report;

	store_fini(&S);
	assert_int_equal(journal_attach(&J, area, sizeof(area)), 0);
	assert_int_equal(store_init(&S, &quota_default), 0);
	persist_replay(&S, &J, &report);
	assert_int_equal(report.quarantined, 0);
	assert_int_equal(store_check(&S), 0);
	dom0 = session_find(&S, 99, ROLE_CONTROL);
}

static void the_sum_of_all_quotas_fits(void **state)
{
	const struct shares *sh = quota_shares(&S);

	(void)state;
	assert_true(
		sh->sure * S.quota.domains + sh->pool + sh->reserve <= journal_capacity(&J));
	assert_true(charged() <= journal_capacity(&J));
	assert_int_equal(persist_compact(&S), 0);
	assert_true(journal_used(&J) <= charged() + 1024);
	assert_false(S.journal_stale);
}

static void a_guest_that_wants_little_gets_it(void **state)
{
	const struct shares *sh = quota_shares(&S);
	struct domain *dom = guests[GUESTS - 1]->dom;
	unsigned i;

	(void)state;
	assert_true(guest_writes(GUESTS - 1, 1, 1900));
	fill(GUESTS - 1);
	assert_true(dom->bytes <= sh->sure);
	assert_true(dom->bytes > sh->sure - 256);
	assert_int_equal(dom->refused_for, QUOTA_SHARE);
	/* nor with other requests */
	for (i = 0; i < 2; i++) {
		char msg[400] = "data";

		memset(msg + 5, 't', 300);
		msg[305] = (char)('a' + i);
		ask(guests[GUESTS - 1], XS_WATCH, 0, msg, 307);
		FAILED("ENOSPC");
		ask(guests[GUESTS - 1], XS_TRANSACTION_START, 0, "", 1);
	}
	assert_true(dom->bytes <= sh->sure);
	/* the first guest came when there was more memory */
	assert_true(guests[0]->dom->bytes > sh->sure);
	assert_true(guests[0]->dom->bytes <= S.quota.memory);
}

static void control_has_a_reserve(void **state)
{
	struct session *late;
	char msg[2000] = "/tool/x";
	unsigned i;

	(void)state;
	for (i = 0; i < 50; i++) {
		snprintf(msg, sizeof(msg), "/tool/%u", i);
		ask(dom0, XS_WRITE, 0, msg, sizeof(msg));
		DONE();
	}
	ASK(dom0, XS_RM, "/local/domain/1000/data/5\0");
	DONE();
	ASK(dom0, XS_READ, "/local/domain/1000/data/5\0");
	FAILED("ENOENT");
	/* control's reserve has an end, too, and is not taken from guests */
	for (i = 0; R.hdr.type != XS_ERROR || strcmp(R.body, "ENOSPC"); i++) {
		snprintf(msg, sizeof(msg), "/tool/%u", i);
		ask(dom0, XS_WRITE, 0, msg, sizeof(msg));
	}
	assert_true(guest_writes(GUESTS - 1, 1, 1900));
	/* no more guests are accepted than there is room for */
	assert_int_equal(session_open(&S, 5000, ROLE_GUEST, 5000, &late), ENOMEM);
	assert_null(domain_find(&S, 5000));
	session_close(&S, guests[7]);
	store_release(&S, NULL, FIRST + 7);
	assert_int_equal(session_open(&S, 5000, ROLE_GUEST, 5000, &late), 0);
}

static void removed_nodes_give_their_share_back(void **state)
{
	size_t used = mem_used();
	unsigned i;

	(void)state;
	for (i = 0; i < GUESTS; i++) {
		session_close(&S, guests[i]);
		store_release(&S, NULL, (uint16_t)(FIRST + i));
		assert_null(domain_find(&S, (uint16_t)(FIRST + i)));
	}
	assert_true(mem_used() < used / 8);
	assert_int_equal(S.n_guests, 0);
	restart();
	ASK(dom0, XS_DIRECTORY, "/local/domain/1000\0");
	GOT("");
}

/* ---- a journal that is full all the same ------------------------------------------------- */

/*
 * Fill up with requests whose records carry no number: the room that is left is too small for
 * any record that carries one.
 */
static void overfill(void)
{
	char msg[2000] = { 0 };
	unsigned i;

	quota_shares(&S);
	S.shares.pool = SIZE_MAX / 4; /* as if the division were wrong */
	for (i = 0; i == 0 || R.hdr.type != XS_ERROR; i++) {
		snprintf(msg, sizeof(msg), "/tool/%u", i);
		ask_seq(dom0, 0, XS_WRITE, 0, msg, sizeof(msg));
	}
	FAILED("ENOSPC");
	for (i = 0; i == 0 || R.hdr.type != XS_ERROR; i++) {
		size_t n = (size_t)snprintf(msg, sizeof(msg), "/%u", i) + 1;

		ask_seq(dom0, 0, XS_MKDIR, 0, msg, n);
	}
	FAILED("ENOSPC");
	S.compact_wait = 0;
}

/* Nothing that needs room can be done. */
static void is_full(void)
{
	ASK(dom0, XS_MKDIR, "/y\0");
	FAILED("ENOSPC");
	ASK(dom0, XS_WATCH, "/y\0t\0");
	FAILED("ENOSPC");
	ASK(dom0, XS_TRANSACTION_START, "\0");
	FAILED("ENOSPC");
}

/*
 * Each removal is done although the journal has no room at all, and is in the journal as soon
 * as there is room.
 */
static void removing_needs_no_room(void **state)
{
	uint32_t tx;

	(void)state;
	ASK(dom0, XS_WATCH, "/w\0t\0");
	event_pop(dom0);
	tx = txn_begin(dom0);
	overfill();
	is_full();
	ASK(dom0, XS_RM, "/tool/1\0");
	DONE();
	ASK(dom0, XS_READ, "/tool/1\0");
	FAILED("ENOENT");
	assert_true(S.journal_stale); /* to be written when there is room */
	overfill();
	ASK(dom0, XS_UNWATCH, "/w\0t\0");
	DONE();
	overfill();
	ASK_TX(dom0, tx, XS_TRANSACTION_END, "F\0");
	DONE();
	overfill();
	store_release(&S, NULL, FIRST + 3);
	assert_int_equal(guests[3]->dom->nodes, 0);
	overfill();
	session_close(&S, guests[3]);
	assert_null(domain_find(&S, FIRST + 3));
	overfill();
	ASK(dom0, XS_RESET_WATCHES, "\0");
	DONE();
	ASK(dom0, XS_RM, "/tool\0");
	DONE();
	ASK(dom0, XS_WRITE, "/after\0x");
	DONE();
	assert_false(S.journal_stale);
	restart();
	ASK(dom0, XS_READ, "/tool/2\0");
	FAILED("ENOENT");
	ASK(dom0, XS_READ, "/after\0");
	GOT("x");
	assert_int_equal(dom0->n_watches, 0);
	assert_null(domain_find(&S, FIRST + 3));
	assert_null(session_find(&S, 100 + FIRST + 3, ROLE_GUEST));
}

static bool tried_to_compact(void)
{
	uint32_t begun = J.compactions;

	ASK(dom0, XS_READ, "/local\0");
	assert_int_not_equal(R.hdr.type, XS_ERROR);
	return J.compactions != begun;
}

/* Make the store larger than a half of the journal, which no request can do. */
static void too_much(void)
{
	char msg[2000] = { 0 };
	unsigned i;

	overfill();
	S.journal = NULL;
	for (i = 0; i < 100; i++) {
		snprintf(msg, sizeof(msg), "/tool/more/%u", i);
		ask(dom0, XS_WRITE, 0, msg, sizeof(msg));
		DONE();
	}
	S.journal = &J;
	quota_shares(&S);
	S.journal_stale = true;
	S.freed = 0;
}

static void a_compaction_that_failed_is_not_tried_at_each_request(void **state)
{
	unsigned i, tried = 0, late = 0;

	(void)state;
	too_much();
	for (i = 0; i < 2000; i++) {
		bool now = tried_to_compact();

		tried += now;
		late += now && i > 1000;
	}
	assert_in_range(tried, 3, 10);
	assert_in_range(late, 1, 2); /* but compaction is still attempted */
	/*
	 * a removal is done all the same, and the journal catches up as soon as enough has been
	 * removed
	 */
	ASK(dom0, XS_RM, "/tool/more/1\0");
	DONE();
	assert_true(S.journal_stale);
	ASK(dom0, XS_RM, "/tool\0");
	DONE();
	ASK(dom0, XS_READ, "/local\0");
	assert_false(S.journal_stale);
	assert_int_equal(S.compact_wait, 0);
	for (i = 0; i < 100; i++)
		assert_false(tried_to_compact());
	restart();
	ASK(dom0, XS_READ, "/tool/more/2\0");
	FAILED("ENOENT");
}

static void a_compaction_that_does_not_fit_changes_nothing(void **state)
{
	(void)state;
	ASK(dom0, XS_WRITE, "/before\0x");
	too_much();
	assert_true(tried_to_compact());
	assert_true(S.journal_stale);
	restart();
	assert_non_null(dom0);
	ASK(dom0, XS_READ, "/before\0");
	GOT("x");
	ASK(dom0, XS_READ, "/tool/more/1\0"); /* the journal never had it */
	FAILED("ENOENT");
}

/*
 * This holds however many nodes a domain or a directory had, and whatever others had granted to
 * it.
 */
static void the_end_of_many_nodes_is_one_short_record(void **state)
{
	size_t before, n;
	char msg[64];
	unsigned i;

	(void)state;
	for (i = 0; i < 20; i++) {
		assert_true(guest_writes(GUESTS - 1, i, 0));
		n = (size_t)snprintf(msg, sizeof(msg), "data/%u%cn%u%cr%u", i, 0,
			FIRST + GUESTS - 1, 0, FIRST);
		ask(guests[GUESTS - 1], XS_SET_PERMS, 0, msg, n + 1);
		DONE();
	}
	assert_int_equal(persist_compact(&S), 0);
	before = journal_used(&J);
	assert_true(guests[0]->dom->nodes > 100);
	store_release(&S, NULL, FIRST);
	assert_int_equal(guests[0]->dom->nodes, 0);
	assert_in_range(journal_used(&J) - before, 1, 200);
	before = journal_used(&J);
	ASK(dom0, XS_RM, "/local/domain/1001/data\0");
	DONE();
	assert_int_equal(guests[1]->dom->nodes, 0);
	assert_in_range(journal_used(&J) - before, 1, 200);
	restart();
	ASK(dom0, XS_GET_PERMS, "/local/domain/1063/data/7\0");
	GOT("n1063\0");
	ASK(dom0, XS_DIRECTORY, "/local/domain/1000\0");
	GOT("");
}

/* A long path is in the record of each node below it, and is charged each time. */
static void long_paths_are_charged(void **state)
{
	struct domain *dom = guests[GUESTS - 1]->dom;
	char msg[2048] = "/local/domain/1063/data";
	size_t len = strlen(msg), charged_before = dom->bytes, records;

	(void)state;
	while (len < 640)
		len += (size_t)sprintf(msg + len, "/%040u", 7);
	assert_int_equal(persist_compact(&S), 0);
	records = journal_used(&J);
	ask(guests[GUESTS - 1], XS_MKDIR, 0, msg, len + 1);
	DONE();
	assert_int_equal(persist_compact(&S), 0);
	records = journal_used(&J) - records;
	assert_true(records > 5 * 1024);
	assert_true(dom->bytes - charged_before + sizeof(struct xsd_sockmsg) * 4 >= records);
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(store_check(&S), 0);
	store_fini(&S);
	assert_int_equal(mem_used(), 0);
	return 0;
}

#define FULL(fn) cmocka_unit_test_setup_teardown(fn, setup_full, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FULL(the_sum_of_all_quotas_fits),
		FULL(a_guest_that_wants_little_gets_it),
		FULL(control_has_a_reserve),
		FULL(removed_nodes_give_their_share_back),
		FULL(removing_needs_no_room),
		FULL(a_compaction_that_does_not_fit_changes_nothing),
		FULL(the_end_of_many_nodes_is_one_short_record),
		FULL(long_paths_are_charged),
		FULL(a_compaction_that_failed_is_not_tried_at_each_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal_test.c - the journal: appended records come back, damaged ones do not, and the store
 * survives
 */
#include <stdlib.h>

#include "client.h"

static uint64_t area[1 << 18], copy[1 << 12];
static struct journal J;
static struct journal_report report;
static char seen[1 << 17];

static int see(void *ctx, const void *payload, size_t len)
{
	size_t at = strlen(seen);

	(void)ctx;
	memcpy(seen + at, payload, len);
	seen[at + len] = ' ';
	seen[at + len + 1] = '\0';
	return len == 6 && !memcmp(payload, "refuse", 6);
}

static int put(const char *text)
{
	journal_begin(&J);
	journal_put(&J, text, strlen(text));
	return journal_commit(&J);
}

static const char *again(size_t size)
{
	seen[0] = '\0';
	if (journal_attach(&J, area, size))
		return NULL;
	journal_replay(&J, see, NULL, &report);
	return seen;
}

static void appended_comes_back(void **state)
{
	size_t bit;

	(void)state;
	memset(area, 0, sizeof(area));
	assert_int_equal(journal_attach(&J, area, 4096), ENOENT);
	assert_int_equal(journal_format(&J, area, 4095), EINVAL);
	assert_int_equal(journal_format(&J, (char *)area + 4, 8192), EINVAL);
	assert_int_equal(journal_format(&J, area, 4096), 0);
	assert_string_equal(again(4096), "");
	assert_int_equal(put("one"), 0);
	assert_int_equal(put("two and more"), 0);
	assert_string_equal(again(4096), "one two and more ");
	assert_int_equal(put("three"), 0);
	journal_begin(&J);
	journal_put(&J, "never", 5);
	assert_string_equal(again(4096), "one two and more three ");
	assert_int_equal(report.applied, 3);
	assert_int_equal(report.quarantined, 0);
	assert_int_equal(journal_attach(&J, area, 8192), EINVAL);
	/*
	 * flip any bit of the head; the field with the start of the unused half does not matter
	 */
	for (bit = 0; bit < 32 * 8; bit++) {
		((uint8_t *)area)[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		assert_int_equal(journal_attach(&J, area, 4096), EINVAL);
		((uint8_t *)area)[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
	for (; bit < 40 * 8; bit++) {
		((uint8_t *)area)[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		assert_string_equal(again(4096), "one two and more three ");
		((uint8_t *)area)[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

enum { SLOT = 16 };

/* Any one bit of the second of four records: slot or payload, without its padding. */
static void damage_is_set_apart(void **state)
{
	uint8_t *half = (uint8_t *)area + sizeof(struct journal_head);
	size_t slots = ((4096 - sizeof(struct journal_head)) / 2) & ~(size_t)7, bit, at;

	(void)state;
	journal_format(&J, area, 4096);
	put("aaaa");
	put("bbbb");
	put("refuse");
	put("cccc");
	assert_string_equal(again(4096), "aaaa bbbb refuse cccc ");
	assert_int_equal(report.applied, 3);
	assert_int_equal(report.quarantined, 1);
	memcpy(copy, area, 4096);
	for (bit = 0; bit < (SLOT + 4) * 8; bit++) {
		memcpy(area, copy, 4096);
		at = bit / 8 < SLOT ? slots - 2 * SLOT + bit / 8 : 8 + bit / 8 - SLOT;
		half[at] ^= (uint8_t)(1 << (bit % 8));
		assert_string_equal(again(4096), "aaaa refuse cccc ");
		assert_int_equal(report.quarantined, 2);
		assert_in_range(report.quarantined_bytes, 2 * SLOT + 8, 2 * SLOT + 16);
		/* and what is appended now comes after the others */
		put("dddd");
		assert_string_equal(again(4096), "aaaa refuse cccc dddd ");
	}
	memcpy(area, copy, 4096);
	half[slots - 4 * SLOT] ^= 2; /* the last one */
	assert_string_equal(again(4096), "aaaa bbbb refuse ");
	assert_int_equal(report.quarantined, 2);
}

/*
 * A client chooses the bytes of a value. If they look like a part of a journal, nothing
 * believes them: not after damage, and not when the half is used again.
 */
static void a_value_that_imitates_a_journal(void **state)
{
	static uint8_t image[4096];
	uint8_t *half = (uint8_t *)area + sizeof(struct journal_head);
	size_t half_size = ((sizeof(area) - sizeof(struct journal_head)) / 2) & ~(size_t)7, i;

	(void)state;
	journal_format(&J, area, sizeof(image));
	for (i = 0; !put("forged"); i++)
		continue;
	memcpy(image, area, sizeof(image));
	journal_format(&J, area, sizeof(area));
	for (i = 0; i < 20; i++) {
		journal_begin(&J);
		journal_put(&J, image + 40, sizeof(image) - 40);
		assert_int_equal(journal_commit(&J), 0);
	}
	put("true");
	memset(half + half_size - 20 * SLOT, 0x5a, 19 * SLOT);
	seen[0] = '\0';
	assert_string_equal(strstr(again(sizeof(area)), "true"), "true ");
	assert_int_equal(report.applied, 2); /* the first and the last */
	for (i = 0; i < 2; i++) {            /* back to the half with the images */
		journal_compact_begin(&J);
		put("sum");
		journal_compact_end(&J, true);
		assert_string_equal(again(sizeof(area)), "sum ");
		assert_int_equal(report.quarantined, 0);
	}
}

/* Memory that is new is not erased, which would take long; what is damaged is. */
static void a_new_journal(void **state)
{
	uint8_t *bytes = (uint8_t *)area;
	size_t i;

	(void)state;
	memset(area, 0, sizeof(area));
	memset(bytes + sizeof(struct journal_head), 0x5a, 100);
	assert_int_equal(journal_format(&J, area, sizeof(area)), 0);
	assert_int_equal(bytes[sizeof(struct journal_head)], 0x5a);
	assert_string_equal(again(sizeof(area)), "");
	put("old");
	put("older");
	bytes[0] ^= 1;
	assert_int_equal(journal_attach(&J, area, sizeof(area)), EINVAL);
	assert_int_equal(journal_format(&J, area, sizeof(area)), 0);
	for (i = sizeof(struct journal_head); i < sizeof(area); i++)
		assert_int_equal(bytes[i], 0);
	assert_string_equal(again(sizeof(area)), "");
}

static void full_is_full(void **state)
{
	char big[4096];
	unsigned n = 0;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	journal_format(&J, area, 4096);
	assert_int_equal(put(big), ENOSPC);
	assert_int_equal(put("small"), 0);
	while (!put("filling"))
		n++;
	assert_int_equal(n, ((2028 & ~7) - SLOT) / (8 + SLOT) - 1);
	again(4096);
	assert_int_equal(report.applied, n + 1);
	assert_int_equal(report.quarantined, 0);
}

static void compaction(void **state)
{
	unsigned i;

	(void)state;
	journal_format(&J, area, 4096);
	for (i = 0; i < 5; i++)
		put("long ago");
	journal_compact_begin(&J);
	put("sum");
	/* a crash here leaves the old half */
	assert_string_equal(again(4096), "long ago long ago long ago long ago long ago ");
	journal_compact_begin(&J);
	put("sum");
	journal_compact_end(&J, false);
	put("next");
	assert_string_equal(again(4096), "long ago long ago long ago long ago long ago next ");
	journal_compact_begin(&J);
	put("sum");
	journal_compact_end(&J, true);
	put("more");
	assert_string_equal(again(4096), "sum more ");
	/* the old content of the first half does not count when the half is used again */
	journal_compact_begin(&J);
	put("new");
	journal_compact_end(&J, true);
	assert_string_equal(again(4096), "new ");
	assert_int_equal(report.quarantined, 0);
}

/* ---- the store in its journal ------------------------------------------------------------ */

static char picture[1 << 16];

static int draw(void *ctx, const struct diff *d)
{
	size_t at = strlen(picture);
	unsigned i;

	(void)ctx;
	at += (size_t)snprintf(picture + at, sizeof(picture) - at, "%s=%.*s acct %u", d->path,
		(int)d->after->value_len, data_value(d->after), d->after->acct);
	for (i = 0; i < d->after->n_perms; i++)
		at += (size_t)snprintf(picture + at, sizeof(picture) - at, " %u:%u",
			d->after->perms[i].domid, d->after->perms[i].bits);
	snprintf(picture + at, sizeof(picture) - at, "\n");
	return 0;
}

static char *draw_store(void)
{
	struct session *sess;
	struct watch *w;
	int i;

	picture[0] = '\0';
	tree_diff(NULL, S.root, draw, NULL);
	for (i = 0; i < SPECIALS; i++)
		draw(NULL, &(struct diff){
				   .path = data_name(S.special[i]), .after = S.special[i] });
	TAILQ_FOREACH(sess, &S.sessions, link) {
		sprintf(picture + strlen(picture),
			"session %u role %d domid %u txns %u dom %u %zu intro %d\n", sess->key,
			sess->role, sess->domid, sess->n_txns, sess->dom->nodes,
			sess->dom->bytes, sess->dom->introduced);
		TAILQ_FOREACH(w, &sess->watches, in_session)
			sprintf(picture + strlen(picture), "watch %s %s %zu\n",
				w->listener->group->path, w->token, w->base_len);
	}
	return strdup(picture);
}

/* The quotas of a small host: little memory is enough for its guests. */
static const struct quota *few_guests(void)
{
	static struct quota q;

	q = quota_default;
	q.domains = 4;
	return &q;
}

static void start_journal(size_t size)
{
	assert_int_equal(journal_format(&J, area, size), 0);
	store_init(&S, few_guests());
	persist_replay(&S, &J, &report);
	session_open(&S, 100, ROLE_CONTROL, 0, &dom0);
	session_open(&S, 5, ROLE_GUEST, 5, &guest);
	session_open(&S, 5, ROLE_BACKEND, 5, &backend);
	session_open(&S, 6, ROLE_GUEST, 6, &other);
}

/* Continue as if the service had crashed here. */
static void restart(size_t size)
{
	uint64_t gen = S.gen;

	store_fini(&S);
	assert_int_equal(mem_used(), 0);
	assert_int_equal(journal_attach(&J, area, size), 0);
	assert_int_equal(store_init(&S, few_guests()), 0);
	persist_replay(&S, &J, &report);
	assert_true(S.gen > gen);
	assert_int_equal(store_check(&S), 0);
	dom0 = session_find(&S, 100, ROLE_CONTROL);
	guest = session_find(&S, 5, ROLE_GUEST);
	backend = session_find(&S, 5, ROLE_BACKEND);
	other = session_find(&S, 6, ROLE_GUEST);
}

static void some_life(void)
{
	uint32_t tx;

	furnish();
	ASK(guest, XS_WRITE,
		"device/vif/0/state\0"
		"1");
	ASK(guest, XS_WATCH, "device\0rel\0");
	ASK(guest, XS_WATCH, "/local/domain/5/data\0abs\0");
	ASK(guest, XS_WATCH, "device\0gone\0");
	ASK(guest, XS_UNWATCH, "device\0gone\0");
	ASK(backend, XS_WATCH, "/local/domain/5/device/vif/0/state\0b\0");
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vbd/5/51712/state\0"
		"2");
	ASK(other, XS_WATCH, "x\0y\0");
	ASK(other, XS_RESET_WATCHES, "\0");
	ASK(dom0, XS_RM, "/tool\0");
	ASK(dom0, XS_WRITE, "/\0root");
	ASK(dom0, XS_SET_PERMS, "@releaseDomain\0n0\0r5\0");
	ASK(dom0, XS_INTRODUCE,
		"9\0"
		"1\0"
		"1\0");
	ASK(dom0, XS_INTRODUCE,
		"8\0"
		"1\0"
		"1\0");
	ASK(dom0, XS_SET_TARGET,
		"8\0"
		"5\0");
	ASK(dom0, XS_RELEASE, "9\0");
	tx = txn_begin(dom0);
	ASK_TX(dom0, tx, XS_WRITE, "/t/1\0x");
	ASK_TX(dom0, tx, XS_WRITE, "/t/2\0x");
	ASK_TX(dom0, tx, XS_TRANSACTION_END, "T\0");
	DONE();
	tx = txn_begin(dom0);
	ASK_TX(dom0, tx, XS_WRITE, "/t/3\0x");
	ASK_TX(dom0, tx, XS_TRANSACTION_END, "F\0");
	DONE();
}

static void the_store_comes_back(void **state)
{
	char *before, *after;

	(void)state;
	start_journal(sizeof(area));
	some_life();
	before = draw_store();
	restart(sizeof(area));
	assert_int_equal(report.quarantined, 0);
	after = draw_store();
	assert_string_equal(before, after);
	free(after);
	/* once more, from the journal that the replay has compacted */
	restart(sizeof(area));
	after = draw_store();
	assert_string_equal(before, after);
	assert_true(domain_find(&S, 8)->has_target);
	assert_int_equal(domain_find(&S, 8)->target, 5);
	free(before);
	free(after);
	/* a client that comes back finds its watches, each with an event */
	assert_int_equal(session_open(&S, 5, ROLE_GUEST, 6, &guest), EINVAL);
	assert_int_equal(session_open(&S, 5, ROLE_GUEST, 5, &guest), 0);
	assert_int_equal(session_open(&S, 5, ROLE_GUEST, 5, &guest), EBUSY);
	event_is(guest, "device", "rel");
	event_is(guest, "/local/domain/5/data", "abs");
	event_is(guest, "device/vif", "rel");
	event_is(guest, "device/vif/0", "rel");
	event_is(guest, "device/vif/0/state", "rel");
	no_event(guest);
	ASK(guest, XS_WRITE,
		"device/vif/0/state\0"
		"4");
	event_is(guest, "device/vif/0/state", "rel");
}

static void open_transactions_end_with_eagain(void **state)
{
	uint32_t tx;

	(void)state;
	start_journal(sizeof(area));
	furnish();
	tx = txn_begin(guest);
	ASK_TX(guest, tx, XS_WRITE, "device/x\0x");
	restart(sizeof(area));
	ASK_TX(guest, tx, XS_WRITE, "device/y\0x");
	DONE();
	ASK_TX(guest, tx, XS_TRANSACTION_END, "T\0");
	FAILED("EAGAIN");
	ASK(guest, XS_DIRECTORY, "device\0");
	GOT("");
	assert_int_not_equal(txn_begin(guest), tx);
}

static void applied_once_over_a_restart(void **state)
{
	uint32_t tx;

	(void)state;
	start_journal(sizeof(area));
	furnish();
	ask_seq(guest, 501, XS_WRITE, 0, "device/x\0a", 10);
	ask_seq(guest, 502, XS_TRANSACTION_START, 0, "", 1);
	wire_u32(R.body, &tx);
	ask_seq(guest, 503, XS_WRITE, tx, "device/t\0a", 10);
	ask_seq(guest, 504, XS_TRANSACTION_END, tx, "T", 2);
	DONE();
	ask_seq(guest, 505, XS_TRANSACTION_START, 0, "", 1);
	wire_u32(R.body, &tx);
	ASK(dom0, XS_WRITE, "/local/domain/5/device/x\0b");
	restart(sizeof(area));
	restart(sizeof(area));
	ask_seq(guest, 501, XS_WRITE, 0, "device/x\0a", 10);
	DONE();
	ASK(dom0, XS_READ, "/local/domain/5/device/x\0");
	GOT("b");
	ask_seq(guest, 504, XS_TRANSACTION_END, 1, "T", 2);
	DONE();
	ask_seq(guest, 505, XS_TRANSACTION_START, 0, "", 1);
	assert_int_equal(atoi(R.body), tx);
	assert_int_equal(guest->n_txns, 1);
	ask_seq(dom0, 506, XS_RELEASE, 0, "5", 2);
	DONE();
	/* the guest's sessions had no client any more, and are gone with the guest */
	assert_null(session_find(&S, 5, ROLE_GUEST));
	assert_null(session_find(&S, 5, ROLE_BACKEND));
	assert_null(domain_find(&S, 5));
	restart(sizeof(area));
	ask_seq(dom0, 506, XS_RELEASE, 0, "5", 2);
	DONE();
	assert_null(guest);
}

static void release_resets_over_a_restart(void **state)
{
	(void)state;
	start_journal(sizeof(area));
	furnish();
	ASK(guest, XS_WATCH, "device\0t\0");
	txn_begin(guest);
	ASK(dom0, XS_RELEASE, "5\0");
	assert_int_equal(guest->n_watches + guest->n_txns, 0);
	/* a session without a domain comes back only if its client does */
	restart(sizeof(area));
	assert_null(guest);
	assert_null(domain_find(&S, 5));
}

/* A long run in little memory: the journal compacts itself, and nothing is lost. */
static void compacts_when_it_must(void **state)
{
	char msg[64], *before, *after;
	unsigned i;

	(void)state;
	start_journal(131072);
	furnish();
	for (i = 0; i < 3000; i++) {
		int n = snprintf(msg, sizeof(msg), "device/x%u%c%u", i % 7, 0, i);

		ask(guest, XS_WRITE, 0, msg, (size_t)n);
		DONE();
	}
	before = draw_store();
	restart(131072);
	after = draw_store();
	assert_string_equal(before, after);
	assert_int_equal(report.quarantined, 0);
	free(before);
	free(after);
}

/* A small store in a large journal, which is compacted long before it is full. */
static void the_journal_stays_short(void **state)
{
	char msg[64];
	size_t most = 0, half;
	unsigned i;

	(void)state;
	start_journal(sizeof(area));
	half = J.half_size;
	furnish();
	for (i = 0; i < 8000; i++) {
		int n = snprintf(msg, sizeof(msg), "device/x%u%c%u", i % 7, 0, i);

		ask(guest, XS_WRITE, 0, msg, (size_t)n);
		most = journal_used(&J) > most ? journal_used(&J) : most;
	}
	assert_in_range(J.compactions, 2, 10);
	assert_in_range(most, half / 8, half / 3);
}

static void no_room_changes_nothing(void **state)
{
	static char msg[3000];
	struct node *root;
	unsigned i;
	char *before, *after;

	(void)state;
	start_journal(131072);
	furnish();
	memset(msg, 'v', sizeof(msg));
	for (i = 0; i < 100; i++) {
		snprintf(msg, 10, "/big/%03u", i);
		root = S.root;
		ask(dom0, XS_WRITE, 0, msg, sizeof(msg));
		if (R.hdr.type == XS_ERROR)
			break;
	}
	FAILED("ENOSPC");
	assert_ptr_equal(root, S.root);
	ASK(dom0, XS_READ, "/local/domain/5/device\0");
	GOT("");
	before = draw_store();
	restart(131072);
	after = draw_store();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void lost_parents_are_made_closed(void **state)
{
	uint8_t *at;

	(void)state;
	start_journal(sizeof(area));
	ASK(dom0, XS_WRITE, "/p/q\0x");
	ASK(dom0, XS_WRITE, "/p/q/r/s\0kept");
	for (at = (uint8_t *)area; memcmp(at, "/p/q", 4); at++)
		continue;
	*at = 'X';
	restart(sizeof(area));
	assert_int_equal(report.quarantined, 1);
	ASK(dom0, XS_READ, "/p/q/r/s\0");
	GOT("kept");
	ASK(dom0, XS_GET_PERMS, "/p/q\0");
	GOT("n0\0");
}

static void malformed_records(void **state)
{
	static const char bad[][40] = {
		"",
		"1234567",
		"12345678\x0e",
		"12345678\x02\xff\xff\xff\xff",
		"12345678\x02\x01\0\0\0a",
		"12345678\x02\x01\0\0\0/\0\0\0\0",
		"12345678\x03\x01\0\0\0/",
		"12345678\x04\x01\0\0\0\x03\x05\0",
		"12345678\x06\x01\0\0\0\0\0\x01\0\0\0x\x01\0\0\0t",
		/* a valid entry before an invalid one is not applied either */
		"12345678\x0b\x05\0\x01\0\0\0\xff",
	};
	static const size_t len[] = { 0, 7, 9, 13, 14, 18, 14, 16, 26, 16 };
	char *before, *after;
	size_t i;

	(void)state;
	start_journal(65536);
	before = draw_store();
	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		journal_begin(&J);
		journal_put(&J, bad[i], len[i]);
		assert_int_equal(journal_commit(&J), 0);
		restart(65536);
		assert_int_equal(report.quarantined, 1);
		after = draw_store();
		assert_string_equal(before, after);
		free(after);
	}
	free(before);
}

/* Well-formed records that describe an impossible change, or one that has no effect. */
static void needless_and_impossible_records(void **state)
{
	static const struct {
		char bytes[48];
		size_t len;
		bool fits;
	} records[] = {
		/* the removal of a node that is not there */
		{ "12345678\x03\x05\0\0\0/no/x", 18, true },
		/* a watch that session 5 has: role guest, absolute, /w, t */
		{ "12345678\x06\x05\0\0\0\x01\0\x02\0\0\0/w\x01\0\0\0t", 26, true },
		/* a relative watch that is not below /local/domain/5/ */
		{ "12345678\x06\x05\0\0\0\x01\x01\x02\0\0\0/v\x01\0\0\0t", 26, false },
		/* a node whose name has a NUL: for dom0, n0, empty */
		{ "12345678\x02\x04\0\0\0/a\0b\0\0\x01\0\0\0\0\0\0\0\0", 28, false },
		/* a generation number that is nearly the greatest */
		{ "\xff\xff\xff\xff\xff\xff\xff\xef\x03\x05\0\0\0/no/x", 18, true },
	};
	char *before, *after;
	size_t i;

	(void)state;
	start_journal(131072);
	ASK(guest, XS_WATCH, "/w\0t\0");
	before = draw_store();
	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		journal_begin(&J);
		journal_put(&J, records[i].bytes, records[i].len);
		assert_int_equal(journal_commit(&J), 0);
		restart(131072);
		assert_int_equal(report.quarantined, !records[i].fits);
		assert_true(S.gen < UINT64_MAX / 2);
		after = draw_store();
		assert_string_equal(before, after);
		free(after);
	}
	free(before);
}

/* A transaction number that a client has seen is never used for another transaction. */
static void transaction_numbers_go_on(void **state)
{
	uint32_t tx = 0;
	unsigned i;

	(void)state;
	start_journal(131072);
	for (i = 0; i < 3; i++) {
		tx = txn_begin(guest);
		ASK_TX(guest, tx, XS_TRANSACTION_END, "F\0");
	}
	restart(131072);
	restart(131072);
	assert_true(txn_begin(guest) > tx);
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(store_check(&S), 0);
	store_fini(&S);
	assert_int_equal(mem_used(), 0);
	return 0;
}

#define STORE(fn) cmocka_unit_test_teardown(fn, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appended_comes_back),
		cmocka_unit_test(damage_is_set_apart),
		cmocka_unit_test(a_value_that_imitates_a_journal),
		cmocka_unit_test(a_new_journal),
		cmocka_unit_test(full_is_full),
		cmocka_unit_test(compaction),
		STORE(the_store_comes_back),
		STORE(open_transactions_end_with_eagain),
		STORE(applied_once_over_a_restart),
		STORE(release_resets_over_a_restart),
		STORE(compacts_when_it_must),
		STORE(the_journal_stays_short),
		STORE(no_room_changes_nothing),
		STORE(lost_parents_are_made_closed),
		STORE(malformed_records),
		STORE(needless_and_impossible_records),
		STORE(transaction_numbers_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

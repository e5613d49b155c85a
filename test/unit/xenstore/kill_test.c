/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_test.c - the store dies at each single store into its journal
 *
 * At each of them, a second store is replayed from a copy of the memory. It has to be the store
 * before the request or the one after it, and once it was the one after it, it has to stay so.
 */
#include <stdlib.h>

#include "client.h"
#include "journal_stores.h"

static uint64_t copy[1 << 13];
static struct journal J;
static struct quota quota;

/* ---- what a store is, in words ----------------------------------------------------------- */

static char picture[1 << 16];

static int draw(void *ctx, const struct diff *d)
{
	char *at = picture + strlen(picture);

	(void)ctx;
	at += sprintf(at, "%s=%.*s %u", d->path, (int)d->after->value_len, data_value(d->after),
		d->after->acct);
	for (unsigned int i = 0; i < d->after->n_perms; i++)
		at += sprintf(at, " %u:%u", d->after->perms[i].domid, d->after->perms[i].bits);
	strcpy(at, "\n");
	return 0;
}

static void draw_session(const struct session *sess)
{
	char *at = picture + strlen(picture);
	const struct watch *w;
	uint64_t last = 0;

	if (sess->released) /* it is left out after a restart */
		return;
	for (unsigned int i = 0; i < NOTES; i++)
		if (sess->notes[i].kept && sess->notes[i].seq > last)
			last = sess->notes[i].seq;
	at += sprintf(at, "session %u %d: %u txns, %lu\n", sess->key, sess->role, sess->n_txns,
		(unsigned long)last);
	TAILQ_FOREACH(w, &sess->watches, in_session)
		at += sprintf(at, "watch %s %s\n", w->listener->group->path, w->token);
}

static const char *draw_store(struct store *s)
{
	const struct session *sess;
	struct domain *dom, *next;
	int i;

	picture[0] = '\0';
	tree_diff(NULL, s->root, draw, NULL);
	for (i = 0; i < SPECIALS; i++)
		draw(NULL, &(struct diff){
				   .path = data_name(s->special[i]), .after = s->special[i] });
	TAILQ_FOREACH(sess, &s->sessions, link)
		draw_session(sess);
	HASH_ITER(hh, s->domains, dom, next)
	if (dom->introduced)
		sprintf(picture + strlen(picture), "domain %u\n", dom->domid);
	return picture;
}

/* ---- deaths ------------------------------------------------------------------------------ */

static bool watching;
static char *was, *is;
static unsigned int n_stores;

/* Replays a copy of the memory as it is now. */
static const char *replayed(void)
{
	static struct store t;
	static struct journal j;
	struct journal_report report;
	const char *drawn;

	memcpy(copy, area, sizeof(copy));
	assert_int_equal(journal_attach(&j, copy, sizeof(copy)), 0);
	assert_int_equal(store_init(&t, &quota), 0);
	persist_replay(&t, &j, &report);
	assert_int_equal(report.quarantined, 0);
	assert_int_equal(store_check(&t), 0);
	drawn = draw_store(&t);
	store_fini(&t);
	return drawn;
}

static void before_store(void)
{
	const char *now;

	if (!watching)
		return;
	watching = false;
	n_stores++;
	now = replayed();
	if (!is && strcmp(now, was))
		is = strdup(now);
	assert_string_equal(now, is ? is : was);
	watching = true;
}

static void die_from_here(void)
{
	free(was);
	free(is);
	was = strdup(replayed());
	is = NULL;
	n_stores = 0;
	watching = true;
}

/* What was done meanwhile is in the journal now, and is what the live store has. */
static void done(bool changed)
{
	const char *now;

	watching = false;
	assert_true(n_stores > 0);
	now = replayed();
	if (is)
		assert_string_equal(now, is);
	assert_int_equal(strcmp(now, was) != 0, changed);
	was = realloc(was, strlen(now) + 1);
	strcpy(was, now);
	assert_string_equal(draw_store(&S), was);
}

#define EACH(request) \
	do { \
		die_from_here(); \
		request; \
		DONE(); \
		done(true); \
	} while (0)

static int begin(void **state)
{
	struct journal_report report;

	(void)state;
	next_seq = 1;
	quota = quota_default;
	quota.domains = 2; /* little memory is enough for their sure shares */
	assert_int_equal(journal_format(&J, area, sizeof(area)), 0);
	assert_int_equal(store_init(&S, &quota), 0);
	persist_replay(&S, &J, &report);
	session_open(&S, 100, ROLE_CONTROL, 0, &dom0);
	session_open(&S, 5, ROLE_GUEST, 5, &guest);
	session_open(&S, 5, ROLE_BACKEND, 5, &backend);
	session_open(&S, 6, ROLE_GUEST, 6, &other);
	furnish();
	return 0;
}

static int end(void **state)
{
	(void)state;
	watching = false;
	free(was);
	free(is);
	was = is = NULL;
	store_fini(&S);
	assert_int_equal(mem_used(), 0);
	return 0;
}

/* ---- cases ------------------------------------------------------------------------------- */

static void at_each_store_of_a_request(void **state)
{
	uint32_t tx;

	(void)state;
	EACH(ASK(guest, XS_WRITE, "device/vif/0/state\0001"));
	EACH(ASK(guest, XS_WRITE, "device/vif/0/state\0002"));
	EACH(ASK(guest, XS_MKDIR, "data/x\0"));
	EACH(ASK(dom0, XS_SET_PERMS, "/local/domain/5/data/x\0n6\0r5\0"));
	EACH(ASK(guest, XS_WATCH, "device\0t\0"));
	EACH(ASK(guest, XS_UNWATCH, "device\0t\0"));
	EACH(ASK(guest, XS_WATCH, "device\0u\0"));
	EACH(ASK(guest, XS_RESET_WATCHES, "\0"));
	EACH(ASK(dom0, XS_SET_PERMS, "@releaseDomain\0n0\0r5\0"));
	EACH(ASK(guest, XS_RM, "device/vif\0"));
	EACH(ASK(dom0, XS_INTRODUCE, "6\0001\0001\0"));
	die_from_here();
	tx = txn_begin(guest);
	done(true);
	ASK_TX(guest, tx, XS_WRITE, "device/a\0b");
	ASK_TX(guest, tx, XS_WRITE, "device/c/d\0e");
	EACH(ASK_TX(guest, tx, XS_TRANSACTION_END, "T\0"));
	EACH(ASK(dom0, XS_RELEASE, "6\0"));
}

/*
 * Compaction changes nothing, whenever it ends; and the request that caused it is one of all.
 */
static void at_each_store_of_a_compaction(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		ASK(guest, XS_WRITE, "device/vif/0/state\0x");
		die_from_here();
		assert_int_equal(persist_compact(&S), 0);
		done(false);
		assert_true(n_stores > 200);
	}
}

/*
 * The longest value, and a journal that is full, so that a compaction comes before the change.
 */
static void at_each_store_when_the_journal_is_full(void **state)
{
	static char msg[1900] = "data/long";
	unsigned int before, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (before = J.compactions; before == J.compactions; msg[100]++) {
			die_from_here();
			watching = J.half_size - journal_used(&J) < 3000;
			ask(guest, XS_WRITE, 0, msg, sizeof(msg));
			DONE();
			if (watching)
				done(true);
		}
	}
}

#define CASE_HERE(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_HERE(at_each_store_of_a_request),
		CASE_HERE(at_each_store_of_a_compaction),
		CASE_HERE(at_each_store_when_the_journal_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

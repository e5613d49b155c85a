/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoch_test.c - both rings of a connection whose service starts again
 *
 * The service's death is a new handle on the same memory, as its next life has; the client's
 * handles go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ring/ring.h"

enum { BYTES = 4096, DATA = 2048 };

struct ends {
	char *mem;
	/*
	 * The client's end and the service's end of the request ring, then of the response
	 * ring.
	 */
	struct ring ask, take, answer, hear;
};

static int setup(void **state)
{
	struct ends *e = calloc(1, sizeof(*e));

	e->mem = aligned_alloc(4096, 2 * BYTES);
	memset(e->mem, 0, 2 * BYTES);
	*state = e;
	return ring_init(&e->ask, e->mem, BYTES, RING_CLIENT_PUTS, 0) ||
	       ring_init(&e->take, e->mem, BYTES, RING_SERVICE_GETS, 0) ||
	       ring_init(&e->answer, e->mem + BYTES, BYTES, RING_SERVICE_PUTS, 0) ||
	       ring_init(&e->hear, e->mem + BYTES, BYTES, RING_CLIENT_GETS, 0);
}

static int teardown(void **state)
{
	struct ends *e = *state;

	free(e->mem);
	free(e);
	return 0;
}

/* The service's next life opens the connection. */
static void service_starts(struct ends *e, uint32_t epoch)
{
	assert_int_equal(ring_init(&e->take, e->mem, BYTES, RING_SERVICE_GETS, epoch), 0);
	assert_int_equal(
		ring_init(&e->answer, e->mem + BYTES, BYTES, RING_SERVICE_PUTS, epoch), 0);
	ring_restart(&e->take, epoch);
	ring_restart(&e->answer, epoch);
}

static void client_follows(struct ends *e)
{
	uint32_t epoch = ring_peer_epoch(&e->hear);

	ring_restart(&e->ask, epoch);
	ring_restart(&e->hear, epoch);
}

static void put(struct ring *r, const char *text)
{
	assert_int_equal(ring_put(r, text, (uint32_t)strlen(text)), 0);
	(void)ring_put_flush(r);
}

static void expect(struct ring *r, const char *text)
{
	char buf[DATA];

	assert_int_equal(ring_get(r, buf, sizeof(buf)), strlen(text));
	assert_memory_equal(buf, text, strlen(text));
	(void)ring_get_flush(r);
}

static void expect_nothing(struct ring *r)
{
	char buf[DATA];

	assert_int_equal(ring_get(r, buf, sizeof(buf)), -SK_E_AGAIN);
	assert_false(ring_get_idle(r)); /* and the reader may sleep */
}

static struct ring_shared *shared(const struct ring *r) { return r->sh; }

static void records_pass_in_the_new_epoch(void **state)
{
	struct ends *e = *state;

	put(&e->ask, "old");
	service_starts(e, 1);
	assert_true(ring_behind(&e->ask));
	assert_true(ring_behind(&e->hear));
	assert_false(ring_behind(&e->take));
	client_follows(e);
	assert_false(ring_behind(&e->hear));
	expect_nothing(&e->take);
	expect_nothing(&e->hear);
	put(&e->ask, "new");
	expect(&e->take, "new");
	put(&e->answer, "yes");
	expect(&e->hear, "yes");
}

/* What the client publishes before it has noticed is not taken for something new. */
static void an_old_request_is_not_taken(void **state)
{
	struct ends *e = *state;

	put(&e->ask, "before");
	service_starts(e, 1);
	expect_nothing(&e->take);
	put(&e->ask, "between");
	expect_nothing(&e->take);
	client_follows(e);
	expect_nothing(&e->take);
	put(&e->ask, "new");
	expect(&e->take, "new");
}

/* An answer that the client had not read is of no use: its request is repeated. */
static void an_old_answer_is_not_heard(void **state)
{
	struct ends *e = *state;

	put(&e->answer, "one");
	put(&e->answer, "two");
	expect(&e->hear, "one"); /* it knows of the second one, too */
	service_starts(e, 1);
	expect_nothing(&e->hear);
	client_follows(e);
	expect_nothing(&e->hear);
}

/*
 * The indices of a new life begin at 0, behind those that the client knows: that is no breach.
 */
static void a_client_that_is_behind_sees_no_breach(void **state)
{
	struct ends *e = *state;
	char rec[1000] = { 0 };

	put(&e->answer, "one");
	expect(&e->hear, "one");
	for (unsigned int i = 0; i < 4; i++) { /* more than fits, so that it looks for room */
		assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), 0);
		(void)ring_put_flush(&e->ask);
		assert_int_equal(ring_get(&e->take, rec, sizeof(rec)), sizeof(rec));
		(void)ring_get_flush(&e->take);
	}
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), 0);
	service_starts(e, 1);
	expect_nothing(&e->hear);
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), 0);
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), -SK_E_AGAIN);
}

/* RING5: the next life writes from the start of the ring, where the old answers are. */
static void a_record_that_is_overwritten_is_not_heard(void **state)
{
	struct ends *e = *state;
	char junk[64];

	memset(junk, 0xff, sizeof(junk));
	put(&e->answer, "one");
	put(&e->answer, "two");
	put(&e->answer, "three");
	expect(&e->hear, "one");
	service_starts(e, 1);
	expect_nothing(&e->hear); /* also what nobody has written over so far */
	assert_int_equal(ring_put(&e->answer, junk, sizeof(junk)), 0); /* lengths are garbage */
	expect_nothing(&e->hear);
	(void)ring_put_flush(&e->answer);
	expect_nothing(&e->hear);
	client_follows(e);
	assert_int_equal(ring_get(&e->hear, junk, sizeof(junk)), sizeof(junk));
}

/* The same for a record of whole words. */
static void an_old_record_of_whole_words_is_not_heard(void **state)
{
	struct ends *e = *state;

	put(&e->answer, "one word");
	put(&e->answer, "the next");
	expect(&e->hear, "one word");
	service_starts(e, 1);
	expect_nothing(&e->hear);
	client_follows(e);
	put(&e->answer, "a newone");
	expect(&e->hear, "a newone");
}

/* A client that is behind fills the old ring and then sleeps; it does not see a breach. */
static void a_full_ring_of_an_old_epoch(void **state)
{
	struct ends *e = *state;
	char rec[1000] = { 0 };

	put(&e->ask, "old");
	expect(&e->take, "old");
	service_starts(e, 1);
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), 0);
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), 0);
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), -SK_E_AGAIN);
	assert_false(ring_room(&e->ask, sizeof(rec), 1));
	assert_false(ring_room_idle(&e->ask, sizeof(rec)));
	client_follows(e);
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), 0);
	assert_int_equal(ring_put(&e->ask, rec, sizeof(rec)), 0);
}

/* The service may fill the response ring before its client has noticed; then it waits. */
static void a_service_that_is_far_ahead_waits_for_room(void **state)
{
	struct ends *e = *state;
	char rec[1000];

	put(&e->answer, "old");
	expect(&e->hear, "old");
	service_starts(e, 1);
	memset(rec, 'x', sizeof(rec));
	assert_int_equal(ring_put(&e->answer, rec, sizeof(rec)), 0);
	assert_int_equal(ring_put(&e->answer, rec, sizeof(rec)), 0);
	(void)ring_put_flush(&e->answer);
	/* the client's old index must not count as room in the new epoch */
	assert_int_equal(ring_put(&e->answer, rec, sizeof(rec)), -SK_E_AGAIN);
	assert_false(ring_room_idle(&e->answer, sizeof(rec)));
	client_follows(e);
	assert_int_equal(ring_get(&e->hear, rec, sizeof(rec)), sizeof(rec));
	assert_true(ring_get_flush(&e->hear)); /* it is woken */
	assert_int_equal(ring_put(&e->answer, rec, sizeof(rec)), 0);
}

static void two_deaths_before_the_client_notices(void **state)
{
	struct ends *e = *state;

	put(&e->ask, "old");
	service_starts(e, 1);
	service_starts(e, 2);
	client_follows(e);
	assert_int_equal(e->hear.epoch, 2);
	put(&e->ask, "new");
	expect(&e->take, "new");
}

static void epochs_wrap(void **state)
{
	struct ends *e = *state;

	service_starts(e, UINT32_MAX);
	assert_false(ring_behind(&e->hear)); /* as numbers wrap, that is older than 0 */
	ring_restart(&e->ask, UINT32_MAX);
	ring_restart(&e->hear, UINT32_MAX);
	service_starts(e, 0);
	assert_true(ring_behind(&e->hear));
	client_follows(e);
	put(&e->ask, "new");
	expect(&e->take, "new");
}

/* ---- streams ----------------------------------------------------------------------------- */
static void client_carries(struct ends *e)
{
	(void)ring_carry(&e->ask, ring_peer_epoch(&e->hear));
	ring_restart(&e->hear, ring_peer_epoch(&e->hear));
}

static void a_stream_loses_nothing(void **state)
{
	struct ends *e = *state;

	put(&e->ask, "one");
	put(&e->ask, "two");
	put(&e->ask, "three");
	expect(&e->take, "one");
	service_starts(e, 1);
	put(&e->ask, "four");
	assert_int_equal(ring_put(&e->ask, "five", 4), 0); /* not published yet */
	client_carries(e);
	expect(&e->take, "two");
	expect(&e->take, "three");
	put(&e->ask, "six");
	expect(&e->take, "four");
	expect(&e->take, "five");
	expect(&e->take, "six");
	expect_nothing(&e->take);
}

/* Wherever in the ring the first record is, and over its end. */
static void a_stream_at_every_place(void **state)
{
	struct ends *e = *state;
	char text[200];

	for (uint32_t i = 0; i < 300; i++) {
		int n = snprintf(text, sizeof(text), "%0*u", 20 + (int)i % 150, i);

		assert_int_equal(ring_put(&e->ask, text, (uint32_t)n), 0);
		put(&e->ask, "second");
		assert_int_equal(ring_put(&e->ask, "last", 4), 0);
		service_starts(e, i + 1);
		client_carries(e);
		if (i)
			expect(&e->take, "last"); /* it was left in the round before */
		expect(&e->take, text);
		expect(&e->take, "second");
	}
}

/* A life that took nothing does not make the client forget what the one before took. */
static void a_stream_over_two_deaths(void **state)
{
	struct ends *e = *state;

	put(&e->ask, "one");
	put(&e->ask, "two");
	expect(&e->take, "one");
	service_starts(e, 1);
	service_starts(e, 2);
	client_carries(e);
	expect(&e->take, "two");
	expect_nothing(&e->take);
	put(&e->ask, "three");
	service_starts(e, 3);
	client_carries(e);
	expect(&e->take, "three"); /* not "two" */
}

/* What was taken in one epoch says nothing about the next, in which nothing was. */
static void a_stream_that_waits_for_an_epoch(void **state)
{
	struct ends *e = *state;

	put(&e->ask, "one");
	put(&e->ask, "two");
	expect(&e->take, "one");
	service_starts(e, 1);
	client_carries(e);
	put(&e->ask, "three");
	service_starts(e, 2);
	client_carries(e);
	expect(&e->take, "two");
	expect(&e->take, "three");
}

static void a_stream_wakes_the_service(void **state)
{
	struct ends *e = *state;

	put(&e->ask, "one");
	service_starts(e, 1);
	assert_false(ring_get_idle(&e->take));
	assert_true(ring_carry(&e->ask, 1));
	expect(&e->take, "one");
	service_starts(e, 2);
	assert_false(ring_get_idle(&e->take));
	assert_false(ring_carry(&e->ask, 2)); /* nothing to say */
}

/* What the shared word says is only believed within what the client has sent. */
static void a_stream_and_nonsense(void **state)
{
	struct ends *e = *state;
	const uint32_t nonsense[] = { 4, 8192, UINT32_MAX - 7 };

	for (uint32_t i = 0; i < 3; i++) {
		put(&e->ask, "one");
		service_starts(e, i + 1);
		shared(&e->ask)->done = (uint64_t)i << 32 | nonsense[i];
		client_carries(e);
		expect(&e->take, "one");
	}
}

/* ---- hostile peers ----------------------------------------------------------------------- */
static void a_client_that_is_ahead(void **state)
{
	struct ends *e = *state;
	char rec[1000] = { 0 };

	service_starts(e, 1);
	client_follows(e);
	shared(&e->take)->prod = 2ull << 32 | 16;
	assert_int_equal(ring_get(&e->take, rec, sizeof(rec)), -SK_E_PEER);
	assert_true(ring_get_idle(&e->take));
	shared(&e->answer)->cons = 2ull << 32;
	assert_int_equal(ring_put(&e->answer, rec, sizeof(rec)), 0);
	assert_int_equal(ring_put(&e->answer, rec, sizeof(rec)), 0);
	assert_int_equal(ring_put(&e->answer, rec, sizeof(rec)), -SK_E_PEER);
}

/* Whatever an old word says, it adds nothing. */
static void a_client_that_goes_back(void **state)
{
	struct ends *e = *state;

	service_starts(e, 1);
	client_follows(e);
	put(&e->ask, "one");
	expect(&e->take, "one");
	shared(&e->take)->prod = 0ull << 32 | 4096;
	expect_nothing(&e->take);
	shared(&e->take)->prod = 0ull << 32 | 12;
	expect_nothing(&e->take);
	shared(&e->take)->prod = 1ull << 32 | 8;
	expect_nothing(&e->take);
	shared(&e->take)->prod = 1ull << 32 | 12;
	assert_int_equal(ring_get(&e->take, (char[8]){ 0 }, 8), -SK_E_PEER);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(records_pass_in_the_new_epoch),
		T(an_old_request_is_not_taken),
		T(an_old_answer_is_not_heard),
		T(a_client_that_is_behind_sees_no_breach),
		T(a_record_that_is_overwritten_is_not_heard),
		T(an_old_record_of_whole_words_is_not_heard),
		T(a_full_ring_of_an_old_epoch),
		T(a_service_that_is_far_ahead_waits_for_room),
		T(two_deaths_before_the_client_notices),
		T(epochs_wrap),
		T(a_stream_loses_nothing),
		T(a_stream_at_every_place),
		T(a_stream_over_two_deaths),
		T(a_stream_that_waits_for_an_epoch),
		T(a_stream_wakes_the_service),
		T(a_stream_and_nonsense),
		T(a_client_that_is_ahead),
		T(a_client_that_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

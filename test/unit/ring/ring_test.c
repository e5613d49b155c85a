/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_test.c - records through a ring, and peers that break the rules
 *
 * Both ends run here on the same memory; a hostile peer is a direct write to the shared header
 * or data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "ring/ring.h"

enum { BYTES = 4096, DATA = 2048 };

struct ends {
	void *mem;
	struct ring prod, cons;
};

static int make(struct ends *e, uint32_t index)
{
	e->mem = aligned_alloc(4096, BYTES);
	memset(e->mem, 0, BYTES);
	((struct ring_shared *)e->mem)->prod = index;
	((struct ring_shared *)e->mem)->cons = index;
	if (ring_init(&e->prod, e->mem, BYTES, RING_CLIENT_PUTS, 0) ||
		ring_init(&e->cons, e->mem, BYTES, RING_SERVICE_GETS, 0))
		return 1;
	e->prod.index = e->prod.peer = e->prod.flushed = index;
	e->cons.index = e->cons.peer = e->cons.flushed = index;
	return 0;
}

static int setup(void **state)
{
	struct ends *e = malloc(sizeof(*e));

	*state = e;
	return make(e, 0);
}

static int setup_wrap(void **state)
{
	struct ends *e = malloc(sizeof(*e));

	*state = e;
	return make(e, UINT32_MAX - 63); /* the indices will soon pass 2^32 */
}

static int teardown(void **state)
{
	struct ends *e = *state;

	free(e->mem);
	free(e);
	return 0;
}

static struct ring_shared *shared(struct ends *e) { return e->mem; }

/* ---- good peers -------------------------------------------------------------------------- */
static void init_checks_arguments(void **state)
{
	struct ends *e = *state;
	struct ring r;

	assert_int_equal(ring_init(&r, NULL, BYTES, RING_CLIENT_PUTS, 0), -SK_E_INVAL);
	assert_int_equal(
		ring_init(&r, (char *)e->mem + 8, BYTES, RING_CLIENT_PUTS, 0), -SK_E_INVAL);
	assert_int_equal(ring_init(&r, e->mem, 255, RING_CLIENT_PUTS, 0), -SK_E_INVAL);
	assert_int_equal(
		ring_init(&r, e->mem, (1u << 30) + 1, RING_CLIENT_PUTS, 0), -SK_E_INVAL);
	assert_int_equal(ring_init(&r, e->mem, BYTES, RING_CLIENT_PUTS, 0), 0);
	assert_int_equal(r.size, DATA);
	assert_int_equal(ring_init(&r, e->mem, 256, RING_CLIENT_PUTS, 0), 0);
	assert_int_equal(r.size, 128);
	assert_int_equal(ring_record_max(&r), 124);
	assert_int_equal(ring_records_max(&r, 125), 0);
	assert_int_equal(ring_records_max(&r, 124), 1);
	assert_int_equal(ring_records_max(&r, 13), 5);
	assert_int_equal(ring_records_max(&r, 12), 8);
}

static void nothing_is_seen_before_flush(void **state)
{
	struct ends *e = *state;
	char buf[16];

	assert_int_equal(ring_put(&e->prod, "abc", 3), 0);
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), -SK_E_AGAIN);
	(void)ring_put_flush(&e->prod);
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), -SK_E_AGAIN);
}

static void order_and_content_over_many_wraps(void **state)
{
	struct ends *e = *state;
	uint8_t in[300], out[300];
	uint32_t sent = 0, got = 0;

	while (got < 20000) {
		uint32_t len = sent * 7 % 290;

		memset(in, (int)(sent & 0xff), len);
		if (sent < 20000 &&
			ring_put2(&e->prod, in, len / 3, in + len / 3, len - len / 3) == 0) {
			sent++;
			continue;
		}
		(void)ring_put_flush(&e->prod);
		for (int n; (n = ring_get(&e->cons, out, sizeof(out))) >= 0; got++) {
			assert_int_equal(n, got * 7 % 290);
			for (int i = 0; i < n; i++)
				assert_int_equal(out[i], got & 0xff);
		}
		(void)ring_get_flush(&e->cons);
	}
	assert_int_equal(got, sent);
}

static void fills_to_the_last_byte(void **state)
{
	struct ends *e = *state;
	char *rec = calloc(1, DATA);

	assert_int_equal(ring_put(&e->prod, rec, DATA - 3), -SK_E_INVAL);
	assert_int_equal(ring_put2(&e->prod, rec, UINT32_MAX - 3, rec, 8), -SK_E_INVAL);
	/* each part fits, but not both together */
	assert_int_equal(ring_put2(&e->prod, rec, DATA / 2, rec, DATA / 2), -SK_E_INVAL);
	assert_int_equal(ring_put(&e->prod, rec, DATA - 4), 0);
	assert_int_equal(ring_put(&e->prod, rec, 0), -SK_E_AGAIN);
	(void)ring_put_flush(&e->prod);
	assert_int_equal(ring_get(&e->cons, rec, DATA), DATA - 4);
	/* not flushed, so the space is still in use */
	assert_int_equal(ring_put(&e->prod, rec, 0), -SK_E_AGAIN);
	(void)ring_get_flush(&e->cons);
	assert_int_equal(ring_put(&e->prod, rec, 0), 0);
	free(rec);
}

static void too_long_for_the_reader(void **state)
{
	struct ends *e = *state;
	uint8_t *buf = malloc(8); /* ASan sees a write beyond it */

	assert_int_equal(ring_put(&e->prod, "0123456789", 10), 0);
	assert_int_equal(ring_put(&e->prod, "0123456789abcdef", 16), 0);
	(void)ring_put_flush(&e->prod);
	assert_int_equal(ring_get(&e->cons, buf, 8), -SK_E_RANGE);
	e->cons.index += 16;
	assert_int_equal(ring_get(&e->cons, buf, 8), -SK_E_RANGE);
	free(buf);
}

/* ---- hostile consumers ------------------------------------------------------------------- */
static void expect_bad_cons(struct ends *e, uint32_t cons)
{
	char rec[DATA - 4] = { 0 };

	shared(e)->cons = cons;
	assert_int_equal(ring_put(&e->prod, rec, sizeof(rec)), -SK_E_PEER);
	/* otherwise the caller would try again without end */
	assert_false(ring_room_idle(&e->prod, sizeof(rec)));
	assert_true(ring_room(
		/* it does not fit, but waiting for room would not help */
		&e->prod, sizeof(rec), 1));
}

static void cons_ahead_of_prod(void **state)
{
	struct ends *e = *state;

	assert_int_equal(ring_put(&e->prod, "x", 1), 0);
	expect_bad_cons(e, e->prod.index + 8);
}

static void cons_not_on_a_record(void **state)
{
	struct ends *e = *state;

	assert_int_equal(ring_put(&e->prod, "x", 1), 0);
	expect_bad_cons(e, e->prod.index - 4);
}

static void cons_goes_back(void **state)
{
	struct ends *e = *state;
	uint32_t start = e->prod.index;

	for (int i = 0; i < 4; i++)
		assert_int_equal(ring_put(&e->prod, "0123456789012345678", 19), 0);
	shared(e)->cons = start + 48;
	assert_false(ring_room_idle(&e->prod, DATA - 4)); /* makes it accept start + 48 */
	expect_bad_cons(e, start + 24);
}

static void cons_far_behind(void **state)
{
	struct ends *e = *state;

	assert_int_equal(ring_put(&e->prod, "x", 1), 0);
	expect_bad_cons(e, e->prod.index - DATA - 8);
}

/* ---- hostile producers ------------------------------------------------------------------- */
static void expect_bad_prod(struct ends *e, uint32_t prod)
{
	char buf[64];

	shared(e)->prod = prod;
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), -SK_E_PEER);
	assert_true(ring_get_idle(&e->cons));
}

static void prod_beyond_the_ring(void **state)
{
	expect_bad_prod(*state, ((struct ends *)*state)->cons.index + DATA + 8);
}

static void prod_not_on_a_record(void **state)
{
	expect_bad_prod(*state, ((struct ends *)*state)->cons.index + 12);
}

static void prod_goes_back(void **state)
{
	struct ends *e = *state;
	uint32_t start = e->cons.index;

	shared(e)->prod = start + 32;
	assert_true(ring_get_idle(&e->cons)); /* makes it accept start + 32 */
	shared(e)->prod = start + 8;
	assert_true(ring_get_idle(&e->cons));
	assert_int_equal(e->cons.peer, start + 32);
	e->cons.index = e->cons.peer = start + 32;
	expect_bad_prod(e, start + 8);
}

static void set_length(struct ends *e, uint32_t at, uint32_t len)
{
	memcpy(shared(e)->data + (at & (DATA - 1)), &len, sizeof(len));
}

static void length_beyond_what_was_published(void **state)
{
	struct ends *e = *state;
	char buf[DATA];

	shared(e)->prod = e->cons.index + 16;
	for (uint32_t len = 13; len < DATA; len++) {
		set_length(e, e->cons.index, len);
		assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), -SK_E_PEER);
	}
}

static void length_beyond_the_ring(void **state)
{
	struct ends *e = *state;
	char buf[64];

	shared(e)->prod = e->cons.index + DATA;
	set_length(e, e->cons.index, DATA);
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), -SK_E_PEER);
	set_length(e, e->cons.index, UINT32_MAX);
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), -SK_E_PEER);
	set_length(e, e->cons.index, UINT32_MAX - 3); /* adding the header's size wraps to 0 */
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), -SK_E_PEER);
}

static void length_changed_after_it_was_read(void **state)
{
	struct ends *e = *state;
	char buf[64] = { 0 };

	assert_int_equal(ring_put(&e->prod, "first", 5), 0);
	assert_int_equal(ring_put(&e->prod, "second", 6), 0);
	(void)ring_put_flush(&e->prod);
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 5);
	/* overwrites the first record, so only the private copy is right */
	memset(shared(e)->data, 0xff, 16);
	assert_memory_equal(buf, "first", 5);
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 6);
}

static void own_index_is_private(void **state)
{
	struct ends *e = *state;
	char buf[16];

	assert_int_equal(ring_put(&e->prod, "abc", 3), 0);
	(void)ring_put_flush(&e->prod);
	shared(e)->cons = 0xdeadbee8; /* the producer overwrites the consumer's own index */
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 3);
	(void)ring_get_flush(&e->cons);
	assert_int_equal(shared(e)->cons, e->cons.index);
}

/*
 * Two sides that flush at every event must come to rest; otherwise they wake each other
 * endlessly.
 */
static void flush_of_nothing_wakes_nobody(void **state)
{
	struct ends *e = *state;
	char buf[16];

	assert_false(ring_get_idle(&e->cons));
	assert_false(ring_put_flush(&e->prod));
	assert_int_equal(ring_put(&e->prod, "abc", 3), 0);
	assert_true(ring_put_flush(&e->prod)); /* the wish is still there */
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 3);
	shared(e)->want_room = 1;
	assert_true(ring_get_flush(&e->cons));
	shared(e)->want_room = 1;
	assert_false(ring_get_flush(&e->cons));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define W(f) cmocka_unit_test_setup_teardown(f, setup_wrap, teardown)

/*
 * Asking for room for several answers leaves no wish; invalid indices of a peer are left to
 * ring_put().
 */
static void room_for_several(void **state)
{
	struct ends *e = *state;
	struct ring *prod = &e->prod, *cons = &e->cons;
	uint8_t buf[32];
	unsigned int fit = 0;

	while (ring_room(prod, 20, fit + 1))
		fit++;
	assert_int_equal(shared(e)->want_room, 0);
	for (unsigned int i = 0; i < fit; i++)
		assert_int_equal(ring_put(prod, "12345678901234567890", 20), 0);
	assert_false(ring_room(prod, 20, 1));
	assert_true(ring_room(prod, 20, 0));
	(void)ring_put_flush(prod);
	assert_int_equal(ring_get(cons, buf, sizeof(buf)), 20);
	(void)ring_get_flush(cons);
	assert_true(ring_room(prod, 20, 1));
	assert_false(ring_room(prod, 20, 2));
	assert_false(ring_room(prod, 20, UINT32_MAX));
	assert_true(ring_room(prod, UINT32_MAX, 1));
	assert_false(ring_room_idle(prod, UINT32_MAX));
	shared(e)->cons = 4;
	assert_true(ring_room(prod, 20, 2));
	assert_int_equal(
		ring_put(prod, "12345678901234567890", 20), 0); /* the room that it knows of */
	assert_int_equal(ring_put(prod, "12345678", 8), -SK_E_PEER);
}

static int put_quiet(struct ends *e, uint32_t len)
{
	static const uint8_t bytes[DATA];

	return ring_put_quiet(&e->prod, bytes, len);
}

/* Does publishing the record wake a consumer that went to sleep in this way? */
static void quiet_records_wake_only_those_that_want_all(void **state)
{
	struct ends *e = *state;
	uint8_t buf[DATA];

	assert_false(ring_get_idle_patient(&e->cons));
	assert_int_equal(put_quiet(e, 8), 0);
	assert_false(ring_put_flush(&e->prod));
	assert_true(ring_get_idle_patient(&e->cons)); /* it looks, and finds it */
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 8);
	assert_false(ring_get_idle(&e->cons));
	assert_int_equal(put_quiet(e, 8), 0);
	assert_true(ring_put_flush(&e->prod));
	assert_int_equal(put_quiet(e, 8), 0);
	assert_false(ring_put_flush(&e->prod)); /* it was signalled */
}

/* Who gets one signal for several rings sees which of them it is for. */
static void an_end_sees_that_it_is_woken(void **state)
{
	struct ends *e = *state;
	uint8_t buf[DATA];

	assert_false(ring_woken(&e->cons));
	assert_int_equal(ring_put(&e->prod, "a", 1), 0);
	assert_false(ring_woken(&e->cons)); /* not published */
	(void)ring_put_flush(&e->prod);
	assert_true(ring_woken(&e->cons));
	assert_true(ring_get_idle(&e->cons));
	assert_true(ring_woken(&e->cons)); /* until it takes it */
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 1);
	assert_false(ring_woken(&e->cons));
	(void)ring_get_flush(&e->cons);
	assert_false(ring_woken(&e->prod)); /* it has not asked for room */
	while (ring_put(&e->prod, buf, 64) == 0)
		continue;
	assert_false(ring_room_idle(&e->prod, 64));
	(void)ring_put_flush(&e->prod);
	assert_false(ring_woken(&e->prod));
	assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 64);
	assert_true(ring_get_flush(&e->cons));
	assert_true(ring_woken(&e->prod));
	assert_false(ring_woken(&e->prod));
}

static void a_quiet_record_beside_another_is_not_quiet(void **state)
{
	struct ends *e = *state;
	uint8_t buf[DATA];

	for (int i = 0; i < 4; i++) {
		uint32_t len = i < 2 ? 1 : 8;
		bool first = i % 2;

		assert_false(ring_get_idle_patient(&e->cons));
		assert_int_equal(
			first ? put_quiet(e, 8) : ring_put(&e->prod, "loud one", len), 0);
		assert_int_equal(
			first ? ring_put(&e->prod, "loud one", len) : put_quiet(e, 8), 0);
		assert_true(ring_put_flush(&e->prod));
		while (ring_get(&e->cons, buf, sizeof(buf)) >= 0)
			continue;
		assert_false(ring_get_idle_patient(&e->cons));
		assert_int_equal(put_quiet(e, 8), 0); /* the next is quiet again */
		assert_false(ring_put_flush(&e->prod));
		assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 8);
	}
}

/* Half the ring may fill with quiet records; then each wakes the consumer, which makes room. */
static void quiet_records_do_not_fill_the_ring(void **state)
{
	struct ends *e = *state;
	uint8_t buf[DATA];
	uint32_t n = 0;

	assert_false(ring_get_idle_patient(&e->cons));
	while (put_quiet(e, 60) == 0 && !ring_put_flush(&e->prod))
		n++;
	assert_int_equal(n, DATA / 2 / 64);
	for (uint32_t i = 0; i <= n; i++)
		assert_int_equal(ring_get(&e->cons, buf, sizeof(buf)), 60);
	(void)ring_get_flush(&e->cons);
	assert_false(ring_get_idle_patient(&e->cons));
	assert_int_equal(put_quiet(e, 60), 0); /* the producer sees that there is room again */
	assert_false(ring_put_flush(&e->prod));
}

/* A peer that breaks the rules is signalled too often rather than never. */
static void wishes_that_do_not_exist(void **state)
{
	struct ends *e = *state;

	for (uint32_t want = 3; want; want = want == 3 ? UINT32_MAX : 0) {
		e->prod.sh->want_data = want;
		assert_int_equal(put_quiet(e, 8), 0);
		assert_true(ring_put_flush(&e->prod));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(init_checks_arguments),
		T(nothing_is_seen_before_flush),
		T(order_and_content_over_many_wraps),
		W(order_and_content_over_many_wraps),
		T(fills_to_the_last_byte),
		W(fills_to_the_last_byte),
		T(too_long_for_the_reader),
		T(cons_ahead_of_prod),
		W(cons_ahead_of_prod),
		T(cons_not_on_a_record),
		T(cons_goes_back),
		W(cons_goes_back),
		T(cons_far_behind),
		T(prod_beyond_the_ring),
		W(prod_beyond_the_ring),
		T(prod_not_on_a_record),
		T(prod_goes_back),
		W(prod_goes_back),
		T(length_beyond_what_was_published),
		W(length_beyond_what_was_published),
		T(length_beyond_the_ring),
		T(length_changed_after_it_was_read),
		T(own_index_is_private),
		T(flush_of_nothing_wakes_nobody),
		T(room_for_several),
		W(room_for_several),
		T(quiet_records_wake_only_those_that_want_all),
		T(an_end_sees_that_it_is_woken),
		W(an_end_sees_that_it_is_woken),
		T(a_quiet_record_beside_another_is_not_quiet),
		T(quiet_records_do_not_fill_the_ring),
		W(quiet_records_do_not_fill_the_ring),
		T(wishes_that_do_not_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

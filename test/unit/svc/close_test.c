/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * close_test.c - the end of connections, and callers that give up
 */
#include "harness.h"

/* ---- close ------------------------------------------------------------------------------- */
static void finish(void)
{
	assert_int_equal(fake.n_answers, 1); /* the close has no answer so far */
	if (seen.closes)
		assert_ptr_equal(svc_conn_next(NULL), seen.conn);
	svc_closed(seen.conn, -SK_E_IO);
}

static void finish_last(void) { svc_closed(seen.conn, 0); }

static void close_waits_for_what_is_in_flight(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish;
	serve();
	assert_int_equal(fake.n_answers, 3);
	assert_int_equal(fake.answer[1].reply, DOMAIN_CAP_REPLY);
	assert_int_not_equal(fake.answer[2].reply, DOMAIN_CAP_REPLY);
	assert_int_equal(status(1), 0);
	assert_int_equal(fake.answer[1].n, 2);
	/* result of the last flush */
	assert_int_equal((int64_t)fake.answer[1].mr[1], -SK_E_IO);
	assert_int_equal(fake.n_mapped, 0);
}

static void close_says_what_went_wrong(void)
{
	seen.close_rc = -SK_E_IO;
	add_open();
	add_close(1);
	add_close(1);
	serve();
	assert_int_equal(status(1), 0);
	assert_int_equal(fake.answer[1].n, 2);
	assert_int_equal((int64_t)fake.answer[1].mr[1], -SK_E_IO);
	assert_int_equal(status(2), -SK_E_NOT_FOUND);
	assert_int_equal(fake.n_mapped, 0);
}

static void memory_runs_out(void) { fake.no_memory = true; }

/*
 * A closer waits and gets its answer even if the domain has no memory left; opens are refused.
 */
static void close_needs_no_memory(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_open()->before = memory_runs_out;
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_last;
	serve();
	assert_int_equal(status(1), -SK_E_NO_MEM);
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.closes, 1);
	assert_int_equal(fake.n_answers, 4);
	assert_int_equal(fake.answer[2].reply, DOMAIN_CAP_REPLY);
	assert_int_equal(status(2), 0);
	assert_int_equal(fake.n_mapped, 0);
}

/* Bytes of the heap, which the sanitizer knows. */
size_t __sanitizer_get_current_allocated_bytes(void);
static size_t heap_bytes;

static void heap_note(void) { heap_bytes = __sanitizer_get_current_allocated_bytes(); }

static void heap_is_as_noted(void)
{
	assert_int_equal(__sanitizer_get_current_allocated_bytes(), heap_bytes);
}

/*
 * Memory of objects is not returned, so the next connection reuses what the last one had for
 * its end.
 */
static void connections_in_turn_need_no_more_memory(void)
{
	for (uint64_t i = 1; i <= 10; i++) {
		struct event *e = add_open();

		if (i == 2)
			e->before = heap_note;
		if (i == 10)
			e->before = heap_is_as_noted;
		add_close(i);
	}
	serve();
	assert_int_equal(seen.closes, 10);
	assert_int_equal(fake.n_objects, 1);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void close_by_two_at_a_time(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open()->badge = SVC_BADGE_CONTROL;
	add_close(1)->badge = SVC_BADGE_CONTROL;
	add_close(1)->badge = SVC_BADGE_INIT;
	serve();
	assert_int_equal(status(1), -SK_E_BUSY);
	assert_int_equal(seen.closes, 1);
}

/* ---- callers that give up ---------------------------------------------------------------- */
static void finish_unheard(void)
{
	caller_gone();
	svc_closed(seen.conn, -SK_E_IO);
	caller_there();
}

/*
 * A caller that repeats a slow close gets its result, whether it is there before or after the
 * call.
 */
static void close_is_asked_again(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_close(1);
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_last;
	serve();
	assert_int_equal(seen.closes, 1);
	assert_int_equal(
		/* open, close, ping: the first close's caller has given up */
		fake.n_answers, 3);
	assert_int_equal(fake.answer[1].n, 2);
	assert_int_equal(status(1), 0);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void close_result_is_kept_until_it_is_heard(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_unheard;
	add_close(1)->before = caller_gone;
	add_close(1)->before = caller_there;
	add_close(1);
	serve();
	assert_int_equal(seen.closes, 1);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal((int64_t)fake.answer[1].mr[1], -SK_E_IO); /* its caller was gone */
	assert_int_equal((int64_t)fake.answer[3].mr[1], -SK_E_IO); /* repeated */
	assert_int_equal((int64_t)fake.answer[4].mr[1], -SK_E_IO);
	assert_int_equal(status(4), 0);
	assert_int_equal(status(5), -SK_E_NOT_FOUND);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void close_that_fails_at_once_is_kept_too(void)
{
	seen.close_rc = -SK_E_IO;
	add_open();
	add_close(1)->before = caller_gone;
	add_close(1)->before = caller_there;
	serve();
	assert_int_equal(seen.closes, 1);
	assert_int_equal(status(2), 0);
	assert_int_equal((int64_t)fake.answer[2].mr[1], -SK_E_IO);
}

/* The region of the failed open is still in use, so PING does not report success. */
static void open_that_takes_time_to_undo(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open()->before = caller_gone;
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = caller_there;
	fake_add(SVC_PING, SVC_BADGE_CONTROL);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_last;
	serve();
	assert_int_equal(status(1), -SK_E_BUSY);
	assert_int_equal(status(2), 0);
	assert_int_equal(status(3), 0);
	assert_int_equal(fake.n_answers, 4);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void closed_without_a_close_changes_nothing(void)
{
	add_open();
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish;
	add_close(1);
	serve();
	assert_int_equal(status(2), 0);
}

static void close_by_another_connector(void)
{
	add_open();
	add_close(1)->badge = SVC_BADGE_CONTROL;
	add_close(1)->badge = SVC_BADGE_CLIENT;
	serve();
	assert_int_equal(status(1), -SK_E_DENIED);
	assert_int_equal(status(2), -SK_E_DENIED);
	assert_int_equal(seen.closes, 0);
}

/* ---- what a connector finds that does not know its connections --------------------------- */
static struct event *add_find(uint64_t domid, uint64_t badge)
{
	struct event *e = fake_add(SVC_FIND, badge);

	e->mr[0] = domid;
	e->n = 1;
	return e;
}

static uint64_t found(unsigned int i)
{
	assert_int_equal(status(i), 0);
	assert_int_equal(fake.answer[i].n, 2);
	return fake.answer[i].mr[1];
}

/* Client 5 has connection 1. */
static void connections_are_found(void)
{
	seen.close_rc = -SK_E_IO;
	add_open();
	(void)add_find(5, SVC_BADGE_INIT);
	(void)add_find(6, SVC_BADGE_INIT);
	(void)add_find(5, SVC_BADGE_CONTROL);
	(void)add_find(5 | 1ull << 32, SVC_BADGE_INIT);
	add_find(5, SVC_BADGE_INIT)->n = 0;
	add_close(1)->before = caller_gone; /* closed, and nobody knows the result */
	add_find(5, SVC_BADGE_INIT)->before = caller_there;
	add_close(1);
	(void)add_find(5, SVC_BADGE_INIT);
	serve();
	assert_int_equal(found(1), 1);
	assert_int_equal(found(2), 0);
	assert_int_equal(found(3), 0);
	assert_int_equal(found(4), 0);
	assert_int_equal(status(5), -SK_E_INVAL);
	assert_int_equal(found(7), 1);
	assert_int_equal((int64_t)fake.answer[8].mr[1], -SK_E_IO);
	assert_int_equal(found(9), 0);
}

/* One that the service undoes by itself is none. */
static void what_is_being_undone_is_not_found(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open()->before = caller_gone;
	add_find(5, SVC_BADGE_INIT)->before = caller_there;
	serve();
	assert_int_equal(found(1), 0);
}

int close_tests(void)
{
	const struct CMUnitTest tests[] = {
		T(close_waits_for_what_is_in_flight),
		T(close_says_what_went_wrong),
		T(close_needs_no_memory),
		T(connections_in_turn_need_no_more_memory),
		T(close_by_two_at_a_time),
		T(close_is_asked_again),
		T(close_result_is_kept_until_it_is_heard),
		T(close_that_fails_at_once_is_kept_too),
		T(open_that_takes_time_to_undo),
		T(closed_without_a_close_changes_nothing),
		T(close_by_another_connector),
		T(connections_are_found),
		T(what_is_being_undone_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

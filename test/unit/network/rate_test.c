/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rate_test.c - a port's rate in ticks of a clock that the test sets
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rate.h"

enum { HZ = 1000000 };

static struct rate r;

static void limit(uint64_t bytes, uint32_t us)
{
	const struct net_params p = { .rate_bytes = bytes, .rate_us = us };

	assert_int_equal(rate_init(&r, &p, HZ), 0);
}

static int end(void **state)
{
	(void)state;
	rate_end(&r);
	return 0;
}

/* How many frames of the length leave until then, with one always ready. */
static uint64_t sent_until(sk_time_t from, sk_time_t to, uint32_t length)
{
	uint64_t n = 0;

	for (sk_time_t now = from; now < to; now++)
		while (!rate_waits(&r, now)) {
			rate_pay(&r, length, now);
			n++;
		}
	return n;
}

static void no_limit(void **state)
{
	(void)state;
	limit(0, 0);
	rate_pay(&r, 65550, 5);
	assert_false(rate_waits(&r, 5));
}

static void as_much_as_an_interval_at_once(void **state)
{
	(void)state;
	limit(10000, 50000); /* 200 bytes in a millisecond */
	assert_int_equal(sent_until(1000000, 1000001, 1000), 11);
	assert_int_equal(sent_until(1000001, 1000000 + HZ, 1000), 199);
}

static void a_quiet_port_saves_no_more(void **state)
{
	(void)state;
	limit(10000, 50000);
	(void)sent_until(1000000, 1000001, 1000);
	assert_int_equal(sent_until(90000000, 90000001, 1000), 11);
}

static void a_long_frame_is_paid_later(void **state)
{
	(void)state;
	limit(1000, 1000);
	assert_false(rate_waits(&r, 0));
	rate_pay(&r, 65000, 0);
	assert_int_equal(rate_due(&r), 64000);
	assert_true(rate_waits(&r, 63999));
	assert_false(rate_waits(&r, 64000));
}

static void the_longest_times(void **state)
{
	const struct net_params p = { .rate_bytes = 1, .rate_us = UINT32_MAX };

	(void)state;
	assert_int_equal(rate_init(&r, &p, 8000000000ull), 0);
	rate_pay(&r, NET_FRAME_MAX, 0);
	assert_true(rate_due(&r) == (uint64_t)UINT32_MAX * 8000 * (NET_FRAME_MAX - 1));
}

static void frames_keep_their_order(void **state)
{
	struct net_desc d = { .length = 1000 };
	uint32_t in = 0, out = 0;

	(void)state;
	limit(1000, 1000);
	rate_pay(&r, 1001, 0);
	for (sk_time_t now = 0; out < 1000; now += 1500) {
		for (; r.n < NET_DEPTH; in++) {
			d.id = in;
			assert_int_equal(rate_hold(&r, &d), 0);
			assert_true(rate_waits(&r, now + 1000000));
		}
		assert_int_equal(rate_hold(&r, &d), -SK_E_PEER);
		while (rate_next(&r, now, &d)) {
			assert_int_equal(d.id, out++);
			rate_pay(&r, d.length, now);
		}
	}
	assert_int_equal(in, out + r.n);
}

static void nothing_is_held_before_its_time(void **state)
{
	struct net_desc d = { .length = 1000 };

	(void)state;
	limit(1000, 1000);
	assert_false(rate_next(&r, 0, &d));
	rate_pay(&r, 2000, 0);
	assert_int_equal(rate_hold(&r, &d), 0);
	assert_false(rate_next(&r, 999, &d));
	assert_true(rate_next(&r, 1000, &d));
	assert_false(rate_next(&r, 1000, &d));
}

static void an_interval_of_nothing(void **state)
{
	const struct net_params p = { .rate_bytes = 1 };

	(void)state;
	assert_int_equal(rate_init(&r, &p, HZ), -SK_E_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(no_limit, end),
		cmocka_unit_test_teardown(as_much_as_an_interval_at_once, end),
		cmocka_unit_test_teardown(a_quiet_port_saves_no_more, end),
		cmocka_unit_test_teardown(a_long_frame_is_paid_later, end),
		cmocka_unit_test_teardown(the_longest_times, end),
		cmocka_unit_test_teardown(frames_keep_their_order, end),
		cmocka_unit_test_teardown(nothing_is_held_before_its_time, end),
		cmocka_unit_test(an_interval_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

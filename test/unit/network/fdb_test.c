/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdb_test.c - learning, ageing, and forgetting
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fdb.h"

static struct fdb t;

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.max_age = 100;
	return 0;
}

static const uint8_t a[6] = { 0, 0x16, 0x3e, 1, 2, 3 }, b[6] = { 0, 0x16, 0x3e, 1, 2, 4 };

static const uint8_t gateway[6] = { 0x52, 0x55, 10, 0, 2, 2 };

/* A frame from a guest's port, and one from the uplink. */
static bool guest_sends(const uint8_t *mac, uint32_t port, sk_time_t now)
{
	return fdb_learn(&t, mac, port, false, now);
}

static bool uplink_sends(const uint8_t *mac, sk_time_t now)
{
	return fdb_learn(&t, mac, 0, true, now);
}

static void learning(void **state)
{
	(void)state;
	assert_int_equal(fdb_lookup(&t, a, 0), FDB_NONE);
	assert_true(guest_sends(a, 3, 10));
	assert_int_equal(fdb_lookup(&t, a, 20), 3);
	assert_int_equal(fdb_lookup(&t, b, 20), FDB_NONE);
	assert_true(guest_sends(a, 4, 30)); /* the address moved */
	assert_int_equal(fdb_lookup(&t, a, 30), 4);
	assert_int_equal(fdb_lookup(&t, a, 130), 4);
	assert_int_equal(fdb_lookup(&t, a, 131), FDB_NONE);
}

static void group_addresses_are_no_source(void **state)
{
	const uint8_t m[6] = { 1, 0, 0x5e, 0, 0, 1 };

	(void)state;
	assert_false(guest_sends(m, 3, 0));
	assert_int_equal(fdb_lookup(&t, m, 0), FDB_NONE);
	assert_int_equal(fdb_own(&t, m, 3), -SK_E_INVAL);
	assert_int_equal(fdb_own(&t, (const uint8_t[6]){ 0 }, 3), -SK_E_INVAL);
}

static void forgetting_a_port(void **state)
{
	(void)state;
	assert_int_equal(fdb_own(&t, gateway, 3), 0);
	assert_true(guest_sends(a, 3, 0));
	assert_true(guest_sends(b, 4, 0));
	fdb_forget(&t, 3);
	assert_int_equal(fdb_lookup(&t, a, 0), FDB_NONE);
	assert_int_equal(fdb_lookup(&t, gateway, 0), FDB_NONE);
	assert_int_equal(fdb_lookup(&t, b, 0), 4);
	assert_int_equal(fdb_own(&t, gateway, 5), 0);
}

static void own_addresses_stay(void **state)
{
	(void)state;
	assert_true(guest_sends(a, 4, 0));
	assert_int_equal(fdb_own(&t, a, 3), 0);
	assert_int_equal(fdb_lookup(&t, a, 1), 3); /* an own address replaces a learned one */
	assert_int_equal(fdb_own(&t, a, 4), -SK_E_EXISTS);
	assert_int_equal(fdb_own(&t, b, 4), 0);
	assert_true(guest_sends(a, 3, 2));
	assert_false(guest_sends(a, 4, 3));
	assert_false(uplink_sends(a, 3));
	assert_int_equal(fdb_lookup(&t, a, 1000000), 3); /* it does not age */
	fdb_forget(&t, 3);
	/* nothing was learned about it meanwhile */
	assert_int_equal(fdb_lookup(&t, a, 4), FDB_NONE);
	assert_int_equal(fdb_lookup(&t, b, 4), 4);
}

/* Own addresses in one set are all found, whichever of them is removed. */
static void own_addresses_share_sets(void **state)
{
	uint32_t shared = 0;

	(void)state;
	for (uint32_t i = 0; i < FDB_OWN_MAX; i++) {
		const uint8_t mac[6] = { 2, 0, (uint8_t)(i >> 8), (uint8_t)(i * i),
			(uint8_t)(i * 3), (uint8_t)i };

		assert_int_equal(fdb_own(&t, mac, i), 0);
		shared += t.own[i].next != 0;
	}
	assert_true(shared > 0);
	for (uint32_t gone = 0; gone < FDB_OWN_MAX; gone++) {
		for (uint32_t i = 0; i < FDB_OWN_MAX; i++) {
			const uint8_t mac[6] = { 2, 0, (uint8_t)(i >> 8), (uint8_t)(i * i),
				(uint8_t)(i * 3), (uint8_t)i };

			assert_int_equal(fdb_lookup(&t, mac, 0), i < gone ? FDB_NONE : i);
		}
		fdb_forget(&t, gone);
	}
	assert_int_equal(t.n_own, 0);
}

static void as_many_as_ports(void **state)
{
	uint8_t m[6] = { 2, 0, 0, 0, 0, 0 };

	(void)state;
	for (uint32_t i = 0; i < FDB_OWN_MAX; i++) {
		m[4] = (uint8_t)(i >> 8);
		m[5] = (uint8_t)i;
		assert_int_equal(fdb_own(&t, m, i), 0);
	}
	m[3] = 1;
	assert_int_equal(fdb_own(&t, m, 1), -SK_E_LIMIT);
	m[3] = m[4] = 0;
	m[5] = 9;
	assert_int_equal(fdb_lookup(&t, m, 0), 9);
}

static void uplink_is_believed_first(void **state)
{
	(void)state;
	assert_true(guest_sends(gateway, 5, 0)); /* no better source is known so far */
	assert_true(uplink_sends(gateway, 1));
	assert_int_equal(fdb_lookup(&t, gateway, 1), 0);
	assert_false(guest_sends(gateway, 5, 2));
	assert_int_equal(
		fdb_lookup(&t, gateway, 101), 0); /* the refused frame did not change its age */
	assert_false(guest_sends(gateway, 5, 101));
	assert_true(guest_sends(
		gateway, 5, 102)); /* not seen for long, so it may have moved here */
	assert_int_equal(fdb_lookup(&t, gateway, 102), 5);
}

static void flood_of_addresses(void **state)
{
	uint8_t m[6] = { 2, 0, 0, 0, 0, 0 };
	uint32_t known = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		memcpy(m + 2, &i, 4);
		assert_true(guest_sends(m, 7, i / 1000));
		assert_int_equal(
			/* the newest address is always known */
			fdb_lookup(&t, m, i / 1000), 7);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		memcpy(m + 2, &i, 4);
		known += fdb_lookup(&t, m, 100) == 7;
	}
	assert_in_range(known, FDB_SETS, FDB_SETS * FDB_WAYS);
}

/* A guest cannot make the switch forget machines beyond the uplink to take their place. */
static void flood_spares_the_uplink(void **state)
{
	uint8_t m[6] = { 2, 0, 0, 0, 0, 0 };

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		memcpy(m + 2, &i, 4);
		assert_true(uplink_sends(m, 1)); /* they fill every set */
	}
	assert_true(uplink_sends(gateway, 1));
	for (uint32_t i = 5000; i < 100000; i++) {
		memcpy(m + 2, &i, 4);
		assert_true(guest_sends(m, 7, 50));
	}
	assert_int_equal(fdb_lookup(&t, gateway, 50), 0);
	assert_false(guest_sends(gateway, 7, 50));
	for (uint32_t i = 5000; i < 100000; i++) {
		memcpy(m + 2, &i, 4);
		/* new machines beyond the uplink replace old ones */
		assert_true(uplink_sends(m, 60));
	}
	assert_int_equal(fdb_lookup(&t, gateway, 60), FDB_NONE);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = { CASE(learning), CASE(group_addresses_are_no_source),
		CASE(forgetting_a_port), CASE(own_addresses_stay),
		CASE(own_addresses_share_sets), CASE(as_many_as_ports),
		CASE(uplink_is_believed_first), CASE(flood_of_addresses),
		CASE(flood_spares_the_uplink) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

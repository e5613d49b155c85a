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

static void learning(void **state)
{
	(void)state;
	assert_int_equal(fdb_lookup(&t, a, 0), FDB_NONE);
	fdb_learn(&t, a, 3, 10);
	assert_int_equal(fdb_lookup(&t, a, 20), 3);
	assert_int_equal(fdb_lookup(&t, b, 20), FDB_NONE);
	fdb_learn(&t, a, 4, 30); /* moved */
	assert_int_equal(fdb_lookup(&t, a, 30), 4);
	assert_int_equal(fdb_lookup(&t, a, 130), 4);
	assert_int_equal(fdb_lookup(&t, a, 131), FDB_NONE);
}

static void group_addresses_teach_nothing(void **state)
{
	const uint8_t m[6] = { 1, 0, 0x5e, 0, 0, 1 };

	(void)state;
	fdb_learn(&t, m, 3, 0);
	assert_int_equal(fdb_lookup(&t, m, 0), FDB_NONE);
}

static void forgetting_a_port(void **state)
{
	(void)state;
	fdb_learn(&t, a, 3, 0);
	fdb_learn(&t, b, 4, 0);
	fdb_forget(&t, 3);
	assert_int_equal(fdb_lookup(&t, a, 0), FDB_NONE);
	assert_int_equal(fdb_lookup(&t, b, 0), 4);
}

static void flood_of_addresses(void **state)
{
	uint8_t m[6] = { 2, 0, 0, 0, 0, 0 };
	uint32_t known = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		memcpy(m + 2, &i, 4);
		fdb_learn(&t, m, 7, i / 1000);
		assert_int_equal(
			fdb_lookup(&t, m, i / 1000), 7); /* the newest is always known */
	}
	for (uint32_t i = 0; i < 100000; i++) {
		memcpy(m + 2, &i, 4);
		known += fdb_lookup(&t, m, 100) == 7;
	}
	assert_in_range(known, FDB_SETS, FDB_SETS * FDB_WAYS);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = { CASE(learning), CASE(group_addresses_teach_nothing),
		CASE(forgetting_a_port), CASE(flood_of_addresses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

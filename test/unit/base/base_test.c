/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base_test.c - errors in words, and numbers byte by byte
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <string.h>
#include <sk/types.h>
#include "base/bytes.h"
#include "base/error.h"

static void every_error_has_words(void **state)
{
	(void)state;
	assert_string_equal(sk_error_text(0), "no error");
	assert_string_equal(sk_error_text(-SK_E_TIMEOUT), "the deadline passed");
	for (int e = 1; e < SK_E_END; e++)
		assert_string_not_equal(sk_error_text(-e), "unknown error");
}

static void other_numbers_are_unknown_errors(void **state)
{
	(void)state;
	assert_string_equal(sk_error_text(-SK_E_END), "unknown error");
	assert_string_equal(sk_error_text(1), "unknown error");
	assert_string_equal(sk_error_text(INT_MAX), "unknown error");
	assert_string_equal(sk_error_text(INT_MIN), "unknown error");
}

static void little_endian(void **state)
{
	const uint8_t b[9] = { 0, 0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88 };

	(void)state;
	assert_int_equal(get_le16(b + 1), 0x8201);
	assert_int_equal(get_le32(b + 1), 0x84038201);
	assert_true(get_le64(b + 1) == 0x8807860584038201);
}

static void big_endian(void **state)
{
	const uint8_t b[5] = { 0, 0x81, 0x02, 0x83, 0x04 };
	uint8_t copy[5] = { 0 };

	(void)state;
	assert_int_equal(get_be16(b + 1), 0x8102);
	assert_int_equal(get_be32(b + 1), 0x81028304);
	put_be32(copy + 1, 0x81028304);
	assert_memory_equal(copy, b, sizeof(b));
	put_be16(copy + 1, 0x12345);
	assert_int_equal(get_be32(copy + 1), 0x23458304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_words),
		cmocka_unit_test(other_numbers_are_unknown_errors),
		cmocka_unit_test(little_endian),
		cmocka_unit_test(big_endian),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* numbers_test.c - numbers and amounts of memory as a person types them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/mem_size.h"
#include "cli/number.h"

static uint64_t kib;

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t kib;
	} cases[] = { { "512", 524288 }, { "0", 0 }, { "512m", 524288 }, { "512M", 524288 },
		{ "1g", 1048576 }, { "2T", 2147483648 }, { "1025k", 1025 }, { "2047b", 1 },
		{ "1048576B", 1024 }, { "0007", 7168 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(mem_size_parse(cases[i].text, &kib), 0);
		assert_int_equal(kib, cases[i].kib);
	}
}

static void no_sizes(void **state)
{
	static const char *const cases[] = { "", "m", "-1", "+1", " 1", "1 ", "1.5g", "0x10",
		"1mb", "1p", "1@", "18446744073709551616", "99999999999999999999k",
		"18014398509481984m", "18446744073709551615g", "1\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (mem_size_parse(cases[i], &kib) == 0)
			fail_msg("accepted: %s", cases[i]);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t n;
	} cases[] = { { "0", 0 }, { "7", 7 }, { "007", 7 }, { "4294967295", UINT32_MAX } };
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(number_parse(cases[i].text, UINT32_MAX, &n), 0);
		assert_int_equal(n, cases[i].n);
	}
	assert_int_equal(number_parse("99", 99, &n), 0);
}

static void no_numbers(void **state)
{
	static const char *const cases[] = { "", "-1", "+1", " 1", "1 ", "1.5", "0x10", "all",
		"4294967296", "18446744073709551617", "99999999999999999999999" };
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (number_parse(cases[i], UINT32_MAX, &n) == 0)
			fail_msg("accepted: %s", cases[i]);
	assert_int_equal(number_parse("100", 99, &n), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sizes), cmocka_unit_test(no_sizes),
		cmocka_unit_test(numbers), cmocka_unit_test(no_numbers) };

	return cmocka_run_group_tests_name("control numbers", tests, NULL, NULL);
}

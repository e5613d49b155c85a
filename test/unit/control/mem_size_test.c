/* SPDX-License-Identifier: BSD-2-Clause */
/* mem_size_test.c - amounts of memory as a person types them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/mem_size.h"

static uint64_t kib;

static void good(void **state)
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

static void bad(void **state)
{
	static const char *const cases[] = { "", "m", "-1", "+1", " 1", "1 ", "1.5g", "0x10",
		"1mb", "1p", "1@", "18446744073709551616", "99999999999999999999k",
		"18014398509481984m", "18446744073709551615g", "1\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (mem_size_parse(cases[i], &kib) == 0)
			fail_msg("accepted: %s", cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad) };

	return cmocka_run_group_tests_name("control mem_size", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu_set_test.c - sets of CPUs; what they mean to xl is known from its dry run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "config/cpu_set.h"

enum { CPUS = 8 };

static void sets(void **state)
{
	static const struct {
		const char *text;
		uint64_t set;
	} list[] = { { "0-1", 0x03 }, { "2", 0x04 }, { "all", 0xff }, { "0-3,^1", 0x0d },
		{ "^1,0-3", 0x0f }, { "all,^2", 0xfb }, { "0-7,^2-5", 0xc3 }, { "9", 0 },
		{ "0-70", 0xff }, { "6-1000", 0xc0 }, { "63", 0 }, { "64", 0 }, { "", 0 },
		{ "^0", 0 }, { ",,2,", 0x04 }, { " 2", 0x04 }, { "1, 2", 0x06 }, { "+1", 0x02 },
		{ "nodes:all", 0xff }, { "node:all", 0xff }, { "nodes:0", 0xff },
		{ "node:0,^1", 0xfd }, { "nodes:0-3", 0xff }, { "node:3", 0 },
		{ "all,^node:0", 0 }, { "1,all", 0xff }, { "4294967298", 0 } };
	struct msg why;
	uint64_t set;

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		assert_int_equal(cpu_set_parse(list[i].text, CPUS, &set, &why), 0);
		assert_int_equal(set, list[i].set);
	}
	assert_int_equal(cpu_set_parse("all", 64, &set, &why), 0);
	assert_true(set == UINT64_MAX);
	assert_int_equal(cpu_set_parse("63", 64, &set, &why), 0);
	assert_true(set == 1ull << 63);
}

static void bad_sets(void **state)
{
	static const char *const list[] = { "x", "1-", "3-1", "2 ", "-1", "0x1", "^all", "^",
		"nodes:", "1-2-3", "1;2", "node:x", "all2", "1,^node:all", "- 1", "1 -2",
		"11111111111111111111111111111111111111111111111111111111111111111111" };
	struct msg why;
	uint64_t set;

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		why.text[0] = '\0';
		assert_int_equal(cpu_set_parse(list[i], CPUS, &set, &why), -1);
		assert_true(why.text[0]);
	}
}

static void texts(void **state)
{
	static const struct {
		uint64_t set;
		uint32_t n;
		const char *text;
	} list[] = { { 0xff, 8, "all" }, { 0xffff, 8, "all" }, { 0, 8, "none" },
		{ 0x100, 8, "none" }, { 0x01, 8, "0" }, { 0x80, 8, "7" }, { 0x0d, 8, "0,2-3" },
		{ 0xfe, 8, "1-7" }, { 0x03, 8, "0-1" }, { 1, 1, "all" },
		{ UINT64_MAX, 64, "all" }, { 1ull << 63, 64, "63" },
		{ UINT64_MAX - 1, 64, "1-63" } };
	char text[CPU_SET_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		cpu_set_format(list[i].set, list[i].n, text);
		assert_string_equal(text, list[i].text);
	}
	cpu_set_format(0x5555555555555555ull, 64, text); /* the longest */
	assert_string_equal(text + strlen(text) - 6, ",60,62");
	assert_int_equal(cpu_sets_count((const uint64_t[]){ 0, 3, 0, 0 }, 4), 2);
	assert_int_equal(cpu_sets_count((const uint64_t[]){ 0, 0 }, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets),
		cmocka_unit_test(bad_sets),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string_test.c - memcpy() and memset() of all small sizes, at all alignments
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define memcpy rt_memcpy
#define memset rt_memset
void *rt_memcpy(void *restrict dst, const void *restrict src, size_t n);
void *rt_memset(void *dst, int c, size_t n);
#include "libs/rt/string.c"
#undef memcpy
#undef memset

enum { SIZES = 300, ROOM = SIZES + 32 };

static uint8_t from[ROOM], to[ROOM];

static void fill(void)
{
	for (unsigned int i = 0; i < ROOM; i++) {
		from[i] = (uint8_t)(i * 7 + i / 251);
		to[i] = 0xee;
	}
}

/* Nothing outside [at, at + n) has changed. */
static void outside_is_as_it_was(size_t at, size_t n)
{
	for (size_t i = 0; i < ROOM; i++)
		if (i < at || i >= at + n)
			assert_int_equal(to[i], 0xee);
}

static void copies(void **state)
{
	(void)state;
	for (size_t n = 0; n <= SIZES; n++)
		for (size_t a = 0; a < 64; a++) {
			size_t at = 8 + a % 8, src = 3 + a / 8;

			fill();
			assert_ptr_equal(rt_memcpy(to + at, from + src, n), to + at);
			assert_memory_equal(to + at, from + src, n);
			outside_is_as_it_was(at, n);
		}
}

static void sets(void **state)
{
	(void)state;
	for (size_t n = 0; n <= SIZES; n++)
		for (size_t at = 8; at < 16; at++) {
			fill();
			assert_ptr_equal(rt_memset(to + at, -91, n), to + at);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(to[at + i], 165);
			outside_is_as_it_was(at, n);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_test.c - bounded logs, lines of several domains, and the kernel's ring
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bootlog.h"

static struct textlog l;

static int setup(void **state)
{
	(void)state;
	return textlog_init(&l, 16);
}

static int teardown(void **state)
{
	(void)state;
	textlog_fini(&l);
	return 0;
}

static void expect(uint64_t *pos, size_t max, const char *text)
{
	char out[64];
	size_t n = textlog_read(&l, pos, out, max);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(out, text, n);
}

static void keeps_the_newest(void **state)
{
	uint64_t pos = 0;

	(void)state;
	textlog_write(&l, "0123456789", 10);
	expect(&pos, 4, "0123");
	textlog_write(&l, "abcdefghij", 10); /* overwrites 4 bytes that were read */
	expect(&pos, 64, "456789abcdefghij");
	expect(&pos, 64, "");
	pos = 0; /* that position is overwritten: goes on with the oldest byte */
	expect(&pos, 3, "456");
	assert_int_equal(pos, 7);
	textlog_write(&l, "a text that is longer than the log", 34);
	assert_int_equal(l.end, 54);
	pos = textlog_start(&l);
	expect(&pos, 64, "ger than the log");
}

static void longer_than_the_log(void **state)
{
	uint64_t pos = 0;

	(void)state;
	textlog_write(&l, "xyz", 3);
	textlog_write(&l, "0123456789abcdefghij", 20);
	expect(&pos, 64, "456789abcdefghij");
	assert_int_equal(pos, 23);
}

static void memory_of_others(void **state)
{
	_Alignas(8) char here[sizeof(struct textlog_head) + 16], there[16];
	uint64_t pos = 0;

	(void)state;
	textlog_fini(&l);
	assert_int_equal(textlog_init_at(&l, NULL, 80), -SK_E_INVAL);
	assert_int_equal(textlog_init_at(&l, here, 0), -SK_E_INVAL);
	assert_int_equal(textlog_init_at(&l, here, sizeof(here) - 16), -SK_E_INVAL);
	assert_int_equal(textlog_init_at(&l, here, sizeof(here)), 0);
	textlog_write(&l, "0123456789abcdefghij", 20); /* wraps around the end */
	textlog_move(&l, there);
	memset(here, 'X', sizeof(here));
	textlog_write(&l, "k", 1);
	expect(&pos, 64, "56789abcdefghijk");
	textlog_fini(&l); /* frees neither buffer */
}

/* The size is no power of two, and a write ends at every place. */
static void a_log_goes_on(void **state)
{
	_Alignas(8) char mem[sizeof(struct textlog_head) + 13];
	struct textlog first, next;
	uint64_t pos = 0;

	(void)state;
	assert_int_equal(textlog_init_at(&first, mem, sizeof(mem)), 0);
	for (uint32_t i = 0; i < 100; i++) {
		char c = (char)('a' + i % 26);

		textlog_write(&first, &c, 1);
		textlog_note(&first, i / 2);
		assert_true(textlog_resume(&next, mem, sizeof(mem)));
		assert_int_equal(next.end, i + 1);
		assert_int_equal(next.seen, i / 2);
		pos = 0;
		assert_int_equal(
			textlog_read(&next, &pos, (char[64]){ 0 }, 64), i < 13 ? i + 1 : 13);
	}
	textlog_clear(&first);
	assert_true(textlog_resume(&next, mem, sizeof(mem)));
	assert_int_equal(textlog_start(&next), 100);
}

/* What the last life left may be anything, and never leads out of the memory. */
static void a_head_that_makes_no_sense(void **state)
{
	_Alignas(8) char mem[sizeof(struct textlog_head) + 16];
	struct textlog_head *h = (struct textlog_head *)mem;
	const struct textlog_head bad[] = {
		{ 0 },
		{ .first = 5, .end = 4 },
		{ .end = 4, .seen = 5 },
		{ .end = UINT64_MAX },
		{ .first = UINT64_MAX, .end = UINT64_MAX, .seen = UINT64_MAX },
		{ .magic = 1, .end = 4 },
	};
	struct textlog next;
	uint64_t magic, pos;
	char out[64];

	(void)state;
	assert_int_equal(textlog_init_at(&next, mem, sizeof(mem)), 0);
	magic = h->magic;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		*h = bad[i];
		h->magic = i == 0 || h->magic ? h->magic : magic;
		assert_false(textlog_resume(&next, mem, sizeof(mem)));
		assert_int_equal(next.end, 0);
		assert_true(textlog_resume(&next, mem, sizeof(mem)));
	}
	*h = (struct textlog_head){ .magic = magic, .first = 7, .end = 1ull << 62 };
	assert_true(textlog_resume(&next, mem, sizeof(mem)));
	pos = 0;
	assert_int_equal(textlog_read(&next, &pos, out, sizeof(out)), 16);
	assert_false(textlog_resume(&next, mem, sizeof(*h)));
}

/* The last life was stopped while it wrote: nothing that was overwritten is shown as text. */
static void a_write_that_was_not_finished(void **state)
{
	_Alignas(8) char mem[sizeof(struct textlog_head) + 16];
	struct textlog_head *h = (struct textlog_head *)mem, before;
	struct textlog log, next;
	uint64_t pos = 0;
	char out[64];

	(void)state;
	assert_int_equal(textlog_init_at(&log, mem, sizeof(mem)), 0);
	textlog_write(&log, "0123456789abcdef", 16);
	before = *h;
	textlog_write(&log, "XYZ", 3);
	h->end = before.end; /* the store that comes last */
	assert_true(textlog_resume(&next, mem, sizeof(mem)));
	out[textlog_read(&next, &pos, out, sizeof(out))] = 0;
	assert_string_equal(out, "3456789abcdef");
	textlog_write(&next, "XYZ", 3); /* it comes again */
	pos = 0;
	out[textlog_read(&next, &pos, out, sizeof(out))] = 0;
	assert_string_equal(out, "3456789abcdefXYZ");
}

static void lines_of_domains(void **state)
{
	struct bootlog_line a = { 0 }, b = { 0 };
	struct textlog log;
	char out[1024];
	uint64_t pos = 0;
	size_t n;

	(void)state;
	assert_int_equal(textlog_init(&log, 1024), 0);
	bootlog_text(&log, &a, "uart", 1000000, "one\r\ntw", 7);
	bootlog_text(&log, &b, "ip", 2000000999, "esc \033[2J\n", 9);
	bootlog_text(&log, &a, "uart", 123456000001000, "o\nrest", 6);
	bootlog_finish(&log, &a, "uart", UINT64_MAX);
	bootlog_finish(&log, &b, "ip", UINT64_MAX);
	n = textlog_read(&log, &pos, out, sizeof(out));
	out[n] = 0;
	assert_string_equal(out,
		"[    0.001000] (uart) one\n[    2.000000] (ip) esc .[2J\n"
		"[123456.000001] (uart) two\n[18446744073.709551] (uart) rest\n");
	textlog_fini(&log);
}

static void endless_line_is_cut(void **state)
{
	struct bootlog_line a = { 0 };
	struct textlog log;
	char text[3 * BOOTLOG_LINE_MAX];

	(void)state;
	assert_int_equal(textlog_init(&log, 4096), 0);
	memset(text, 'x', sizeof(text));
	bootlog_text(&log, &a, "d", 0, text, sizeof(text));
	assert_int_equal(a.len, 0);
	assert_int_equal(log.end, 3 * (BOOTLOG_LINE_MAX + 20));
	/* the longest possible line stays one text */
	memset(text, 'n', 47);
	text[47] = 0;
	bootlog_text(&log, &a, text, UINT64_MAX, text + 48, BOOTLOG_LINE_MAX);
	assert_true(log.end - 3 * (BOOTLOG_LINE_MAX + 20) < BOOTLOG_TEXT_MAX);
	textlog_fini(&log);
}

static void times(void **state)
{
	(void)state;
	assert_int_equal(bootlog_time("[    1.234567] x", 16), 1234567);
	assert_int_equal(bootlog_time("[12345.000001] x", 16), 12345000001ull);
	assert_int_equal(bootlog_time("[    1.234567", 13), UINT64_MAX);
	assert_int_equal(bootlog_time("1.234567] x", 11), UINT64_MAX);
	assert_int_equal(bootlog_time("", 0), UINT64_MAX);
}

static void forgotten_text_is_not_read(void **state)
{
	uint64_t pos = 0;

	(void)state;
	textlog_write(&l, "0123456789", 10);
	textlog_clear(&l);
	expect(&pos, 64, "");
	assert_int_equal(pos, 10);
	textlog_write(&l, "ab", 2);
	pos = 0;
	expect(&pos, 64, "ab");
	textlog_write(&l, "0123456789abcdefghij", 20);
	pos = 0;
	expect(&pos, 64, "456789abcdefghij");
}

static void kernel_ring(void **state)
{
	struct sk_klog *ring = calloc(1, sizeof(*ring) + 8);
	struct bootlog_line line = { 0 };
	uint64_t pos = 0, shown = 0;
	struct textlog log;
	char out[256];

	(void)state;
	assert_int_equal(textlog_init(&log, 256), 0);
	ring->size = 8;
	memcpy(ring->data, "abc\nefgh", 8);
	ring->head = 5;
	bootlog_kernel(&log, &line, ring, &pos, 5000000);
	ring->head = 100; /* the kernel overran the reader, which goes on with the last 8 */
	bootlog_kernel(&log, &line, ring, &pos, 6000000);
	out[textlog_read(&log, &shown, out, sizeof(out))] = 0;
	assert_string_equal(out, "[    0.005000] abc\n[    0.006000] eefghabc\n");
	assert_int_equal(line.len, 0);
	textlog_fini(&log);
	free(ring);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(keeps_the_newest),
		CASE(longer_than_the_log),
		CASE(memory_of_others),
		CASE(a_log_goes_on),
		CASE(a_head_that_makes_no_sense),
		CASE(a_write_that_was_not_finished),
		CASE(lines_of_domains),
		CASE(endless_line_is_cut),
		CASE(kernel_ring),
		CASE(times),
		CASE(forgotten_text_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

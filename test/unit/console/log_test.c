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
	textlog_write(&l, "abcdefghij", 10); /* 4 are overwritten, all of them read */
	expect(&pos, 64, "456789abcdefghij");
	expect(&pos, 64, "");
	pos = 0; /* long gone: goes on with the oldest */
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
	char here[16], there[16];
	uint64_t pos = 0;

	(void)state;
	textlog_fini(&l);
	assert_int_equal(textlog_init_at(&l, NULL, 16), -SK_E_INVAL);
	assert_int_equal(textlog_init_at(&l, here, 0), -SK_E_INVAL);
	assert_int_equal(textlog_init_at(&l, here, 12), -SK_E_INVAL);
	assert_int_equal(textlog_init_at(&l, here, sizeof(here)), 0);
	textlog_write(&l, "0123456789abcdefghij", 20); /* around its end */
	textlog_move(&l, there);
	memset(here, 'X', sizeof(here));
	textlog_write(&l, "k", 1);
	expect(&pos, 64, "56789abcdefghijk");
	textlog_fini(&l); /* frees neither */
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
	bootlog_text(&log, &a, "uart", "one\r\ntw", 7);
	bootlog_text(&log, &b, "ip", "esc \033[2J\n", 9);
	bootlog_text(&log, &a, "uart", "o\nrest", 6);
	bootlog_finish(&log, &a, "uart");
	bootlog_finish(&log, &b, "ip");
	n = textlog_read(&log, &pos, out, sizeof(out));
	out[n] = 0;
	assert_string_equal(out, "(uart) one\n(ip) esc .[2J\n(uart) two\n(uart) rest\n");
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
	bootlog_text(&log, &a, "d", text, sizeof(text));
	assert_int_equal(a.len, 0);
	assert_int_equal(log.end, 3 * (BOOTLOG_LINE_MAX + 5));
	textlog_fini(&log);
}

static void kernel_ring(void **state)
{
	struct sk_klog *ring = calloc(1, sizeof(*ring) + 8);
	uint64_t pos = 0, shown = 0;

	(void)state;
	ring->size = 8;
	memcpy(ring->data, "abcdefgh", 8);
	ring->head = 5;
	bootlog_kernel(&l, ring, &pos);
	expect(&shown, 64, "abcde");
	ring->head = 100; /* overran the reader: the last 8 */
	bootlog_kernel(&l, ring, &pos);
	expect(&shown, 64, "efghabcd");
	free(ring);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(keeps_the_newest),
		CASE(longer_than_the_log),
		CASE(memory_of_others),
		CASE(lines_of_domains),
		CASE(endless_line_is_cut),
		CASE(kernel_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

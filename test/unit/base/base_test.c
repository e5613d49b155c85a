/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base_test.c - errors in words, numbers byte by byte, checksums, and the last bytes of a
 * stream
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
#include "base/checksum.h"
#include "base/error.h"
#include "base/tail.h"

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

/* ---- tail.h ---- */
static uint8_t stream_byte(uint32_t at) { return (uint8_t)(at * 7 + at / 251); }

static void stream_send(struct tail *t, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		uint8_t b = stream_byte(t->end);

		tail_add(t, &b, 1);
	}
}

/* All bytes from `taken` on come again, in order, whatever the pieces. */
static void comes_again(struct tail *t, uint32_t taken, uint32_t piece)
{
	uint8_t out[TAIL_SIZE];
	uint32_t at = taken, n;

	assert_true(tail_back(t, taken));
	while ((n = tail_peek(t, out, piece)) != 0) {
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(out[i], stream_byte(at + i));
		tail_take(t, n);
		at += n;
	}
	assert_int_equal(at, t->end);
}

static void a_stream_goes_on_from_any_place(void **state)
{
	static struct tail t;

	(void)state;
	t.end = t.next = UINT32_MAX - 5000; /* positions wrap */
	stream_send(&t, 100);
	for (uint32_t n = 0; n <= 100; n++)
		comes_again(&t, t.end - n, 1 + n % 9);
	stream_send(&t, 3 * TAIL_SIZE);
	for (uint32_t n = 0; n <= TAIL_SIZE; n += 64)
		comes_again(&t, t.end - n, 1000);
	/* stopped again while it is sent again */
	assert_true(tail_back(&t, t.end - 50));
	tail_take(&t, 20);
	comes_again(&t, t.end - 40, 7);
}

static void a_place_that_is_not_kept(void **state)
{
	static struct tail t;
	uint8_t b;

	(void)state;
	assert_true(tail_back(&t, 0));
	assert_false(tail_back(&t, 1));
	assert_false(tail_back(&t, UINT32_MAX)); /* before the beginning */
	stream_send(&t, 10);
	assert_false(tail_back(&t, 11));
	assert_false(tail_back(&t, UINT32_MAX));
	assert_int_equal(tail_peek(&t, &b, 1), 0);
	stream_send(&t, TAIL_SIZE);
	assert_false(tail_back(&t, 9));
	assert_int_equal(tail_peek(&t, &b, 1), 0);
	comes_again(&t, 10, 100);
}

/* RFC 1071, section 1, word by word. */
static uint16_t checksum_by_words(const uint8_t *p, uint32_t n)
{
	uint32_t acc = 0;

	for (uint32_t i = 0; i < n; i++) {
		acc += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		acc = (acc & 0xffff) + (acc >> 16);
	}
	return (uint16_t)~acc;
}

static void checksums_of_every_length(void **state)
{
	uint8_t bytes[300];
	uint32_t x = 1;

	(void)state;
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((x = x * 1103515245 + 12345) >> 16);
	for (uint32_t from = 0; from < 9; from++)
		for (uint32_t n = 0; n + from <= sizeof(bytes); n++)
			assert_int_equal(checksum_fold(checksum_add(0, bytes + from, n)),
				checksum_by_words(bytes + from, n));
}

/* Each carry is added again, and one that adding carries makes. */
static void checksums_of_all_ones(void **state)
{
	uint8_t bytes[256];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (uint32_t n = 2; n <= sizeof(bytes); n += 2)
		assert_int_equal(checksum_fold(checksum_add(0, bytes, n)), 0);
	assert_int_equal(checksum_fold(checksum_add(UINT64_MAX, bytes, 256)), 0);
	assert_int_equal(checksum_fold(checksum_add(UINT64_MAX, bytes, 8)), 0);
}

static void checksums_of_pieces(void **state)
{
	uint8_t bytes[200];
	uint64_t whole;

	(void)state;
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 91 + 7);
	whole = checksum_add(0, bytes, sizeof(bytes));
	for (uint32_t cut = 0; cut <= sizeof(bytes); cut += 2)
		assert_int_equal(checksum_fold(checksum_add(checksum_add(0, bytes, cut),
					 bytes + cut, (uint32_t)sizeof(bytes) - cut)),
			checksum_fold(whole));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_words),
		cmocka_unit_test(other_numbers_are_unknown_errors),
		cmocka_unit_test(checksums_of_every_length),
		cmocka_unit_test(checksums_of_all_ones),
		cmocka_unit_test(checksums_of_pieces),
		cmocka_unit_test(little_endian),
		cmocka_unit_test(big_endian),
		cmocka_unit_test(a_stream_goes_on_from_any_place),
		cmocka_unit_test(a_place_that_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

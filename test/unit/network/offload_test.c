/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload_test.c - software checksum and segmentation, checked by an independent receiver
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "offload.h"

static uint32_t word(const uint8_t *p) { return (uint32_t)(p[0] << 8 | p[1]); }

/* RFC 1071: over data that include the right checksum, the sum is 0xffff. */
static uint32_t ones_sum(const uint8_t *p, uint32_t len, uint32_t acc)
{
	for (uint32_t i = 0; i < len; i++) {
		acc += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		acc = (acc & 0xffff) + (acc >> 16);
	}
	return acc;
}

static uint32_t tcp_sum(const uint8_t *f, uint32_t l3, uint32_t l4, uint32_t len, bool v6)
{
	uint32_t acc = v6 ? ones_sum(f + l3 + 8, 32, 0) : ones_sum(f + l3 + 12, 8, 0);

	return ones_sum(f + l4, len - l4, acc + 6 + (len - l4));
}

/* A TCP frame with `payload` bytes; returns its length. */
static uint32_t make(uint8_t *f, bool v6, uint32_t payload)
{
	uint32_t l3 = 14, l4 = v6 ? 54 : 34, tcp = 32, len = l4 + tcp + payload;

	memset(f, 0, l4 + tcp);
	memcpy(f, "\x00\x16\x3e\x00\x00\x01\x00\x16\x3e\x00\x00\x02", 12);
	f[12] = v6 ? 0x86 : 0x08;
	f[13] = v6 ? 0xdd : 0x00;
	if (v6) {
		f[l3] = 0x60;
		f[l3 + 6] = 6;
		f[l3 + 8] = 0xfe;
		f[l3 + 39] = 9;
	} else {
		f[l3] = 0x45;
		f[l3 + 4] = 0x12;
		f[l3 + 5] = 0xff;
		f[l3 + 8] = 64;
		f[l3 + 9] = 6;
		memcpy(f + l3 + 12, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8);
	}
	f[l4 + 4] = 0xff; /* a sequence number that wraps */
	f[l4 + 5] = 0xff;
	f[l4 + 6] = 0xff;
	f[l4 + 12] = (uint8_t)(tcp / 4 << 4);
	f[l4 + 13] = 0x10 | 0x08 | 0x01 | 0x80; /* ACK PSH FIN CWR */
	for (uint32_t i = 0; i < payload; i++)
		f[l4 + tcp + i] = (uint8_t)(i * 31 + i / 251);
	return len;
}

static void segments(bool v6)
{
	static uint8_t whole[NET_FRAME_MAX], out[2000];
	const uint32_t piece = v6 ? 1428 : 1448; /* frames of 1514 bytes */
	struct frame f = { .bytes = whole, .gso_size = (uint16_t)piece };
	uint32_t l4 = v6 ? 54 : 34, payload = 10 * piece + 7, seen = 0;
	struct segmenter s;

	f.length = make(whole, v6, payload);
	f.flags = NET_CSUM_BLANK | (v6 ? NET_GSO_TCPV6 : NET_GSO_TCPV4);
	assert_int_equal(segment_init(&s, &f), 0);
	assert_int_equal(s.n, 11);
	for (uint32_t i = 0; i < s.n; i++) {
		uint32_t len = segment_make(&s, i, out), part = len - l4 - 32;

		assert_int_equal(part, i < 10 ? piece : 7);
		assert_int_equal(tcp_sum(out, 14, l4, len, v6), 0xffff);
		if (v6) {
			assert_int_equal(word(out + 18), len - 54);
		} else {
			assert_int_equal(word(out + 16), len - 14);
			assert_int_equal(word(out + 18), (0x12ff + i) & 0xffff);
			assert_int_equal(ones_sum(out + 14, 20, 0), 0xffff);
		}
		assert_int_equal((word(out + l4 + 4) << 16 | word(out + l4 + 6)),
			(uint32_t)(0xffffff00u + i * piece));
		assert_int_equal(out[l4 + 13] & 0x09, i == 10 ? 0x09 : 0);
		assert_int_equal(out[l4 + 13] & 0x80, i == 0 ? 0x80 : 0);
		assert_memory_equal(out + l4 + 32, whole + l4 + 32 + seen, part);
		seen += part;
	}
	assert_int_equal(seen, payload);
}

static void segments_v4(void **state)
{
	(void)state;
	segments(false);
}

static void segments_v6(void **state)
{
	(void)state;
	segments(true);
}

static void checksum(void **state)
{
	uint8_t bytes[200];
	struct frame f = {
		.bytes = bytes, .flags = NET_CSUM_BLANK, .csum_start = 34, .csum_offset = 16
	};
	uint32_t acc;

	(void)state;
	f.length = make(bytes, false, 101);
	/* The sender leaves the pseudo-header's sum in the field. */
	acc = ones_sum(bytes + 26, 8, 6 + f.length - 34);
	bytes[50] = (uint8_t)(acc >> 8);
	bytes[51] = (uint8_t)acc;
	assert_int_equal(frame_checksum(&f), 0);
	assert_int_equal(f.flags, NET_CSUM_VALID);
	assert_int_equal(tcp_sum(bytes, 14, 34, f.length, false), 0xffff);
	f.csum_start = (uint16_t)(f.length - 17);
	f.csum_offset = 16;
	assert_int_equal(frame_checksum(&f), -SK_E_INVAL);
	f.csum_start = 13;
	f.csum_offset = 0;
	assert_int_equal(frame_checksum(&f), -SK_E_INVAL);
	f.csum_start = f.csum_offset = 0xffff;
	assert_int_equal(frame_checksum(&f), -SK_E_INVAL);
}

static void hostile_gso(void **state)
{
	uint8_t *bytes = malloc(2000);
	struct frame f = {
		.bytes = bytes, .flags = NET_CSUM_BLANK | NET_GSO_TCPV4, .gso_size = 500
	};
	struct segmenter s;

	(void)state;
	f.length = make(bytes, false, 1000);
	assert_int_equal(segment_init(&s, &f), 0);
	f.flags = NET_CSUM_BLANK | NET_GSO_TCPV6; /* differs from the frame's protocol */
	assert_int_equal(segment_init(&s, &f), -SK_E_INVAL);
	f.flags = NET_CSUM_BLANK | NET_GSO_TCPV4;
#define BREAK(at, value) \
	do { \
		f.length = make(bytes, false, 1000); \
		bytes[at] = (value); \
		assert_int_equal(segment_init(&s, &f), -SK_E_INVAL); \
	} while (0)
	BREAK(14, 0x44); /* the IP header is too short */
	BREAK(23, 17);   /* UDP */
	BREAK(46, 0x40); /* the TCP header is too short */
	BREAK(12, 0x81);
	f.length = make(bytes, false, 0); /* there is no payload */
	assert_int_equal(segment_init(&s, &f), -SK_E_INVAL);
	make(bytes, false, 1000);
	for (f.length = 0; f.length <= 66; f.length++) {
		/* Memory of exactly the frame's length, so that ASan sees a read beyond it. */
		uint8_t *cut = malloc(f.length ? f.length : 1);
		struct frame g = f;

		memcpy(cut, bytes, f.length);
		g.bytes = cut;
		assert_int_equal(segment_init(&s, &g), -SK_E_INVAL);
		free(cut);
	}
	free(bytes);
}

/* The first bytes of a frame and the others may lie apart. */
static void a_frame_in_two_parts(void **state)
{
	static uint8_t whole[NET_FRAME_MAX], head[FRAME_HEAD], out[2000], expected[2000];
	struct frame f = { .bytes = whole,
		.gso_size = 1000,
		.flags = NET_CSUM_BLANK | NET_GSO_TCPV4 },
		     g;
	struct segmenter s, t;

	(void)state;
	f.length = make(whole, false, 5007);
	memcpy(head, whole, sizeof(head));
	g = f;
	g.bytes = head;
	g.rest = whole + FRAME_HEAD;
	assert_int_equal(segment_init(&s, &f), 0);
	assert_int_equal(segment_init(&t, &g), 0);
	assert_int_equal(s.n, 6);
	for (uint32_t i = 0; i < s.n; i++) {
		uint32_t n = segment_make(&s, i, expected);

		assert_int_equal(segment_length(&t, i), n);
		assert_int_equal(segment_make(&t, i, out), n);
		assert_memory_equal(out, expected, n);
	}
	for (uint32_t at = 0; at < 600; at++)
		for (uint32_t n = 0; n < 600; n += 1 + n / 8) {
			memset(out, 0xee, n + 1);
			frame_copy(&g, at, out, n);
			assert_memory_equal(out, whole + at, n);
			assert_int_equal(out[n], 0xee);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_v4),
		cmocka_unit_test(segments_v6),
		cmocka_unit_test(checksum),
		cmocka_unit_test(hostile_gso),
		cmocka_unit_test(a_frame_in_two_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

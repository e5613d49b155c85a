/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge_test.c - frames that are put together; each that comes out is cut up again, which must
 * give what came in
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "merge.h"

enum { FRAMES = 256, PAYLOAD = 1428, OPTIONS = 12, L3 = 14 };

/* What came in, by number. Memory of exactly its length, so that ASan sees a read beyond it. */
static uint8_t *in[FRAMES];
static uint32_t in_length[FRAMES];
static uint16_t in_flags[FRAMES];
static uint32_t n_in;
/* What went out: the numbers in order, and of how many each frame was. */
static uint32_t out_id[FRAMES], n_ids, out_n[FRAMES], n_out;
static bool wants;

static bool wanted(const uint8_t mac[6], uint16_t gso)
{
	assert_true(gso == NET_GSO_TCPV4 || gso == NET_GSO_TCPV6);
	return wants && !(mac[0] & 1);
}

static void segment_checked(const struct segmenter *s, uint32_t i, uint32_t id)
{
	uint8_t cut[NET_FRAME_STD];

	assert_int_equal(segment_make(s, i, cut), in_length[id]);
	assert_memory_equal(cut, in[id], in_length[id]);
}

static void passed(const struct frame *f, const uint32_t *id, uint32_t n)
{
	static uint8_t whole[NET_FRAME_MAX];
	struct net_desc d = { .op = NET_TX,
		.flags = f->flags,
		.length = f->length,
		.csum_start = f->csum_start,
		.csum_offset = f->csum_offset,
		.gso_size = f->gso_size };
	struct segmenter s;

	assert_true(net_tx_legal(&d, NET_FRAME_MAX));
	frame_copy(f, 0, whole, f->length);
	if (n == 1) {
		assert_int_equal(f->length, in_length[id[0]]);
		assert_memory_equal(whole, in[id[0]], f->length);
		assert_false(f->flags & NET_GSO);
	} else {
		assert_int_equal(segment_init(&s, f), 0);
		assert_int_equal(s.n, n);
		for (uint32_t i = 0; i < n; i++)
			segment_checked(&s, i, id[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		out_id[n_ids++] = id[i];
	out_n[n_out++] = n;
}

static struct merge m;

static int setup(void **state)
{
	(void)state;
	m = (struct merge){ .wanted = wanted, .out = passed };
	wants = true;
	n_in = n_ids = n_out = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (n_in)
		free(in[--n_in]);
	return 0;
}

/* ---- frames -------------------------------------------------------------------------- */

static uint32_t l4_of(const uint8_t *f) { return f[12] == 0x86 ? 54 : 34; }

static void checksums_make(uint8_t *f, uint32_t length)
{
	uint32_t l4 = l4_of(f);
	bool v6 = l4 == 54;

	if (!v6) {
		put_be16(f + L3 + 10, 0);
		put_be16(f + L3 + 10, checksum_fold(checksum_add(0, f + L3, 20)));
	}
	put_be16(f + l4 + 16, 0);
	put_be16(
		f + l4 + 16, checksum_fold(checksum_add(tcp_pseudo_sum(f + L3, v6, length - l4),
				     f + l4, length - l4)));
}

/* What varies between the segments of a connection. */
struct sent {
	bool v6;
	uint8_t port, flags;
	uint16_t number;
	uint32_t seq, payload;
};

/* The next frame to come, with the checksums right; returns its number. */
static uint32_t make(struct sent s)
{
	uint32_t l4 = s.v6 ? 54 : 34, header = l4 + 20 + OPTIONS, length = header + s.payload;
	uint8_t *f = calloc(1, length), *tcp = f + l4;

	memcpy(f, "\x00\x16\x3e\x00\x00\x01\x52\x54\x00\x12\x34\x56", 12);
	put_be16(f + 12, s.v6 ? 0x86dd : 0x0800);
	if (s.v6) {
		memcpy(f + L3, "\x60\x01\x23\x45", 4);
		put_be16(f + L3 + 4, length - 54);
		f[L3 + 6] = 6;
		f[L3 + 7] = 64;
		f[L3 + 8] = 0xfe;
		f[L3 + 39] = 9;
	} else {
		f[L3] = 0x45;
		put_be16(f + L3 + 2, length - L3);
		put_be16(f + L3 + 4, s.number);
		f[L3 + 8] = 64;
		f[L3 + 9] = 6;
		memcpy(f + L3 + 12, "\x0a\x00\x02\x02\x0a\x00\x02\x10", 8);
	}
	put_be16(tcp, 80);
	put_be16(tcp + 2, 1000u + s.port);
	put_be32(tcp + 4, s.seq);
	put_be32(tcp + 8, 77);
	tcp[12] = (20 + OPTIONS) / 4 << 4;
	tcp[13] = s.flags;
	put_be16(tcp + 14, 500);
	memcpy(tcp + 20, "\x01\x01\x08\x0a\x00\x00\x00\x05\x00\x00\x00\x06", OPTIONS);
	for (uint32_t i = 0; i < s.payload; i++)
		f[header + i] = (uint8_t)(i * 7 + s.seq);
	checksums_make(f, length);
	in[n_in] = f;
	in_length[n_in] = length;
	in_flags[n_in] = 0;
	return n_in++;
}

/* Number i of a stream of full segments. */
static uint32_t stream(bool v6, uint8_t port, uint32_t i)
{
	return make((struct sent){ .v6 = v6,
		.port = port,
		.flags = 16,
		.number = (uint16_t)(0xfffe + i),
		.seq = 0xffffff00u + i * PAYLOAD,
		.payload = PAYLOAD });
}

static void comes(uint32_t id)
{
	static uint8_t head[FRAME_HEAD];
	bool more = in_length[id] > FRAME_HEAD;
	struct frame f = { .bytes = head,
		.rest = more ? in[id] + FRAME_HEAD : NULL,
		.length = in_length[id],
		.flags = in_flags[id] };

	memset(head, 0xee, sizeof(head));
	memcpy(head, in[id], more ? FRAME_HEAD : in_length[id]);
	merge_frame(&m, &f, in[id], id);
}

static void all_went(uint32_t n_frames)
{
	merge_flush(&m);
	assert_int_equal(n_out, n_frames);
	assert_int_equal(n_ids, n_in);
	n_out = n_ids = 0;
}

/* ---- tests --------------------------------------------------------------------------- */

static void a_stream(bool v6)
{
	for (uint32_t i = 0; i < 44; i++)
		comes(stream(v6, 1, i));
	assert_int_equal(n_out, 0);
	all_went(1);
	assert_int_equal(out_n[0], 44);
}

static void segments_of_a_stream_become_one(void **state)
{
	(void)state;
	a_stream(false);
	teardown(NULL);
	a_stream(true);
}

static void one_frame_stays_as_it_is(void **state)
{
	(void)state;
	comes(stream(false, 1, 0));
	all_went(1);
}

static void a_frame_has_at_most_64_kib(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		comes(stream(false, 1, i));
	all_went(3);
	assert_int_equal(out_n[0], 45);
	assert_int_equal(out_n[1], 45);
}

static void a_frame_has_at_most_64_pieces(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 65; i++)
		comes(make((struct sent){
			.flags = 16, .number = (uint16_t)i, .seq = i * 48, .payload = 48 }));
	all_went(2);
	assert_int_equal(out_n[0], MERGE_PIECES);
}

/* The last one may be short, or ask for haste; none follows it. */
static void the_end_of_a_burst(void **state)
{
	(void)state;
	comes(stream(false, 1, 0));
	comes(make((struct sent){ .port = 1,
		.flags = 16,
		.number = 0xffff,
		.seq = 0xffffff00u + PAYLOAD,
		.payload = 100 }));
	comes(make((struct sent){ .port = 1,
		.flags = 16,
		.number = 0,
		.seq = 0xffffff00u + PAYLOAD + 100,
		.payload = 100 }));
	comes(make((struct sent){ .port = 1,
		.flags = 16 | 8,
		.number = 1,
		.seq = 0xffffff00u + PAYLOAD + 200,
		.payload = 100 }));
	comes(make((struct sent){ .port = 1,
		.flags = 16,
		.number = 2,
		.seq = 0xffffff00u + PAYLOAD + 300,
		.payload = 100 }));
	all_went(3);
	assert_int_equal(out_n[0], 2);
	assert_int_equal(out_n[1], 2);
}

static void a_longer_segment_does_not_follow(void **state)
{
	(void)state;
	comes(make((struct sent){ .flags = 16, .number = 1, .seq = 0, .payload = 100 }));
	comes(make((struct sent){ .flags = 16, .number = 2, .seq = 100, .payload = 101 }));
	all_went(2);
}

/* Every byte of the headers of the second segment in turn, with the checksums right again. */
static void what_differs_is_not_put_together(bool v6)
{
	uint32_t header = (v6 ? 54 : 34) + 20 + OPTIONS;

	for (uint32_t at = 0; at < header; at++) {
		uint32_t id;

		comes(stream(v6, 1, 0));
		id = stream(v6, 1, 1);
		in[id][at] ^= 0x40;
		if (l4_of(in[id]) == (v6 ? 54 : 34))
			checksums_make(in[id], in_length[id]);
		comes(id);
		/* a checksum was only made right again */
		all_went(at / 2 == (v6 ? 35 : 25) || (!v6 && at / 2 == 12) ? 1 : 2);
		assert_int_equal(out_id[0], 0); /* in order, whatever it was */
		teardown(NULL);
	}
}

static void headers_v4(void **state)
{
	(void)state;
	what_differs_is_not_put_together(false);
}

static void headers_v6(void **state)
{
	(void)state;
	what_differs_is_not_put_together(true);
}

/* What both have in common may still be what cutting up would not give back. */
static void both_have(bool v6, uint32_t at, uint8_t value)
{
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t id = stream(v6, 1, i);

		in[id][at] = value;
		checksums_make(in[id], in_length[id]);
		comes(id);
	}
	all_went(2);
	teardown(NULL);
}

static void what_is_not_plain_is_not_put_together(void **state)
{
	(void)state;
	both_have(false, 14, 0x46); /* options of IPv4 */
	both_have(false, 20, 0x20); /* fragments */
	both_have(false, 23, 17);
	both_have(true, 20, 17);
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t l4 = v6 ? 54 : 34;

		both_have(v6, l4 + 12, 0x81); /* a reserved bit */
		for (uint8_t flag = 1; flag; flag <<= 1)
			if (flag != 8)
				both_have(v6, l4 + 13, flag ^ 16);
	}
}

/* It says that it has 16 bytes, so 16 more belong to the payload. */
static void tcp_headers_that_are_too_short(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t id = stream(false, 1, i);

		in[id][46] = 0x40;
		put_be32(in[id] + 38, i * (PAYLOAD + 16));
		checksums_make(in[id], in_length[id]);
		comes(id);
	}
	all_went(2);
}

static void a_wrong_checksum(uint32_t at, uint16_t flags, uint32_t n)
{
	uint32_t id;

	comes(stream(false, 1, 0));
	id = stream(false, 1, 1);
	in[id][at] ^= 1;
	in_flags[id] = flags;
	comes(id);
	merge_flush(&m);
	assert_int_equal(n_out, n);
	n_out = n_ids = 0;
	teardown(NULL);
}

static void wrong_checksums(void **state)
{
	(void)state;
	a_wrong_checksum(24, 0, 2); /* IPv4's */
	a_wrong_checksum(25, NET_CSUM_VALID, 2);
	a_wrong_checksum(50, 0, 2);   /* TCP's */
	a_wrong_checksum(66, 0, 2);   /* payload */
	a_wrong_checksum(1493, 0, 2); /* its last byte */
}

/* Who marks a frame as valid has looked at the checksum. */
static void a_frame_that_is_marked_as_valid(void **state)
{
	uint32_t id;

	(void)state;
	comes(stream(false, 1, 0));
	id = stream(false, 1, 1);
	in_flags[id] = NET_CSUM_VALID;
	comes(id);
	all_went(1);
}

static void offloads_are_not_put_together(void **state)
{
	uint8_t head[FRAME_HEAD];
	struct frame f = { .bytes = head,
		.length = PAYLOAD + 66,
		.flags = NET_CSUM_BLANK,
		.csum_start = 34,
		.csum_offset = 16 };

	(void)state;
	comes(stream(false, 1, 0));
	memcpy(head, in[stream(false, 1, 1)], FRAME_HEAD);
	f.rest = in[1] + FRAME_HEAD;
	merge_frame(&m, &f, in[1], 1);
	assert_int_equal(n_out, 2);
}

/* Connections do not wait for each other; what is none of them overtakes nothing. */
static void several_connections(void **state)
{
	uint32_t id;

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		for (uint8_t port = 0; port < MERGE_FLOWS; port++)
			comes(stream(port % 2, port, i));
	assert_int_equal(n_out, 0);
	comes(stream(false, 9, 0)); /* the oldest makes room */
	assert_int_equal(n_out, 1);
	assert_int_equal(out_id[0], 0);
	assert_int_equal(out_id[9], 9 * MERGE_FLOWS);
	id = make((struct sent){ .port = 9, .flags = 16 }); /* no data */
	comes(id);
	assert_int_equal(n_out, MERGE_FLOWS + 2u);
	assert_int_equal(out_id[n_ids - 1], id);
	assert_int_equal(out_id[n_ids - 2], id - 1);
	all_went(MERGE_FLOWS + 2);
}

static void a_receiver_that_takes_no_gso(void **state)
{
	(void)state;
	wants = false;
	for (uint32_t i = 0; i < 10; i++)
		comes(stream(false, 1, i));
	assert_int_equal(n_out, 10);
	wants = true;
	for (uint32_t i = 10; i < 12; i++) {
		uint32_t id = stream(false, 1, i);

		in[id][0] |= 1; /* to a group */
		comes(id);
	}
	all_went(12);
}

/* Of a frame that is too short for its headers, nothing beyond it is read. */
static void short_frames(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t n = 14; n < 160; n++) {
			uint8_t *cut = malloc(n);
			uint32_t id = stream(v6, 1, 0);

			memcpy(cut, in[id], n);
			if (n >= (v6 ? 74u : 54u)) {
				put_be16(cut + (v6 ? 18 : 16), n - (v6 ? 54 : 14));
				checksums_make(cut, n);
			}
			free(in[id]);
			in[id] = cut;
			in_length[id] = n;
			comes(id);
			all_went(1);
			teardown(NULL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			segments_of_a_stream_become_one, setup, teardown),
		cmocka_unit_test_setup_teardown(one_frame_stays_as_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_frame_has_at_most_64_kib, setup, teardown),
		cmocka_unit_test_setup_teardown(a_frame_has_at_most_64_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_of_a_burst, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_longer_segment_does_not_follow, setup, teardown),
		cmocka_unit_test_setup_teardown(headers_v4, setup, teardown),
		cmocka_unit_test_setup_teardown(headers_v6, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_plain_is_not_put_together, setup, teardown),
		cmocka_unit_test_setup_teardown(
			tcp_headers_that_are_too_short, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_checksums, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_frame_that_is_marked_as_valid, setup, teardown),
		cmocka_unit_test_setup_teardown(offloads_are_not_put_together, setup, teardown),
		cmocka_unit_test_setup_teardown(several_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(a_receiver_that_takes_no_gso, setup, teardown),
		cmocka_unit_test_setup_teardown(short_frames, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

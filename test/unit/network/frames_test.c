/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames_test.c - frames of all kinds on their way through the switch
 */
#include "harness.h"

static void every_length(void)
{
	start();
	frame_make(&a);
	for (uint32_t length = 0; length <= 2048; length++) {
		bool legal = length >= 14 && length <= 1518;

		assert_int_equal(sent((struct net_desc){ .length = length }), legal);
		drain(&b);
		assert_int_equal(got, legal);
		card_drain();
		assert_int_equal(got, legal);
		if (legal)
			assert_int_equal(last.length, length);
	}
}

static void every_size_of_pieces(void)
{
	struct net_desc d = { .length = 9000,
		.flags = NET_CSUM_BLANK | NET_GSO_TCPV4,
		.csum_start = 34,
		.csum_offset = 16 };

	start();
	frame_make(&a);
	for (uint32_t size = 0; size <= UINT16_MAX; size += size < 2000 ? 1 : 501) {
		bool legal = size >= NET_GSO_MIN && size <= 1518 - 54;

		d.gso_size = (uint16_t)size;
		assert_int_equal(sent(d), legal);
		drain(&b);
		assert_int_equal(got > 0, legal);
		card_drain();
		assert_int_equal(got > 0, legal);
	}
}

static void every_length_of_many_pieces(void)
{
	struct net_desc d = { .flags = NET_CSUM_BLANK | NET_GSO_TCPV4,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_size = 1400 };

	start();
	frame_make(&a);
	for (uint32_t length = 0; length <= NET_FRAME_MAX + 2; length += 1 + length / 64) {
		d.length = length;
		assert_int_equal(sent(d), length >= 52 && length <= NET_FRAME_MAX);
		drain(&b);
		assert_int_equal(got, length > 54 && length <= NET_FRAME_MAX
					      ? (length - 54 + 1399) / 1400
					      : 0);
		card_drain();
	}
}

/*
 * Options can make a TCP header longer than the descriptor can say, so its pieces would not be
 * valid frames.
 */
static void pieces_with_long_headers(void)
{
	struct net_desc d = { .length = 9000,
		.flags = NET_CSUM_BLANK | NET_GSO_TCPV4,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_size = 1464 };

	start();
	frame_make(&a);
	assert_true(sent(d));
	card_drain();
	assert_true(got > 0);
	a.data[46] = 0xf0;
	assert_true(sent(d));
	card_drain();
	assert_int_equal(got, 0);
	drain(&b);
	d.length = 60 + 34 + 100; /* a frame that needs no cutting is sent */
	assert_true(sent(d));
	card_drain();
	assert_int_equal(got, 1);
}

static void every_checksum_field(void)
{
	start();
	frame_make(&a);
	for (uint32_t start_at = 0; start_at < 120; start_at++)
		for (uint32_t offset = 0; offset < 120; offset += 3) {
			bool legal = start_at >= 14 && start_at + offset + 2 <= 100;

			assert_int_equal(sent((struct net_desc){ .length = 100,
						 .flags = NET_CSUM_BLANK,
						 .csum_start = (uint16_t)start_at,
						 .csum_offset = (uint16_t)offset }),
				legal);
			drain(&b);
			card_drain();
			assert_int_equal(got, legal);
		}
	assert_false(sent((struct net_desc){ .length = 100,
		.flags = NET_CSUM_BLANK,
		.csum_start = UINT16_MAX,
		.csum_offset = UINT16_MAX }));
}

static void frames_with_a_vlan_tag(void)
{
	start();
	frame_make(&a);
	a.data[12] = 0x81;
	a.data[13] = 0;
	a.data[1517] = 0x77;
	assert_true(sent((struct net_desc){ .length = 1518 }));
	drain(&b);
	assert_int_equal(got, 1);
	assert_int_equal(b.data[last.offset + 1517], 0x77);
	card_drain();
	assert_int_equal(nic.data[last.offset + 1517], 0x77);
	/* and one in: */
	memset(nic.data, 0xff, 6);
	nic.data[6] = 2;
	nic.data[1517] = 0x88;
	peer_put(&nic, &(struct net_desc){ .op = NET_RX, .id = 0, .length = 1518 },
		sizeof(struct net_desc));
	peer_flush(&nic);
	drain(&a);
	assert_int_equal(last.length, 1518);
	assert_int_equal(a.data[last.offset + 1517], 0x88);
}

int frames_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_length),
		CASE(every_size_of_pieces),
		CASE(every_length_of_many_pieces),
		CASE(pieces_with_long_headers),
		CASE(every_checksum_field),
		CASE(frames_with_a_vlan_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver_test.c - a hostile driver of the card, and drivers that are restarted
 */
#include "harness.h"

#include "base/bytes.h"
#include "base/checksum.h"

static uint64_t fed;

/* Nothing more is taken from a driver that does this. */
static void breach(struct net_desc d)
{
	assert_false(world_accused(&nic));
	from_card(d);
	assert_true(world_accused(&nic));
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 60 });
	drain(&a);
	assert_int_equal(got, 0);
	world_restart(&nic);
	card_drain();
}

static void drivers_buffers_are_checked(void)
{
	start();
	card_drain();
	memset(nic.data + RX_SIZE, 0xff, 6);
	nic.data[RX_SIZE + 6] = 2;
	breach((struct net_desc){ .op = NET_RX, .id = 64, .length = 60 });
	breach((struct net_desc){ .op = NET_RX, .id = UINT32_MAX, .length = 60 });
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 2049 });
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 1519 });
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = UINT32_MAX });
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 13 });
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 60, .flags = 0x4000 });
	from_card((struct net_desc){ .op = NET_RX,
		.id = 1,
		.length = 60,
		.flags = NET_CSUM_BLANK,
		.csum_start = 59 });
	from_card((struct net_desc){ .op = NET_RX,
		.id = 1,
		.length = 2000,
		.flags = NET_CSUM_BLANK | NET_GSO_TCPV4,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_size = 100 });
	drain(&a);
	assert_int_equal(got, 0);
	/* the driver does not have this buffer */
	breach((struct net_desc){ .op = NET_TX_DONE, .id = 3 });
	breach((struct net_desc){ .op = NET_TX, .id = 3 });
	breach((struct net_desc){ .op = 0, .id = 3 });
	card_drain(); /* each returned buffer was posted again */
	goes_on();
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 60 });
	drain(&a);
	assert_int_equal(got, 1);
}

/* A driver that reports an unsent buffer as sent does not create more buffers by it. */
static void a_send_buffer_comes_back_once(void)
{
	struct net_desc d;

	start();
	frame_make(&a);
	for (uint32_t id = 0; id < 64; id++)
		from_card((struct net_desc){ .op = NET_TX_DONE, .id = id });
	for (uint32_t i = 0; i < 100; i++)
		assert_true(sent((struct net_desc){ .length = 60 }));
	got = 0;
	while (peer_take(&nic, &d, sizeof(d)))
		got += d.op == NET_TX;
	assert_int_equal(got, 64);
}

static void a_driver_that_takes_nothing(void)
{
	enum { FILLED = 200 };

	start();
	frame_make(&a);
	for (uint32_t i = 0; i < 64; i++) {
		memset(nic.data + i * RX_SIZE, 0xff, 6);
		nic.data[i * RX_SIZE + 6] = 2;
	}
	for (uint32_t i = 0; i < 600; i++) {
		world.now += WORLD_HZ;
		assert_true(sent((struct net_desc){ .length = 60 }));
		drain(&b);
		assert_int_equal(got, 1);
		if (i < 64) /* it reports everything as sent, but makes no room in the ring */
			from_card((struct net_desc){ .op = NET_TX_DONE, .id = i });
		if (i < FILLED)
			from_card(
				(struct net_desc){ .op = NET_RX, .id = i % 64, .length = 60 });
		drain(&a);
		drain(&b);
	}
	assert_false(world_accused(&nic));
	/* it was not posted again, so the driver may not fill it */
	for (uint32_t i = 0; i < 200 && !world_accused(&nic); i++)
		from_card((struct net_desc){ .op = NET_RX, .id = i % 64, .length = 60 });
	assert_true(world_accused(&nic));
	world_restart(&nic);
	card_drain();
	world.now += WORLD_HZ;
	for (uint32_t i = 0; i < 64; i++)
		from_card((struct net_desc){ .op = NET_RX, .id = i, .length = 60 });
	card_drain();
	drain(&a);
	drain(&b);
	assert_int_equal(got, 64); /* all are posted again by now */
	goes_on();
}

static void a_driver_with_an_impossible_index(void)
{
	start();
	((struct ring_shared *)nic.rings)->cons = 4;
	frame_make(&a);
	for (uint32_t i = 0; i < 600; i++) {
		world.now += WORLD_HZ;
		assert_true(sent((struct net_desc){ .length = 60 }));
		drain(&b);
		assert_int_equal(got, 1);
	}
}

static void card_feeds(struct peer *p)
{
	struct net_desc d;
	static uint32_t id[NET_DEPTH];
	uint32_t n = 0;

	while (peer_take(p, &d, sizeof(d)))
		if (d.op == NET_RX_POST && n < NET_DEPTH)
			id[n++] = d.id;
	(void)ring_get_flush(&p->in);
	peer_knows(p, (64 - n) * RECORD);
	while (n--)
		peer_put(p, &(struct net_desc){ .op = NET_RX, .id = id[n], .length = 1514 },
			sizeof(d));
	(void)ring_put_flush(&p->out);
	assert_true(++fed < 1000);
}

static void card_rests(void)
{
	if (world.polls != 3)
		return;
	world.on_poll = NULL;
	nic.on_signal = NULL;
}

/* Even if the wire is never empty, the switch serves its clients. */
static void a_card_that_always_has_one_more(void)
{
	start();
	memset(nic.data, 0xff, UPLINK_HALF);
	for (uint32_t i = 0; i < 64; i++)
		nic.data[i * 2048 + 6] = 2;
	nic.on_signal = card_feeds;
	world.on_poll = card_rests;
	(void)ring_get_idle(&nic.in);
	for (uint32_t i = 0; i < 64; i++)
		peer_put(&nic, &(struct net_desc){ .op = NET_RX, .id = i, .length = 1514 },
			sizeof(struct net_desc));
	peer_signal(&nic);
	assert_null(world.on_poll);
	assert_true(fed > 3);
	drain(&a);
	drain(&b);
	card_drain();
	goes_on();
}

/* What the driver was given since the last look: buffers, each once, and frames. */
static uint32_t card_posts, card_frames;

static void card_looks(void)
{
	bool seen[NET_DEPTH] = { false };
	struct net_desc d;

	card_posts = card_frames = 0;
	while (peer_take(&nic, &d, sizeof(d))) {
		card_frames += d.op == NET_TX;
		if (d.op != NET_RX_POST)
			continue;
		assert_true(d.id < NET_DEPTH && !seen[d.id]);
		seen[d.id] = true;
		card_posts++;
	}
	peer_flush(&nic);
}

/* ---- frames that are put together ---- */

enum { SEGMENT = 1460, SEGMENTS = 20, LARGE = 54 + SEGMENTS * SEGMENT, PAGES = 16 };

/* A guest that takes GSO frames, in buffers of a page. */
static struct peer large;

static void large_open(void)
{
	const struct net_params q = { .bridge = "xenbr0",
		.name = "vif3.0",
		.mac = { 0, 0x16, 0x3e, 0, 0, 3 },
		.offloads = ALL };

	assert_int_equal(world_open(&large, SVC_PROTO_NET, 3, &q, sizeof(q), DATA), 0);
	for (uint32_t i = 0; i < PAGES; i++)
		peer_put(&large,
			&(struct net_desc){ .op = NET_RX_POST,
				.flags = NET_GSO_TCPV4,
				.id = i,
				.offset = i * SK_PAGE_SIZE,
				.length = SK_PAGE_SIZE },
			sizeof(struct net_desc));
	peer_flush(&large);
}

/* It got one frame of LARGE bytes, in the buffers from `first` on. */
static void large_checked(uint32_t first)
{
	const uint8_t *payload = large.data + first * SK_PAGE_SIZE + 54;
	struct net_desc d;

	assert_true(peer_take(&large, &d, sizeof(d)));
	assert_int_equal(d.op, NET_RX);
	assert_int_equal(d.id, first);
	assert_int_equal(d.length, LARGE);
	assert_int_equal(d.flags, NET_CSUM_BLANK | NET_GSO_TCPV4);
	assert_int_equal(d.gso_size, SEGMENT);
	assert_int_equal(d.more, (LARGE - 1) / SK_PAGE_SIZE);
	for (uint32_t i = 0; i < d.more; i++)
		assert_true(peer_take(&large, &(struct net_desc){ 0 }, sizeof(d)));
	assert_false(peer_take(&large, &d, sizeof(d)));
	for (uint32_t i = 0; i < SEGMENTS * SEGMENT; i++)
		assert_int_equal(payload[i], i / SEGMENT);
}

/*
 * Segment i of a stream to this guest, in buffer i; the card says that its checksum is right.
 */
static void segment_comes(uint8_t guest, uint32_t i)
{
	uint8_t *f = nic.data + i * RX_SIZE;

	memset(f, (int)i, 54 + SEGMENT);
	memcpy(f, (uint8_t[]){ 0, 0x16, 0x3e, 0, 0, guest }, 6);
	memcpy(f + 6, "\x02\0\0\0\0\1\x08\0\x45\0", 10);
	put_be16(f + 16, 40 + SEGMENT);
	put_be16(f + 18, i);
	memcpy(f + 20, "\0\0\x40\6\0\0\x0a\0\2\2\x0a\0\2\x10\0\x50\4\0", 18);
	put_be16(f + 24, checksum_fold(checksum_add(0, f + 14, 20)));
	put_be32(f + 38, i * SEGMENT);
	memset(f + 42, 0, 12);
	f[46] = 0x50;
	f[47] = 16;
	peer_put(&nic,
		&(struct net_desc){ .op = NET_RX,
			.id = i,
			.length = 54 + SEGMENT,
			.flags = NET_CSUM_VALID },
		sizeof(struct net_desc));
}

static void stream_comes(uint8_t guest)
{
	card_looks();
	for (uint32_t i = 0; i < SEGMENTS; i++)
		segment_comes(guest, i);
	peer_signal(&nic);
	card_looks();
	assert_int_equal(card_posts, SEGMENTS); /* none of the buffers stays here */
}

static void segments_for_a_guest_that_takes_gso(void)
{
	start();
	large_open();
	stream_comes(3);
	large_checked(0);
}

static void segments_for_a_guest_that_takes_no_gso(void)
{
	start();
	stream_comes(1);
	drain(&a);
	assert_int_equal(got, SEGMENTS);
	assert_int_equal(last.flags, NET_CSUM_VALID);
}

/* Nothing of what the driver's end cut off is held for the next one. */
static void a_stream_that_is_cut_off(void)
{
	start();
	large_open();
	for (uint32_t i = 0; i < SEGMENTS / 2; i++)
		segment_comes(3, i);
	world_restart(&nic);
	card_looks();
	assert_int_equal(card_posts, BUFFERS);
	stream_comes(3);
	large_checked(0);
}

/* ---- restarts ---- */

/* The driver dies with any number of frames and of filled buffers on their way. */
static void the_driver_is_restarted(void)
{
	start();
	frame_make(&a);
	memset(nic.data + RX_SIZE, 0xff, 6);
	nic.data[RX_SIZE + 6] = 2;
	for (uint32_t n = 0; n < 100; n += 9) {
		for (uint32_t i = 0; i < n; i++) {
			assert_true(sent((struct net_desc){ .length = 60 }));
			drain(&b);
			assert_int_equal(got, 1); /* the others do not notice */
		}
		for (uint32_t i = 0; i < n && i < BUFFERS; i++)
			peer_put(&nic,
				&(struct net_desc){ .op = NET_RX, .id = i, .length = 60 },
				sizeof(struct net_desc)); /* nobody will see them */
		if (n % 2)
			peer_restart(&nic); /* it dies again before the switch has noticed */
		world_restart(&nic);
		card_looks();
		assert_int_equal(card_posts, BUFFERS);
		assert_int_equal(card_frames, 0);
		goes_on();
		from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 60 });
		drain(&a);
		assert_int_equal(got, 1);
		drain(&b);
		card_looks();
		assert_int_equal(card_posts, 1);
	}
	/* all send buffers are there */
	for (uint32_t i = 0; i < BUFFERS + 5; i++)
		assert_true(sent((struct net_desc){ .length = 60 }));
	card_looks();
	assert_int_equal(card_frames, BUFFERS);
}

/* Buffers that waited for room in the ring are not posted twice. */
static void the_driver_is_restarted_when_its_ring_is_full(void)
{
	start();
	frame_make(&a);
	for (uint32_t i = 0; i < 600; i++) {
		assert_true(sent((struct net_desc){ .length = 60 }));
		drain(&b);
		if (i < 64)
			from_card((struct net_desc){ .op = NET_TX_DONE, .id = i });
		from_card((struct net_desc){ .op = NET_RX, .id = i % 64, .length = 60 });
		drain(&a);
		drain(&b);
	}
	world_restart(&nic);
	card_looks();
	assert_int_equal(card_posts, BUFFERS);
	goes_on();
}

/* A restart mends what a driver has broken. */
static void a_broken_driver_is_restarted(void)
{
	start();
	((struct ring_shared *)nic.rings)->cons = 4;
	frame_make(&a);
	for (uint32_t i = 0; i < 600; i++)
		assert_true(sent((struct net_desc){ .length = 60 }));
	drain(&b);
	world_restart(&nic);
	card_looks();
	assert_int_equal(card_posts, BUFFERS);
	goes_on();
}

static void the_driver_does_not_come_back(void)
{
	start();
	frame_make(&a);
	world_end(&nic, SVC_END_GIVEN_UP);
	for (uint32_t i = 0; i < 600; i++) {
		assert_true(sent((struct net_desc){ .length = 60 }));
		drain(&b);
		assert_int_equal(got, 1);
	}
}

/* In a new life of the switch, its clients post their buffers, and frames find them. */
static void ports_are_opened_again(void)
{
	world_channel(&nic, "nic", SVC_PROTO_NET, 2 * UPLINK_HALF);
	world.open_epoch = 3;
	world_start();
	card_drain();
	open_port(&b, 2);
	open_port(&a, 1);
	goes_on();
	memset(b.data, 0, 6);
	frame_make(&b);
	memcpy(b.data, (uint8_t[]){ 0, 0x16, 0x3e, 0, 0, 1 }, 6);
	peer_put(&b, &(struct net_desc){ .op = NET_TX, .length = 60 }, sizeof(struct net_desc));
	peer_flush(&b);
	card_drain();
	assert_int_equal(got, 0); /* its own address is known from the start: no flood */
	drain(&a);
	assert_int_equal(got, 1);
}

static void opens_that_are_refused(void)
{
	struct net_params q = {
		.bridge = "xenbr0", .name = "vif3.0", .mac = { 0, 0x16, 0x3e, 0, 0, 3 }
	};
	static struct peer p;

	start();
	assert_int_equal(a.word[1], ALL); /* clients may send any offload */
	assert_int_equal(
		world_open(&p, SVC_PROTO_NET, 3, &q, sizeof(q) - 1, DATA), -SK_E_INVAL);
	strcpy(q.bridge, "xenbr1");
	assert_int_equal(
		world_open(&p, SVC_PROTO_NET, 3, &q, sizeof(q), DATA), -SK_E_NOT_FOUND);
	strcpy(q.bridge, "xenbr0");
	memset(q.name, 'x', sizeof(q.name));
	assert_int_equal(world_open(&p, SVC_PROTO_NET, 3, &q, sizeof(q), DATA), -SK_E_INVAL);
}

int driver_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(drivers_buffers_are_checked),
		CASE(a_send_buffer_comes_back_once),
		CASE(a_driver_that_takes_nothing),
		CASE(a_driver_with_an_impossible_index),
		CASE(a_card_that_always_has_one_more),
		CASE(segments_for_a_guest_that_takes_gso),
		CASE(segments_for_a_guest_that_takes_no_gso),
		CASE(a_stream_that_is_cut_off),
		CASE(the_driver_is_restarted),
		CASE(the_driver_is_restarted_when_its_ring_is_full),
		CASE(a_broken_driver_is_restarted),
		CASE(the_driver_does_not_come_back),
		CASE(ports_are_opened_again),
		CASE(opens_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

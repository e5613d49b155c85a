/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main_test.c - the whole of network, as its clients and the card's driver see it: rings with
 * legal contents, and with those of a hostile VMM or driver
 */
#include "world/world.h"

#include "frame.h" /* the driver's own check */
#include "proto/net.h"

enum {
	DATA = 1 << 20,
	RX_AT = 512 << 10,
	RX_SIZE = 2048,
	BUFFERS = 64,
	UPLINK_HALF = 128 << 10,
	ALL = NET_CSUM_BLANK | NET_GSO,
	RECORD = (4 + sizeof(struct net_desc) + 7) / 8 * 8 /* in a ring */
};

static struct peer nic, a, b;
static uint32_t got; /* received by the peer that was drained last */
static struct net_desc last;
static uint32_t n_done, n_refused;

static void open_port(struct peer *p, uint8_t number)
{
	struct net_params q = { .bridge = "xenbr0", .mac = { 0, 0x16, 0x3e, 0, 0, number } };

	snprintf(q.name, sizeof(q.name), "vif%u.0", number);
	assert_int_equal(world_open(p, SVC_PROTO_NET, number, &q, sizeof(q), DATA), 0);
	for (uint32_t i = 0; i < BUFFERS; i++) {
		struct net_desc d = { .op = NET_RX_POST,
			.id = i,
			.offset = RX_AT + i * RX_SIZE,
			.length = RX_SIZE };

		peer_put(p, &d, sizeof(d));
	}
	peer_flush(p);
}

static void post(struct peer *p, const struct net_desc *rx)
{
	struct net_desc d = {
		.op = NET_RX_POST, .id = rx->id, .offset = rx->offset, .length = RX_SIZE
	};

	peer_put(p, &d, sizeof(d));
}

/* Takes all that the client was sent. */
static void drain(struct peer *p)
{
	struct net_desc d;

	got = n_done = n_refused = 0;
	while (peer_take(p, &d, sizeof(d))) {
		if (d.op == NET_RX && d.length) {
			assert_true(net_frame_legal(&d));
			last = d;
			got++;
			post(p, &d);
		} else if (d.flags) {
			assert_int_equal(d.flags, SK_E_INVAL);
			n_refused++;
		} else {
			n_done++;
		}
	}
	peer_flush(p);
}

/* Takes all that the driver was given; the driver's own check must accept it. */
static void card_drain(void)
{
	struct net_desc d;

	got = 0;
	while (peer_take(&nic, &d, sizeof(d))) {
		struct net_desc done = { .op = NET_TX_DONE, .id = d.id };

		assert_int_equal(frame_check(&d, nic.data_size, NET_CSUM_BLANK), 0);
		if (d.op != NET_TX)
			continue;
		last = d;
		got++;
		peer_put(&nic, &done, sizeof(done));
	}
	peer_flush(&nic);
}

static void start(void)
{
	world_channel(&nic, "nic", SVC_PROTO_NET, 2 * UPLINK_HALF);
	world_arg("nic-offloads=13"); /* all offloads */
	world_start();
	card_drain();
	open_port(&a, 1);
	open_port(&b, 2);
}

/* A broadcast frame of TCP over IPv4. */
static void frame_make(struct peer *p)
{
	memset(p->data, 0, 200);
	memset(p->data, 0xff, 6);
	memcpy(p->data + 6, (uint8_t[]){ 0, 0x16, 0x3e, 0, 0, p == &a ? 1 : 2 }, 6);
	p->data[12] = 8;
	p->data[14] = 0x45;
	p->data[23] = 6;
	p->data[46] = 0x50;
}

/* Sends it; true if it is answered and no other frame is lost. */
static bool sent(struct net_desc d)
{
	d.op = NET_TX;
	world.now += WORLD_HZ; /* below the limit of broadcasts */
	peer_put(&a, &d, sizeof(d));
	peer_flush(&a);
	drain(&a);
	assert_int_equal(n_done + n_refused, 1);
	assert_false(peer_dead(&a));
	return n_done;
}

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

/* ---- a hostile VMM ---- */
static void an_answered_request_is_no_breach(void)
{
	start();
	frame_make(&a);
	assert_false(sent((struct net_desc){ .length = 60, .offset = DATA - 59 }));
	assert_false(sent((struct net_desc){ .length = 60, .offset = UINT64_MAX }));
	assert_false(sent((struct net_desc){ .length = UINT32_MAX }));
	assert_false(sent((struct net_desc){ .length = 60, .reserved = { 0, 1 } }));
	assert_false(sent((struct net_desc){ .length = 60, .more = 1 }));
	assert_false(sent((struct net_desc){ .length = 60, .flags = 0x8000 }));
	assert_false(sent((struct net_desc){ .length = 60, .gso_size = 1400 }));
	assert_false(sent(
		(struct net_desc){ .length = 60, .flags = NET_GSO_TCPV4, .gso_size = 100 }));
	assert_false(sent((struct net_desc){ .length = 900,
		.flags = ALL,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_size = 100 }));
	for (uint32_t length = 0; length < 1518; length += 1517) {
		struct net_desc d = { .op = NET_RX_POST, .id = 7, .length = length };

		peer_put(&a, &d, sizeof(d));
		peer_flush(&a);
		drain(&a);
		assert_int_equal(n_refused, 1);
	}
	for (uint16_t flag = 1; flag; flag = (uint16_t)(flag << 1)) {
		struct net_desc d = {
			.op = NET_RX_POST, .flags = flag, .id = 7, .length = 1518
		};

		peer_put(&a, &d, sizeof(d));
		peer_flush(&a);
		drain(&a);
		assert_int_equal(n_refused, !(flag & NET_GSO)); /* kinds of GSO are allowed */
	}
	assert_true(sent((struct net_desc){ .length = 60 }));
}

/* Its port is gone, and nothing else is. */
static void gone(void)
{
	assert_true(peer_dead(&a));
	assert_false(peer_dead(&b));
	frame_make(&b);
	peer_put(&b, &(struct net_desc){ .op = NET_TX, .length = 60 }, sizeof(struct net_desc));
	peer_flush(&b);
	drain(&b);
	assert_int_equal(n_done, 1);
	card_drain();
	assert_int_equal(got, 1);
	assert_int_equal(world_close(&a), 0);
	open_port(&a, 1);
	frame_make(&a);
	assert_true(sent((struct net_desc){ .length = 60 }));
	card_drain();
}

static void unknown_operations_are_a_breach(void)
{
	start();
	peer_put(&a, &(struct net_desc){ .op = NET_RX, .length = 60 }, sizeof(struct net_desc));
	peer_signal(&a);
	gone();
}

static void records_of_another_size_are_a_breach(void)
{
	start();
	peer_put(&a, &(struct net_desc){ .op = NET_TX, .length = 60 }, 24);
	peer_signal(&a);
	gone();
	peer_put(&a, (uint8_t[200]){ 1 }, 200);
	peer_signal(&a);
	gone();
}

static void more_buffers_than_the_credit_are_a_breach(void)
{
	start();
	for (uint32_t i = 0; i < NET_DEPTH - BUFFERS + 1; i++)
		post(&a, &(struct net_desc){ .id = i });
	peer_signal(&a);
	gone();
}

static void impossible_indices_are_a_breach(void)
{
	start();
	((struct ring_shared *)a.rings)->prod += 8 << 20;
	peer_signal(&a);
	gone();
}

/*
 * A client that takes no answers is not served and loses its incoming frames, but keeps its
 * port.
 */
static void a_port_that_takes_nothing_delays_nobody(void)
{
	uint32_t n = 0;

	start();
	frame_make(&a);
	frame_make(&b);
	while (ring_room(&a.out, sizeof(struct net_desc), 1)) {
		peer_put(&a, &(struct net_desc){ .op = NET_TX, .length = 60 },
			sizeof(struct net_desc));
		peer_signal(&a);
		n++;
		card_drain();
		world.now += WORLD_HZ;
		drain(&b);
	}
	assert_false(peer_dead(&a));
	for (uint32_t i = 0; i < 500; i++) {
		peer_put(&b, &(struct net_desc){ .op = NET_TX, .length = 60 },
			sizeof(struct net_desc));
		peer_flush(&b);
		drain(&b);
		assert_int_equal(n_done, 1);
		card_drain();
		assert_int_equal(got, 1);
		world.now += WORLD_HZ;
	}
	assert_false(peer_dead(&a));
	for (uint32_t i = 0; i < 8 && n; i++) { /* once it takes answers it is served */
		drain(&a);
		n -= n_done;
		card_drain();
		drain(&b);
		world.now += WORLD_HZ;
	}
	assert_int_equal(n, 0);
}

static uint64_t fed;

/*
 * The client knows from the answers what was taken, so it need not wait for the consumer's
 * index.
 */
static void feed(struct peer *p)
{
	struct net_desc d;
	uint32_t n = 0;

	while (peer_take(p, &d, sizeof(d)))
		n += d.op == NET_TX_DONE;
	(void)ring_get_flush(&p->in);
	peer_knows(p, (60 - n) * RECORD);
	while (n--)
		peer_put(p, &(struct net_desc){ .op = NET_TX, .length = 1514 }, sizeof(d));
	(void)ring_put_flush(&p->out);
	assert_true(++fed < 1000);
}

static void b_sends_once(void)
{
	if (world.polls != 3)
		return;
	world.on_poll = NULL;
	a.on_signal = NULL;
	frame_make(&b);
	memset(b.data, 0x44, 6);
	peer_put(&b, &(struct net_desc){ .op = NET_TX, .length = 60 }, sizeof(struct net_desc));
	(void)ring_put_flush(&b.out);
}

static void a_busy_port_does_not_stop_the_switch(void)
{
	start();
	frame_make(&a);
	drain(&a); /* now it waits for answers */
	a.on_signal = feed;
	world.on_poll = b_sends_once;
	for (int i = 0; i < 60; i++)
		peer_put(&a, &(struct net_desc){ .op = NET_TX, .length = 1514 },
			sizeof(struct net_desc));
	peer_signal(&a); /* returns because the domain polled others between its turns */
	assert_true(fed >= 3);
	assert_false(peer_dead(&a));
	assert_null(world.on_poll);
	peer_signal(&b);
	drain(&b);
	assert_int_equal(n_done, 1);
}

/* ---- a hostile driver ---- */
static void from_card(struct net_desc d)
{
	peer_put(&nic, &d, sizeof(d));
	peer_signal(&nic);
}

/* The guests still reach each other and the card. */
static void goes_on(void)
{
	frame_make(&a);
	world.now += WORLD_HZ;
	assert_true(sent((struct net_desc){ .length = 60 }));
	drain(&b);
	assert_int_equal(got, 1);
	card_drain();
	assert_int_equal(got, 1);
}

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

/* ---- restarts ---- */

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

/* ---- what a port may send ---- */
static int open_limited(struct peer *p, const struct net_params *limits)
{
	struct net_params q = *limits;

	strcpy(q.bridge, "xenbr0");
	strcpy(q.name, "vif3.0");
	memcpy(q.mac, (uint8_t[]){ 0, 0x16, 0x3e, 0, 0, 3 }, 6);
	return world_open(p, SVC_PROTO_NET, 3, &q, sizeof(q), DATA);
}

static struct peer limited;

static void send_limited(uint32_t n)
{
	frame_make(&limited);
	limited.data[11] = 3;
	for (uint32_t i = 0; i < n; i++)
		peer_put(&limited, &(struct net_desc){ .op = NET_TX, .id = i, .length = 1000 },
			sizeof(struct net_desc));
	peer_flush(&limited);
	card_drain();
	drain(&b);
	drain(&limited);
}

/* 1000 bytes in 10 ms, and as much at once. */
static const struct net_params slow = { .rate_bytes = 1000, .rate_us = 10000 };

static void frames_wait_for_their_time(void)
{
	start();
	assert_int_equal(open_limited(&limited, &slow), 0);
	send_limited(20);
	assert_int_equal(n_done, 2);
	for (uint32_t i = 2; i < 20; i++) {
		world.now += WORLD_HZ / 100;
		world_run();
		drain(&limited);
		assert_int_equal(n_done, 1);
		card_drain();
		assert_int_equal(got, 1);
	}
	world.now += WORLD_HZ;
	world_run();
	drain(&limited);
	assert_int_equal(n_done, 0);
	assert_false(peer_dead(&limited));
}

/* Buffers are posted behind frames that wait, and are taken. */
static void a_port_that_waits_receives(void)
{
	struct net_desc rx = { .id = 5, .offset = RX_AT };

	start();
	assert_int_equal(open_limited(&limited, &slow), 0);
	send_limited(NET_DEPTH);
	post(&limited, &rx);
	peer_flush(&limited);
	frame_make(&a);
	assert_true(sent((struct net_desc){ .length = 60 }));
	drain(&limited);
	assert_int_equal(got, 1);
	assert_int_equal(last.id, 5);
}

static void more_frames_than_the_credit_are_a_breach(void)
{
	start();
	assert_int_equal(open_limited(&limited, &slow), 0);
	send_limited(NET_DEPTH + 2);
	assert_false(peer_dead(&limited));
	send_limited(1);
	assert_true(peer_dead(&limited));
	goes_on();
}

static void a_port_is_closed_while_frames_wait(void)
{
	start();
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(open_limited(&limited, &slow), 0);
		send_limited(20);
		assert_int_equal(world_close(&limited), 0);
		world.now += WORLD_HZ;
		world_run();
		drain(&b);
	}
	goes_on();
}

static void frames_from_other_addresses_are_dropped(void)
{
	const struct net_params q = { .n_sources = 1,
		.source = { { { [10] = 0xff, 0xff, 10, 0, 0, 5 }, 128 } } };
	uint64_t mr[8] = { 0 };

	start();
	assert_int_equal(open_limited(&limited, &q), 0);
	send_limited(1);
	assert_int_equal(n_done, 1);
	card_drain();
	assert_int_equal(got, 0);
	memcpy(limited.data + 26, (uint8_t[]){ 10, 0, 0, 5 }, 4);
	peer_put(&limited, &(struct net_desc){ .op = NET_TX, .length = 60 },
		sizeof(struct net_desc));
	peer_flush(&limited);
	card_drain();
	assert_int_equal(got, 1);
	mr[0] = limited.number;
	assert_int_equal(world_call(SVC_STATS, mr, 0), 0);
	assert_int_equal(mr[6], 1);
}

static void limits_that_are_none(void)
{
	struct net_params q = { .rate_bytes = 1 };

	start();
	assert_int_equal(open_limited(&limited, &q), -SK_E_INVAL);
	q = (struct net_params){ .n_sources = NET_RANGES + 1 };
	assert_int_equal(open_limited(&limited, &q), -SK_E_INVAL);
}

static void lost_frames_are_counted(void)
{
	uint64_t mr[8] = { 0 };

	start();
	frame_make(&a);
	for (uint32_t i = 0; i < BUFFERS + 6; i++)
		assert_true(sent((struct net_desc){ .length = 100 }));
	mr[0] = b.number;
	assert_int_equal(world_call(SVC_STATS, mr, 0), 0);
	assert_int_equal(mr[3], BUFFERS);
	assert_int_equal(mr[5], 6);
}

static void counters_without_a_connection(void)
{
	uint64_t mr[8] = { 0 };

	start();
	assert_int_equal(world_call(SVC_STATS, mr, 0), 0);
}

/* A sender pays for its frames; for those that the card has received, who gets them. */
static void work_is_charged_to_its_client(void)
{
	uint64_t work_a, work_b;

	start();
	frame_make(&a);
	assert_true(
		sent((struct net_desc){ .length = 60 })); /* now the switch knows the address */
	drain(&b);
	card_drain();
	memcpy(nic.data + RX_SIZE, a.data + 6, 6);
	nic.data[RX_SIZE + 6] = 2;
	work_a = world_worked(&a);
	work_b = world_worked(&b);
	world.tick = 1;
	from_card((struct net_desc){ .op = NET_RX, .id = 1, .length = 60 });
	assert_true(world_worked(&a) > work_a);
	assert_int_equal(world_worked(&b), work_b);
	drain(&a);
	assert_int_equal(got, 1);
	work_a = world_worked(&a);
	assert_true(sent((struct net_desc){ .length = 60 }));
	assert_true(world_worked(&a) > work_a);
	assert_int_equal(world_worked(&b), work_b);
}

enum { SIGNAL_TAKES = 1000 };

static void signal_takes_time(struct peer *p)
{
	(void)p;
	world.now += SIGNAL_TAKES;
}

/* Frames that waited for their time are their sender's. */
static void late_frames_are_charged_to_their_sender(void)
{
	uint64_t before;

	start();
	assert_int_equal(open_limited(&limited, &slow), 0);
	send_limited(20);
	before = world_worked(&limited);
	nic.on_signal = signal_takes_time;
	world.now += WORLD_HZ / 100;
	world_run();
	assert_in_range(world_worked(&limited) - before, SIGNAL_TAKES, 2 * SIGNAL_TAKES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_length),
		CASE(every_size_of_pieces),
		CASE(every_length_of_many_pieces),
		CASE(pieces_with_long_headers),
		CASE(every_checksum_field),
		CASE(frames_with_a_vlan_tag),
		CASE(an_answered_request_is_no_breach),
		CASE(unknown_operations_are_a_breach),
		CASE(records_of_another_size_are_a_breach),
		CASE(more_buffers_than_the_credit_are_a_breach),
		CASE(impossible_indices_are_a_breach),
		CASE(a_port_that_takes_nothing_delays_nobody),
		CASE(a_busy_port_does_not_stop_the_switch),
		CASE(drivers_buffers_are_checked),
		CASE(a_send_buffer_comes_back_once),
		CASE(a_driver_that_takes_nothing),
		CASE(a_driver_with_an_impossible_index),
		CASE(a_card_that_always_has_one_more),
		CASE(the_driver_is_restarted),
		CASE(the_driver_is_restarted_when_its_ring_is_full),
		CASE(a_broken_driver_is_restarted),
		CASE(the_driver_does_not_come_back),
		CASE(ports_are_opened_again),
		CASE(opens_that_are_refused),
		CASE(frames_wait_for_their_time),
		CASE(a_port_that_waits_receives),
		CASE(more_frames_than_the_credit_are_a_breach),
		CASE(a_port_is_closed_while_frames_wait),
		CASE(frames_from_other_addresses_are_dropped),
		CASE(limits_that_are_none),
		CASE(lost_frames_are_counted),
		CASE(counters_without_a_connection),
		CASE(work_is_charged_to_its_client),
		CASE(late_frames_are_charged_to_their_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_main_test.c - the whole of the network card's driver, between a card and a client that
 * may be hostile
 */
#include "world/world.h"

#include "device.h"
#include "frame.h"

enum { RX, TX, IRQ = 21, DATA = 1 << 20, TX_AT = 512 << 10, SIZE = 2048, F_CSUM = 1 };

static struct peer net;

static void start_with(uint16_t queue_size)
{
	device.features = F_CSUM;
	device.queue_size = queue_size;
	world_start();
	assert_int_equal(world_open(&net, SVC_PROTO_NET, 1 | SVC_STATIC, NULL, 0, DATA), 0);
	assert_int_equal(net.word[1], NET_CSUM_BLANK);
}

static void start(void) { start_with(0); }

static void ask(struct net_desc d)
{
	peer_put(&net, &d, sizeof(d));
	peer_flush(&net);
}

static void send_one(uint32_t id)
{
	ask((struct net_desc){
		.op = NET_TX, .id = id, .offset = TX_AT + id * SIZE, .length = 1518 });
}

static void post_one(uint32_t id)
{
	ask((struct net_desc){
		.op = NET_RX_POST, .id = id, .offset = id * SIZE, .length = SIZE });
}

static struct net_desc answer(void)
{
	struct net_desc d;

	assert_true(peer_take(&net, &d, sizeof(d)));
	peer_flush(&net);
	return d;
}

static void nothing(void)
{
	struct net_desc d;

	assert_false(peer_take(&net, &d, sizeof(d)));
}

static void arrives(const struct chain *c, uint32_t length)
{
	device_give(RX, c->id, (uint32_t)sizeof(struct frame_header) + length);
	world_irq(IRQ);
}

static void frames_both_ways(void)
{
	struct net_desc d;
	struct chain c;

	start();
	post_one(4);
	send_one(5);
	assert_true(device_take(TX, &c));
	assert_int_equal(c.n, 2);
	assert_ptr_equal(c.buf[1].at, net.data + TX_AT + 5 * SIZE);
	assert_int_equal(c.buf[1].len, 1518);
	assert_false(c.buf[1].writable);
	device_give(TX, c.id, 0);
	world_irq(IRQ);
	d = answer();
	assert_true(d.op == NET_TX_DONE && d.id == 5 && d.flags == 0);
	assert_true(device_take(RX, &c));
	assert_true(c.buf[1].writable);
	arrives(&c, 1518);
	d = answer();
	assert_true(d.op == NET_RX && d.id == 4 && d.length == 1518);
	nothing();
}

static void seconds_pass(unsigned int n)
{
	while (n--) {
		world.now += WORLD_HZ;
		world_run();
	}
}

/* Without an interrupt: with the next request, or when the driver looks after its device. */
static void sent_frames_come_back_later(void)
{
	struct chain c;

	start();
	send_one(1);
	assert_true(device_take(TX, &c));
	device_give(TX, c.id, 0);
	nothing();
	send_one(2);
	assert_int_equal(answer().id, 1);
	nothing();
	assert_true(device_take(TX, &c));
	device_give(TX, c.id, 0);
	seconds_pass(2);
	assert_int_equal(answer().id, 2);
}

static void refused(struct net_desc d, uint16_t op)
{
	struct chain c;
	struct net_desc a;

	d.id = 77;
	ask(d);
	a = answer();
	assert_true(a.op == op && a.id == 77 && a.length == 0);
	assert_int_equal(a.flags, SK_E_INVAL);
	assert_false(device_take(TX, &c));
	assert_false(device_take(RX, &c));
	assert_false(peer_dead(&net));
}

/* The uplink carries everyone's frames, so no illegal request may end it. */
static void illegal_requests_come_back(void)
{
	start();
	refused((struct net_desc){ .op = NET_TX, .length = 13 }, NET_TX_DONE);
	refused((struct net_desc){ .op = NET_TX, .length = 1519 }, NET_TX_DONE);
	refused((struct net_desc){ .op = NET_TX, .length = 60, .offset = DATA - 59 },
		NET_TX_DONE);
	refused((struct net_desc){ .op = NET_TX, .length = 60, .offset = UINT64_MAX },
		NET_TX_DONE);
	refused((struct net_desc){ .op = NET_TX, .length = 60, .reserved = { 1 } },
		NET_TX_DONE);
	refused((struct net_desc){ .op = NET_TX,
			.length = 60,
			.flags = NET_CSUM_BLANK,
			.csum_start = 50,
			.csum_offset = 9 },
		NET_TX_DONE);
	refused((struct net_desc){ .op = NET_TX, /* an offload that was not granted */
			.length = 3000,
			.flags = NET_CSUM_BLANK | NET_GSO_TCPV4,
			.csum_start = 34,
			.csum_offset = 16,
			.gso_size = 1000 },
		NET_TX_DONE);
	refused((struct net_desc){ .op = NET_RX_POST, .length = 1517 }, NET_RX);
	refused((struct net_desc){ .op = NET_RX_POST, .length = SIZE, .offset = DATA - 1024 },
		NET_RX);
	send_one(1);
	assert_true(device_take(TX, &(struct chain){ 0 }));
}

static void a_record_without_an_answer_is_a_breach(void)
{
	start();
	ask((struct net_desc){ .op = NET_TX_DONE, .length = 60 });
	assert_true(peer_dead(&net));
}

static void one_more_than_the_credit_is_a_breach(void)
{
	start();
	for (uint32_t i = 0; i < NET_DEPTH; i++)
		send_one(i);
	assert_false(peer_dead(&net));
	send_one(0);
	assert_true(peer_dead(&net));
}

/* A card with a small queue gets the rest later, in order. */
static void small_queues(void)
{
	struct chain c;
	uint32_t next = 0;

	start_with(8);
	for (uint32_t i = 0; i < NET_DEPTH; i++)
		send_one(i);
	assert_false(peer_dead(&net));
	while (device_take(TX, &c)) {
		assert_ptr_equal(c.buf[1].at, net.data + TX_AT + next * SIZE);
		device_give(TX, c.id, 0);
		world_irq(IRQ);
		assert_int_equal(answer().id, next++);
	}
	assert_int_equal(next, NET_DEPTH);
}

/* The requests of a client that takes no answers wait, and none is lost. */
static void answers_wait_for_a_client_that_takes_none(void)
{
	struct net_desc d = { .op = NET_TX, .length = 13 };
	uint32_t sent = 0, n = 0;

	start();
	while (ring_room(&net.out, sizeof(d), 1)) {
		peer_put(&net, &d, sizeof(d));
		peer_signal(&net);
		sent++;
	}
	assert_false(peer_dead(&net));
	for (int round = 0; round < 8; round++) {
		while (peer_take(&net, &d, sizeof(d)))
			n++;
		peer_flush(&net);
	}
	assert_int_equal(n, sent);
}

/* ---- the card ---- */
static void the_cards_nonsense_is_dropped(void)
{
	struct frame_header h = { .flags = 1, .csum_start = 34, .csum_offset = 2000 };
	struct chain c;

	start();
	post_one(1);
	assert_true(device_take(RX, &c));
	arrives(&c, 0); /* shorter than a header; the buffer returns to the card */
	nothing();
	assert_true(device_take(RX, &c));
	arrives(&c, 1519);
	nothing();
	assert_true(device_take(RX, &c));
	memcpy(c.buf[0].at, &h, sizeof(h));
	arrives(&c, 100);
	nothing();
	assert_true(device_take(RX, &c));
	arrives(&c, 60);
	assert_int_equal(answer().length, 60);
	for (unsigned int i = 0; i < 1000; i++)
		world_irq(IRQ); /* without a cause */
	nothing();
	assert_false(world_ended());
}

/* The driver ends, and its client hears nothing of what it was told by then. */
static void card_lies(unsigned int queue, uint32_t id, uint32_t len)
{
	device_give(queue, id, len);
	world_irq(IRQ);
	nothing();
	assert_true(world_ended());
}

static void a_buffer_that_the_card_does_not_have(void)
{
	start();
	card_lies(RX, 200, 60);
}

static void a_frame_longer_than_its_buffer(void)
{
	struct chain c;

	start();
	post_one(1);
	assert_true(device_take(RX, &c));
	card_lies(RX, c.id, 1 << 20);
}

static void a_frame_that_is_sent_twice(void)
{
	struct chain c;

	start();
	send_one(1);
	assert_true(device_take(TX, &c));
	device_give(TX, c.id, 0);
	world_irq(IRQ);
	(void)answer();
	assert_false(world_ended());
	card_lies(TX, c.id, 0);
}

static void a_card_that_has_failed(void)
{
	start();
	post_one(1); /* for a frame that may never come */
	seconds_pass(100);
	assert_false(world_ended());
	device.failed = true;
	seconds_pass(1);
	assert_true(world_ended());
}

static void a_card_that_sends_nothing(void)
{
	struct chain c;

	start();
	send_one(1);
	assert_true(device_take(TX, &c));
	seconds_pass(29);
	device_give(TX, c.id, 0);
	world_irq(IRQ);
	(void)answer();
	send_one(2);
	seconds_pass(29);
	assert_false(world_ended());
	seconds_pass(3);
	assert_true(world_ended());
}

static void a_closed_region_is_out_of_the_cards_reach(void)
{
	struct chain c;

	start();
	post_one(1);
	send_one(2);
	assert_int_equal(world_close(&net), 0);
	assert_int_equal(device.n_restarts, 1);
	assert_int_equal(device.n_mapped, 0);
	assert_false(device_take(RX, &c));
	assert_false(device_take(TX, &c));
	assert_int_equal(world_open(&net, SVC_PROTO_NET, 1 | SVC_STATIC, NULL, 0, DATA), 0);
	for (uint32_t i = 0; i < NET_DEPTH; i++)
		send_one(i); /* the whole credit is back */
	assert_false(peer_dead(&net));
}

/* Each frame gets the header that belongs to it. */
static void headers_of_their_own(void)
{
	const struct frame_header checked = { .flags = 2 };
	struct chain a, b;
	struct net_desc d;

	start();
	post_one(1);
	post_one(2);
	assert_true(device_take(RX, &a));
	assert_true(device_take(RX, &b));
	memcpy(b.buf[0].at, &checked, sizeof(checked));
	arrives(&b, 60);
	d = answer();
	assert_true(d.id == 2 && d.flags == NET_CSUM_VALID);
	arrives(&a, 60);
	d = answer();
	assert_true(d.id == 1 && d.flags == 0);
}

static void the_open_tells_the_client_its_limits(void)
{
	static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };
	unsigned int signals;
	struct chain c;

	device.features = 1 << 0 | 1 << 5 | 1 << 12;
	memcpy(device.config, mac, sizeof(mac));
	world_start();
	assert_int_equal(world_open(&net, SVC_PROTO_NET, 1 | SVC_STATIC, NULL, 0, DATA), 0);
	assert_int_equal(net.word[0], 0x070605040302);
	assert_int_equal(net.word[1], NET_CSUM_BLANK | NET_GSO_TCPV6);
	send_one(1);
	assert_true(device_take(TX, &c));
	nothing(); /* the driver sleeps */
	signals = net.signals;
	device_give(TX, c.id, 0);
	world_irq(IRQ);
	assert_int_equal(net.signals, signals + 1);
}

/* What came with the last record does not complete a short one. */
static void wrong_records_are_a_breach(void)
{
	const struct net_desc d = {
		.op = NET_TX, .id = 1, .offset = TX_AT, .length = 1518, .reserved = { 0 }
	};
	struct chain c;

	start();
	ask(d);
	assert_true(device_take(TX, &c));
	peer_put(&net, &d, sizeof(d) - 1);
	peer_signal(&net);
	assert_true(peer_dead(&net));
	assert_false(device_take(TX, &c));
}

static void many_frames_one_after_the_other(void)
{
	struct chain c;

	start();
	for (uint32_t i = 0; i < 500; i++) {
		send_one(0);
		assert_true(device_take(TX, &c));
		device_give(TX, c.id, 0);
		world_irq(IRQ);
		assert_int_equal(answer().op, NET_TX_DONE);
	}
}

static void one_client_only(void)
{
	static struct peer other;

	start();
	assert_int_equal(world_open(&other, SVC_PROTO_NET, 2, NULL, 0, DATA), -SK_E_BUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(frames_both_ways),
		CASE(sent_frames_come_back_later),
		CASE(illegal_requests_come_back),
		CASE(a_record_without_an_answer_is_a_breach),
		CASE(one_more_than_the_credit_is_a_breach),
		CASE(small_queues),
		CASE(answers_wait_for_a_client_that_takes_none),
		CASE(the_cards_nonsense_is_dropped),
		CASE(a_buffer_that_the_card_does_not_have),
		CASE(a_frame_longer_than_its_buffer),
		CASE(a_frame_that_is_sent_twice),
		CASE(a_card_that_has_failed),
		CASE(a_card_that_sends_nothing),
		CASE(a_closed_region_is_out_of_the_cards_reach),
		CASE(headers_of_their_own),
		CASE(the_open_tells_the_client_its_limits),
		CASE(wrong_records_are_a_breach),
		CASE(many_frames_one_after_the_other),
		CASE(one_client_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports_test.c - a hostile VMM at a port of the switch
 */
#include "harness.h"

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

int ports_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_answered_request_is_no_breach),
		CASE(unknown_operations_are_a_breach),
		CASE(records_of_another_size_are_a_breach),
		CASE(more_buffers_than_the_credit_are_a_breach),
		CASE(impossible_indices_are_a_breach),
		CASE(a_port_that_takes_nothing_delays_nobody),
		CASE(a_busy_port_does_not_stop_the_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

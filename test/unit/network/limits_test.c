/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits_test.c - what a port may send, how it is counted, and who pays for it
 */
#include "harness.h"

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

int limits_tests(void)
{
	const struct CMUnitTest tests[] = {
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

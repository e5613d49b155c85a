/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_poll_test.c - a guest that sends packet after packet is looked at by the clock
 */
#include "netfront.h"
#include "case.h"

#include "backend/poll.h"

enum { POLL = POLL_US };

/* Frames that went to the switch. */
static unsigned int frames(void)
{
	struct net_desc d;
	unsigned int n = 0;

	for (; sent(&d); n++)
		tx_done(&d);
	return n;
}

static void put(unsigned int n)
{
	while (n--)
		tx_put(32, 0, 0, 1, 60);
}

/* Put a packet without an event; true: the back end asked for one. */
static bool event_wanted(void)
{
	uint32_t before = net_front.req_prod;

	put(1);
	ring_word(RING_PAGE, 0, net_front.req_prod);
	return net_front.req_prod - ring_word_get(RING_PAGE, 4) < net_front.req_prod - before;
}

static void send_if_wanted(void)
{
	if (event_wanted())
		guest_send(net_front.port);
}

/* Two packets shortly one after the other begin it. */
static void polled(void)
{
	vif(true);
	(void)frames();
	fake_time_passes(1000);
	put(1);
	tx_push();
	CHECK_EQ(frames(), 1);
	fake_time_passes(10);
	put(1);
	tx_push();
	CHECK_EQ(frames(), 1);
}

CASE(packets_far_apart_are_sent_at_once)
{
	vif(true);
	(void)frames();
	for (unsigned int i = 0; i < 10; i++) {
		fake_time_passes(POLL / 2);
		send_if_wanted();
		CHECK_EQ(frames(), 1);
	}
}

CASE(packets_in_a_row_wait_for_the_clock)
{
	polled();
	for (unsigned int i = 0; i < 5; i++) {
		CHECK(!event_wanted());
		CHECK(!event_wanted());
		CHECK_EQ(frames(), 0);
		fake_time_passes(POLL);
		CHECK_EQ(frames(), 2);
	}
}

CASE(many_packets_do_not_wait)
{
	unsigned int n = 0;

	polled();
	while (!event_wanted())
		CHECK(++n < 100);
	guest_send(net_front.port);
	CHECK_EQ(n + 1, POLL_MAX);
	CHECK_EQ(frames(), POLL_MAX);
	CHECK(!event_wanted());
	fake_time_passes(POLL); /* it finds only this one, but many came before */
	CHECK_EQ(frames(), 1);
	CHECK(!event_wanted());
}

/* The end of it asks for an event, and takes what came before that. */
CASE(polling_ends_when_packets_do)
{
	polled();
	CHECK(!event_wanted());
	CHECK(!event_wanted());
	fake_time_passes(POLL);
	CHECK_EQ(frames(), 2);
	CHECK(!event_wanted()); /* only one more */
	fake_time_passes(POLL);
	CHECK_EQ(frames(), 1);
	CHECK(event_wanted());
	guest_send(net_front.port);
	CHECK_EQ(frames(), 1);
}

/* It waits for each answer, so polling it is of no use, and is not tried again at once. */
CASE(a_guest_that_waits_is_left_alone)
{
	polled();
	CHECK(!event_wanted());
	fake_time_passes(POLL);
	CHECK_EQ(frames(), 1);
	for (unsigned int i = 0; i <= POLL_SKIP; i++) { /* the first is far from the last */
		fake_time_passes(10);
		CHECK(event_wanted());
		guest_send(net_front.port);
		CHECK_EQ(frames(), 1);
	}
	fake_time_passes(10);
	CHECK(event_wanted());
	guest_send(net_front.port);
	CHECK(!event_wanted());
}

static void guest_idles(void)
{
	xen_vcpu_sleep(0);
	fake_io_run();
}

/* What the guest waits for does not wait for the clock, and polling goes on with the rest. */
CASE(packets_of_an_idle_guest_do_not_wait)
{
	polled();
	for (unsigned int i = 0; i < 3; i++) {
		CHECK(!event_wanted());
		CHECK(!event_wanted());
		guest_idles();
		CHECK_EQ(frames(), 2);
		CHECK(!event_wanted());
		guest_idles();
		CHECK_EQ(frames(), 1);
		fake_time_passes(POLL);
		CHECK_EQ(frames(), 0);
	}
	for (unsigned int i = 0; i < 5; i++) {
		CHECK(!event_wanted());
		guest_idles();
		CHECK_EQ(frames(), 1);
	}
	fake_time_passes(POLL);
	CHECK(event_wanted()); /* it waited for each of them */
}

CASE(a_guest_that_waits_is_found_at_once)
{
	polled();
	CHECK(!event_wanted());
	guest_idles();
	CHECK_EQ(frames(), 1);
	for (unsigned int i = 0; i < POLL_SKIP; i++) {
		fake_time_passes(10);
		CHECK(event_wanted());
		guest_send(net_front.port);
		CHECK_EQ(frames(), 1);
	}
}

/* Only then does the I/O thread want to know. */
CASE(idle_guests_without_polls_cost_nothing)
{
	polled();
	io_kicks = 0;
	xen_vcpu_sleep(0);
	xen_vcpu_sleep(1);
	CHECK_EQ(io_kicks, 1); /* only one until it was heard */
	fake_io_run();
	CHECK(event_wanted());
	guest_idles();
	CHECK_EQ(io_kicks, 1);
}

CASE(front_end_goes_away_while_it_is_polled)
{
	polled();
	fake_xs_set(VIF_FE "/state", "6");
	fake_time_passes(POLL);
	CHECK_EQ(frames(), 0);
	fake_xs_set(VIF_FE "/state", "1");
	vif_connect(&net_front, true);
	put(1);
	tx_push();
	CHECK_EQ(frames(), 1);
}

CASE(bad_packets_end_a_polled_connection)
{
	polled();
	ring_word(RING_PAGE, 0, net_front.req_prod + 500);
	fake_time_passes(POLL);
	fake_io_run();
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "5") == 0);
}

int net_poll_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_far_apart_are_sent_at_once),
		cmocka_unit_test(packets_in_a_row_wait_for_the_clock),
		cmocka_unit_test(many_packets_do_not_wait),
		cmocka_unit_test(polling_ends_when_packets_do),
		cmocka_unit_test(a_guest_that_waits_is_left_alone),
		cmocka_unit_test(packets_of_an_idle_guest_do_not_wait),
		cmocka_unit_test(a_guest_that_waits_is_found_at_once),
		cmocka_unit_test(idle_guests_without_polls_cost_nothing),
		cmocka_unit_test(front_end_goes_away_while_it_is_polled),
		cmocka_unit_test(bad_packets_end_a_polled_connection),
	};

	return cmocka_run_group_tests_name("net_poll", tests, NULL, NULL);
}

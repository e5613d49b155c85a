/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interleave_test.c - lost wake-ups, each as one fixed interleaving
 *
 * The ring's accesses to shared words are replaced by calls that run the other side's step at a
 * chosen point, so every order in which "publish, then look for the wish" can meet "wish, then
 * look again" is tried. An order is right if the sleeper looks again or is signalled. Stores
 * become visible to the other side at the fence, as on a processor with a store buffer; without
 * the fence the other side sees them too late.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../interleave.h"
#include "../../../libs/ring/ring.c"
#undef __atomic_load_n
#undef __atomic_store_n
#undef __atomic_thread_fence

/* ---- the two sides ----------------------------------------------------------------------- */
static struct ring prod, cons;
static void *mem;
static bool signalled;

static void reset(void)
{
	memset(mem, 0, 4096);
	assert_int_equal(ring_init(&prod, mem, 4096, RING_CLIENT_PUTS, 0), 0);
	assert_int_equal(ring_init(&cons, mem, 4096, RING_SERVICE_GETS, 0), 0);
	n_pending = 0;
	step = 0;
	signalled = false;
}

static void producer_sends(void)
{
	assert_int_equal(ring_put(&prod, "x", 1), 0);
	signalled = ring_put_flush(&prod) || signalled;
}

static void consumer_drains(void)
{
	char buf[2048];

	while (ring_get(&cons, buf, sizeof(buf)) >= 0)
		continue;
	signalled = ring_get_flush(&cons) || signalled;
}

static bool slept;

/* The consumer goes to sleep if the ring is empty. */
static void consumer_sleeps(void) { slept = !ring_get_idle(&cons); }

static void producer_sleeps(void) { slept = !ring_room_idle(&prod, 1000); }

/* Runs first once for each of its accesses, and at that access all of second. */
static void every_order(void (*first)(void), void (*second)(void), void (*prepare)(void))
{
	for (step_at = 0; step_at < 16; step_at++) {
		other = NULL;
		reset();
		prepare();
		drain();
		step = 0;
		slept = signalled = false;
		other = second;
		first();
		if (step <=
			/* first has fewer accesses, so second runs after it */
			step_at) {
			inside = true;
			second();
			inside = false;
		}
		drain();
		other = NULL;
		assert_true(!slept || signalled);
	}
}

static void nothing(void) {}

static void fill(void)
{
	static char rec[1000];

	assert_int_equal(ring_put(&prod, rec, 1000), 0);
	assert_int_equal(ring_put(&prod, rec, 1000), 0);
	(void)ring_put_flush(&prod);
}

static void data_while_going_to_sleep(void **state)
{
	(void)state;
	every_order(consumer_sleeps, producer_sends, nothing);
	every_order(producer_sends, consumer_sleeps, nothing);
}

static void room_while_going_to_sleep(void **state)
{
	(void)state;
	every_order(producer_sleeps, consumer_drains, fill);
	every_order(consumer_drains, producer_sleeps, fill);
}

/* The service has begun its next life, and the client has sent something in the last one. */
static void service_restarts(void)
{
	producer_sends();
	assert_int_equal(ring_init(&cons, mem, 4096, RING_SERVICE_GETS, 1), 0);
	ring_restart(&cons, 1);
}

static void producer_follows(void)
{
	ring_restart(&prod, ring_peer_epoch(&prod));
	producer_sends();
}

static void producer_carries(void)
{
	signalled = ring_carry(&prod, ring_peer_epoch(&prod)) || signalled;
}

/* In every order, the client's first request of the new epoch finds the service awake. */
static void data_in_a_new_epoch(void **state)
{
	(void)state;
	every_order(consumer_sleeps, producer_follows, service_restarts);
	every_order(producer_follows, consumer_sleeps, service_restarts);
	every_order(consumer_sleeps, producer_carries, service_restarts);
	every_order(producer_carries, consumer_sleeps, service_restarts);
}

/* A consumer that is awake is not signalled; a sleeping one is signalled once. */
static void no_signal_without_a_wish(void **state)
{
	(void)state;
	reset();
	other = NULL;
	producer_sends();
	assert_false(signalled);
	consumer_drains();
	drain();
	consumer_sleeps();
	drain();
	assert_true(slept);
	producer_sends();
	drain();
	assert_true(signalled);
	signalled = false;
	producer_sends();
	assert_false(signalled);
}

static int setup(void **state)
{
	(void)state;
	mem = aligned_alloc(4096, 4096);
	return mem == NULL;
}

static int teardown(void **state)
{
	(void)state;
	free(mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(data_while_going_to_sleep, setup, teardown),
		cmocka_unit_test_setup_teardown(room_while_going_to_sleep, setup, teardown),
		cmocka_unit_test_setup_teardown(data_in_a_new_epoch, setup, teardown),
		cmocka_unit_test_setup_teardown(no_signal_without_a_wish, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

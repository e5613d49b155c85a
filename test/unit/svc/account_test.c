/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * account_test.c - for which client a service spends its time
 */
#include "harness.h"

enum { CLIENTS = 70 };

static struct event *add_usage(uint64_t pass, uint64_t badge)
{
	struct event *e = fake_add(SVC_USAGE, badge);

	e->mr[0] = pass;
	e->n = 1;
	return e;
}

static unsigned int entries(unsigned int i) { return (fake.answer[i].n - SVC_USAGE_WORD) / 2; }

static struct svc_usage entry(unsigned int i, unsigned int n)
{
	struct svc_usage u;

	assert_true(n < entries(i));
	memcpy(&u, &fake.answer[i].mr[SVC_USAGE_WORD + 2 * n], sizeof(u));
	return u;
}

/* The time that an event takes by the clock, and of that on the CPU. */
static uint64_t clock_takes, cpu_takes;

static void time_passes(void)
{
	fake.now += clock_takes;
	fake.ran += cpu_takes;
}

static int event_takes_time(struct svc_conn *c)
{
	char buf[64];

	while (ring_get(&c->req, buf, sizeof(buf)) >= 0)
		time_passes();
	return 0;
}

static void serve_and_take_time(uint64_t by_the_clock, uint64_t cpu)
{
	static struct svc_service s;

	s = service;
	s.event = event_takes_time;
	clock_takes = by_the_clock;
	cpu_takes = cpu;
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
}

static void an_event_is_charged_to_its_client(void)
{
	add_open();
	add_open();
	signal_of(1, send_three);
	add_usage(0, SVC_BADGE_INIT);
	serve_and_take_time(1000, 1000);
	assert_int_equal(status(2), 0);
	assert_int_equal(fake.answer[2].mr[1], 0);
	assert_int_equal(entries(2), 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(entry(2, i).client, 5);
		assert_int_equal(entry(2, i).ticks, entry(2, i).number == 1 ? 3000 : 0);
	}
}

static void time_between_events(void)
{
	fake.now += 7000; /* it slept, or did something of its own */
	fake.ran += 500;
	send_three();
}

/* Interrupts and drivers took two thirds of the time that the event had by the clock. */
static void only_cpu_time_is_charged(void)
{
	add_open();
	signal_of(1, send_three);
	add_usage(0, SVC_BADGE_INIT);
	signal_of(1, time_between_events);
	add_usage(0, SVC_BADGE_INIT);
	serve_and_take_time(3ull << 40, 1ull << 40);
	assert_true(entry(1, 0).ticks > (3ull << 40) - (1ull << 30) &&
		    entry(1, 0).ticks <= 3ull << 40);
	/* it goes on from there */
	assert_true(entry(2, 0).ticks > (6ull << 40) - (1ull << 31));
	assert_true(entry(2, 0).ticks <= (6ull << 40) + 500);
}

static void the_loop_works(void)
{
	fake.ran += 400; /* to receive this */
	send_three();
}

static void a_loop_works_for_others(void)
{
	fake.ran += 100000;
	send_three();
}

/* Receiving is part of the work for who signals; what nobody asked for is not. */
static void the_loop_is_paid_by_clients(void)
{
	add_open();
	signal_of(1, the_loop_works);
	add_usage(0, SVC_BADGE_INIT);
	signal_of(1, a_loop_works_for_others);
	add_usage(0, SVC_BADGE_INIT);
	add_usage(0, SVC_BADGE_INIT);
	serve_and_take_time(1000, 1000);
	assert_int_equal(entry(1, 0).ticks, 3400);
	assert_int_equal(entry(2, 0).ticks, 3400 + 3000 + 3000 / 4);
	assert_int_equal(
		entry(3, 0).ticks, 3400 + 3000 + 3000 / 4); /* nothing was done since */
}

static void it_sleeps(void) { fake.now += 7000; }

/* A handler that works for one client after the other, and in between for nobody. */
static void for_both(void *ctx)
{
	struct svc_conn *a = svc_conn_next(NULL), *b = svc_conn_next(a);
	struct svc_conn channel = { .channel = true };

	(void)ctx;
	time_passes(); /* for nobody */
	svc_work_for(a);
	time_passes();
	svc_work_for(b);
	time_passes();
	time_passes();
	svc_work_for(&channel);
	time_passes();
	svc_work_for(a);
	time_passes();
}

static void a_handler_works_for_several(void)
{
	assert_int_equal(svc_on_bit(3, for_both, NULL, "both"), 0);
	add_open();
	add_open();
	fake_add(SK_LABEL_SIGNAL, 1 << 3);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = it_sleeps;
	add_usage(0, SVC_BADGE_INIT);
	serve_and_take_time(100, 100);
	/* and a part of what was for nobody */
	assert_int_equal(entry(3, 0).ticks, 200 + 200 / 4);
	assert_int_equal(entry(3, 1).ticks, 200 + 200 / 4);
}

static void each_connector_hears_of_its_own(void)
{
	add_open();
	add_open()->badge = SVC_BADGE_CONTROL;
	signal_of(2, send_three);
	add_usage(0, SVC_BADGE_CONTROL);
	add_usage(0, SVC_BADGE_CLIENT);
	add_usage(0, SVC_BADGE_CONTROL)->n = 0;
	serve_and_take_time(10, 10);
	assert_int_equal(entries(2), 1);
	assert_int_equal(entry(2, 0).number, 2);
	assert_int_equal(entry(2, 0).ticks, 30);
	assert_int_equal(entries(3), 0);
	assert_int_equal(status(4), -SK_E_INVAL);
}

static void many_connections_need_several_calls(void)
{
	bool seen_number[CLIENTS + 1] = { false };
	uint64_t pass = 0;

	for (int i = 0; i < 20; i++)
		add_open();
	serve_and_take_time(0, 0);
	/* more than fit the script are opened in a second one */
	for (int rounds = 0; rounds < 3; rounds++) {
		fake.n_script = fake.at = fake.n_answers = 0;
		for (int i = 0; i < (rounds < 2 ? 25 : 0); i++)
			add_open();
		assert_int_equal(svc_run(), -SK_E_DELETED);
	}
	do {
		fake.n_script = fake.at = fake.n_answers = 0;
		add_usage(pass, SVC_BADGE_INIT);
		assert_int_equal(svc_run(), -SK_E_DELETED);
		for (unsigned int i = 0; i < entries(0); i++) {
			assert_false(seen_number[entry(0, i).number]);
			seen_number[entry(0, i).number] = true;
		}
		assert_true(fake.answer[0].mr[1] == 0 ||
			    (entries(0) == SVC_USAGE_MAX &&
				    fake.answer[0].mr[1] == pass + SVC_USAGE_MAX));
		pass = fake.answer[0].mr[1];
	} while (pass);
	for (int i = 1; i <= CLIENTS; i++)
		assert_true(seen_number[i]);
}

/* ---- who asks ---- */

static void asked(void)
{
	struct svc_usage u[SVC_USAGE_MAX];
	uint64_t from = 5;
	uint32_t n;

	fake.call_caps = 0;
	fake.call_words = 6;
	assert_int_equal(svc_usage(7, 1000, &from, u, &n), 0);
	assert_int_equal(fake.sent.mr[0], 5);
	assert_int_equal(n, 2);
	assert_int_equal(from, 9);
	fake.call_words = 1;
	assert_int_equal(svc_usage(7, 1000, &from, u, &n), -SK_E_PEER);
	fake.call_rc = -SK_E_TIMEOUT;
	assert_int_equal(svc_usage(7, 1000, &from, u, &n), -SK_E_TIMEOUT);
}

int account_tests(void)
{
	const struct CMUnitTest tests[] = {
		T(an_event_is_charged_to_its_client),
		T(only_cpu_time_is_charged),
		T(the_loop_is_paid_by_clients),
		T(a_handler_works_for_several),
		T(each_connector_hears_of_its_own),
		T(many_connections_need_several_calls),
		T(asked),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}

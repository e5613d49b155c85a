/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_test.c - services that start again, as they and their clients see it; ends of
 * connections; the pulse
 */
#include "harness.h"

static struct domain_info *info(void) { return (struct domain_info *)DOMAIN_INFO_VADDR; }

static struct ring_shared *req(void) { return fake.region; }

static struct ring_shared *rsp(void) { return (void *)((char *)fake.region + RING); }

/* ---- the service's side ------------------------------------------------------------------ */
static struct event *add_reopen(uint32_t number, uint32_t epoch)
{
	struct event *e = add_open();

	e->mr[3] = 5 | (uint64_t)number << 32;
	e->mr[4] = epoch;
	return e;
}

static void a_connection_keeps_its_number(void)
{
	info()->epoch = 3;
	add_reopen(2 << 16 | 7, 1);
	add_reopen(2 << 16 | 7, 1);
	add_open();
	add_close(2 << 16 | 7);
	add_close(3 << 16 | 1);
	serve();
	assert_int_equal(status(0), 0);
	assert_int_equal(fake.answer[0].mr[1], 2 << 16 | 7);
	assert_int_equal(status(1), -SK_E_EXISTS);
	assert_int_equal(fake.answer[2].mr[1], 3 << 16 | 1); /* none of an earlier life */
	assert_int_equal(status(3), 0);
	assert_int_equal(status(4), 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static uint32_t events_before;
static void events_remember(void) { events_before = seen.events; }

/* An empty record in the ring that all clients have here, of a client that has followed. */
static void record_comes(void)
{
	struct ring_shared *sh = (void *)fake.region;
	const uint32_t at = sh->prod >> 32 == 1 ? (uint32_t)sh->prod : 0;

	memset(sh->data + at, 0, 8);
	sh->prod = 1ull << 32 | (at + 8);
}

static void first_record_comes(void)
{
	events_remember();
	record_comes();
}

/* 7 and 47 have one notification bit. */
static void clients_of_one_bit(void)
{
	info()->epoch = 3;
	add_reopen(2 << 16 | 7, 1);
	add_reopen(2 << 16 | 47, 1);
	signal_of(2 << 16 | 7, first_record_comes);
	add_close(2 << 16 | 7);
	signal_of(2 << 16 | 47, record_comes);
	serve();
	assert_int_equal(status(2), 0);
	assert_int_equal(seen.events, events_before + 3);
}

/* After many connections in one life, numbers come round, but not one that is in use. */
static void numbers_come_round(void)
{
	enum { PER_RUN = 30 };

	add_open();
	serve();
	for (uint32_t next = 2; next < 65536 + 40;) {
		fake.at = fake.n_script = fake.n_answers = 0;
		for (uint32_t i = 0; i < PER_RUN; i++, next++) {
			/* the one after 65535 is 2, because 1 is in use */
			uint32_t number = next <= 65535 ? next : next - 65535 + 1;

			add_open();
			add_close(number);
		}
		assert_int_equal(svc_run(), -SK_E_DELETED);
		for (uint32_t i = 0; i < 2 * PER_RUN; i++)
			assert_int_equal(status(i), 0);
	}
}

static sk_cap_t client_signal(void) { return seen.conn->signal; }

static void the_epoch_begins_after_open(void)
{
	add_reopen(1, 4);
	serve();
	assert_int_equal(seen.conn->epoch, 4);
	assert_int_equal(req()->cons, 4ull << 32);
	assert_int_equal(rsp()->prod, 4ull << 32);
	assert_int_equal(req()->want_data, 1);
	assert_int_equal(fake.signals[client_signal()], 1);
}

/* A new client looks into its rings by itself, and may not run yet. */
static void a_first_open_signals_nobody(void)
{
	add_open();
	serve();
	assert_int_equal(fake.signals[client_signal()], 0);
}

static void an_epoch_that_was_refused_does_not_begin(void)
{
	seen.open_rc = -SK_E_BUSY;
	add_reopen(1, 1);
	serve();
	assert_int_equal(status(0), -SK_E_BUSY);
	assert_int_equal(req()->cons, 0);
	assert_int_equal(rsp()->prod, 0);
}

static void client_follows(void)
{
	client_sends(0);
	ring_restart(&client, (uint32_t)(rsp()->prod >> 32));
	send_three();
}

static void requests_of_the_new_epoch_are_served(void)
{
	client_sends(0);
	send_three();
	add_reopen(1, 1);
	signal_of(1, send_three); /* still in the old epoch */
	signal_of(1, client_follows);
	serve();
	assert_int_equal(seen.records, 3);
	assert_false(client_dead());
}

static int open_and_send(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	(void)params, (void)params_len, (void)result;
	seen.conn = c;
	client_sends(0);
	ring_restart(&client, 1);
	send_three();
	return 0;
}

/* The client may be faster than the service, which then does not wait for a signal. */
static void a_request_that_is_there_already(void)
{
	struct svc_service s = service;

	s.open = open_and_send;
	add_reopen(1, 1);
	fake_add(SVC_PING, SVC_BADGE_INIT);
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(seen.records, 3);
}

static void a_client_ahead_of_its_service(void)
{
	client_sends(0);
	ring_restart(&client, 2);
	add_reopen(1, 1);
	signal_of(1, send_three);
	serve();
	assert_true(client_dead());
	assert_int_equal(seen.records, 0);
}

static void a_breach_is_told(void)
{
	add_open();
	signal_of(1, send_garbage);
	serve();
	assert_int_equal(svc_end(seen.conn), SVC_END_BREACH);
	assert_int_equal(rsp()->end, SVC_END_BREACH);
	assert_int_equal(fake.signals[client_signal()], 1);
}

static void a_limit_is_told(void)
{
	seen.event_rc = -SK_E_LIMIT;
	add_open();
	signal_of(1, send_three);
	signal_of(1, NULL);
	serve();
	assert_int_equal(rsp()->end, SVC_END_LIMIT);
	assert_int_equal(seen.events, 1);
}

static void a_close_is_told(void)
{
	sk_cap_t signal;

	add_open();
	serve();
	signal = client_signal();
	assert_int_equal(rsp()->end, SVC_END_ALIVE);
	add_close(1);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(rsp()->end, SVC_END_CLOSED);
	assert_int_equal(fake.signals[signal], 1);
}

/* The connector tries again, so the client must not take it for the end. */
static void an_open_that_is_undone_is_no_end(void)
{
	add_reopen(1, 1)->before = caller_gone;
	add_reopen(1, 2)->before = caller_there;
	serve();
	assert_int_equal(status(1), 0);
	assert_int_equal(rsp()->end, SVC_END_ALIVE);
	assert_int_equal(rsp()->prod, 2ull << 32);
}

static void a_connection_that_ended_stays_dead(void)
{
	rsp()->end = SVC_END_BREACH;
	add_reopen(1, 1);
	signal_of(1, client_follows);
	add_close(1);
	serve();
	assert_int_equal(seen.records, 0);
	assert_int_equal(status(1), 0);
	assert_int_equal(rsp()->end, SVC_END_BREACH);
}

/* ---- the client's side ------------------------------------------------------------------- */
static struct svc_conn *channel;
static struct ring to_client, from_client;
static unsigned int handled;

static void service_opens(uint32_t epoch)
{
	if (ring_init(&from_client, req(), RING, RING_SERVICE_GETS, epoch) ||
		ring_init(&to_client, rsp(), RING, RING_SERVICE_PUTS, epoch))
		abort();
	ring_restart(&from_client, epoch);
	ring_restart(&to_client, epoch);
}

static void service_restarts(void) { service_opens(channel->epoch + 1); }

static void service_answers(void)
{
	if (ring_put(&to_client, "yes", 3))
		abort();
	(void)ring_put_flush(&to_client);
}

static void restart_and_answer(void)
{
	service_restarts();
	service_answers();
}

static void handler(void *ctx)
{
	char buf[64];

	strcat(order, ctx);
	while (svc_get(channel, buf, sizeof(buf)) >= 0)
		handled++;
}

static void channel_make(void)
{
	info()->n_channels = 1;
	info()->channel[0] = (struct domain_channel){ .name = "blk",
		.proto = SVC_PROTO_BLK,
		.bit = 7,
		.signal = 64,
		.vaddr = (uint64_t)fake.region,
		.req_size = RING,
		.rsp_size = RING };
	service_opens(0);
	channel = svc_channel("blk");
	assert_non_null(channel);
	assert_int_equal(svc_on_epoch(channel, note, "e"), 0);
	assert_int_equal(svc_on_end(channel, note, "!"), 0);
	assert_int_equal(svc_on_channel(channel, handler, "h"), 0);
}

static void channel_signal(void (*before)(void))
{
	fake_add(SK_LABEL_SIGNAL, 1 << 7)->before = before;
}

static void only_channels_have_epochs(void)
{
	struct svc_conn c = { 0 };

	assert_int_equal(svc_on_epoch(&c, note, "e"), -SK_E_INVAL);
	assert_int_equal(svc_on_end(&c, note, "!"), -SK_E_INVAL);
}

static void a_restart_is_told_before_the_handler_runs(void)
{
	channel_make();
	assert_int_equal(svc_request(channel, "old", 3), 0);
	channel_signal(restart_and_answer);
	channel_signal(NULL);
	serve();
	assert_int_equal(channel->epoch, 1);
	assert_string_equal(order, "ehh"); /* the second signal tells nothing new */
	assert_int_equal(handled, 1);
	assert_int_equal(req()->prod, 1ull << 32); /* nothing of the old epoch */
	assert_int_equal(rsp()->cons, 1ull << 32 | 8);
}

static void send_again(void *ctx)
{
	note(ctx);
	assert_int_equal(svc_request(channel, "again", 5), 0);
}

static void what_is_sent_again_arrives(void)
{
	char buf[64];

	channel_make();
	assert_int_equal(svc_on_epoch(channel, send_again, "e"), 0);
	assert_int_equal(svc_request(channel, "old", 3), 0);
	channel_signal(service_restarts);
	serve();
	assert_int_equal(ring_get(&from_client, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "again", 5);
	assert_int_equal(ring_get(&from_client, buf, sizeof(buf)), -SK_E_AGAIN);
}

static void without_a_function_the_rings_are_restarted(void)
{
	channel_make();
	assert_int_equal(svc_on_epoch(channel, NULL, NULL), 0);
	channel_signal(restart_and_answer);
	serve();
	assert_int_equal(handled, 1);
	assert_int_equal(channel->epoch, 1);
}

/* The service dies while the handler runs; the handler's requests go nowhere. */
static void handler_outlives_service(void *ctx)
{
	char buf[8];

	note(ctx);
	if (handled++)
		return;
	service_restarts();
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_AGAIN);
	assert_int_equal(svc_request(channel, "lost", 4), 0);
	assert_int_equal(svc_wait_until(channel, 77), -SK_E_RESTARTED); /* not for the signal */
	assert_int_equal(channel->epoch, 0);
}

static void a_restart_while_the_handler_runs(void)
{
	char buf[8];

	channel_make();
	assert_int_equal(svc_on_channel(channel, handler_outlives_service, "h"), 0);
	channel_signal(NULL);
	serve();
	assert_string_equal(order, "heh");
	assert_int_equal(ring_get(&from_client, buf, sizeof(buf)), -SK_E_AGAIN);
}

/* Even a service that does nothing but start again leaves room for other events. */
static void restart_always(void *ctx)
{
	(void)ctx;
	if (handled++ < 3 * TURN_RECORDS)
		service_restarts();
}

static void not_all_by_now(void) { assert_in_range(handled, 1, 2 * TURN_RECORDS); }

static void restarts_have_turns_too(void)
{
	channel_make();
	assert_int_equal(svc_on_epoch(channel, NULL, NULL), 0);
	assert_int_equal(svc_on_channel(channel, restart_always, NULL), 0);
	channel_signal(NULL);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = not_all_by_now;
	serve();
	assert_int_equal(handled, 3 * TURN_RECORDS + 1);
}

static void before_the_first_event(void)
{
	info()->n_channels = 1;
	info()->channel[0] = (struct domain_channel){
		.bit = 7, .vaddr = (uint64_t)fake.region, .req_size = RING, .rsp_size = RING
	};
	service_opens(2);
	service_answers();
	channel = svc_channel("");
	assert_int_equal(channel->epoch, 2); /* nothing was sent before */
	assert_int_equal(svc_on_channel(channel, handler, "h"), 0);
	service_opens(3);
	service_answers();
	assert_int_equal(svc_on_channel(channel, handler, "h"), 0);
	fake_add(SVC_PING, SVC_BADGE_INIT);
	serve();
	assert_int_equal(handled, 1); /* without a signal */
}

static void outside_the_loop(void)
{
	char buf[8];

	channel_make();
	service_restarts();
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_RESTARTED);
	assert_int_equal(channel->epoch, 1);
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_AGAIN);
	service_restarts();
	assert_int_equal(svc_wait_until(channel, 77), -SK_E_RESTARTED);
	assert_int_equal(channel->epoch, 2);
	service_restarts();
	assert_int_equal(svc_wait_record(channel, buf, sizeof(buf), 77), -SK_E_RESTARTED);
	assert_int_equal(channel->epoch, 3);
	fake.before_wait = restart_and_answer;
	fake_add(SK_LABEL_SIGNAL, 1 << 7);
	assert_int_equal(svc_wait_until(channel, 77), -SK_E_RESTARTED);
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), 3);
	assert_string_equal(order, "");
}

/* ---- a service that breaks the protocol -------------------------------------------------- */
static void service_raves(void) { rsp()->prod += 4; }

static void service_says_too_much(void)
{
	static char much[100];

	if (ring_put(&to_client, much, sizeof(much)))
		abort();
	(void)ring_put_flush(&to_client);
}

/* Nothing of it was looked at, until there is another. */
static void another_comes(void)
{
	assert_true(channel->broken);
	assert_int_equal(handled, 0);
	assert_int_equal(req()->end, channel->epoch + 1);
	assert_int_equal(svc_end(channel), SVC_END_ALIVE);
	assert_int_equal(svc_request(channel, "x", 1), 0);
	restart_and_answer();
}

static void breaks(void (*does)(void))
{
	channel_make();
	channel_signal(does);
	channel_signal(service_answers);
	channel_signal(another_comes);
	serve();
	assert_string_equal(order, "hheh");
	assert_int_equal(handled, 1);
	assert_false(channel->broken);
	assert_int_not_equal(req()->end, channel->epoch + 1);
}

static void an_index_that_cannot_be(void) { breaks(service_raves); }
static void a_record_that_is_too_long(void) { breaks(service_says_too_much); }

static unsigned int breaches;

static void breach_told(struct svc_conn *c)
{
	assert_ptr_equal(c, channel);
	assert_true(c->broken);
	breaches++;
}

static void a_breach_outside_the_loop(void)
{
	char buf[8];

	channel_make();
	svc_on_breach(breach_told);
	service_raves();
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_PEER);
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_PEER);
	assert_int_equal(svc_take(channel, buf, sizeof(buf)), -SK_E_PEER);
	assert_int_equal(breaches, 1);
	assert_int_equal(req()->end, 1);
	restart_and_answer();
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_RESTARTED);
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), 3);
}

static void a_service_that_took_what_was_not_sent(void)
{
	channel_make();
	req()->cons += 4;
	while (svc_request(channel, "x", 1) == 0)
		continue;
	assert_true(channel->broken);
	assert_int_equal(req()->end, 1);
}

static void service_ends(void)
{
	service_answers();
	rsp()->end = SVC_END_LIMIT;
}

static void an_end_is_told_once_and_last(void)
{
	channel_make();
	channel_signal(service_ends);
	channel_signal(service_answers);
	serve();
	assert_string_equal(order, "h!"); /* the last record was read, and nothing afterwards */
	assert_int_equal(handled, 1);
	assert_int_equal(svc_end(channel), SVC_END_LIMIT);
	assert_string_equal(
		svc_end_text(svc_end(channel)), "the client reached a limit of the service");
	assert_int_equal(svc_request(channel, "x", 1), -SK_E_PEER);
}

static void an_unknown_end(void)
{
	channel_make();
	rsp()->end = 77;
	channel_signal(NULL);
	serve();
	assert_int_equal(svc_end(channel), SVC_END_CLOSED);
	assert_string_equal(svc_end_text(77), svc_end_text(SVC_END_CLOSED));
}

static void an_end_outside_the_loop(void)
{
	char buf[8];

	channel_make();
	service_ends();
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), 3);
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_PEER);
	assert_int_equal(svc_wait_until(channel, 77), -SK_E_PEER);
	assert_string_equal(order, "");
	fake_add(SVC_PING, SVC_BADGE_INIT);
	serve();
	assert_string_equal(order, "h!");
}

/* A wait that an end's signal finishes still leaves time for the last records. */
static void a_wait_for_the_last_record(void)
{
	char buf[8];

	channel_make();
	fake.before_wait = service_ends;
	fake_add(SK_LABEL_SIGNAL, 1 << 7);
	assert_int_equal(svc_wait_record(channel, buf, sizeof(buf), 77), 3);
	assert_int_equal(svc_wait_record(channel, buf, sizeof(buf), 77), -SK_E_PEER);
}

static void no_epoch_after_the_end(void)
{
	channel_make();
	channel_signal(service_ends);
	channel_signal(service_restarts);
	serve();
	assert_string_equal(order, "h!");
	assert_int_equal(channel->epoch, 0);
}

/* ---- the pulse --------------------------------------------------------------------------- */
static void the_pulse_is_answered(void)
{
	assert_int_equal(svc_on_bit(3, note, "x", "x"), 0);
	fake_add(SK_LABEL_SIGNAL, 1 << DOMAIN_BIT_PULSE);
	fake_add(SK_LABEL_SIGNAL, 1 << DOMAIN_BIT_PULSE | 1 << 3);
	serve();
	assert_int_equal(fake.signals[DOMAIN_CAP_PULSE], 2);
	assert_string_equal(order, "x");
}

static void the_pulse_is_answered_during_a_wait(void)
{
	channel_make();
	fake_add(SK_LABEL_SIGNAL, 1 << DOMAIN_BIT_PULSE);
	fake_add(SK_LABEL_SIGNAL, 1 << 7);
	assert_int_equal(svc_wait_until(channel, SK_NO_DEADLINE), 0);
	assert_int_equal(fake.signals[DOMAIN_CAP_PULSE], 1);
	serve();
	assert_int_equal(fake.signals[DOMAIN_CAP_PULSE], 1); /* once, not again in the loop */
}

int restart_tests(void)
{
	const struct CMUnitTest tests[] = {
		T(a_connection_keeps_its_number),
		T(clients_of_one_bit),
		T(numbers_come_round),
		T(the_epoch_begins_after_open),
		T(a_first_open_signals_nobody),
		T(an_epoch_that_was_refused_does_not_begin),
		T(requests_of_the_new_epoch_are_served),
		T(a_request_that_is_there_already),
		T(a_client_ahead_of_its_service),
		T(a_breach_is_told),
		T(a_limit_is_told),
		T(a_close_is_told),
		T(an_open_that_is_undone_is_no_end),
		T(a_connection_that_ended_stays_dead),
		T(only_channels_have_epochs),
		T(a_restart_is_told_before_the_handler_runs),
		T(what_is_sent_again_arrives),
		T(without_a_function_the_rings_are_restarted),
		T(a_restart_while_the_handler_runs),
		T(restarts_have_turns_too),
		T(before_the_first_event),
		T(outside_the_loop),
		T(an_index_that_cannot_be),
		T(a_record_that_is_too_long),
		T(a_breach_outside_the_loop),
		T(a_service_that_took_what_was_not_sent),
		T(an_end_is_told_once_and_last),
		T(an_unknown_end),
		T(an_end_outside_the_loop),
		T(a_wait_for_the_last_record),
		T(no_epoch_after_the_end),
		T(the_pulse_is_answered),
		T(the_pulse_is_answered_during_a_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

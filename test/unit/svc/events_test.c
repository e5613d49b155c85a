/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events_test.c - requests of clients, and the turns in which they are served
 */
#include "harness.h"

/* ---- events ------------------------------------------------------------------------------ */
static void event_takes_all(void)
{
	add_open();
	signal_of(1, send_three);
	signal_of(2, NULL); /* no connection has this bit */
	serve();
	assert_int_equal(seen.records, 3);
	assert_int_equal(((struct ring_shared *)fake.region)->cons,
		client.index); /* the loop returned the space */
	assert_int_equal(((struct ring_shared *)fake.region)->want_data, 1);
}

static int event_answers(struct svc_conn *c)
{
	char buf[64];

	while (ring_get(&c->req, buf, sizeof(buf)) >= 0)
		if (ring_put(&c->rsp, "done", 4))
			abort();
	return 0;
}

static void send_three_and_sleep(void)
{
	send_three();
	((struct ring_shared *)((char *)fake.region + RING))->want_data = 1;
}

static void answers_wake_a_client_that_sleeps(void)
{
	struct svc_service s = service;

	s.event = event_answers;
	add_open();
	signal_of(1, send_three_and_sleep);
	signal_of(1, send_three);
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(((struct ring_shared *)((char *)fake.region + RING))->prod,
		seen.conn->rsp.index);
	assert_int_not_equal(seen.conn->rsp.index, 0);
	assert_int_equal(fake.signals[seen.conn->signal], 1); /* the second time it is awake */
}

static void send_three_and_want_room(void)
{
	send_three();
	((struct ring_shared *)fake.region)->want_room = 1;
}

static void room_wakes_a_client_that_waits_for_it(void)
{
	add_open();
	signal_of(1, send_three_and_want_room);
	serve();
	assert_int_equal(seen.records, 3);
	assert_int_equal(fake.signals[seen.conn->signal], 1);
}

static void event_that_leaves_records_is_called_once(void)
{
	seen.take = 2;
	add_open();
	signal_of(1, send_three);
	serve();
	assert_int_equal(seen.records, 3); /* two records, then one */
	assert_int_equal(seen.events, 2);
	seen.take = 0;
}

static void refuse_to_take(void)
{
	send_three();
	seen.take = 0;
	seen.event_rc = 0;
}

static int event_nothing(struct svc_conn *c)
{
	(void)c;
	seen.events++;
	return 0;
}

static void event_without_progress_stops(void)
{
	struct svc_service s = service;

	s.event = event_nothing;
	add_open();
	signal_of(1, refuse_to_take);
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(seen.events, 1); /* the loop has seen the records before */
}

static void impossible_index(void) { ((struct ring_shared *)fake.region)->prod += 2; }

/* A handler that waits for something else does not look, so it finds no breach either. */
static int event_looks_elsewhere(struct svc_conn *c)
{
	(void)c;
	assert_true(++seen.events < 10);
	return 0;
}

static void an_impossible_index_is_no_progress(void)
{
	struct svc_service s = service;

	s.event = event_looks_elsewhere;
	add_open();
	signal_of(1, impossible_index);
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(seen.events, 1);
}

static int event_finds_nothing(struct svc_conn *c)
{
	char buf[64];

	seen.events++;
	while (svc_get(c, buf, sizeof(buf)) >= 0)
		seen.records++;
	if (seen.events == 1 && ring_put(&c->rsp, "late", 4)) /* the answer to an old request */
		abort();
	return 0;
}

static void client_sleeps(void)
{
	client_sends(1);
	(void)ring_put_flush(&client);
	((struct ring_shared *)((char *)fake.region + RING))->want_data = 1;
	fake.on_signal = send_three;
}

/* The client does not signal, because the service has not wished for it yet. */
static void requests_after_the_last_look_are_not_missed(void)
{
	struct svc_service s = service;

	s.event = event_finds_nothing;
	add_open();
	signal_of(1, client_sleeps);
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(seen.records, 4);
}

static void taken_by_another_event(void)
{
	char buf[64];

	client_sends(1);
	assert_true(ring_put_flush(&client));
	assert_true(ring_get(&seen.conn->req, buf, sizeof(buf)) >= 0);
}

static void the_wish_is_there(void)
{
	assert_int_not_equal(((struct ring_shared *)fake.region)->want_data, 0);
}

/* It is no event, but the client has to signal for what comes next. */
static void a_signal_for_what_was_taken(void)
{
	add_open();
	signal_of(1, send_three);
	signal_of(1, taken_by_another_event);
	signal_of(1, the_wish_is_there);
	serve();
	assert_int_equal(seen.records, 3);
}

/* ---- turns ---- */
static void more_than_a_turn(void)
{
	client_sends(100);
	(void)ring_put_flush(&client);
}

static int event_by_turns(struct svc_conn *c)
{
	char buf[64];
	int rc;

	seen.events++;
	while ((rc = svc_get(c, buf, sizeof(buf))) >= 0) {
		seen.records++;
		svc_charge(c, seen.charge);
		if (seen.after)
			seen.after();
	}
	return rc;
}

static void serve_by_turns(void)
{
	struct svc_service s = service;

	s.event = event_by_turns;
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
}

static void all_is_served_turn_by_turn(void)
{
	add_open();
	signal_of(1, more_than_a_turn);
	serve_by_turns();
	assert_int_equal(seen.records, 100);
	assert_int_equal(seen.events, (100 + TURN_RECORDS - 1) / TURN_RECORDS);
}

static void one_more(void)
{
	client.peer = client.index - 8; /* the client knows from the answers what was taken */
	client_sends(1);
	(void)ring_put_flush(&client);
}

static void no_more(void)
{
	assert_in_range(seen.records, 1, 3 * TURN_RECORDS);
	seen.after = NULL;
}

/* A client that always adds one more request gets its turns, but other callers are served. */
static void a_busy_client_does_not_stop_the_service(void)
{
	seen.after = one_more;
	add_open();
	signal_of(1, one_more);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = no_more;
	serve_by_turns();
	assert_int_equal(fake.n_answers, 2);
	assert_false(client_dead());
}

static void still_one(void) { assert_int_equal(seen.records, 1); }

static void two_by_now(void) { assert_int_equal(seen.records, 2); }

/* A request that costs more than a turn makes its connection miss turns. */
static void a_dear_request_costs_turns(void)
{
	seen.charge = 3 * SVC_TURN;
	add_open();
	signal_of(1, send_three);
	for (unsigned int i = 0; i < 5; i++)
		fake_add(SVC_PING, SVC_BADGE_INIT)->before = i < 3 ? still_one : two_by_now;
	serve_by_turns();
	assert_int_equal(seen.records, 3);
	assert_true(seen.events <= 3);
	assert_int_equal(fake.n_answers, 6);
}

/* Signals do not bring more turns to a connection that already has one coming. */
static void signals_bring_no_more_turns(void)
{
	seen.charge = SVC_TURN;
	add_open();
	signal_of(1, send_three);
	signal_of(1, still_one);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = two_by_now;
	serve_by_turns();
	assert_int_equal(seen.records, 3);
}

static int event_full(struct svc_conn *c)
{
	seen.events++;
	return seen.event_rc ? seen.event_rc : event_by_turns(c);
}

static void room_again(void)
{
	assert_false(client_dead());
	seen.event_rc = 0;
	svc_resume(seen.conn);
	svc_resume(seen.conn); /* counts once */
}

/* -SK_E_AGAIN for want of room is no breach; the service later comes back to what it left. */
static void a_service_that_is_full_goes_on_later(void)
{
	struct svc_service s = service;

	seen.event_rc = -SK_E_AGAIN;
	s.event = event_full;
	add_open();
	signal_of(1, send_three);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = room_again;
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(seen.records, 3);
}

static void breach_kills_the_connection_only(void)
{
	add_open();
	signal_of(1, send_garbage);
	signal_of(1, NULL);
	add_close(1);
	serve();
	assert_int_equal(seen.events, 1); /* a dead connection gets no more events */
	assert_int_equal(
		fake.about[0], 5); /* the line is about the guest, and the next one is not */
	assert_int_equal(fake.about[1], 0);
	assert_int_equal(fake.n_about, 2);
	assert_true(fake.at == fake.n_script);
	assert_int_equal(status(1), 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void nothing_is_sent_to_the_dead(void)
{
	assert_true(client_dead());
	assert_int_equal(svc_respond(seen.conn, "x", 1), -SK_E_PEER);
}

static void breach_ends_sending(void)
{
	add_open();
	signal_of(1, send_garbage);
	signal_of(1, nothing_is_sent_to_the_dead);
	serve();
}

/* A signal of one client is no event of the others, which have nothing in their rings. */
static void signals_of_one_client(void)
{
	add_open();
	signal_of(1 + 40, NULL);
	signal_of(2, send_three);
	signal_of(1 + 40, NULL); /* it shares the bit, so its ring is looked at */
	signal_of(1, NULL);
	serve();
	assert_int_equal(seen.events, 1);
}

static int event_wants_room(struct svc_conn *c)
{
	seen.events++;
	while (svc_get(c, order, sizeof(order)) >= 0)
		continue;
	while (svc_room(c, 4, 1))
		if (ring_put(&c->rsp, "done", 4))
			abort();
	return 0;
}

static void no_event_so_far(void) { assert_int_equal(seen.events, 1); }

static void make_room(void)
{
	struct ring_shared *sh = (void *)((char *)fake.region + RING);

	assert_int_equal(sh->want_room, 1);
	sh->cons = sh->prod;
	sh->want_room = 0;
}

/* Room for which the service has waited is an event, once. */
static void room_is_an_event(void)
{
	struct svc_service s = service;

	s.event = event_wants_room;
	add_open();
	signal_of(1, send_three);
	signal_of(1, NULL);
	signal_of(1, no_event_so_far);
	signal_of(1, make_room);
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(seen.events, 2);
}

int events_tests(void)
{
	const struct CMUnitTest tests[] = {
		T(event_takes_all),
		T(answers_wake_a_client_that_sleeps),
		T(room_wakes_a_client_that_waits_for_it),
		T(event_that_leaves_records_is_called_once),
		T(event_without_progress_stops),
		T(requests_after_the_last_look_are_not_missed),
		T(a_signal_for_what_was_taken),
		T(an_impossible_index_is_no_progress),
		T(all_is_served_turn_by_turn),
		T(a_busy_client_does_not_stop_the_service),
		T(a_dear_request_costs_turns),
		T(signals_bring_no_more_turns),
		T(a_service_that_is_full_goes_on_later),
		T(breach_kills_the_connection_only),
		T(breach_ends_sending),
		T(signals_of_one_client),
		T(room_is_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

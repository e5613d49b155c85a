/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svc_test.c - the event loop: connections that are made, used, broken and ended, on a scripted
 * kernel
 *
 * Every test is a process (a fork), because the loop and its lists are static.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fake.h"
#include "proto/blk.h"

enum {
	RING = 4096,
	DATA = 1 << FRAME_ORDER,
	LOOP_SLOTS = 4,
	TURN_RECORDS = SVC_TURN / SVC_RECORD
};

/* ---- a service that records what happens to it ------------------------------------------- */
static struct {
	unsigned int opens, events, closes, calls;
	struct svc_conn *conn;
	uint8_t params[64];
	uint32_t params_len;
	int open_rc, event_rc, close_rc;
	unsigned int take; /* records per event; 0 = all */
	unsigned int records;
	uint64_t charge;     /* for each record, besides the record itself */
	void (*after)(void); /* called for each record */
	uint32_t n_in;
	struct svc_conn *next; /* what svc_conn_next() returns during a close */
} seen;

static int open_cb(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	seen.opens++;
	seen.conn = c;
	seen.params_len = params_len;
	memcpy(seen.params, params,
		params_len < sizeof(seen.params) ? params_len : sizeof(seen.params));
	result[0] = 77;
	result[1] = 88;
	return seen.open_rc;
}

static int event_cb(struct svc_conn *c)
{
	char buf[256];
	int rc = 0;

	seen.events++;
	for (unsigned int i = 0; rc >= 0 && (!seen.take || i < seen.take); i++) {
		rc = ring_get(&c->req, buf, sizeof(buf));
		seen.records += rc >= 0;
	}
	return rc == -SK_E_PEER ? rc : seen.event_rc;
}

static int close_cb(struct svc_conn *c)
{
	seen.closes++;
	c->priv = seen.close_rc ? &seen : NULL;
	seen.next = svc_conn_next(NULL);
	return seen.close_rc;
}

static int call_cb(
	uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	seen.calls++;
	seen.n_in = caps->n_in;
	for (uint32_t i = 0; i < caps->n_in; i++) {
		fake.filled[caps->in[i]] = false;
		fake.used[caps->in[i]] = false;
	}
	mr[1] = label * 1000 + badge + mr[5];
	*n = 2;
	return 0;
}

static const struct svc_service service = { .proto = SVC_PROTO_BLK,
	.min_data = 4096,
	.open = open_cb,
	.event = event_cb,
	.close = close_cb,
	.call = call_cb };

static struct event *add_open(void)
{
	struct event *e = fake_add(SVC_OPEN, SVC_BADGE_INIT);

	e->mr[0] = SVC_PROTO_BLK | 1ull << 32;
	e->mr[1] = DATA;
	e->mr[2] = RING | (uint64_t)RING << 32;
	e->mr[3] = 5;
	e->mr[5] = 12;
	memcpy(&e->mr[SVC_PARAMS_WORD], "hello, world", 12);
	e->n = SVC_PARAMS_WORD + 2;
	e->n_caps = 3;
	return e;
}

static struct event *add_close(uint64_t number)
{
	struct event *e = fake_add(SVC_CLOSE, SVC_BADGE_INIT);

	e->mr[0] = number;
	e->n = 1;
	return e;
}

static int64_t status(unsigned int i)
{
	assert_true(i < fake.n_answers);
	return (int64_t)fake.answer[i].mr[0];
}

static void serve(void)
{
	assert_int_equal(svc_serve(&service), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
}

static void signal_of(uint32_t number, void (*before)(void))
{
	fake_add(SK_LABEL_SIGNAL, 1ull << (24 + number % 40))->before = before;
}

static bool client_dead(void) { return seen.conn->dead; }

/* ---- the client's end of the region ------------------------------------------------------ */
static struct ring client;

static void client_sends(unsigned int n)
{
	if (!client.sh && ring_init(&client, fake.region, RING, 0))
		abort();
	while (n--)
		if (ring_put(&client, "0123456789", 10))
			abort();
}

static void send_three(void)
{
	client_sends(3);
	(void)ring_put_flush(&client);
}

static void send_garbage(void) { ((struct ring_shared *)fake.region)->prod = 12; }

/* ---- open -------------------------------------------------------------------------------- */
static void open_and_close(void)
{
	add_open();
	add_close(1);
	add_close(1);
	serve();
	assert_int_equal(status(0), 0);
	assert_int_equal(fake.answer[0].mr[1], 1);
	assert_int_equal(fake.answer[0].mr[2], 77);
	assert_int_equal(fake.answer[0].mr[3], 88);
	assert_int_equal(fake.answer[0].n_caps, 1);
	assert_true(fake.answer[0].moved);
	assert_int_equal(seen.params_len, 12);
	assert_memory_equal(seen.params, "hello, world", 12);
	assert_int_equal(((struct ring_shared *)fake.region)->want_data, 1);
	assert_int_equal(status(1), 0);
	assert_int_equal(status(2), -SK_E_NOT_FOUND);
	assert_int_equal(seen.closes, 1);
	assert_null(seen.next); /* svc_conn_next() skips a closing connection without priv */
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

/* With one thing wrong the open is refused and leaves nothing behind. */
static void refused(int64_t why)
{
	serve();
	assert_int_equal(status(0), why);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
	assert_int_equal(fake.answer[0].n_caps, 0);
}

#define BAD_OPEN(name, change, why) \
	static void name(void) \
	{ \
		struct event *e = add_open(); \
\
		change; \
		refused(why); \
		assert_int_equal(seen.opens, 0); \
	}
BAD_OPEN(open_other_protocol, e->mr[0] = SVC_PROTO_NET | 1ull << 32, -SK_E_INVAL)
BAD_OPEN(open_other_version, e->mr[0] = SVC_PROTO_BLK | 2ull << 32, -SK_E_INVAL)
BAD_OPEN(open_few_words, e->n = SVC_PARAMS_WORD - 1, -SK_E_INVAL)
BAD_OPEN(open_one_cap, e->n_caps = 1, -SK_E_INVAL)
BAD_OPEN(open_data_without_frame, e->n_caps = 2, -SK_E_INVAL)
BAD_OPEN(open_frame_too_many, e->n_caps = 4, -SK_E_INVAL)
BAD_OPEN(open_own_without_frame, e->mr[6] = 4096, -SK_E_INVAL)
BAD_OPEN(open_params_beyond_words, e->mr[5] = 17, -SK_E_INVAL)
BAD_OPEN(open_params_huge, e->mr[5] = UINT64_MAX, -SK_E_INVAL)
BAD_OPEN(open_ring_not_pages, e->mr[2] = 4095 | (uint64_t)RING << 32, -SK_E_INVAL)
BAD_OPEN(open_ring_empty, e->mr[2] = (uint64_t)RING << 32, -SK_E_INVAL)
BAD_OPEN(open_second_ring_not_pages, e->mr[2] = RING | 4097ull << 32, -SK_E_INVAL)
BAD_OPEN(open_rings_beyond_frame, e->mr[2] = RING | (uint64_t)DATA << 32, -SK_E_INVAL)
BAD_OPEN(open_ring_sizes_overflow, e->mr[2] = 0xfffff000ull | 0x2000ull << 32, -SK_E_INVAL)
BAD_OPEN(open_too_little_data, e->mr[1] = 4095, -SK_E_INVAL)
BAD_OPEN(open_data_beyond_frame, e->frame_order[CAP_DATA] = 13, -SK_E_INVAL)
BAD_OPEN(open_no_ring_frame, e->frame_order[CAP_RINGS] = 0, -SK_E_INVAL)
BAD_OPEN(open_no_data_frame, e->frame_order[CAP_DATA] = 0, -SK_E_INVAL)
BAD_OPEN(open_data_absurd, e->mr[1] = UINT64_MAX, -SK_E_INVAL)
BAD_OPEN(open_own_beyond_frame, (e->mr[6] = DATA + 1, e->n_caps = 4), -SK_E_INVAL)
BAD_OPEN(open_own_absurd, (e->mr[6] = UINT64_MAX, e->n_caps = 4), -SK_E_INVAL)
BAD_OPEN(open_signal_without_badge, e->unbadged = true, -SK_E_INVAL)
BAD_OPEN(open_by_a_client, e->badge = SVC_BADGE_CLIENT, -SK_E_DENIED)

static void open_without_addresses(void)
{
	add_open();
	fake.fail_map[CAP_DATA] = true; /* fails when the rings are already mapped */
	refused(-SK_E_NO_MEM);
	assert_int_equal(seen.opens, 0);
}

static void open_with_own_memory(void)
{
	struct event *e = add_open();

	e->mr[6] = 8192;
	e->n_caps = 4;
	serve();
	assert_int_equal(status(0), 0);
	assert_ptr_equal(seen.conn->data, fake.data);
	assert_int_equal(seen.conn->data_size, DATA);
	assert_ptr_equal(seen.conn->own, fake.own);
	assert_int_equal(seen.conn->own_size, 8192);
	add_close(1);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

/* Data for a device only is not mapped; the service gets its frame, to pass it on. */
static void open_with_data_unmapped(void)
{
	struct svc_service s = service;

	s.data_unmapped = true;
	add_open();
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(status(0), 0);
	assert_true(fake.mapped[CAP_RINGS]);
	assert_false(fake.mapped[CAP_DATA]);
	assert_null(seen.conn->data);
	assert_int_equal(seen.conn->data_size, DATA);
	assert_int_equal(fake.kind[seen.conn->data_frame], CAP_DATA);
	add_close(1);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void slots_run_out(void) { fake.full = true; }

static void slots_come_back(void) { fake.full = false; }

/*
 * Without slots for capabilities the loop refuses and goes on, and serves again once there are
 * slots.
 */
static void open_without_slots(void)
{
	add_open();
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = slots_run_out;
	add_open();
	signal_of(1, send_three);
	add_close(1)->before = slots_come_back;
	add_open();
	serve();
	assert_int_equal(status(0), 0);
	assert_int_equal(status(2), -SK_E_LIMIT);
	assert_int_equal(seen.opens, 2);
	assert_int_equal(seen.records, 3);
	assert_int_equal(status(3), 0);
	assert_int_equal(status(4), 0);
}

static void caller_gone(void) { fake.reply_rc = -SK_E_NOT_FOUND; }

static void caller_there(void) { fake.reply_rc = 0; }

/* A caller that gave up waiting knows no number to close, so the attachment must not stay. */
static void open_for_a_caller_that_has_gone(void)
{
	add_open()->before = caller_gone;
	add_open()->before = caller_there;
	serve();
	assert_int_equal(seen.opens, 2);
	assert_int_equal(seen.closes, 1);
	assert_int_equal(fake.answer[1].mr[1], 2);
	add_close(2);
	add_close(1);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(status(2), 0);
	assert_int_equal(status(3), -SK_E_NOT_FOUND);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void open_refused_by_service(void)
{
	add_open();
	seen.open_rc = -SK_E_BUSY;
	refused(-SK_E_BUSY);
	assert_int_equal(seen.opens, 1);
}

/* A refused open gives back the object that its close would have needed. */
static void many_refused_opens(void)
{
	seen.open_rc = -SK_E_BUSY;
	for (unsigned int i = 0; i < 20; i++)
		add_open();
	serve();
	assert_int_equal(seen.opens, 20);
	assert_int_equal(fake.n_objects, 1);
}

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

static void event_that_leaves_records_is_not_called_for_ever(void)
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
	assert_int_equal(seen.events, 1);
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
static void who_always_has_more_does_not_stop_the_service(void)
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

/* A signal of one client is no event of the others. */
static void signals_of_one_client(void)
{
	add_open();
	signal_of(2, send_three);
	signal_of(1 + 40, NULL); /* it shares the bit, so its ring is checked */
	serve();
	assert_int_equal(seen.events, 1);
}

/* ---- close ------------------------------------------------------------------------------- */
static void finish(void)
{
	assert_int_equal(fake.n_answers, 1); /* the close has no answer so far */
	if (seen.closes)
		assert_ptr_equal(svc_conn_next(NULL), seen.conn);
	svc_closed(seen.conn, -SK_E_IO);
}

static void finish_last(void) { svc_closed(seen.conn, 0); }

static void close_waits_for_what_is_in_flight(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish;
	serve();
	assert_int_equal(fake.n_answers, 3);
	assert_int_equal(fake.answer[1].reply, DOMAIN_CAP_REPLY);
	assert_int_not_equal(fake.answer[2].reply, DOMAIN_CAP_REPLY);
	assert_int_equal(status(1), 0);
	assert_int_equal(fake.answer[1].n, 2);
	/* result of the last flush */
	assert_int_equal((int64_t)fake.answer[1].mr[1], -SK_E_IO);
	assert_int_equal(fake.n_mapped, 0);
}

static void close_says_what_went_wrong(void)
{
	seen.close_rc = -SK_E_IO;
	add_open();
	add_close(1);
	add_close(1);
	serve();
	assert_int_equal(status(1), 0);
	assert_int_equal(fake.answer[1].n, 2);
	assert_int_equal((int64_t)fake.answer[1].mr[1], -SK_E_IO);
	assert_int_equal(status(2), -SK_E_NOT_FOUND);
	assert_int_equal(fake.n_mapped, 0);
}

static void memory_runs_out(void) { fake.no_memory = true; }

/*
 * A closer waits and gets its answer even if the domain has no memory left; opens are refused.
 */
static void close_needs_no_memory(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_open()->before = memory_runs_out;
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_last;
	serve();
	assert_int_equal(status(1), -SK_E_NO_MEM);
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.closes, 1);
	assert_int_equal(fake.n_answers, 4);
	assert_int_equal(fake.answer[2].reply, DOMAIN_CAP_REPLY);
	assert_int_equal(status(2), 0);
	assert_int_equal(fake.n_mapped, 0);
}

/*
 * Memory of objects is not returned, so the next connection reuses what the last one had for
 * its end.
 */
static void connections_in_turn_need_no_more_memory(void)
{
	for (uint64_t i = 1; i <= 10; i++) {
		add_open();
		add_close(i);
	}
	serve();
	assert_int_equal(seen.closes, 10);
	assert_int_equal(fake.n_objects, 1);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void close_by_two_at_a_time(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open()->badge = SVC_BADGE_CONTROL;
	add_close(1)->badge = SVC_BADGE_CONTROL;
	add_close(1)->badge = SVC_BADGE_INIT;
	serve();
	assert_int_equal(status(1), -SK_E_BUSY);
	assert_int_equal(seen.closes, 1);
}

/* ---- callers that give up ---------------------------------------------------------------- */
static void finish_unheard(void)
{
	caller_gone();
	svc_closed(seen.conn, -SK_E_IO);
	caller_there();
}

/*
 * A caller that repeats a slow close gets its result, whether it is there before or after the
 * call.
 */
static void close_is_asked_again(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_close(1);
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_last;
	serve();
	assert_int_equal(seen.closes, 1);
	assert_int_equal(
		/* open, close, ping: the first close's caller has given up */
		fake.n_answers, 3);
	assert_int_equal(fake.answer[1].n, 2);
	assert_int_equal(status(1), 0);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void close_result_is_kept_until_it_is_heard(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open();
	add_close(1);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_unheard;
	add_close(1)->before = caller_gone;
	add_close(1)->before = caller_there;
	add_close(1);
	serve();
	assert_int_equal(seen.closes, 1);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal((int64_t)fake.answer[1].mr[1], -SK_E_IO); /* its caller was gone */
	assert_int_equal((int64_t)fake.answer[3].mr[1], -SK_E_IO); /* repeated */
	assert_int_equal((int64_t)fake.answer[4].mr[1], -SK_E_IO);
	assert_int_equal(status(4), 0);
	assert_int_equal(status(5), -SK_E_NOT_FOUND);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void close_that_fails_at_once_is_kept_too(void)
{
	seen.close_rc = -SK_E_IO;
	add_open();
	add_close(1)->before = caller_gone;
	add_close(1)->before = caller_there;
	serve();
	assert_int_equal(seen.closes, 1);
	assert_int_equal(status(2), 0);
	assert_int_equal((int64_t)fake.answer[2].mr[1], -SK_E_IO);
}

/* The region of the failed open is still in use, so PING does not report success. */
static void open_that_takes_time_to_undo(void)
{
	seen.close_rc = -SK_E_AGAIN;
	add_open()->before = caller_gone;
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = caller_there;
	fake_add(SVC_PING, SVC_BADGE_CONTROL);
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish_last;
	serve();
	assert_int_equal(status(1), -SK_E_BUSY);
	assert_int_equal(status(2), 0);
	assert_int_equal(status(3), 0);
	assert_int_equal(fake.n_answers, 4);
	assert_int_equal(fake.n_mapped, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void closed_without_a_close_changes_nothing(void)
{
	add_open();
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = finish;
	add_close(1);
	serve();
	assert_int_equal(status(2), 0);
}

static void close_by_another_connector(void)
{
	add_open();
	add_close(1)->badge = SVC_BADGE_CONTROL;
	add_close(1)->badge = SVC_BADGE_CLIENT;
	serve();
	assert_int_equal(status(1), -SK_E_DENIED);
	assert_int_equal(status(2), -SK_E_DENIED);
	assert_int_equal(seen.closes, 0);
}

/* ---- calls ------------------------------------------------------------------------------- */
static void calls_reach_the_service(void)
{
	struct event *e = fake_add(20, 3);

	e->n = 6;
	e->mr[5] = 9;
	e->n_caps = 3;
	serve();
	assert_int_equal(status(0), 0);
	assert_int_equal(fake.answer[0].mr[1], 20012);
	assert_int_equal(seen.n_in, 3);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void unknown_labels_leave_nothing(void)
{
	fake_add(9, 1)->n_caps = 4;
	fake_add(1ull << 40, 1)->n_caps = 1;
	fake_add(SVC_CLOSE, 1)->n_caps = 2;
	serve();
	assert_int_equal(status(0), -SK_E_NO_SYS);
	assert_int_equal(status(1), -SK_E_NO_SYS);
	assert_int_equal(status(2), -SK_E_NOT_FOUND);
	assert_int_equal(seen.calls, 0);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

static void no_service_at_all(void)
{
	add_open();
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(status(0), -SK_E_NO_SYS);
	assert_int_equal(fake_slots(), LOOP_SLOTS);
}

/* ---- own bits, timers -------------------------------------------------------------------- */
static char order[16];

static void note(void *ctx) { strcat(order, ctx); }

static void advance(void) { fake.now = 100; }

static void timers_in_order(void)
{
	struct svc_timer a = { .fn = note, .ctx = "a" }, b = { .fn = note, .ctx = "b" },
			 c = { .fn = note, .ctx = "c" };
	struct event *e = fake_add(0, 0);

	svc_timer_set(&a, 30);
	svc_timer_set(&b, 20);
	svc_timer_set(&c, 500);
	svc_timer_set(&a, 10); /* moved, not added again */
	e->rc = -SK_E_TIMEOUT;
	e->before = advance;
	serve();
	assert_string_equal(order, "ab");
	assert_int_equal(fake.deadline, 500);
	svc_timer_set(&c, SK_NO_DEADLINE);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(fake.deadline, SK_NO_DEADLINE);
}

static void own_bits(void)
{
	assert_int_equal(svc_on_bit(3, note, "x", "x"), 0);
	assert_int_equal(svc_on_bit(4, note, "y", "y"), 0);
	assert_int_equal(svc_on_bit(24, note, "z", "z"), -SK_E_INVAL);
	assert_int_equal(svc_raise(24), -SK_E_INVAL);
	assert_int_equal(svc_raise(4), 0);
	fake_add(SK_LABEL_SIGNAL, 1 << 3 | 1 << 5);
	serve();
	assert_string_equal(order, "xy");
}

static void on_irq(void *ctx)
{
	assert_null(ctx);
	note("i");
}

static void interrupts(void)
{
	assert_int_equal(svc_on_irq(1, 2, 24, on_irq), -SK_E_INVAL);
	fake.irq_rc = -SK_E_CAP;
	assert_int_equal(svc_on_irq(1, 2, 23, on_irq), -SK_E_CAP);
	assert_int_equal(fake_slots(), 0);
	fake.irq_rc = 0;
	assert_int_equal(svc_on_irq(1, 2, 23, on_irq), 0);
	assert_int_equal(fake.irq, DOMAIN_CAP_DEVICE + 16 + 6 + 2);
	fake_add(SK_LABEL_SIGNAL, 1 << 23);
	serve();
	assert_string_equal(order, "i");
}

/* ---- channels and arguments -------------------------------------------------------------- */
static struct svc_conn *channel;
static unsigned int got;

static void on_channel(void *ctx)
{
	char buf[64];

	(void)ctx;
	if (ring_get(&channel->rsp, buf, sizeof(buf)) >= 0)
		got++; /* one record each time: the loop calls again */
}

static void service_answers(void)
{
	static struct ring r;

	if (ring_init(&r, (char *)fake.region + RING, RING, 0) || ring_put(&r, "one", 3) ||
		ring_put(&r, "two", 3))
		abort();
	(void)ring_put_flush(&r);
}

static void channel_use(void)
{
	struct domain_info *info = (struct domain_info *)DOMAIN_INFO_VADDR;

	info->n_channels = 1;
	info->channel[0] = (struct domain_channel){ .name = "blk",
		.proto = SVC_PROTO_BLK,
		.bit = 7,
		.signal = 64,
		.data = 65,
		.vaddr = (uint64_t)fake.region,
		.data_vaddr = (uint64_t)fake.data,
		.data_size = DATA,
		.req_size = RING,
		.rsp_size = RING };
	assert_null(svc_channel("net"));
	channel = svc_channel("blk");
	assert_non_null(channel);
	assert_ptr_equal(svc_channel("blk"), channel);
	assert_int_equal(channel->data_size, DATA);
	assert_ptr_equal(channel->data, fake.data);
	assert_int_equal(channel->data_frame, 65);
	assert_int_equal(svc_on_channel(channel, on_channel, NULL), 0);
	((struct ring_shared *)fake.region)->want_data = 1; /* the service sleeps */
	assert_int_equal(svc_request(channel, "x", 1), 0);
	assert_int_equal(svc_request(channel, "x", 1), 0);
	assert_int_equal(fake.signals[64], 1); /* one signal wakes it */
	fake_add(SK_LABEL_SIGNAL, 1 << 7)->before = service_answers;
	serve();
	assert_int_equal(got, 2);
}

/* Records that came before the handler was set are handled without a signal. */
static void a_channel_that_has_something(void)
{
	struct domain_info *info = (struct domain_info *)DOMAIN_INFO_VADDR;

	info->n_channels = 1;
	info->channel[0] = (struct domain_channel){ .name = "blk",
		.bit = 7,
		.vaddr = (uint64_t)fake.region,
		.req_size = RING,
		.rsp_size = RING };
	service_answers();
	channel = svc_channel("blk");
	assert_int_equal(svc_on_channel(channel, on_channel, NULL), 0);
	fake_add(SVC_PING, SVC_BADGE_INIT);
	serve();
	assert_int_equal(got, 2);
	assert_int_equal(((struct ring_shared *)((char *)fake.region + RING))->want_data, 1);
}

static struct ring answers; /* answers of a service that always has one more */

static void answer_more(void)
{
	if (!answers.sh && ring_init(&answers, (char *)fake.region + RING, RING, 0))
		abort();
	answers.peer = answers.index;
	if (ring_put(&answers, "more", 4))
		abort();
	(void)ring_put_flush(&answers);
}

static void on_busy_channel(void *ctx)
{
	char buf[64];

	(void)ctx;
	while (svc_get(channel, buf, sizeof(buf)) >= 0) {
		got++;
		if (seen.after)
			seen.after();
	}
}

static void enough(void)
{
	assert_in_range(got, 1, 3 * TURN_RECORDS);
	seen.after = NULL;
}

static void a_channel_has_turns_too(void)
{
	struct domain_info *info = (struct domain_info *)DOMAIN_INFO_VADDR;

	info->n_channels = 1;
	info->channel[0] = (struct domain_channel){ .name = "nic",
		.bit = 7,
		.vaddr = (uint64_t)fake.region,
		.req_size = RING,
		.rsp_size = RING };
	channel = svc_channel("nic");
	assert_int_equal(svc_on_channel(channel, on_busy_channel, NULL), 0);
	seen.after = answer_more;
	fake_add(SK_LABEL_SIGNAL, 1 << 7)->before = answer_more;
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = enough;
	serve();
	assert_int_equal(fake.n_answers, 1);
}

static void wait_keeps_other_signals(void)
{
	struct domain_info *info = (struct domain_info *)DOMAIN_INFO_VADDR;

	info->n_channels = 1;
	info->channel[0] = (struct domain_channel){ .name = "blk",
		.bit = 7,
		.vaddr = (uint64_t)fake.region,
		.req_size = RING,
		.rsp_size = RING };
	channel = svc_channel("blk");
	assert_int_equal(svc_on_bit(3, note, "x", "x"), 0);
	fake_add(SK_LABEL_SIGNAL, 1 << 3);
	fake_add(SK_LABEL_SIGNAL, 1 << 7);
	assert_int_equal(svc_wait(channel), 0);
	assert_int_equal(svc_wait(channel), -SK_E_DELETED);
	assert_int_equal(fake.deadline, SK_NO_DEADLINE);
	assert_int_equal(svc_wait_until(channel, 77), -SK_E_DELETED);
	assert_int_equal(fake.deadline, 77);
	serve();
	assert_string_equal(order, "x"); /* the signal came during the wait for another */
}

static void arguments(void)
{
	struct domain_info *info = (struct domain_info *)DOMAIN_INFO_VADDR;
	char buf[8];
	uint32_t count;

	strcpy(info->args,
		"a=1\nlonger=12345678\nab=2\na=3\ncap.pool=20,5\ncap.log=30\nlast=x");
	assert_true(svc_arg("a", buf, sizeof(buf)));
	assert_string_equal(buf, "1"); /* the first one counts */
	assert_true(svc_arg("ab", buf, sizeof(buf)));
	assert_string_equal(buf, "2");
	assert_false(svc_arg("longer", buf, sizeof(buf))); /* does not fit */
	assert_false(svc_arg("b", buf, sizeof(buf)));
	assert_true(svc_arg("last", buf, sizeof(buf)));
	assert_string_equal(buf, "x");
	assert_int_equal(svc_cap("pool", &count), 20);
	assert_int_equal(count, 5);
	assert_int_equal(svc_cap("log", &count), 30);
	assert_int_equal(count, 1);
	assert_int_equal(svc_cap("klog", &count), 0);
	memset(info->args, 'a', sizeof(info->args)); /* not terminated */
	assert_false(svc_arg("b", buf, sizeof(buf)));
}

/* ---- connecting ---- */
static const struct svc_open_args connection = { .proto = SVC_PROTO_BLK,
	.client = 5,
	.req_size = RING,
	.rsp_size = RING,
	.data_size = DATA,
	.own_size = 8192,
	.rings = 71,
	.data = 72,
	.own = 73,
	.client_signal = 74,
	.params = "hello",
	.params_len = 5 };

static void connect_sends_the_region(void)
{
	const sk_cap_t want[] = { 71, 74, 72, 73 };
	struct svc_open_args a = connection;
	struct svc_open_result r;

	fake.now = 1000;
	assert_int_equal(svc_open(40, &a, &r), 0);
	assert_int_equal(SK_MI_CAPS(fake.sent.mi), 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(fake.sent.cap[i].slot, want[i]);
	assert_int_equal(fake.sent.mr[1], DATA);
	assert_int_equal(fake.sent.mr[6], 8192);
	assert_memory_equal(&fake.sent.mr[SVC_PARAMS_WORD], "hello", 5);
	assert_int_equal(r.number, 9);
	assert_int_equal(fake_slots(), 1); /* only the signal's slot is in use */
	a.data_size = 0;
	assert_int_equal(svc_open(40, &a, &r), 0);
	assert_int_equal(SK_MI_CAPS(fake.sent.mi), 3);
	assert_int_equal(fake.sent.cap[2].slot, 73);
	a.own_size = 0;
	assert_int_equal(svc_open(40, &a, &r), 0);
	assert_int_equal(SK_MI_CAPS(fake.sent.mi), 2);
}

static void connect_does_not_wait_for_ever(void)
{
	struct svc_open_result r;
	uint64_t mr[SK_MR_MAX] = { 0 };
	uint32_t n = 1;

	fake.now = 1000;
	fake.call_rc = -SK_E_TIMEOUT;
	assert_int_equal(svc_open(40, &connection, &r), -SK_E_TIMEOUT);
	assert_int_equal(fake.deadline, 1000 + SVC_OPEN_MS);
	assert_int_equal(fake_slots(), 0);
	assert_int_equal(svc_close(40, 9, NULL), -SK_E_TIMEOUT);
	assert_int_equal(fake.deadline, 1000 + SVC_CLOSE_MS);
	assert_int_equal(svc_close_within(40, 9, 7, NULL), -SK_E_TIMEOUT);
	assert_int_equal(fake.deadline, 1000 + 7);
	assert_int_equal(svc_ping(40, 8), -SK_E_TIMEOUT);
	assert_int_equal(fake.deadline, 1000 + 8);
	assert_int_equal(svc_call(40, SVC_FIRST, mr, &n, NULL), -SK_E_TIMEOUT);
	assert_int_equal(fake.deadline, SK_NO_DEADLINE);
	assert_int_equal(svc_call_timed(40, SVC_FIRST, mr, &n, NULL, 7), -SK_E_TIMEOUT);
	assert_int_equal(fake.deadline, 1007);
}

static void answers_that_are_none(void)
{
	uint64_t mr[SK_MR_MAX] = { 0 };
	struct svc_open_args a = connection;
	struct svc_open_result r;
	static char params[SVC_PARAMS_MAX + 1];
	uint32_t n = 1;

	fake.call_words = 0;
	assert_int_equal(svc_call(40, SVC_FIRST, mr, &n, NULL), -SK_E_PEER);
	fake.call_words = 1; /* a capability, but no number */
	assert_int_equal(svc_open(40, &a, &r), -SK_E_PEER);
	fake.call_words = 2;
	fake.call_caps = 0;
	assert_int_equal(svc_open(40, &a, &r), -SK_E_PEER);
	fake.call_caps = 2;
	assert_int_equal(svc_open(40, &a, &r), -SK_E_PEER);
	assert_int_equal(fake_slots(), 0);
	a.params = params;
	a.params_len = sizeof(params);
	fake.call_caps = 1;
	assert_int_equal(svc_open(40, &a, &r), -SK_E_INVAL);
	a.params_len--;
	assert_int_equal(svc_open(40, &a, &r), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(fake.sent.cap[i].rights, SK_ALL); /* copies, not moves */
}

static void closing_hears_of_the_last_flush(void)
{
	int result = 1;

	fake.call_mr1 = (uint64_t)-SK_E_IO;
	assert_int_equal(svc_close(40, 9, &result), 0);
	assert_int_equal(result, -SK_E_IO);
	fake.call_rc = -SK_E_NOT_FOUND;
	result = 1;
	assert_int_equal(svc_close(40, 9, &result), -SK_E_NOT_FOUND);
	assert_int_equal(result, 1);
}

/* ---- one process each -------------------------------------------------------------------- */
static void in_a_process(void **state)
{
	void (*run)(void) = (void (*)(void)) * state;
	int result;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		/*
		 * A failing case must end this process, and not continue with the other tests
		 * in it.
		 */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		alarm(60); /* an endless loop is a failure */
		fake_reset();
		run();
		fake_end();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &result, 0), pid);
	assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

#define T(f) \
	{ \
#f, in_a_process, NULL, NULL, (void *)(f) \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(open_and_close),
		T(open_other_protocol),
		T(open_other_version),
		T(open_few_words),
		T(open_one_cap),
		T(open_params_beyond_words),
		T(open_params_huge),
		T(open_ring_not_pages),
		T(open_ring_empty),
		T(open_second_ring_not_pages),
		T(open_data_without_frame),
		T(open_frame_too_many),
		T(open_own_without_frame),
		T(open_rings_beyond_frame),
		T(open_ring_sizes_overflow),
		T(open_too_little_data),
		T(open_data_beyond_frame),
		T(open_no_ring_frame),
		T(open_no_data_frame),
		T(open_data_absurd),
		T(open_own_beyond_frame),
		T(open_own_absurd),
		T(open_without_addresses),
		T(open_with_own_memory),
		T(open_with_data_unmapped),
		T(open_signal_without_badge),
		T(open_by_a_client),
		T(open_refused_by_service),
		T(many_refused_opens),
		T(open_without_slots),
		T(event_takes_all),
		T(event_that_leaves_records_is_not_called_for_ever),
		T(event_without_progress_stops),
		T(all_is_served_turn_by_turn),
		T(who_always_has_more_does_not_stop_the_service),
		T(a_dear_request_costs_turns),
		T(signals_bring_no_more_turns),
		T(a_service_that_is_full_goes_on_later),
		T(open_for_a_caller_that_has_gone),
		T(breach_kills_the_connection_only),
		T(breach_ends_sending),
		T(signals_of_one_client),
		T(close_waits_for_what_is_in_flight),
		T(close_says_what_went_wrong),
		T(close_needs_no_memory),
		T(connections_in_turn_need_no_more_memory),
		T(close_by_two_at_a_time),
		T(close_is_asked_again),
		T(close_result_is_kept_until_it_is_heard),
		T(close_that_fails_at_once_is_kept_too),
		T(open_that_takes_time_to_undo),
		T(closed_without_a_close_changes_nothing),
		T(close_by_another_connector),
		T(calls_reach_the_service),
		T(unknown_labels_leave_nothing),
		T(no_service_at_all),
		T(timers_in_order),
		T(own_bits),
		T(interrupts),
		T(channel_use),
		T(a_channel_that_has_something),
		T(a_channel_has_turns_too),
		T(wait_keeps_other_signals),
		T(arguments),
		T(connect_sends_the_region),
		T(connect_does_not_wait_for_ever),
		T(answers_that_are_none),
		T(closing_hears_of_the_last_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

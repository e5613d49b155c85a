/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * breach_test.c - services that break the protocol towards a back end, and services that never
 * stop
 *
 * The VMM tells control once, takes nothing more, and goes on in the next life of the service.
 */
#include "blkfront.h"
#include "case.h"

#include <xen/io/console.h>
#include <xen/io/netif.h>

#include "proto/console.h"

enum { CONSOLE_PAGE = 3, STORE_PAGE = 2, MANY = 100, TURN = SVC_TURN / SVC_RECORD };

static struct svc_conn *told;
static unsigned int times;

static void breach(struct svc_conn *c)
{
	told = c;
	times++;
}

static void listen(void)
{
	log_quiet = true;
	svc_on_breach(breach);
}

/* It was told of this one, once, since the last time. */
#define told_of(f) \
	do { \
		CHECK(told == &(f)->c && (f)->c.broken); \
		CHECK_EQ(times, 1); \
		times = 0; \
	} while (0)

static void put(struct fake_conn *f, const void *rec, uint32_t len)
{
	CHECK_EQ(ring_put(&f->rsp, rec, len), 0);
	(void)ring_put_flush(&f->rsp);
}

static void index_spoil(struct fake_conn *f)
{
	f->rsp.sh->prod += 12;
	fake_event(f);
}

/* ---- storage ---------------------------------------------------------------------- */

static struct blk_req next(void)
{
	struct blk_req q = { .op = 0 };

	CHECK(storage_take(&q));
	return q;
}

/* What it had is sent to the next one, and the guest sees no error. */
static void storage_goes_on(uint32_t n)
{
	struct blk_req q;

	told_of(blk);
	CHECK_EQ(one_answer(), 99);
	request(BLKIF_OP_READ, 9, 8, 1, 32, 0, 7); /* this one waits with them */
	CHECK_EQ(one_answer(), 99);
	while (storage_take(&q))
		storage_answer(&q, 0); /* nobody looks at that */
	CHECK_EQ(one_answer(), 99);
	fake_restart(blk);
	q = next();
	CHECK_EQ(q.op, BLK_INFO);
	storage_describe(&q, SECTORS, 0);
	for (uint32_t i = 0; i < n + 1; i++) {
		q = next();
		storage_answer(&q, 0);
		CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	}
	CHECK_EQ(times, 0);
}

static void disk_of(uint32_t n)
{
	disk(false, 0);
	listen();
	for (uint32_t i = 0; i < n; i++)
		request(BLKIF_OP_WRITE, i, i * 8, 1, 32 + i, 0, 7);
}

CASE(storage_has_an_impossible_index)
{
	disk_of(2);
	index_spoil(blk);
	fake_event(blk);
	storage_goes_on(2);
}

CASE(storage_takes_what_there_is_not)
{
	struct blk_req q;

	disk_of(30);
	for (int i = 0; i < 30; i++) {
		q = next();
		storage_answer(&q, 0);
		CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	}
	blk->c.req.sh->cons += 4; /* looked at when the ring seems full */
	for (uint64_t i = 0; i < 30; i++)
		request(BLKIF_OP_READ, i, 8, 1, 32, 0, 7);
	told_of(blk);
	CHECK_EQ(one_answer(), 99);
}

CASE(storage_answers_what_it_was_not_asked)
{
	struct blk_req q;

	disk_of(1);
	q = next();
	q.id += 1 << 20;
	storage_answer(&q, 0);
	storage_goes_on(1);
}

CASE(storage_answers_twice)
{
	struct blk_req q;

	disk_of(1);
	q = next();
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	storage_answer(&q, 0);
	storage_goes_on(0);
}

CASE(storage_sends_half_an_answer)
{
	disk_of(1);
	put(blk, "half", 4);
	fake_event(blk);
	storage_goes_on(1);
}

CASE(storage_sends_a_long_record)
{
	char rec[100] = "";

	disk_of(1);
	put(blk, rec, sizeof(rec));
	fake_event(blk);
	storage_goes_on(1);
}

/* ---- the switch ------------------------------------------------------------------- */

static struct front front_net;

static void vif(void)
{
	fake_guest();
	vif_make();
	vif_connect(&front_net, true);
	listen();
}

static uint32_t buffers_posted(void)
{
	struct net_desc d;
	uint32_t n = 0;

	while (ring_get(&net->req, &d, sizeof(d)) == sizeof(d))
		n += d.op == NET_RX_POST;
	(void)ring_get_flush(&net->req);
	return n;
}

static void switch_says(uint16_t op, uint32_t id)
{
	struct net_desc d = { .op = op, .id = id, .length = 60 };

	put(net, &d, sizeof(d));
}

static void switch_goes_on(uint32_t buffers)
{
	told_of(net);
	switch_says(NET_LINK, 0);
	fake_event(net);
	CHECK_EQ(ring_get(&net->c.rsp, (uint8_t[64]){ 0 }, 64) >= 0, 1); /* it was not taken */
	fake_restart(net);
	CHECK_EQ(buffers_posted(), buffers);
	fake_event(net);
	CHECK_EQ(times, 0);
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "4") == 0);
}

CASE(the_switch_breaks_the_protocol)
{
	static const struct {
		uint16_t op;
		uint32_t id;
	} wrong[] = { { NET_RX, 1000 }, { NET_TX_DONE, 0 }, { NET_TX_DONE, 1000 }, { 99, 0 } };
	uint32_t buffers;

	vif();
	buffers = buffers_posted();
	CHECK(buffers > 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		switch_says(wrong[i].op, wrong[i].id);
		fake_event(net);
		switch_goes_on(buffers);
	}
	put(net, "half", 4);
	fake_event(net);
	switch_goes_on(buffers);
}

CASE(the_switch_has_an_impossible_index)
{
	vif();
	(void)buffers_posted();
	index_spoil(net);
	told_of(net);
	fake_event(net);
	CHECK_EQ(times, 0);
}

/* ---- console ---------------------------------------------------------------------- */

static struct fake_conn *con;

static struct xencons_interface *page(void) { return at(CONSOLE_PAGE * SK_PAGE_SIZE); }

static void console_guest(void)
{
	fake_guest();
	con = fake_channel("console", 4096, 0);
	CHECK_EQ(cons_ring_init(), 0);
	listen();
}

static void guest_prints(char c)
{
	page()->out[page()->out_prod++ % 2048] = c;
	guest_send((uint32_t)xen_dom.hvm_param[HVM_PARAM_CONSOLE_EVTCHN]);
}

/* The I/O thread has nothing to do, and what the guest prints waits for the next life. */
static void console_goes_on(void)
{
	struct console_msg m = { .type = CONSOLE_RESUME };
	char rec[64];

	told_of(con);
	guest_prints('x');
	CHECK_EQ(page()->out_prod - page()->out_cons, 1);
	fake_event(con);
	io_kicks = 0;
	evtchn_backends_run();
	CHECK_EQ(io_kicks, 0);
	CHECK_EQ(ring_get(&con->req, rec, sizeof(rec)), -SK_E_AGAIN);
	fake_restart(con);
	put(con, &m, sizeof(m));
	fake_event(con);
	CHECK_EQ(page()->out_prod - page()->out_cons, 0);
	CHECK_EQ(ring_get(&con->req, rec, sizeof(rec)), sizeof(m) + 1);
	CHECK_EQ(rec[sizeof(m)], 'x');
	CHECK_EQ(times, 0);
}

CASE(console_breaks_the_protocol)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 500 };

	console_guest();
	put(con, &m, sizeof(m)); /* it claims 500 bytes, and has none */
	fake_event(con);
	console_goes_on();
}

CASE(console_has_an_impossible_index)
{
	console_guest();
	index_spoil(con);
	console_goes_on();
}

CASE(console_does_not_say_what_it_has)
{
	struct console_msg m = { .type = CONSOLE_DATA };

	console_guest();
	fake_restart(con);
	put(con, &m, sizeof(m));
	fake_event(con);
	console_goes_on();
}

/* ---- xenstore --------------------------------------------------------------------- */

static struct fake_conn *xs;
static unsigned int replies;

static void reply_count(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	(void)ctx, (void)type, (void)body, (void)len;
	replies++;
}

static void store_guest(void)
{
	fake_guest();
	listen();
	xs = fake_channel("xs", 16384, 0);
	CHECK(xs_link_init() == 0 && xs_ring_init() == 0);
	CHECK_EQ(xs_link_request(XS_READ, "a", 2, reply_count, NULL), 0);
}

static void store_says(uint64_t seq, uint32_t claimed)
{
	struct {
		struct xs_native n;
		struct xsd_sockmsg m;
	} r = { .n = { .role = XS_ROLE_BACKEND, .seq = seq },
		.m = { .type = XS_READ, .len = claimed } };

	put(xs, &r, sizeof(r));
	fake_event(xs);
}

static void store_goes_on(void)
{
	told_of(xs);
	store_says(1, 0);
	CHECK_EQ(replies, 0);
	fake_restart(xs);
	store_says(1, 0);
	CHECK_EQ(replies, 1);
	CHECK_EQ(times, 0);
}

CASE(xenstore_answers_what_it_was_not_asked)
{
	store_guest();
	store_says(2, 0);
	store_goes_on();
}

CASE(xenstore_sends_what_is_no_message)
{
	store_guest();
	store_says(1, 5);
	store_goes_on();
	xs_link_request(XS_READ, "a", 2, reply_count, NULL) ? abort() : (void)0;
	put(xs, "short", 5);
	fake_event(xs);
	told_of(xs);
}

CASE(xenstore_has_an_impossible_index)
{
	store_guest();
	index_spoil(xs);
	store_goes_on();
}

/* ---- services that never stop ----------------------------------------------------- */

static uint32_t waiting(struct fake_conn *f)
{
	uint32_t n = 0;
	uint8_t rec[512];
	struct ring peek = f->c.rsp;

	while (ring_get(&peek, rec, sizeof(rec)) >= 0)
		n++;
	return n;
}

/* A turn of the loop that is over after ten records. */
static void turn_is_short(struct fake_conn *f)
{
	f->c.spent = SVC_TURN - 10 * SVC_RECORD;
	f->fn(f->ctx);
}

CASE(the_switch_never_stops)
{
	vif();
	for (int i = 0; i < TURN + 15; i++)
		switch_says(NET_LINK, 0);
	guest_send(front_net.port); /* which looks at the switch, too */
	CHECK_EQ(waiting(net), 0);  /* it has asked for its next turn */
	for (int i = 0; i < TURN + 15; i++)
		switch_says(NET_LINK, 0);
	fake_event(net);
	CHECK_EQ(waiting(net), 15);
	CHECK(net->c.spent >= SVC_TURN); /* so the loop lets others go first */
}

CASE(storage_never_stops)
{
	struct blk_req q;

	disk_of(0);
	for (int i = 0; i < 32; i++)
		request(BLKIF_OP_READ, (uint64_t)i, 8, 1, 32, 0, 7);
	while (storage_take(&q)) {
		struct blk_rsp rsp = { .id = q.id };

		put(blk, &rsp, sizeof(rsp));
	}
	CHECK_EQ(waiting(blk), 32);
	turn_is_short(blk);
	CHECK_EQ(waiting(blk), 22);
	fake_event(blk);
	CHECK_EQ(waiting(blk), 0);
}

/* Records without text need no room in the guest's page. */
CASE(console_never_stops)
{
	struct console_msg m = { .type = CONSOLE_DONE };

	console_guest();
	for (int i = 0; i < MANY; i++)
		put(con, &m, sizeof(m));
	fake_event(con);
	CHECK_EQ(waiting(con), MANY - TURN);
	evtchn_backends_run(); /* it has asked for its next turn */
	CHECK_EQ(waiting(con), 0);
	CHECK(con->c.spent > SVC_TURN); /* so the loop lets others go first */
}

CASE(xenstore_never_stops)
{
	struct xs_native n = { .role = XS_ROLE_BACKEND };
	struct xsd_sockmsg m = { .type = XS_WATCH_EVENT, .len = 4 };
	uint8_t rec[sizeof(n) + sizeof(m) + 4] = { 0 };

	store_guest();
	memcpy(rec, &n, sizeof(n));
	memcpy(rec + sizeof(n), &m, sizeof(m));
	memcpy(rec + sizeof(n) + sizeof(m), "a\0b", 4);
	for (int i = 0; i < MANY; i++)
		put(xs, rec, sizeof(rec));
	fake_event(xs);
	CHECK_EQ(waiting(xs), MANY - TURN);
	evtchn_backends_run();
	CHECK_EQ(waiting(xs), 0);
	CHECK(xs->c.spent > SVC_TURN);
}

int breach_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(storage_has_an_impossible_index),
		cmocka_unit_test(storage_takes_what_there_is_not),
		cmocka_unit_test(storage_answers_what_it_was_not_asked),
		cmocka_unit_test(storage_answers_twice),
		cmocka_unit_test(storage_sends_half_an_answer),
		cmocka_unit_test(storage_sends_a_long_record),
		cmocka_unit_test(the_switch_breaks_the_protocol),
		cmocka_unit_test(the_switch_has_an_impossible_index),
		cmocka_unit_test(console_breaks_the_protocol),
		cmocka_unit_test(console_has_an_impossible_index),
		cmocka_unit_test(console_does_not_say_what_it_has),
		cmocka_unit_test(xenstore_answers_what_it_was_not_asked),
		cmocka_unit_test(xenstore_sends_what_is_no_message),
		cmocka_unit_test(xenstore_has_an_impossible_index),
		cmocka_unit_test(the_switch_never_stops),
		cmocka_unit_test(storage_never_stops),
		cmocka_unit_test(console_never_stops),
		cmocka_unit_test(xenstore_never_stops),
	};

	return cmocka_run_group_tests_name(
		"services that break the protocol", tests, NULL, NULL);
}

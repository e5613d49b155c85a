/* SPDX-License-Identifier: BSD-2-Clause */
/* store_ring_test.c - the xenstore page, and the link to xenstore */
#include "device.h"
#include "case.h"

static struct fake_conn *xs;

static struct xenstore_domain_interface *store(void) { return at(2 * SK_PAGE_SIZE); }

static void store_guest(void)
{
	fake_guest();
	log_quiet = true;
	xs = fake_channel("xs", 16384, 0);
	CHECK_EQ(xs_link_init(), 0);
	CHECK_EQ(xs_ring_init(), 0);
	CHECK_EQ(store()->server_features, 3);
}

/* Signal without serving the link: messages of the guest stay in it. */
static void store_send(void)
{
	uint32_t port = (uint32_t)xen_dom.hvm_param[HVM_PARAM_STORE_EVTCHN];

	memcpy(at(ARG), &port, 4);
	CHECK_EQ(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, ARG, 0), 0);
	evtchn_backends_run();
}

static void store_write(const void *p, uint32_t n)
{
	const char *s = p;

	while (n--)
		store()->req[store()->req_prod++ % 1024] = *s++;
}

static void message(uint32_t type, uint32_t id, uint32_t len, char fill)
{
	struct xsd_sockmsg m = { .type = type, .req_id = id, .len = len };
	char body[1024];

	memset(body, fill, sizeof(body));
	store_write(&m, sizeof(m));
	store_write(body, len < 1008 ? len : 1008);
}

static bool store_take(void)
{
	int len = ring_get(&xs->req, &guest_request, sizeof(guest_request));

	ring_get_flush(&xs->req);
	return len > 0;
}

static void store_reply(uint32_t len)
{
	guest_request.m.len = len;
	CHECK_EQ(ring_put(&xs->rsp, &guest_request,
			 (uint32_t)(sizeof(guest_request.n) + sizeof(guest_request.m)) + len),
		0);
	ring_put_flush(&xs->rsp);
	fake_event(xs);
}

CASE(store_assembles_messages)
{
	struct xsd_sockmsg m = { .type = XS_READ, .req_id = 9, .len = 300 };
	char body[300];
	uint32_t i;

	store_guest();
	memset(body, 'b', sizeof(body));
	for (i = 0; i < sizeof(m); i++) {
		store_write((char *)&m + i, 1);
		store_send();
		CHECK(!store_take());
	}
	store_write(body, 299);
	store_send();
	CHECK(!store_take());
	store_write(body, 1);
	store_send();
	CHECK(store_take());
	CHECK(guest_request.n.role == XS_ROLE_GUEST && guest_request.n.seq == 1);
	CHECK(guest_request.m.req_id == 9 && guest_request.m.len == 300);
	CHECK(memcmp(guest_request.body, body, 300) == 0);
	message(XS_READ, 10, 4, 'c');
	message(XS_READ, 11, 0, 'c');
	store_send();
	CHECK(store_take() && guest_request.n.seq == 2);
	CHECK(store_take() && guest_request.n.seq == 3 && guest_request.m.req_id == 11);
}

CASE(store_wraps)
{
	unsigned int i;
	char want[100];

	store_guest();
	for (i = 0; i < 40; i++) {
		message(XS_WRITE, i, 100, (char)('A' + i));
		store_send();
		CHECK(store_take());
		memset(want, 'A' + (int)i, sizeof(want));
		CHECK(guest_request.m.len == 100 && memcmp(guest_request.body, want, 100) == 0);
		guest_request.n.role = XS_ROLE_GUEST;
		store_reply(0);
		store()->rsp_cons = store()->rsp_prod;
	}
}

CASE(store_refuses_long_message)
{
	store_guest();
	message(XS_WRITE, 1, 4097, 'x');
	store_send();
	CHECK(!store_take());
	CHECK_EQ(store()->error, XENSTORE_ERROR_PROTO);
	message(XS_READ, 2, 4, 'x');
	store_send();
	CHECK(!store_take()); /* no longer served */
	store()->connection = XENSTORE_RECONNECT;
	store_send();
	CHECK_EQ(store()->connection, XENSTORE_CONNECTED);
	CHECK_EQ(store()->error, XENSTORE_ERROR_NONE);
	CHECK(store()->req_prod == 0 && store()->req_cons == 0);
	CHECK(store_take() && guest_request.m.type == XS_RESET_WATCHES);
	message(XS_READ, 3, 4, 'x');
	store_send();
	CHECK(store_take() && guest_request.m.req_id == 3);
}

CASE(store_refuses_bad_index)
{
	store_guest();
	store()->req_prod = 1025;
	store_send();
	CHECK_EQ(store()->error, XENSTORE_ERROR_RINGIDX);
	store()->connection = XENSTORE_RECONNECT;
	store_send();
	CHECK_EQ(store()->error, XENSTORE_ERROR_NONE);
	CHECK(store_take());
	store_reply(0);
	message(XS_READ, 1, 4, 'x');
	store_send();
	CHECK(store_take());
	store()->rsp_cons = 5; /* claims to have read bytes that were not written */
	store_reply(10);
	CHECK_EQ(store()->error, XENSTORE_ERROR_RINGIDX);
}

CASE(store_long_reply_in_pieces)
{
	uint32_t i, n = 0;
	char last = 0;

	store_guest();
	message(XS_DIRECTORY, 1, 4, 'x');
	store_send();
	CHECK(store_take());
	memset(guest_request.body, 'r', 3999);
	guest_request.body[3999] = 'z';
	store_reply(4000);
	for (i = 0; i < 10; i++) {
		while (store()->rsp_cons != store()->rsp_prod) {
			last = store()->rsp[store()->rsp_cons++ % 1024];
			n++;
		}
		store_send();
	}
	CHECK_EQ(n, 4016);
	CHECK(last == 'z');
}

/* Replies for a guest before its restart do not reach it afterwards. */
CASE(store_old_replies_are_dropped)
{
	__typeof__(guest_request) old;

	store_guest();
	memset(&guest_request, 0, sizeof(guest_request));
	message(XS_READ, 1, 4, 'x');
	store_send();
	CHECK(store_take());
	old = guest_request;
	store()->connection = XENSTORE_RECONNECT;
	store_send();
	CHECK(store_take());
	guest_request = old;
	store_reply(8);
	CHECK_EQ(store()->rsp_prod, 0);
	guest_request.n.seq = 0; /* an event */
	guest_request.m.type = XS_WATCH_EVENT;
	store_reply(8);
	CHECK_EQ(store()->rsp_prod, 24);
}

CASE(store_bounds_what_is_outstanding)
{
	uint32_t i, n = 0, taken;

	store_guest();
	for (i = 0; i < 40; i++) {
		message(XS_READ, i, 0, 'x');
		store_send();
	}
	for (taken = 0; store_take(); taken++)
		n = guest_request.m.req_id;
	CHECK_EQ(taken, 32);
	CHECK_EQ(n, 31);
	guest_request.n.seq = 1; /* the answers come in order */
	store_reply(0);
	CHECK(store_take() && guest_request.m.req_id == 32);
}

static void ignore(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	(void)ctx, (void)type, (void)body, (void)len;
}

/* The store takes requests and answers none of them. */
CASE(link_bounds_its_requests)
{
	char body[100] = "x";
	uint32_t n = 0, taken = 0;

	store_guest();
	while (n < 4000 && xs_link_request(XS_READ, body, sizeof(body), ignore, NULL) == 0) {
		n++;
		while (taken < 2000 && store_take())
			taken++;
	}
	CHECK(n > 512 && n < 4000); /* then the queue is full */
	CHECK_EQ(taken, XS_UNANSWERED_MAX);
}

/* The store has died: what it had not answered comes again, in order, and nothing else. */
CASE(store_restarts_between_answers)
{
	uint32_t i, len;

	store_guest();
	for (i = 0; i < 4; i++)
		message(XS_WRITE, i, i == 2 ? 500 : 4, (char)('a' + i));
	store_send();
	CHECK(store_take() && guest_request.m.req_id == 0);
	store_reply(0);
	CHECK(store_take() && guest_request.m.req_id == 1);
	fake_restart(xs);
	for (i = 1; i < 4; i++) {
		CHECK(store_take());
		len = i == 2 ? 500 : 4;
		CHECK_EQ(guest_request.n.seq, i + 1);
		CHECK_EQ(guest_request.n.role, XS_ROLE_GUEST);
		CHECK(guest_request.m.req_id == i && guest_request.m.len == len);
		CHECK(guest_request.body[len - 1] == (char)('a' + i));
		store_reply(0);
	}
	CHECK(!store_take());
	CHECK_EQ(store()->rsp_prod, 4 * 16);
	fake_restart(xs); /* with nothing under way */
	CHECK(!store_take());
	message(XS_READ, 9, 4, 'x');
	store_send();
	CHECK(store_take() && guest_request.n.seq == 5);
}

/* Each death finds a message half arrived, or half delivered. */
CASE(store_restarts_within_messages)
{
	struct xsd_sockmsg m = { .type = XS_WRITE, .req_id = 9, .len = 300 };
	char body[300];
	uint32_t i, n = 0;

	store_guest();
	memset(body, 'b', sizeof(body));
	fake_restart(xs);
	store_write(&m, sizeof(m));
	store_write(body, 100);
	store_send();
	fake_restart(xs);
	CHECK(!store_take());
	store_write(body, 200);
	store_send();
	CHECK(store_take() && guest_request.m.req_id == 9 && guest_request.m.len == 300);
	store_reply(4000);
	for (i = 0; i < 10; i++) {
		fake_restart(xs);
		n += store()->rsp_prod - store()->rsp_cons;
		store()->rsp_cons = store()->rsp_prod;
		store_send();
		CHECK(!store_take());
	}
	CHECK_EQ(n, 4016);
}

static uint32_t answers, last_answer;

static void answer_count(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	(void)type, (void)body, (void)len;
	CHECK_EQ((uintptr_t)ctx, last_answer + 1);
	last_answer++;
	answers++;
}

/* More requests than the store may have at once, some of them large, and deaths all along. */
CASE(link_survives_deaths)
{
	static char body[4096];
	uint32_t asked = 0, seen = 0, i;

	store_guest();
	answers = last_answer = 0;
	for (i = 0; i < 4000; i++) {
		if (!xs_link_request(XS_WRITE, body, i % 3 ? i % 50 : i % SK_PAGE_SIZE,
			    answer_count, (void *)(uintptr_t)(asked + 1)))
			asked++;
		if (i % 7 == 0)
			fake_restart(xs);
		for (seen = 0; seen < i % 5 && store_take(); seen++) {
			CHECK_EQ(guest_request.n.seq, answers + 1);
			store_reply(0);
		}
	}
	while (store_take())
		store_reply(0);
	CHECK(asked > 1000);
	CHECK_EQ(answers, asked);
}

/* Whatever a guest sends, its back ends can ask. */
CASE(link_keeps_room_for_back_ends)
{
	struct xsd_sockmsg m = { .type = XS_WRITE, .len = XENSTORE_PAYLOAD_MAX };
	static char body[XENSTORE_PAYLOAD_MAX];
	uint32_t at = 0, i;

	store_guest();
	for (i = 0; i < 1000; i++) {
		if (store()->req_prod != store()->req_cons)
			break; /* it is not taken any more */
		if (!at)
			store_write(&m, sizeof(m));
		store_write(body, 512);
		at = (at + 512) % XENSTORE_PAYLOAD_MAX;
		store_send();
	}
	CHECK(i > 50 && i < 200);
	for (i = 0; i < 12; i++)
		CHECK_EQ(xs_link_request(XS_WRITE, body, sizeof(body), ignore, NULL), 0);
}

/* A guest that starts afresh again and again while nothing is answered. */
CASE(link_resets_once_there_is_room)
{
	uint32_t i, taken = 0;

	store_guest();
	for (i = 0; i < 5000; i++)
		xs_link_guest_reset();
	message(XS_READ, 1, 4, 'x');
	store_send();
	CHECK_EQ(xs_link_request(XS_READ, "/a", 3, ignore, NULL), 0);
	while (store_take() && guest_request.m.type == XS_RESET_WATCHES && taken < 5000) {
		taken++;
		store_reply(0);
	}
	CHECK(taken > 100 && taken < 2000);
	CHECK_EQ(guest_request.n.role, XS_ROLE_BACKEND);
	store_reply(0);
	CHECK(store_take() && guest_request.m.type == XS_RESET_WATCHES);
	store_reply(0);
	CHECK(store_take() && guest_request.m.type == XS_READ && guest_request.m.req_id == 1);
}

CASE(store_ends)
{
	store_guest();
	message(XS_READ, 1, 4, 'x');
	store_send();
	fake_end(xs, SVC_END_GIVEN_UP);
	CHECK_EQ(store()->error, XENSTORE_ERROR_COMM);
}

/*
 * When a guest does not read its replies, records stay in the link, and only a bounded number
 * of bytes is kept here.
 */
CASE(store_slow_reader)
{
	uint32_t i, n = 0;

	store_guest();
	memset(&guest_request, 0, sizeof(guest_request));
	guest_request.n.role = XS_ROLE_GUEST;
	guest_request.m.type = XS_WATCH_EVENT;
	for (i = 0; i < 40; i++) {
		guest_request.m.len = 4000;
		while (ring_put(&xs->rsp, &guest_request, 32 + 4000) == 0)
			n++;
		ring_put_flush(&xs->rsp);
		fake_event(xs);
	}
	CHECK(n < 20);
	for (i = 0; i < 200; i++) {
		store()->rsp_cons = store()->rsp_prod;
		store_send();
	}
	CHECK_EQ(store()->rsp_prod, n * 4016);
}

int store_ring_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_assembles_messages),
		cmocka_unit_test(store_wraps),
		cmocka_unit_test(store_refuses_long_message),
		cmocka_unit_test(store_refuses_bad_index),
		cmocka_unit_test(store_long_reply_in_pieces),
		cmocka_unit_test(store_old_replies_are_dropped),
		cmocka_unit_test(store_bounds_what_is_outstanding),
		cmocka_unit_test(store_slow_reader),
		cmocka_unit_test(link_bounds_its_requests),
		cmocka_unit_test(store_restarts_between_answers),
		cmocka_unit_test(store_restarts_within_messages),
		cmocka_unit_test(link_survives_deaths),
		cmocka_unit_test(link_keeps_room_for_back_ends),
		cmocka_unit_test(link_resets_once_there_is_room),
		cmocka_unit_test(store_ends),
	};

	return cmocka_run_group_tests_name("xenstore ring", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open_test.c - connections that are made, or refused
 */
#include "harness.h"

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

int open_tests(void)
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
		T(open_for_a_caller_that_has_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

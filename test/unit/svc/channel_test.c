/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel_test.c - the client ends of connections
 */
#include "harness.h"

/* ---- channels ---------------------------------------------------------------------------- */
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

	if (ring_init(&r, (char *)fake.region + RING, RING, RING_SERVICE_PUTS, 0) ||
		ring_put(&r, "one", 3) || ring_put(&r, "two", 3))
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

static struct ring_shared *responses(void)
{
	return (struct ring_shared *)((char *)fake.region + RING);
}

/* A channel whose service sleeps. */
static void channel_make(void)
{
	struct domain_info *info = (struct domain_info *)DOMAIN_INFO_VADDR;

	info->n_channels = 1;
	info->channel[0] = (struct domain_channel){ .name = "blk",
		.bit = 7,
		.vaddr = (uint64_t)fake.region,
		.req_size = RING,
		.rsp_size = RING };
	channel = svc_channel("blk");
	((struct ring_shared *)fake.region)->want_data = 1;
}

/* It comes between the look at an empty ring and the sleep. */
static void an_answer_to_the_signal_is_not_missed(void)
{
	char buf[8];

	channel_make();
	assert_int_equal(ring_put(&channel->req, "x", 1), 0);
	fake.on_signal = service_answers;
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "one", 3);
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), 3);
	assert_int_equal(svc_next_record(channel, buf, sizeof(buf)), -SK_E_AGAIN);
	assert_int_equal(responses()->want_data, 1);
}

static void on_channel_that_asks(void *ctx)
{
	static bool asked;

	on_channel(ctx);
	if (!asked && ring_put(&channel->req, "x", 1))
		abort();
	asked = true;
}

/* The handler found nothing, and the service does not know yet that it sleeps. */
static void an_answer_after_the_last_look_is_not_missed(void)
{
	channel_make();
	assert_int_equal(svc_on_channel(channel, on_channel_that_asks, NULL), 0);
	fake.on_signal = service_answers;
	fake_add(SK_LABEL_SIGNAL, 1 << 7);
	serve();
	assert_int_equal(got, 2);
}

static void a_wait_for_a_record_ends(void)
{
	char buf[8];

	channel_make();
	fake.on_signal = service_answers;
	fake_add(SK_LABEL_SIGNAL, 1 << 7);
	assert_int_equal(svc_wait_record(channel, buf, sizeof(buf), 55), -SK_E_DELETED);
	assert_int_equal(fake.deadline, 55);
	assert_int_equal(ring_put(&channel->req, "x", 1), 0);
	assert_int_equal(svc_wait_record(channel, buf, sizeof(buf), 55), 3);
	assert_memory_equal(buf, "one", 3);
	assert_int_equal(responses()->cons, channel->rsp.index); /* its room is free again */
}

/* One record each time, which costs a turn: other callers come between them. */
static void on_dear_channel(void *ctx)
{
	on_channel(ctx);
	svc_charge(channel, SVC_TURN);
}

static void one_so_far(void) { assert_int_equal(got, 1); }

static void a_dear_answer_ends_the_turn(void)
{
	channel_make();
	assert_int_equal(svc_on_channel(channel, on_dear_channel, NULL), 0);
	fake_add(SK_LABEL_SIGNAL, 1 << 7)->before = service_answers;
	fake_add(SVC_PING, SVC_BADGE_INIT)->before = one_so_far;
	serve();
	assert_int_equal(fake.n_answers, 1);
	assert_int_equal(got, 2);
}

static struct ring answers; /* answers of a service that always has one more */

static void answer_more(void)
{
	if (!answers.sh &&
		ring_init(&answers, (char *)fake.region + RING, RING, RING_SERVICE_PUTS, 0))
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
	assert_int_equal(svc_wait_until(channel, SK_NO_DEADLINE), 0);
	assert_int_equal(svc_wait_until(channel, SK_NO_DEADLINE), -SK_E_DELETED);
	assert_int_equal(fake.deadline, SK_NO_DEADLINE);
	assert_int_equal(svc_wait_until(channel, 77), -SK_E_DELETED);
	assert_int_equal(fake.deadline, 77);
	serve();
	assert_string_equal(order, "x"); /* the signal came during the wait for another */
}

/* A channel that the start-up page does not have; its signal after its end is nobody's. */
static void a_channel_comes_and_goes(void)
{
	const struct domain_channel e = { .name = "late",
		.bit = 9,
		.signal = 64,
		.vaddr = (uint64_t)fake.region,
		.req_size = RING,
		.rsp_size = RING };

	serve();
	for (int round = 1; round <= 2; round++) {
		memset(fake.region, 0, 2 * RING);
		channel = svc_channel_add(&e);
		assert_non_null(channel);
		assert_null(svc_channel("late"));
		assert_ptr_equal(svc_channel_next(NULL), channel);
		assert_null(svc_channel_next(channel));
		assert_int_equal(svc_on_channel(channel, on_channel, NULL), 0);
		service_answers();
		fake_add(SK_LABEL_SIGNAL, 1 << 9);
		assert_int_equal(svc_run(), -SK_E_DELETED);
		assert_int_equal(got, 2 * round);
		assert_int_equal(svc_raise(9), 0);
		svc_channel_drop(channel);
		fake_add(SK_LABEL_SIGNAL, 1 << 9);
		assert_int_equal(svc_run(), -SK_E_DELETED);
		assert_int_equal(got, 2 * round);
	}
}

int channel_tests(void)
{
	const struct CMUnitTest tests[] = {
		T(channel_use),
		T(a_channel_comes_and_goes),
		T(a_channel_that_has_something),
		T(an_answer_to_the_signal_is_not_missed),
		T(an_answer_after_the_last_look_is_not_missed),
		T(a_wait_for_a_record_ends),
		T(a_dear_answer_ends_the_turn),
		T(a_channel_has_turns_too),
		T(wait_keeps_other_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

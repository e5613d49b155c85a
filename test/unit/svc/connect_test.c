/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect_test.c - connectors: calls to a service
 */
#include "harness.h"

/* ---- connecting ---- */
static const struct svc_open_args connection = { .proto = SVC_PROTO_BLK,
	.client = 5,
	.number = 6,
	.epoch = 7,
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
	assert_int_equal(fake.sent.mr[3], 5 | 6ull << 32);
	assert_int_equal(fake.sent.mr[4], 7);
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

static void connect_has_a_deadline(void)
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

static long guard_rc;
static unsigned int n_ends;

static long guard_begin(sk_cap_t ep)
{
	assert_int_equal(ep, 40);
	assert_int_equal(fake.utcb.deadline, fake.now + 8);
	return guard_rc;
}

static long guard_end(long rc)
{
	n_ends++;
	return rc ? rc : -SK_E_BUSY;
}

/* It may refuse a call, which is not made then, and it has the last word. */
static void a_guard_of_calls(void)
{
	static const struct svc_guard guard = { guard_begin, guard_end };

	fake.now = 1000;
	svc_guard_calls(&guard);
	guard_rc = -SK_E_DELETED;
	assert_int_equal(svc_ping(40, 8), -SK_E_DELETED);
	assert_int_equal(n_ends, 0);
	assert_int_equal(fake.sent.mi, 0);
	guard_rc = 0;
	assert_int_equal(svc_ping(40, 8), -SK_E_BUSY);
	assert_int_equal(n_ends, 1);
	assert_int_not_equal(fake.sent.mi, 0);
}

static void a_call_that_fails_brings_no_capabilities(void)
{
	uint64_t mr[SK_MR_MAX] = { 0 };
	struct svc_caps caps = { .n_in = 1 };
	uint32_t n = 1;

	fake.call_rc = -SK_E_DELETED;
	assert_int_equal(svc_call(40, SVC_FIRST, mr, &n, &caps), -SK_E_DELETED);
	assert_int_equal(caps.n_in, 0);
	assert_int_equal(fake_slots(), 0);
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

int connect_tests(void)
{
	const struct CMUnitTest tests[] = {
		T(connect_sends_the_region),
		T(connect_has_a_deadline),
		T(a_guard_of_calls),
		T(a_call_that_fails_brings_no_capabilities),
		T(answers_that_are_none),
		T(closing_hears_of_the_last_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

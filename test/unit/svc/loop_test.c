/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop_test.c - calls, own bits, timers and arguments
 */
#include "harness.h"

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

static int refusing_call_cb(
	uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	(void)label, (void)badge, (void)mr, (void)n;
	caps->out[0] = 40;
	caps->n_out = 1;
	return -SK_E_BUSY;
}

static void a_refusal_gives_no_capability(void)
{
	struct svc_service s = service;

	s.call = refusing_call_cb;
	fake_add(20, 3)->n = 1;
	assert_int_equal(svc_serve(&s), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
	assert_int_equal(status(0), -SK_E_BUSY);
	assert_int_equal(fake.answer[0].n_caps, 0);
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

/* Its owner may use the memory for something else. */
static void a_timer_that_is_off_is_forgotten(void)
{
	struct svc_timer a = { .fn = note, .ctx = "a" };
	struct event *e = fake_add(0, 0);

	svc_timer_set(&a, SK_NO_DEADLINE);
	a.deadline = 0;
	e->rc = -SK_E_TIMEOUT;
	e->before = advance;
	serve();
	assert_string_equal(order, "");
}

static void own_bits(void)
{
	assert_int_equal(svc_on_bit(3, note, "x", "x"), 0);
	assert_int_equal(svc_on_bit(4, note, "y", "y"), 0);
	assert_int_equal(svc_on_bit(DOMAIN_BIT_PULSE, note, "z", "z"), -SK_E_INVAL);
	assert_int_equal(svc_raise(24), -SK_E_INVAL);
	assert_int_equal(svc_raise(4), 0);
	fake_add(SK_LABEL_SIGNAL, 1 << 3 | 1 << 5);
	serve();
	assert_string_equal(order, "xy");
	assert_int_equal(fake.n_resumes, 1); /* bit 5: perhaps console was restarted */
}

static void on_irq(void *ctx)
{
	assert_null(ctx);
	note("i");
}

static void interrupts(void)
{
	assert_int_equal(svc_on_irq(1, 2, DOMAIN_BIT_PULSE, on_irq), -SK_E_INVAL);
	fake.irq_rc = -SK_E_CAP;
	assert_int_equal(svc_on_irq(1, 2, 21, on_irq), -SK_E_CAP);
	assert_int_equal(fake_slots(), 0);
	fake.irq_rc = 0;
	assert_int_equal(svc_on_irq(1, 2, 21, on_irq), 0);
	assert_int_equal(fake.irq, DOMAIN_CAP_DEVICE + 16 + 6 + 2);
	fake_add(SK_LABEL_SIGNAL, 1 << 21);
	serve();
	assert_string_equal(order, "i");
}

/* ---- arguments --------------------------------------------------------------------------- */
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

int loop_tests(void)
{
	const struct CMUnitTest tests[] = {
		T(calls_reach_the_service),
		T(a_refusal_gives_no_capability),
		T(unknown_labels_leave_nothing),
		T(no_service_at_all),
		T(timers_in_order),
		T(a_timer_that_is_off_is_forgotten),
		T(own_bits),
		T(interrupts),
		T(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched - priorities, weights, budgets, reconfiguration of the running thread; no verdict
 * depends on real time
 */
#include "../lib/ktest.h"

static volatile uint64_t count[4];
static volatile unsigned int order_n, order[8];

static void spinner(void *arg)
{
	volatile uint64_t *c = arg;

	for (;;)
		(*c)++;
}

static void note(void *arg) { order[order_n++] = (unsigned int)(uint64_t)arg; }

static void priorities(void)
{
	struct kthread *low;

	/* of higher priority, it runs before start returns */
	kthread_start(note, (void *)1, 0, 21);
	CHECK_EQ(order_n, 1);
	low = kthread_start(note, (void *)2, 0, 19);
	kthread_start(note, (void *)3, 0, 18);
	CHECK_EQ(order_n, 1);
	sk_yield();
	CHECK_EQ(order_n, 1); /* yielding favours only threads of equal priority */
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, low->sched, 0, 22, 256, 0, 0), 0);
	CHECK_EQ(order_n, 2); /* raised above us, it has run */
	CHECK_EQ(order[1], 2);
	main_priority(10);
	CHECK_EQ(order_n, 3);
	main_priority(20);
}

static uint64_t consumed(struct kthread *k)
{
	uint64_t c, w;
	uint32_t cpu;

	CHECK_EQ(sk_sched_stats(k->sched, &c, &w, &cpu), 0);
	CHECK_EQ(cpu, 0);
	return c;
}

static void sleep_ms(unsigned int ms)
{
	static sk_cap_t n;
	uint64_t word;

	if (!n)
		n = object_new(SK_OBJ_NOTIFICATION, 0);
	CHECK_EQ(sk_wait(n, sk_now() + INFO->tsc_hz / 1000 * ms, &word), -SK_E_TIMEOUT);
}

/* Two threads never stop: their shares follow the weights, whatever the machine's speed. */
static void weights(void)
{
	struct kthread_args a = { .priority = 5, .weight = 256 },
			    b = { .priority = 5, .weight = 1024 };
	struct kthread *x = kthread_new(spinner, (void *)&count[0], &a),
		       *y = kthread_new(spinner, (void *)&count[1], &b);
	uint64_t cx, cy;

	do {
		sleep_ms(50);
		cx = consumed(x);
		cy = consumed(y);
	} while (cx + cy < INFO->tsc_hz / 2); /* about 20 turns */
	print("weights 256 and 1024: %lu and %lu\n", cx, cy);
	CHECK(count[0] && count[1]);
	/* wide limits, because the machine below us takes time from either */
	CHECK(4 * cy > 5 * cx);
	CHECK(cy < 16 * cx);
	CHECK_EQ(sk_sched_bind(x->sched, 0), 0); /* no context: does not run */
	cx = consumed(x);
	sleep_ms(20);
	CHECK_EQ(consumed(x), cx);
	CHECK(consumed(y) > cy);
	CHECK_EQ(sk_sched_bind(x->sched, x->thread), 0);
	CHECK_EQ(sk_sched_bind(x->sched, y->thread), -SK_E_EXISTS);
	CHECK_EQ(sk_thread_suspend(y->thread), 0);
	CHECK_EQ(sk_thread_suspend(x->thread), 0);
	cx = consumed(x);
	cy = consumed(y);
	sleep_ms(20);
	CHECK_EQ(consumed(x), cx);
	CHECK_EQ(consumed(y), cy);
}

/* A capped thread of high priority leaves the rest to a low one. */
static void budgets(void)
{
	struct kthread_args a = { .priority = 8, .budget = 2000, .period = 20000 },
			    b = { .priority = 4 };
	struct kthread *capped = kthread_new(spinner, (void *)&count[2], &a);
	struct kthread *rest = kthread_new(spinner, (void *)&count[3], &b);
	uint64_t c, r;

	do {
		sleep_ms(100);
		c = consumed(capped);
		r = consumed(rest);
	} while (c + r < INFO->tsc_hz / 2);
	print("budget of a tenth: %lu of %lu\n", c, c + r);
	CHECK(c < r);       /* without the cap, the other thread would get nothing */
	CHECK(c * 100 > r); /* but the capped one runs again in each period */
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, capped->sched, 0, 8, 256, 0, 0),
		0); /* cap lifted: it takes all */
	r = consumed(rest);
	c = consumed(capped);
	sleep_ms(50);
	CHECK(consumed(capped) > c);
	CHECK_EQ(consumed(rest), r);
	CHECK_EQ(sk_delete(ME, capped->sched), 0);
	sleep_ms(20);
	CHECK(consumed(rest) > r);
	CHECK_EQ(sk_delete(ME, rest->thread), 0);
}

static void arguments(void)
{
	sk_cap_t s = object_new(SK_OBJ_SCHED, 0);

	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_IRQ, s, 0, 1, 256, 0, 0), -SK_E_CAP);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, s, INFO->n_cpus, 1, 256, 0, 0),
		-SK_E_INVAL);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, s, 0, 32, 256, 0, 0), -SK_E_INVAL);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, s, 0, 1, 0, 0, 0), -SK_E_INVAL);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, s, 0, 1, 65536, 0, 0), -SK_E_INVAL);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, s, 0, 1, 256, 2, 1), -SK_E_INVAL);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, s, 0, 1, 256, 0, 1), -SK_E_INVAL);
	CHECK_EQ(sk_sys6(SK_SYS_SCHED_CONFIGURE, SK_CAP_CTL_SCHED, s, 1ull << 32, 256, 0, 0),
		-SK_E_INVAL);
	CHECK_EQ(sk_sys6(SK_SYS_SCHED_CONFIGURE, SK_CAP_CTL_SCHED, s, 0, 256, 0, 1ull << 32),
		-SK_E_INVAL);
	/* a right to memory gives no right to CPU time */
	CHECK_EQ(sk_sched_bind(s, object_new(SK_OBJ_THREAD, 0)), -SK_E_STATE);
}

/* A CPU is idle while its only thread waits, and not while it runs. */
static void idle_time(void)
{
	uint64_t idle, again, start, waited;

	CHECK_EQ(sk_sched_idle(SK_CAP_SCHED, &idle), 0);
	for (start = sk_now(); sk_now() - start < INFO->tsc_hz / 100;)
		;
	CHECK_EQ(sk_sched_idle(SK_CAP_SCHED, &again), 0);
	CHECK_EQ(again, idle);
	start = sk_now();
	sleep_ms(10);
	waited = sk_now() - start;
	CHECK_EQ(sk_sched_idle(SK_CAP_SCHED, &again), 0);
	CHECK(again > idle);
	CHECK(again - idle < waited);
}

void test_main(void)
{
	arguments();
	idle_time();
	priorities();
	weights();
	budgets();
}

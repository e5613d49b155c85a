/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex_test.c - the lock of a domain's threads, in every order of their steps
 *
 * Threads are coroutines that can switch at each exchange, store, signal and wait. The test
 * tries every order with at most `preemptions` switches away from a thread that could go on.
 */
#define SK_SYS_H /* the kernel is in this file */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <cmocka.h>

#include <stdbool.h>
#include <sk/syscall.h>

static long sk_signal(sk_cap_t ntfn);
static long sk_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word);
static void yield(void);
static bool sim_cas(uint32_t *at, uint32_t *expected, uint32_t value);
static void sim_store(uint32_t *at, uint32_t value);

#define __atomic_compare_exchange_n(at, expected, value, weak, ok, bad) \
	sim_cas(at, expected, value)
#define __atomic_store_n(at, value, order) sim_store(at, value)
#include "../../../libs/sys/mutex.c"
#undef __atomic_compare_exchange_n
#undef __atomic_store_n

enum { THREADS = 4, STACK = 128 << 10, STEPS_MAX = 400, WAKE = 100 };

static struct side {
	ucontext_t ctx;
	struct mutex_waiter w;
	bool waits, signal, done;
	unsigned int rounds;
} side[THREADS];
static uint8_t stack[THREADS][STACK] __attribute__((aligned(64)));
static ucontext_t scheduler;
static int me = -1, n_threads, owner;
static struct mutex lock;
static int queue[THREADS]; /* waiting threads, in the order of arrival */
static unsigned int n_queue, entered;

static void yield(void)
{
	if (me >= 0)
		swapcontext(&side[me].ctx, &scheduler);
}

static bool sim_cas(uint32_t *at, uint32_t *expected, uint32_t value)
{
	yield();
	if (*at != *expected) {
		*expected = *at;
		return false;
	}
	*at = value;
	if (me >= 0 && (value & ~LOCKED) == side[me].w.number + 1)
		queue[n_queue++] = me;
	return true;
}

static void sim_store(uint32_t *at, uint32_t value)
{
	yield();
	*at = value;
}

static long sk_signal(sk_cap_t ntfn)
{
	assert_in_range(ntfn, WAKE, WAKE + THREADS - 1);
	side[ntfn - WAKE].signal = true;
	yield();
	return 0;
}

static long sk_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word)
{
	struct side *s = &side[me];

	assert_int_equal(deadline, SK_NO_DEADLINE);
	assert_int_equal(ntfn, WAKE + me);
	s->waits = true;
	yield();
	s->waits = s->signal = false;
	*word = 1;
	return 0;
}

/* ---- the threads ---- */
static void critical(void)
{
	assert_int_equal(owner, -1);
	owner = me;
	entered++;
	for (unsigned int i = 0; i < n_queue; i++) {
		if (queue[i] != me)
			continue;
		assert_int_equal(i, 0); /* the thread that came first */
		memmove(queue, queue + 1, --n_queue * sizeof(queue[0]));
		break;
	}
	yield();
	assert_int_equal(owner, me);
	owner = -1;
}

static void run(int i)
{
	while (side[i].rounds--) {
		if (side[i].rounds % 2 && mutex_try(&lock)) {
			critical();
			mutex_unlock(&lock);
			continue;
		}
		mutex_lock(&lock);
		critical();
		mutex_unlock(&lock);
	}
	side[i].done = true;
	yield();
	abort();
}

static void context_make(int i)
{
	ucontext_t *c = &side[i].ctx;

	getcontext(c);
	c->uc_stack.ss_sp = stack[i];
	c->uc_stack.ss_size = STACK;
	makecontext(c, (void (*)(void))run, 1, i);
}

static void world_make(unsigned int rounds)
{
	memset(side, 0, sizeof(side));
	lock.word = 0;
	owner = -1;
	n_queue = entered = 0;
	for (int i = 0; i < n_threads; i++) {
		struct side *s = &side[i];

		s->w.number = (uint32_t)i;
		s->w.park = s->w.wake = WAKE + (uint32_t)i;
		s->rounds = rounds;
		s->signal = true; /* a signal that no thread waits for */
		mutex_waiter_add(&s->w);
		context_make(i);
	}
}

static bool can_go(int i) { return !side[i].done && (!side[i].waits || side[i].signal); }

static uint8_t choice[STEPS_MAX], choices[STEPS_MAX];

static unsigned int schedule_run(unsigned int preemptions)
{
	unsigned int n = 0, preempted = 0;
	int last = 0;

	for (;;) {
		int can[THREADS], n_can = 0, i;

		if (can_go(last))
			can[n_can++] = last;
		for (i = 0; i < n_threads; i++)
			if (i != last && can_go(i))
				can[n_can++] = i;
		if (!n_can)
			return n;
		assert_true(n < STEPS_MAX);
		choices[n] = (uint8_t)(preempted < preemptions || can[0] != last ? n_can : 1);
		i = can[choice[n] < choices[n] ? choice[n] : 0];
		preempted += can[0] == last && i != last;
		last = i;
		n++;
		me = i;
		mutex_self = &side[i].w;
		swapcontext(&scheduler, &side[i].ctx);
		me = -1;
	}
}

static void every_order(int threads, unsigned int rounds, unsigned int preemptions)
{
	unsigned int n, orders = 0;

	n_threads = threads;
	memset(choice, 0, sizeof(choice));
	do {
		world_make(rounds);
		n = schedule_run(preemptions);
		for (int i = 0; i < threads; i++)
			assert_true(side[i].done); /* no thread sleeps for good */
		assert_int_equal(entered, (unsigned int)threads * rounds);
		assert_int_equal(lock.word, 0); /* MUTEX2 */
		orders++;
		while (n && ++choice[n - 1] >= choices[n - 1])
			choice[--n] = 0;
	} while (n);
	assert_true(orders > 100);
}

static void two(void **state)
{
	(void)state;
	every_order(2, 3, 3);
}

static void three(void **state)
{
	(void)state;
	every_order(3, 1, 3);
	every_order(3, 2, 2);
}

static void four(void **state)
{
	(void)state;
	every_order(4, 1, 2);
}

static void alone(void **state)
{
	struct mutex m = { 0 };

	(void)state;
	n_threads = 1;
	world_make(1);
	mutex_self = &side[0].w;
	mutex_lock(&m);
	assert_int_equal(m.word, LOCKED);
	assert_false(mutex_try(&m));
	mutex_unlock(&m);
	assert_int_equal(m.word, 0);
	assert_true(mutex_try(&m));
	mutex_unlock(&m);
	assert_int_equal(m.word, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone),
		cmocka_unit_test(two),
		cmocka_unit_test(three),
		cmocka_unit_test(four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

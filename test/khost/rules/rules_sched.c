/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_sched.c - which thread runs when, on which CPU, and for how long; deadlines. A tick is
 * 1 ns.
 */
#include "rules.h"
#include "sched.h"

enum { S = AT_FREE, SLICE = 5000000 + 1, N = AT_NOTIFICATION };

static struct thread *t(unsigned int d, unsigned int k) { return domains[d].thread[k]; }
static struct sched_cpu *sc(unsigned int cpu) { return cpus[cpu]->sched; }

static void runs(unsigned int cpu, const struct thread *who)
{
	assert_ptr_equal(cpus[cpu]->current, who);
}

static long configure(unsigned int d, uint64_t sched, uint64_t cpu, uint64_t priority,
	uint64_t weight, uint64_t budget, uint64_t period)
{
	return SYS(d, SCHED_CONFIGURE, AT_CTL_SCHED, sched, cpu | priority << 16, weight,
		budget, period);
}

/* --- priorities and turns ----------------------------------------------------------------- */

static void higher_first(void **state)
{
	(void)state;
	second_runs(1, 2, 9);
	runs(2, t(2, 0));
	assert_int_equal(SYS(2, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(1, 1));
	assert_int_equal(SYS(1, SIGNAL, AT_PEER_NOTIFICATION), 0);
	/* woken with a higher priority than the running thread's */
	assert_int_equal(SYS(0, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS(0, COPY, AT_CNODE, 200, ROOT_CNODE + 2, AT_BADGED, SK_ALL), 0);
	assert_int_equal(SYS(0, SIGNAL, 200), 0);
	runs(2, t(2, 0));
	assert_int_equal(result(t(2, 0)), 0);
	/* raised and lowered while it waits for its turn */
	prefer(1, 1, 2, 11);
	runs(2, t(1, 1));
	prefer(1, 1, 2, 9);
	runs(2, t(2, 0));
	/* the running thread is lowered */
	assert_int_equal(SYS(2, SCHED_CONFIGURE, AT_CTL_SCHED, AT_SCHED, 2 | 8 << 16, 256), 0);
	runs(2, t(1, 1));
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(2, 0));
	assert_int_equal(SYS(2, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	assert_null(cpus[2]->current);
	assert_int_equal(cpu_place[2], CPU_IDLE);
}

static void equals_take_turns(void **state)
{
	sk_time_t start;

	(void)state;
	assert_int_equal(sc(2)->switched + SLICE, cpus[2]->timer_armed);
	second_runs(1, 2, 10);
	start = sc(2)->switched;
	runs(2, t(2, 0));
	time_is(start + SLICE - 1);
	runs(2, t(2, 0));
	time_is(start + SLICE);
	runs(2, t(1, 1));
	assert_int_equal(cpus[2]->timer_armed, start + 2 * SLICE);
	time_is(start + 2 * SLICE + 1000); /* its turn was too long by 1000 */
	runs(2, t(2, 0));
	time_is(start + 3 * SLICE + 1000);
	runs(2, t(1, 1));
	time_is(start + 4 * SLICE - 1);
	runs(2, t(1, 1));
	time_is(start + 4 * SLICE); /* its next turn is shorter by the same time */
	runs(2, t(2, 0));
	/* and a turn that is much too long costs only the next turn */
	time_is(start + 10 * SLICE);
	runs(2, t(1, 1));
	time_is(start + 11 * SLICE);
	runs(2, t(2, 0));
	time_is(start + 12 * SLICE - 1);
	runs(2, t(2, 0));
	time_is(start + 12 * SLICE);
	runs(2, t(1, 1));
}

static void turns_follow_weights(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 10);
	assert_int_equal(configure(1, AT_SCHED2, 2, 10 | SK_SCHED_GUESTS, 1024, 0, 0), 0);
	assert_int_equal(domains[1].sched[1]->slice, 20000000 + 1);
	runs(2, t(2, 0));
	assert_int_equal(SYS(2, YIELD), 0);
	runs(2, t(1, 1));
	start = sc(2)->switched;
	time_is(start + 20000000);
	runs(2, t(1, 1));
	time_is(start + 20000001);
	runs(2, t(2, 0));
}

/* After a turn that was too long by exactly a turn, the next one is whole. */
static void overruns_of_a_turn(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 10);
	start = sc(2)->switched;
	time_is(start + 2 * SLICE);
	runs(2, t(1, 1));
	assert_int_equal(domains[2].sched[0]->slice, SLICE);
}

/*
 * The turn of a thread that a higher one interrupts goes on meanwhile, and the thread continues
 * it; a thread that yields does not.
 */
static void turns_go_on(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 10);
	second_runs(3, 2, 20);
	runs(2, t(3, 1));
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(2, 0));
	start = sc(2)->switched;
	time_is(start + 1000000);
	assert_int_equal(SYS(3, SIGNAL, AT_BADGED), 0);
	runs(2, t(3, 1));
	time_is(start + 2000000);
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(2, 0));
	assert_true(cpus[2]->timer_armed <= start + SLICE);
	time_is(start + SLICE - 1);
	runs(2, t(2, 0));
	time_is(start + SLICE);
	runs(2, t(1, 1));
	assert_int_equal(SYS2(1, YIELD), 0);
	runs(2, t(2, 0));
	assert_int_equal(SYS(2, YIELD), 0);
	runs(2, t(1, 1));
	/* only to threads of equal priority */
	prefer(1, 1, 2, 11);
	assert_int_equal(SYS2(1, YIELD), 0);
	runs(2, t(1, 1));
}

/*
 * Who waits for its turn after a wake-up does not use it up, also if it was interrupted once.
 */
static void waking_up_is_no_turn(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 10);
	second_runs(3, 2, 20);
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(2, 0));
	start = sc(2)->switched;
	time_is(start + 1000000);
	assert_int_equal(SYS(3, SIGNAL, AT_BADGED), 0);
	runs(2, t(3, 1));
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(2, 0));
	assert_int_equal(SYS(2, WAIT, N, start + 2000000), BLOCKED);
	runs(2, t(1, 1));
	time_is(start + 2000000);
	runs(2, t(1, 1));
	time_is(start + 1000000 + SLICE);
	runs(2, t(2, 0));
	time_is(start + 2 * SLICE - 1); /* it had used 1000000 */
	runs(2, t(2, 0));
	time_is(start + 2 * SLICE);
	runs(2, t(1, 1));
}

/* Configuring a context begins a new turn, however much of the old one was used. */
static void configured_while_it_runs(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 20);
	start = sc(2)->switched;
	fake_now = start + 3000000;
	prefer(1, 1, 2, 20);
	runs(2, t(1, 1));
	assert_int_equal(domains[1].sched[1]->slice, SLICE);
	assert_int_equal(domains[1].sched[1]->consumed, 3000000);
}

/* Caller and server change places at once, before others of their priority. */
static void calls_switch_directly(void **state)
{
	(void)state;
	second_runs(1, 1, 10); /* the server */
	second_runs(3, 1, 10); /* a third thread */
	runs(1, t(1, 0));
	utcb(t(1, 0))->deadline = SK_NO_DEADLINE;
	thread_utcb(t(1, 1))->deadline = SK_NO_DEADLINE;
	thread_utcb(t(1, 1))->reply = AT_REPLY;
	assert_int_equal(SYS(1, YIELD), 0);
	runs(1, t(1, 1));
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), BLOCKED);
	runs(1, t(3, 1));
	assert_int_equal(SYS2(3, YIELD), 0);
	runs(1, t(1, 0));
	assert_int_equal(SYS(1, CALL, AT_ENDPOINT, SK_MI(1, 1, 0)), BLOCKED);
	runs(1, t(1, 1));
	assert_int_equal(SYS2(1, REPLY_RECV, AT_ENDPOINT, SK_MI(1, 1, 0)), BLOCKED);
	runs(1, t(1, 0));
	/* not past a thread of higher priority: then the server waits in the queue */
	prefer(3, 1, 1, 11);
	runs(1, t(3, 1));
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(1, t(1, 0));
	assert_int_equal(SYS(1, SEND, AT_ENDPOINT, SK_MI(1, 1, 0)), 0);
	runs(1, t(1, 0));
	assert_int_equal(SYS(1, YIELD), 0);
	runs(1, t(1, 1));
}

/*
 * A server has answered, and goes on with the next caller: the thread that was answered waits
 * at the head of its queue. The server is domain 1's first thread; the callers are its
 * second thread, and domain 3's. All are on CPU 1.
 */
static void answered_and_busy(void)
{
	for (unsigned int i = 0; i < 2; i++)
		thread_utcb(t(1, i))->deadline = SK_NO_DEADLINE;
	thread_utcb(t(1, 0))->reply = AT_REPLY;
	thread_utcb(t(3, 1))->deadline = SK_NO_DEADLINE;
	assert_int_equal(
		SYS(0, COPY, ROOT_CNODE + 3, S, ROOT_CNODE + 1, AT_ENDPOINT, SK_ALL), 0);
	second_runs(1, 1, 11);
	assert_int_equal(SYS2(1, CALL, AT_ENDPOINT, SK_MI(1, 1, 0)), BLOCKED);
	second_runs(3, 1, 11);
	assert_int_equal(SYS2(3, CALL, S, SK_MI(1, 1, 0)), BLOCKED);
	prefer(1, 1, 1, 10);
	prefer(3, 1, 1, 10);
	assert_int_equal(SYS(1, RECV, AT_ENDPOINT), 0);
	assert_true(sys_once(t(1, 0), SK_SYS_REPLY_RECV,
		(const uint64_t[6]){ AT_ENDPOINT, SK_MI(1, 1, 0) }));
	runs(1, t(1, 0));
	assert_int_equal(domains[1].sched[1]->place, SCHED_QUEUED);
}

static void direct_switches_wait(void **state)
{
	(void)state;
	/* the answered thread is taken out of the queue */
	answered_and_busy();
	assert_int_equal(SYS(0, THREAD_SUSPEND, AT_PEER_THREAD), 0);
	assert_int_equal(domains[1].sched[1]->place, SCHED_NOWHERE);
	assert_int_equal(SYS(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	assert_null(cpus[1]->current);
	/* the server's turn goes on after an interrupt */
	world_fresh(NULL);
	answered_and_busy();
	cpu_kicked[1] = true;
	kicks();
	runs(1, t(1, 0));
	assert_int_equal(domains[1].sched[1]->place, SCHED_QUEUED);
	assert_int_equal(SYS(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(1, t(1, 1));
	/*
	 * a thread of higher priority wakes in the meantime: it runs first, and the other is
	 * not lost
	 */
	world_fresh(NULL);
	second_runs(2, 1, 20);
	assert_int_equal(SYS2(2, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	answered_and_busy();
	assert_true(sys_once(t(2, 0), SK_SYS_SIGNAL, (const uint64_t[6]){ AT_BADGED }));
	runs(1, t(1, 0));
	assert_true(sys_once(t(1, 0), SK_SYS_WAIT, (const uint64_t[6]){ N, SK_NO_DEADLINE }));
	runs(1, t(2, 1));
	kicks();
	runs(1, t(2, 1));
	assert_int_equal(SYS2(2, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(1, t(1, 1));
	/* there is no direct switch to a thread on another CPU */
	world_fresh(NULL);
	second_runs(1, 2, 11);
	thread_utcb(t(1, 1))->deadline = utcb(t(1, 0))->deadline = SK_NO_DEADLINE;
	thread_utcb(t(1, 1))->reply = AT_REPLY;
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), BLOCKED);
	prefer(1, 1, 2, 10);
	second_runs(3, 2, 10);
	assert_int_equal(SYS(1, CALL, AT_ENDPOINT, SK_MI(1, 1, 0)), BLOCKED);
	assert_int_equal(domains[1].sched[1]->place, SCHED_QUEUED);
	runs(2, t(2, 0));
	assert_int_equal(SYS(2, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(3, 1)); /* it has waited longer */
}

/* A thread that is woken twice runs once. */
static void woken_twice(void **state)
{
	(void)state;
	second_runs(1, 2, 9);
	second_runs(3, 2, 9);
	second_runs(2, 2, 9);
	assert_int_equal(SYS(2, THREAD_RESUME, AT_PEER_THREAD), 0);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), 0);
	assert_int_equal(SYS(2, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(1, 1));
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), 0); /* it runs */
	runs(2, t(1, 1));
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(3, 1));
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(2, 1));
	assert_int_equal(SYS2(2, WAIT, N + 1, SK_NO_DEADLINE), BLOCKED);
	assert_null(cpus[2]->current);
	/* a thread of equal priority does not interrupt */
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	runs(2, t(1, 1));
	assert_true(sys_once(t(3, 0), SK_SYS_SIGNAL, (const uint64_t[6]){ AT_BADGED }));
	assert_false(cpu_kicked[2]);
}

/* --- budgets ------------------------------------------------------------------------------ */

static void budgets_bind(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 20);
	assert_int_equal(configure(1, AT_SCHED2, 2, 20, 256, 2, 10), 0);
	runs(2, t(1, 1));
	start = domains[1].sched[1]->period_start;
	assert_int_equal(cpus[2]->timer_armed, sc(2)->switched + 2000);
	time_is(start + 1999);
	runs(2, t(1, 1));
	time_is(start + 2000);
	runs(2, t(2, 0));
	time_is(start + 9999);
	runs(2, t(2, 0));
	time_is(start + 10000);
	runs(2, t(1, 1));
	time_is(start + 12000);
	runs(2, t(2, 0));
	/* released late: the period does not drift, and the budget is whole */
	time_is(start + 20500);
	runs(2, t(1, 1));
	assert_int_equal(domains[1].sched[1]->period_start, start + 20000);
	time_is(start + 22500);
	runs(2, t(2, 0));
	assert_int_equal(domains[1].sched[1]->place, SCHED_THROTTLED);
	/* while it has no budget, nothing wakes it */
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), 0);
	runs(2, t(2, 0));
	time_is(start + 30000);
	runs(2, t(1, 1));
	/* the limit is taken away */
	time_is(start + 32000);
	runs(2, t(2, 0));
	prefer(1, 1, 2, 20);
	runs(2, t(1, 1));
	time_is(start + 39000);
	runs(2, t(1, 1));
	assert_null(sc(2)->timers[1]);
}

/* A period begins when there is work, not before. */
static void budgets_begin_with_work(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 20);
	assert_int_equal(configure(1, AT_SCHED2, 2, 20, 256, 2, 10), 0);
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	start = domains[1].sched[1]->period_start;
	time_is(start + 9500);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	runs(2, t(1, 1));
	assert_int_equal(domains[1].sched[1]->period_start, start);
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	time_is(start + 15000);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(domains[1].sched[1]->period_start, start + 15000);
	time_is(start + 16999);
	runs(2, t(1, 1));
	time_is(start + 17000);
	runs(2, t(2, 0));
	/*
	 * at the very end of a period the next one begins, and the use of the last one is
	 * forgotten
	 */
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), 0);
	time_is(start + 25000);
	runs(2, t(1, 1));
	fake_now += 1500;
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	time_is(start + 35000);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(domains[1].sched[1]->period_start, start + 35000);
	assert_int_equal(domains[1].sched[1]->budget_left, 2000);
	/*
	 * its budget is used up without a timer interrupt, and another CPU wakes it: it is
	 * released in time
	 */
	fake_now += 2500;
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	runs(2, t(2, 0));
	cpus[2]->timer_armed = SK_NO_DEADLINE;
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	runs(2, t(2, 0));
	assert_int_equal(domains[1].sched[1]->place, SCHED_THROTTLED);
	assert_int_equal(cpus[2]->timer_armed, start + 45000);
	/* a context that is throttled and then unbound leaves no timer */
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, 0), 0);
	assert_null(sc(2)->timers[1]);
	time_is(start + 50000);
	assert_null(t(1, 1)->on);
}

/* The emulator may lose the interrupt of a timer. Whoever runs next has one again. */
static void a_lost_interrupt(void **state)
{
	(void)state;
	second_runs(1, 2, 10);
	runs(2, t(2, 0));
	fake_now = cpus[2]->timer_armed + 1;
	assert_int_equal(SYS(2, YIELD), 0);
	runs(2, t(1, 1));
	assert_int_equal(cpus[2]->timer_armed, fake_now + SLICE);
	time_is(fake_now + SLICE);
	runs(2, t(2, 0));
}

/* --- accounts ----------------------------------------------------------------------------- */

static void stats_are_exact(void **state)
{
	sk_time_t start;

	(void)state;
	second_runs(1, 2, 10);
	start = fake_now;
	assert_int_equal(SYS(2, SCHED_STATS, AT_SCHED), 0);
	{
		uint64_t before = regs(2)->rdi, idle = regs(2)->r10;

		fake_now = start + 700;
		assert_int_equal(SYS(2, SCHED_STATS, AT_SCHED), 0);
		assert_int_equal(regs(2)->rdi, before + 700);
		assert_int_equal(regs(2)->rdx, 2);
		assert_int_equal(regs(2)->r10, idle);
	}
	assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0); /* queued since */
	assert_int_equal(regs(1)->rdi, 0);
	assert_int_equal(regs(1)->rsi, 700);
	assert_int_equal(SYS(2, YIELD), 0);
	runs(2, t(1, 1));
	fake_now = start + 1000;
	assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
	assert_int_equal(regs(1)->rdi, 300);
	assert_int_equal(regs(1)->rsi, 700);
	assert_int_equal(SYS(2 - 1, SCHED_STATS, AT_SCHED2), 0);
	/* idle time */
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	assert_int_equal(SYS(2, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
	{
		uint64_t idle = regs(1)->r10, consumed = regs(1)->rdi;

		fake_now += 5000;
		assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
		assert_int_equal(regs(1)->r10, idle + 5000);
		assert_int_equal(regs(1)->rdi, consumed);
		/* the time from the wake-up to the switch is not idle time */
		assert_true(sys_once(t(1, 0), SK_SYS_SIGNAL, (const uint64_t[6]){ AT_BADGED }));
		fake_now += 70;
		kicks();
		fake_now += 100;
		assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
		assert_int_equal(regs(1)->r10, idle + 5000);
		assert_int_equal(regs(1)->rdi, consumed + 100);
	}
	/* idle time that no call asked for in the meantime */
	assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
	{
		uint64_t idle = regs(1)->r10;

		assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
		fake_now += 3000;
		assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
		assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
		assert_int_equal(regs(1)->r10, idle + 3000);
	}
	/* the time that it used is charged when it leaves */
	prefer(1, 1, 3, 20);
	fake_now += 100;
	assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
	assert_int_equal(regs(1)->rdx, 3);
	{
		uint64_t consumed = regs(1)->rdi;

		fake_now += 300;
		assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, 0), 0);
		assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
		assert_int_equal(regs(1)->rdi, consumed + 300);
		consumed = regs(1)->rdi;

		fake_now += 1000;
		assert_int_equal(SYS(1, SCHED_STATS, AT_SCHED2), 0);
		assert_int_equal(regs(1)->rdi, consumed);
	}
}

static void arguments(void **state)
{
	(void)state;
	assert_int_equal(configure(1, AT_SCHED2, n_cpus, 1, 256, 0, 0), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 32, 256, 0, 0), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 0x200, 256, 0, 0), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1ull << 16, 256, 0, 0), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 0, 0, 0), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 65536, 0, 0), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 256, 2, 1), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 256, 1, 0), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 256, 0, 1), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 256, 1, 1ull << 32), -SK_E_INVAL);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 256, UINT32_MAX, UINT32_MAX), 0);
	assert_int_equal(configure(1, AT_SCHED2, 0, 1, 256, 1, 1), 0);
	assert_int_equal(configure(1, AT_SCHED2, 0, 31, 1, 0, 0), 0);
	assert_int_equal(configure(1, AT_SCHED2, 0, 0, 65535, 0, 0), 0);
}

/* --- bindings ----------------------------------------------------------------------------- */

static void binding(void **state)
{
	(void)state;
	second_runs(1, 2, 20);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, 0), 0);
	runs(2, t(2, 0));
	assert_null(t(1, 1)->sched);
	assert_int_equal(
		/* a capability to memory is not one to CPU time */
		SYS(1, SCHED_BIND, S, AT_THREAD2), -SK_E_STATE);
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_int_equal(
		SYS(1, THREAD_RESUME, AT_THREAD2), 0); /* without a context it does not run */
	assert_null(t(1, 1)->on);
	assert_int_equal(configure(1, S, 3, 20, 256, 0, 0), 0);
	assert_int_equal(SYS(1, SCHED_BIND, S, AT_THREAD2), 0);
	runs(3, t(1, 1));
	assert_int_equal(SYS(1, SCHED_BIND, S, AT_THREAD2), -SK_E_EXISTS);
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, AT_THREAD2), -SK_E_EXISTS);
	assert_int_equal(SYS(2, SCHED_BIND, AT_SCHED2, 0), 0);
	assert_int_equal(SYS(1, SCHED_BIND, S, AT_PEER_THREAD), -SK_E_EXISTS);
	assert_null(t(2, 1)->sched);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	runs(3, t(3, 0));
	assert_null(t(1, 1)->sched);
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, AT_THREAD2), 0);
	runs(2, t(1, 1));
	/* a context without a thread */
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, 0), 0);
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, 0), 0);
}

/* A thread that a CPU has not left gets no time on another CPU. */
static void one_cpu_at_a_time(void **state)
{
	static const uint64_t unbind[6] = { AT_SCHED2, 0 }, bind[6] = { S, AT_THREAD2 };
	struct thread *me = t(1, 0);

	(void)state;
	second_runs(1, 2, 20);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S, 1), 0);
	assert_int_equal(configure(1, S, 3, 20, 256, 0, 0), 0);
	assert_true(sys_once(me, SK_SYS_SCHED_BIND, unbind));
	assert_ptr_equal(t(1, 1)->on, cpus[2]);
	assert_false(sys_once(me, SK_SYS_SCHED_BIND, bind));
	assert_null(t(1, 1)->sched);
	assert_ptr_equal(cpus[3]->current, t(3, 0));
	kicks();
	assert_true(sys_once(me, SK_SYS_SCHED_BIND, bind));
	kicks();
	runs(3, t(1, 1));
}

/*
 * A context that was moving to another CPU when it lost its thread arrives there with its next
 * thread.
 */
static void bound_on_the_way(void **state)
{
	static const uint64_t to3[6] = { AT_CTL_SCHED, AT_SCHED2, 3 | 20 << 16, 256 },
			      unbind[6] = { AT_SCHED2, 0 };

	(void)state;
	second_runs(1, 2, 20);
	assert_true(sys_once(t(1, 0), SK_SYS_SCHED_CONFIGURE, to3));
	assert_true(sys_once(t(1, 0), SK_SYS_SCHED_BIND, unbind));
	kicks();
	runs(2, t(2, 0));
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, AT_THREAD2), 0);
	runs(3, t(1, 1));
}

/*
 * The end of a context waits for its thread's CPU; in the meantime the context gives no time.
 */
static void contexts_end(void **state)
{
	static const uint64_t delete[6] = { AT_CNODE, S };
	struct sched *s;

	(void)state;
	second_runs(1, 2, 20);
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, 0), 0);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S, 1), 0);
	assert_int_equal(configure(1, S, 2, 20, 256, 0, 0), 0);
	assert_int_equal(SYS(1, SCHED_BIND, S, AT_THREAD2), 0);
	runs(2, t(1, 1));
	s = object_of(1, S);
	assert_false(sys_once(t(1, 0), SK_SYS_DELETE, delete));
	kicks();
	runs(2, t(2, 0));
	assert_int_equal(SYS(0, THREAD_RESUME, AT_PEER_THREAD), 0);
	assert_int_equal(s->place, SCHED_NOWHERE);
	runs(2, t(2, 0));
	assert_true(sys_once(t(1, 0), SK_SYS_DELETE, delete));
	assert_null(t(1, 1)->sched);
}

/*
 * A thread is bound to another context of the same CPU, which is moved away before the thread
 * has left.
 */
static void moving_before_it_has_left(void **state)
{
	static const uint64_t unbind[6] = { AT_SCHED2, 0 }, bind[6] = { S, AT_THREAD2 },
			      to3[6] = { AT_CTL_SCHED, S, 3 | 20 << 16, 256 };

	(void)state;
	second_runs(1, 2, 20);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S, 1), 0);
	assert_int_equal(configure(1, S, 2, 20, 256, 0, 0), 0);
	assert_true(sys_once(t(1, 0), SK_SYS_SCHED_BIND, unbind));
	assert_true(sys_once(t(1, 0), SK_SYS_SCHED_BIND, bind));
	assert_true(sys_once(t(1, 0), SK_SYS_SCHED_CONFIGURE, to3));
	runs(2, t(1, 1));
	kicks();
	runs(3, t(1, 1));
	runs(2, t(2, 0));
}

/*
 * A thread moves to another CPU at once if it waits or is queued, else when it has left the old
 * CPU.
 */
static void moving(void **state)
{
	struct sched *s = domains[1].sched[1];
	static const uint64_t to3[6] = { AT_CTL_SCHED, AT_SCHED2, 3 | 20 << 16, 256 };

	(void)state;
	second_runs(1, 2, 20);
	runs(2, t(1, 1));
	assert_true(sys_once(t(1, 0), SK_SYS_SCHED_CONFIGURE, to3));
	assert_int_equal(s->cpu, 2);
	assert_int_equal(s->move_to, 3);
	runs(3, t(3, 0));
	kicks();
	runs(3, t(1, 1));
	runs(2, t(2, 0));
	assert_int_equal(s->cpu, 3);
	assert_int_equal(SYS2(1, WAIT, N, fake_now + 1000), BLOCKED);
	prefer(1, 1, 2, 20);
	assert_int_equal(s->cpu, 2);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	runs(2, t(1, 1));
	/* its timer stays in the heap of CPU 3 until it is too late for a wait */
	assert_int_equal(SYS2(1, WAIT, N, fake_now + 3000), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	runs(2, t(1, 1));
	assert_ptr_equal(sc(3)->timers[1], &t(1, 1)->timer);
	assert_int_equal(SYS2(1, WAIT, N, fake_now + 500), BLOCKED);
	assert_null(sc(3)->timers[0]);
	assert_null(sc(3)->timers[1]);
	assert_ptr_equal(sc(2)->timers[1], &t(1, 1)->timer);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	runs(2, t(1, 1));
	prefer(1, 1, 2, 9);
	runs(2, t(2, 0));
	prefer(1, 1, 3, 11);
	runs(3, t(1, 1));
	/* it moves itself */
	prefer(1, 0, 0, 11);
	runs(0, t(1, 0));
	assert_null(cpus[1]->current);
}

/* --- deadlines ---------------------------------------------------------------------------- */

static void deadlines_in_order(void **state)
{
	sk_time_t start = fake_now;

	(void)state;
	second_runs(1, 0, 20);
	second_runs(3, 0, 20);
	assert_int_equal(SYS2(1, WAIT, N, start + 2000), BLOCKED);
	assert_int_equal(cpus[0]->timer_armed, start + 2000);
	assert_int_equal(SYS2(3, WAIT, N, start + 1000), BLOCKED);
	assert_int_equal(cpus[0]->timer_armed, start + 1000);
	time_is(start + 999);
	assert_int_equal(result(t(3, 1)), BLOCKED);
	time_is(start + 1000);
	assert_int_equal(result(t(3, 1)), -SK_E_TIMEOUT);
	assert_int_equal(result(t(1, 1)), BLOCKED);
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	time_is(start + 2000);
	assert_int_equal(result(t(1, 1)), -SK_E_TIMEOUT);
	/* a deadline in the past: it returns at once */
	assert_int_equal(SYS2(1, WAIT, N, 1), BLOCKED);
	time_is(fake_now);
	assert_int_equal(result(t(1, 1)), -SK_E_TIMEOUT);
}

/* A timer stays after its wait: it may fire for nothing, and serves the next wait. */
static void timers_stay(void **state)
{
	sk_time_t start = fake_now;
	const struct heap_node *timer = &t(1, 1)->timer;

	(void)state;
	second_runs(1, 0, 20);
	assert_int_equal(SYS2(1, WAIT, N, start + 1000), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	runs(0, t(1, 1));
	assert_int_equal(SYS2(1, WAIT, N, start + 2000), BLOCKED);
	assert_int_equal(timer->key, start + 1000);
	time_is(start + 1000);
	assert_int_equal(result(t(1, 1)), BLOCKED);
	assert_int_equal(timer->key, start + 2000);
	time_is(start + 1999);
	assert_int_equal(result(t(1, 1)), BLOCKED);
	time_is(start + 2000);
	assert_int_equal(result(t(1, 1)), -SK_E_TIMEOUT);
	assert_false(heap_contains(timer));
	/* it fires in a wait without a deadline, and is gone */
	assert_int_equal(SYS2(1, WAIT, N, start + 3000), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS2(1, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	time_is(start + 3000);
	assert_int_equal(result(t(1, 1)), BLOCKED);
	assert_false(heap_contains(timer));
	/* an earlier deadline takes its place */
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS2(1, WAIT, N, start + 9000), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS2(1, WAIT, N, start + 4000), BLOCKED);
	assert_int_equal(timer->key, start + 4000);
	time_is(start + 4000);
	assert_int_equal(result(t(1, 1)), -SK_E_TIMEOUT);
}

static void enter_timer_once(void *arg)
{
	(void)arg;
	this_cpu()->timer_armed = SK_NO_DEADLINE;
	core_timer();
}

/* Thread k of domain d waits on CPU 0 until this time. */
static void waits_until(unsigned int d, unsigned int k, unsigned int priority, sk_time_t until)
{
	prefer(d, k, 0, priority);
	runs(0, t(d, k));
	assert_int_equal(
		sys(t(d, k), SK_SYS_WAIT, (const uint64_t[6]){ N + k, until }), BLOCKED);
}

/*
 * When many deadlines expire at one time, the kernel serves a few of them, those of high
 * priority first, and then pauses for as long as the work took.
 */
static void storms_of_deadlines(void **state)
{
	sk_time_t start = fake_now;
	unsigned int over = 0;

	(void)state;
	for (unsigned int d = 0; d < DOMAINS; d++) {
		second_runs(d, d, 5);
		waits_until(d, 1, 11, start + 1000 + d);
		waits_until(d, 0, d == 3 ? 20 : 11, start + 1100 + d);
	}
	fake_now = start + 2000;
	fake_tick = 500;
	use_cpu(0);
	cpu_enter(enter_timer_once, NULL);
	fake_tick = 0;
	for (unsigned int i = 0; i < 2 * DOMAINS; i++)
		over += (long)t(i / 2, i % 2)->regs.r.rax == -SK_E_TIMEOUT;
	assert_int_equal(over, 4);
	/* the last deadline, of the highest priority */
	assert_int_equal(result(t(3, 0)), -SK_E_TIMEOUT);
	for (unsigned int d = 0; d < 3; d++)
		assert_int_equal(result(t(d, 1)), -SK_E_TIMEOUT);
	assert_true(sc(0)->pause_end > start + 3000);
	assert_true(
		sc(0)->pause_end <= 2 * fake_now - (start + 2000)); /* as long as the work */
	assert_int_equal(cpus[0]->timer_armed, sc(0)->pause_end);
	time_is(sc(0)->pause_end);
	for (unsigned int i = 0; i < 2 * DOMAINS; i++)
		assert_int_equal(result(t(i / 2, i % 2)), -SK_E_TIMEOUT);
}

int rules_sched(void)
{
	static const struct CMUnitTest tests[] = {
		RULE(higher_first),
		RULE(equals_take_turns),
		RULE(turns_follow_weights),
		RULE(overruns_of_a_turn),
		RULE(turns_go_on),
		RULE(a_lost_interrupt),
		RULE(waking_up_is_no_turn),
		RULE(configured_while_it_runs),
		RULE(calls_switch_directly),
		RULE(direct_switches_wait),
		RULE(woken_twice),
		RULE(budgets_bind),
		RULE(budgets_begin_with_work),
		RULE(stats_are_exact),
		RULE(arguments),
		RULE(binding),
		RULE(one_cpu_at_a_time),
		RULE(bound_on_the_way),
		RULE(contexts_end),
		RULE(moving_before_it_has_left),
		RULE(moving),
		RULE(deadlines_in_order),
		RULE(timers_stay),
		RULE(storms_of_deadlines),
	};

	return cmocka_run_group_tests_name("scheduling", tests, NULL, NULL);
}

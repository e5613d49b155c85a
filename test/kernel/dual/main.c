/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dual - a thread runs on one CPU at a time, whatever is done with its scheduling contexts
 *
 * The thread constantly waits and wakes, so that the kernel's state machine notices if two CPUs
 * run it.
 */
#include "../lib/ktest.h"

enum { ROUNDS = 1500 };

static sk_cap_t ep;
static volatile unsigned long turns;
static volatile unsigned int inside;

static void runner(void *arg)
{
	(void)arg;
	for (;;) {
		struct sk_msg m = { 0 };

		CHECK_EQ(__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST), 0);
		CHECK_EQ(__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST), 0);
		sk_utcb()->deadline = sk_now() + 1000;
		(void)sk_recv(ep, &m);
		turns++;
	}
}

static uint32_t rnd = 1;

/* Let a varying time pass. */
static void dawdle(void)
{
	rnd = rnd * 1664525 + 1013904223;
	for (volatile unsigned int d = rnd >> 21; d; d--)
		;
}

static void progress(void)
{
	unsigned long before = turns;

	while (turns == before)
		sk_yield();
}

/*
 * A CPU takes the thread's context away, and binds one that belongs to this CPU and has a
 * higher priority.
 */
static void other_context(const struct kthread *k)
{
	sk_cap_t s2 = object_new(SK_OBJ_SCHED, 0);
	unsigned int i;

	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, s2, 0, 25, 256, 0, 0), 0);
	for (i = 0; i < ROUNDS; i++) {
		dawdle();
		CHECK_EQ(sk_sched_bind(k->sched, 0), 0);
		CHECK_EQ(sk_sched_bind(s2, k->thread), 0);
		CHECK_EQ(sk_sched_bind(s2, 0), 0);
		CHECK_EQ(sk_sched_bind(k->sched, k->thread), 0);
	}
	progress();
}

/*
 * The thread's context moves back and forth, including while no thread is bound to it, and
 * while a move is in progress.
 */
static void moving(const struct kthread *k)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		unsigned int cpu = i % INFO->n_cpus;

		dawdle();
		CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, cpu, 20, 256, 0, 0), 0);
		if (i % 3)
			continue;
		CHECK_EQ(
			sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, !cpu, 20, 256, 0, 0), 0);
		CHECK_EQ(sk_sched_bind(k->sched, 0), 0);
		CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, cpu, 20, 256, 0, 0), 0);
		CHECK_EQ(sk_sched_bind(k->sched, k->thread), 0);
	}
	progress();
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, 1, 20, 256, 0, 0), 0);
}

/* A move must not be lost with the binding that it waited for. */
static void moved_unbound(const struct kthread *k)
{
	unsigned int i;

	for (i = 0; i < ROUNDS / 4; i++) {
		CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, i % 2, 20, 256, 0, 0),
			0);
		CHECK_EQ(sk_sched_bind(k->sched, 0), 0);
		CHECK_EQ(sk_sched_bind(k->sched, k->thread), 0);
		progress();
	}
}

/* A thread takes its own context away, or moves itself to another CPU. */
static struct kthread *volatile itself;
static volatile bool went;

static void self(void *arg)
{
	struct kthread *k;

	(void)arg;
	while (!(k = itself))
		sk_yield();
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, 1, 20, 256, 0, 0), 0);
	went = true;
	CHECK_EQ(sk_sched_bind(k->sched, 0), 0);
	went = false;
}

static void by_itself(void)
{
	struct kthread *k = kthread_start(self, NULL, 0, 20);

	itself = k;
	while (!went)
		sk_yield();
	while (sk_sched_bind(k->sched, k->thread) == -SK_E_EXISTS)
		sk_yield(); /* until the thread has done so */
	while (!k->done)
		sk_yield();
	CHECK(!went);
}

void test_main(void)
{
	struct kthread *k;

	ep = object_new(SK_OBJ_ENDPOINT, 0);
	k = kthread_start(runner, NULL, 1, 20);
	other_context(k);
	print("other context\n");
	moving(k);
	print("moving\n");
	moved_unbound(k);
	print("moved unbound\n");
	by_itself();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notification - words of signals, one waiter, bound threads, deadlines, deletion
 */
#include "../lib/ktest.h"

static sk_cap_t ntfn, ep;
static volatile long got_rc;
static volatile uint64_t got_word, got_mi;
static volatile unsigned int rounds;

static void waiter(void *arg)
{
	uint64_t word = 0;

	got_rc = sk_wait(ntfn, (uint64_t)arg, &word);
	got_word = word;
	rounds++;
}

static void receiver(void *arg)
{
	struct sk_msg m = { 0 };

	(void)arg;
	got_rc = sk_recv(ep, &m);
	got_word = m.badge;
	got_mi = m.mi;
	rounds++;
}

/* A thread of higher priority runs at once until it blocks. */
static struct kthread *start(void (*fn)(void *), uint64_t arg)
{
	got_rc = 1;
	return kthread_start(fn, (void *)arg, 0, 25);
}

static void words(void)
{
	sk_cap_t a = mint_new(ntfn, SK_W, 1), b = mint_new(ntfn, SK_W, 6), r = slots_new(1);
	uint64_t word;

	CHECK_EQ(sk_copy(ME, r, ME, ntfn, SK_R), 0);
	CHECK_EQ(sk_poll(ntfn, &word), -SK_E_AGAIN);
	CHECK_EQ(sk_signal(a), 0);
	CHECK_EQ(sk_signal(b), 0);
	CHECK_EQ(sk_signal(a), 0);
	CHECK_EQ(sk_signal(r), -SK_E_RIGHTS);
	CHECK_EQ(sk_wait(a, SK_POLL, &word), -SK_E_RIGHTS);
	CHECK_EQ(sk_wait(r, SK_NO_DEADLINE, &word), 0);
	CHECK_EQ(word, 7);
	CHECK_EQ(sk_poll(ntfn, &word), -SK_E_AGAIN);
	CHECK_EQ(sk_wait(ntfn, SK_POLL, &word), -SK_E_TIMEOUT);
	CHECK_EQ(sk_wait(ntfn, sk_now() + 1000, &word), -SK_E_TIMEOUT);
}

static void waiters(void)
{
	sk_cap_t b = mint_new(ntfn, SK_W, 0x10);
	sk_time_t start_time = sk_now();
	struct kthread *k;
	uint64_t word;

	start(waiter, SK_NO_DEADLINE);
	CHECK_EQ(got_rc, 1); /* waits */
	CHECK_EQ(sk_wait(ntfn, SK_NO_DEADLINE, &word), -SK_E_BUSY);
	CHECK_EQ(sk_signal(b), 0);
	CHECK_EQ(got_rc, 0); /* it ran before us */
	CHECK_EQ(got_word, 0x10);
	CHECK_EQ(sk_poll(ntfn, &word), -SK_E_AGAIN);
	start(waiter, sk_now() + INFO->tsc_hz / 1000);
	while (got_rc == 1)
		CHECK(sk_now() - start_time < INFO->tsc_hz * 100);
	CHECK_EQ(got_rc, -SK_E_TIMEOUT);
	k = start(waiter, SK_NO_DEADLINE);
	CHECK_EQ(sk_thread_suspend(k->thread), 0);
	CHECK_EQ(sk_signal(b), 0); /* no thread waits any more */
	CHECK_EQ(got_rc, 1);
	CHECK_EQ(sk_poll(ntfn, &word), 0);
	CHECK_EQ(sk_thread_resume(k->thread), 0);
	CHECK_EQ(got_rc, -SK_E_AGAIN);
}

static void bound(void)
{
	sk_cap_t b = mint_new(ntfn, SK_W, 0x20), other = object_new(SK_OBJ_NOTIFICATION, 0);
	struct kthread *k;
	uint64_t word;

	k = start(receiver, 0);
	CHECK_EQ(sk_thread_bind(k->thread, ntfn), 0);
	CHECK_EQ(sk_thread_bind(k->thread, other), -SK_E_EXISTS);
	CHECK_EQ(sk_thread_bind(SK_CAP_THREAD, ntfn), -SK_E_EXISTS);
	CHECK_EQ(got_rc, 1);
	CHECK_EQ(sk_signal(b), 0); /* ends the RECV */
	CHECK_EQ(got_rc, 0);
	CHECK_EQ(got_word, 0x20);
	CHECK_EQ(SK_MI_LABEL(got_mi), SK_LABEL_SIGNAL);
	CHECK_EQ(sk_poll(ntfn, &word), -SK_E_AGAIN);
	CHECK_EQ(sk_thread_bind(k->thread, 0), 0);
	/*
	 * a word that is set before the thread receives, and a binding when both the word and
	 * the receiver are there
	 */
	CHECK_EQ(sk_signal(b), 0);
	k = start(receiver, 0);
	CHECK_EQ(got_rc, 1);
	CHECK_EQ(sk_thread_bind(k->thread, ntfn), 0);
	CHECK_EQ(got_rc, 0);
	CHECK_EQ(got_word, 0x20);
	CHECK_EQ(sk_thread_bind(SK_CAP_THREAD, other), 0);
	CHECK_EQ(sk_signal(mint_new(other, SK_W, 2)), 0);
	struct sk_msg m = { 0 };

	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(m.badge, 2);
	CHECK_EQ(SK_MI_LABEL(m.mi), SK_LABEL_SIGNAL);
	CHECK_EQ(sk_delete(ME, other), 0);
	sk_utcb()->deadline = SK_POLL;
	CHECK_EQ(sk_recv(ep, &m), -SK_E_TIMEOUT);
	sk_utcb()->deadline = SK_NO_DEADLINE;
}

static void deletion(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 12);

	ntfn = object_new_from(u, SK_OBJ_NOTIFICATION, 0);
	start(waiter, SK_NO_DEADLINE);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(got_rc, -SK_E_DELETED);
	ntfn = object_new(SK_OBJ_NOTIFICATION, 0);
	struct kthread *k = start(waiter, SK_NO_DEADLINE);

	CHECK_EQ(sk_delete(ME, k->thread), 0); /* the waiting thread is deleted */
	CHECK_EQ(sk_signal(mint_new(ntfn, SK_W, 1)), 0);
	CHECK_EQ(got_rc, 1);
	uint64_t word;

	CHECK_EQ(sk_poll(ntfn, &word), 0);
}

void test_main(void)
{
	ntfn = object_new(SK_OBJ_NOTIFICATION, 0);
	ep = object_new(SK_OBJ_ENDPOINT, 0);
	words();
	waiters();
	bound();
	deletion();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart - what outlives a service whose memory is revoked, so that its next life can go on
 *
 * The notification and the endpoint are the builder's. The service's CNode, its Reply and all
 * that it derived are in its own memory.
 */
#include "../lib/ktest.h"

enum { MEMORY_ORDER = 18, CNODE_ORDER = 12, NTFN = 1, SIGNAL = 2, BADGE = 1 << 30 };

static sk_cap_t ep, ntfn, memory, reply;
static volatile long rc_of[2];
static volatile unsigned int received;

/* --- a client's signal, which the service derived ----------------------------------------- */

static sk_cap_t signal_from_service(void)
{
	sk_cap_t cnode = object_new_from(memory, SK_OBJ_CNODE, CNODE_ORDER);
	sk_cap_t client = slots_new(1);

	CHECK_EQ(sk_copy(cnode, NTFN, ME, ntfn, SK_ALL), 0);
	CHECK_EQ(sk_mint(cnode, SIGNAL, cnode, NTFN, SK_W | SK_GRANT, BADGE), 0);
	CHECK_EQ(sk_copy(ME, client, cnode, SIGNAL, SK_W), 0);
	return client;
}

static void expect_signal(sk_cap_t signal)
{
	uint64_t word = 0;

	CHECK_EQ(sk_signal(signal), 0);
	CHECK_EQ(sk_wait(ntfn, SK_POLL, &word), 0);
	CHECK_EQ(word, BADGE);
}

/* --- calls -------------------------------------------------------------------------------- */

static void caller(void *arg)
{
	struct sk_msg m = { .mi = SK_MI((uintptr_t)arg, 0, 0) };

	sk_utcb()->deadline = SK_NO_DEADLINE;
	rc_of[(uintptr_t)arg] = sk_call(ep, &m);
}

/* It receives a call, and never answers. */
static void first_life(void *arg)
{
	struct sk_msg m = { 0 };
	uint64_t word;

	(void)arg;
	sk_utcb()->reply = reply;
	sk_utcb()->deadline = SK_NO_DEADLINE;
	CHECK_EQ(sk_recv(ep, &m), 0);
	received++;
	(void)sk_wait(object_new(SK_OBJ_NOTIFICATION, 0), SK_NO_DEADLINE, &word);
}

static void second_life(void)
{
	struct sk_msg m = { 0 };

	sk_utcb()->reply = object_new_from(memory, SK_OBJ_REPLY, 0);
	sk_utcb()->deadline = SK_POLL;
	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(SK_MI_LABEL(m.mi), 1);
	m.mi = SK_MI(0, 0, 0);
	CHECK_EQ(sk_reply(sk_utcb()->reply, &m), 0);
}

void test_main(void)
{
	struct kthread *service;
	sk_cap_t signal;

	ep = object_new(SK_OBJ_ENDPOINT, 0);
	ntfn = object_new(SK_OBJ_NOTIFICATION, 0);
	memory = object_new(SK_OBJ_UNTYPED, MEMORY_ORDER);
	reply = object_new_from(memory, SK_OBJ_REPLY, 0);
	signal = signal_from_service();
	expect_signal(signal);
	rc_of[0] = rc_of[1] = 1;
	service = kthread_start(first_life, NULL, 0, 25);
	kthread_start(caller, (void *)0, 0, 25); /* is received */
	kthread_start(caller, (void *)1, 0, 25); /* stays in the queue */
	CHECK_EQ(received, 1);

	CHECK_EQ(sk_thread_suspend(service->thread), 0);
	CHECK_EQ(sk_revoke(ME, memory), 0);
	CHECK_EQ(rc_of[0], -SK_E_DELETED);
	CHECK_EQ(rc_of[1], 1);
	expect_signal(signal);
	second_life();
	CHECK_EQ(rc_of[1], 0);
}

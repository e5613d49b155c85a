/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc - calls and replies, badges, long messages, capabilities, deadlines, deletion while
 * waiting
 */
#include "../lib/ktest.h"

static sk_cap_t ep, reply_server;
static volatile long rc_of[4];
static struct sk_msg msg_of[4];
static volatile unsigned int served;

/* --- a server that adds one to each word and returns the badge in the label --------------- */

static void server(void *arg)
{
	struct sk_msg m = { 0 };
	unsigned int i;
	long rc;

	(void)arg;
	sk_utcb()->reply = reply_server;
	rc = sk_recv(ep, &m);
	while (rc == 0) {
		for (i = 0; i < SK_MR_REGS; i++)
			m.mr[i]++;
		for (; i < SK_MI_WORDS(m.mi); i++)
			sk_utcb()->mr[i]++;
		m.mi = SK_MI(m.badge, SK_MI_WORDS(m.mi), 0);
		served++;
		rc = sk_reply_recv(ep, &m);
	}
	rc_of[3] = rc;
}

static void calls(void)
{
	sk_cap_t badged = mint_new(ep, SK_W, 77), ro = slots_new(1);
	struct sk_msg m = { .mi = SK_MI(5, SK_MR_MAX, 0), .mr = { 10, 20, 30, 40 } };
	unsigned int i;

	for (i = 4; i < SK_MR_MAX; i++)
		sk_utcb()->mr[i] = i * 1000;
	CHECK_EQ(sk_call(badged, &m), 0);
	CHECK_EQ(SK_MI_LABEL(m.mi), 77);
	CHECK_EQ(SK_MI_WORDS(m.mi), SK_MR_MAX);
	CHECK_EQ(m.mr[0], 11);
	CHECK_EQ(m.mr[3], 41);
	for (i = 4; i < SK_MR_MAX; i++)
		CHECK_EQ(sk_utcb()->mr[i], i * 1000 + 1);
	m.mi = SK_MI(0, 0, 0);
	CHECK_EQ(sk_call(ep, &m), 0);
	CHECK_EQ(SK_MI_LABEL(m.mi), 0); /* no badge */
	for (i = 0; i < 1000; i++) {
		m = (struct sk_msg){ .mi = SK_MI(0, 1, 0), .mr = { i } };
		CHECK_EQ(sk_call(badged, &m), 0);
		CHECK_EQ(m.mr[0], i + 1);
	}
	m.mi = SK_MI(1, SK_MR_MAX + 1, 0);
	CHECK_EQ(sk_call(ep, &m), -SK_E_INVAL);
	m.mi = SK_MI(1, 0, SK_CAPS_MAX + 1);
	CHECK_EQ(sk_call(ep, &m), -SK_E_INVAL);
	m.mi = SK_MI(SK_LABEL_FAULT, 4, 0);
	CHECK_EQ(sk_call(ep, &m), -SK_E_INVAL); /* no thread can pose as the kernel */
	m.mi = SK_MI(1, 0, 1);
	CHECK_EQ(sk_call(badged, &m), -SK_E_RIGHTS); /* no GRANT */
	CHECK_EQ(sk_copy(ME, ro, ME, ep, SK_R), 0);
	m.mi = SK_MI(1, 0, 0);
	CHECK_EQ(sk_call(ro, &m), -SK_E_RIGHTS);
	CHECK_EQ(sk_recv(badged, &m), -SK_E_RIGHTS);
	CHECK_EQ(sk_call(SK_CAP_THREAD, &m), -SK_E_CAP);
	CHECK_EQ(sk_call(0, &m), -SK_E_CAP);
	CHECK_EQ(sk_call(0xffffffff, &m), -SK_E_CAP);
	CHECK_EQ(sk_reply(reply_server, &m), -SK_E_NOT_FOUND);
}

/* --- one-way sends, order, deadlines ------------------------------------------------------ */

static void sender(void *arg)
{
	uint64_t i = (uint64_t)arg;
	struct sk_msg m = { .mi = SK_MI(100 + i, 1, 0), .mr = { i } };

	rc_of[i] = 1;
	rc_of[i] = sk_send(ep, &m);
}

static void sends(void)
{
	struct sk_msg m = { 0 };
	struct kthread *k;
	uint64_t i;

	for (i = 0; i < 3; i++)
		kthread_start(sender, (void *)i, 0, 25);
	CHECK_EQ(rc_of[0], 1); /* all three wait */
	CHECK_EQ(rc_of[2], 1);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(sk_recv(ep, &m), 0);
		CHECK_EQ(SK_MI_LABEL(m.mi), 100 + i); /* first come, first served */
		CHECK_EQ(m.mr[0], i);
		CHECK_EQ(rc_of[i], 0);
	}
	sk_utcb()->deadline = SK_POLL;
	CHECK_EQ(sk_recv(ep, &m), -SK_E_TIMEOUT);
	CHECK_EQ(sk_send(ep, &m), -SK_E_TIMEOUT);
	sk_utcb()->deadline = sk_now() + 1000;
	CHECK_EQ(sk_recv(ep, &m), -SK_E_TIMEOUT);
	sk_utcb()->deadline = sk_now() + 1000;
	CHECK_EQ(sk_send(ep, &m), -SK_E_TIMEOUT);
	sk_utcb()->deadline = SK_NO_DEADLINE;
	/* a sender that is suspended leaves the queue */
	k = kthread_start(sender, (void *)0, 0, 25);
	kthread_start(sender, (void *)1, 0, 25);
	CHECK_EQ(sk_thread_suspend(k->thread), 0);
	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(m.mr[0], 1);
	CHECK_EQ(sk_thread_resume(k->thread), 0);
	CHECK_EQ(rc_of[0], -SK_E_AGAIN);
	/* so does one that is deleted */
	k = kthread_start(sender, (void *)0, 0, 25);
	kthread_start(sender, (void *)1, 0, 25);
	CHECK_EQ(sk_delete(ME, k->thread), 0);
	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(m.mr[0], 1);
}

/* --- replies ------------------------------------------------------------------------------ */

static void caller(void *arg)
{
	uint64_t i = (uint64_t)arg;
	struct sk_msg m = { .mi = SK_MI(200 + i, 0, 0) };

	if (i == 2)
		sk_utcb()->deadline = sk_now() + INFO->tsc_hz / 1000;
	rc_of[i] = 1;
	rc_of[i] = sk_call(ep, &m);
	msg_of[i] = m;
}

static void replies(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 12), r = object_new_from(u, SK_OBJ_REPLY, 0);
	sk_cap_t r2 = object_new_from(u, SK_OBJ_REPLY, 0);
	struct sk_msg m = { 0 }, back = { .mi = SK_MI(9, 1, 0), .mr = { 99 } };

	/* a receiver without a Reply object cannot take a call */
	sk_utcb()->reply = 0;
	kthread_start(caller, (void *)0, 0, 25);
	sk_utcb()->deadline = SK_POLL;
	CHECK_EQ(sk_recv(ep, &m), -SK_E_TIMEOUT);
	CHECK_EQ(rc_of[0], -SK_E_PEER);
	sk_utcb()->deadline = SK_NO_DEADLINE;
	/* replies in another order than the calls */
	kthread_start(caller, (void *)0, 0, 25);
	kthread_start(caller, (void *)1, 0, 25);
	sk_utcb()->reply = r;
	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(SK_MI_LABEL(m.mi), 200);
	sk_utcb()->reply = r2;
	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(SK_MI_LABEL(m.mi), 201);
	CHECK_EQ(sk_reply(r2, &back), 0);
	CHECK_EQ(rc_of[1], 0);
	CHECK_EQ(rc_of[0], 1);
	CHECK_EQ(msg_of[1].mr[0], 99);
	CHECK_EQ(sk_reply(r2, &back), -SK_E_NOT_FOUND);
	CHECK_EQ(sk_reply(r, &back), 0);
	CHECK_EQ(rc_of[0], 0);
	/* a Reply that is used again gives up its caller; so does one that is deleted */
	kthread_start(caller, (void *)0, 0, 25);
	kthread_start(caller, (void *)1, 0, 25);
	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(rc_of[0], -SK_E_DELETED);
	CHECK_EQ(rc_of[1], 1);
	CHECK_EQ(sk_delete(ME, r2), 0);
	CHECK_EQ(rc_of[1], -SK_E_DELETED);
	/* a caller whose deadline passes while it waits for the answer */
	sk_utcb()->reply = r;
	kthread_start(caller, (void *)2, 0, 15); /* it calls when we are already receiving */
	CHECK_EQ(sk_recv(ep, &m), 0);
	main_priority(10);
	while (rc_of[2] == 1)
		sk_yield();
	main_priority(20);
	CHECK_EQ(rc_of[2], -SK_E_TIMEOUT);
	CHECK_EQ(sk_reply(r, &back), -SK_E_NOT_FOUND);
}

/* --- capabilities ------------------------------------------------------------------------- */

static sk_cap_t send_slots[SK_CAPS_MAX];
static uint32_t send_rights[SK_CAPS_MAX];
static volatile unsigned int n_send;

static void cap_sender(void *arg)
{
	struct sk_msg m = { .mi = SK_MI(300, 0, n_send) };
	unsigned int i;

	for (i = 0; i < n_send; i++)
		sk_utcb()->send[i] = (struct sk_send_cap){ send_slots[i], send_rights[i] };
	rc_of[0] = 1;
	rc_of[0] = sk_send((sk_cap_t)(uint64_t)arg, &m);
}

static void receive_slots(sk_cap_t first, unsigned int n)
{
	sk_utcb()->recv_slot = first;
	sk_utcb()->recv_slots = n;
}

static unsigned int receive_caps(void)
{
	struct sk_msg m = { 0 };

	CHECK_EQ(sk_recv(ep, &m), 0);
	CHECK_EQ(rc_of[0], 0);
	return SK_MI_CAPS(m.mi);
}

static void capabilities(void)
{
	sk_cap_t n = object_new(SK_OBJ_NOTIFICATION, 0), badged = mint_new(n, SK_ALL, 3),
		 into = slots_new(8);
	sk_cap_t moved = mint_new(n, SK_ALL, 4);
	struct sk_cap_info info;

	n_send = 2;
	send_slots[0] = badged;
	send_rights[0] = SK_W;
	send_slots[1] = moved;
	send_rights[1] = SK_SEND_MOVE;
	receive_slots(into, 4);
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 2);
	CHECK_EQ(sk_cap_info(ME, into, &info), 0);
	CHECK_EQ(info.rights, SK_W);
	CHECK_EQ(info.badge, 3);
	CHECK_EQ(sk_cap_info(ME, into + 1, &info), 0);
	CHECK_EQ(info.badge, 4);
	CHECK_EQ(info.rights, SK_ALL);
	CHECK_EQ(sk_cap_info(ME, moved, &info), 0);
	CHECK_EQ(info.type, SK_OBJ_NULL);
	CHECK_EQ(sk_revoke(ME, badged), 0); /* what was passed derives from it */
	CHECK_EQ(sk_cap_info(ME, into, &info), 0);
	CHECK_EQ(info.type, SK_OBJ_NULL);
	/* no slots, occupied slots, too few slots, capabilities that cannot be copied */
	send_slots[1] = n;
	send_rights[1] = SK_R;
	receive_slots(0, 4);
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 0);
	receive_slots(into + 1, 4);
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 0);
	receive_slots(into + 2, 1);
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 1);
	receive_slots(0xffffffff, 4);
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 0);
	receive_slots(into + 3, 4);
	send_slots[1] = ram_untyped();
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 1);
	receive_slots(into + 4, 4);
	send_slots[0] = 0;
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 0);
	send_slots[0] = n;
	send_rights[0] = 0x100;
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(receive_caps(), 0);
	receive_slots(0, 0);
}

/*
 * A REPLY_RECV that finds a waiting message with capabilities answers once, and receives them.
 */
static void capabilities_after_reply(void)
{
	struct sk_msg m = { 0 };
	sk_cap_t into = slots_new(2);

	n_send = 1;
	send_slots[0] = object_new(SK_OBJ_NOTIFICATION, 0);
	send_rights[0] = SK_R;
	receive_slots(into, 2);
	kthread_start(caller, (void *)1, 0, 25);
	CHECK_EQ(sk_recv(ep, &m), 0);
	kthread_start(cap_sender, (void *)(uint64_t)ep, 0, 25);
	CHECK_EQ(rc_of[0], 1);
	CHECK_EQ(sk_reply_recv(ep, &m), 0);
	CHECK_EQ(rc_of[1], 0);
	CHECK_EQ(rc_of[0], 0);
	CHECK_EQ(SK_MI_LABEL(m.mi), 300);
	CHECK_EQ(SK_MI_CAPS(m.mi), 1);
	CHECK_EQ(sk_poll(into, &m.badge), -SK_E_AGAIN);
	receive_slots(0, 0);
}

/* --- the end of things that are waited on ------------------------------------------------- */

static void deletion(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 12), old = ep;

	ep = object_new_from(u, SK_OBJ_ENDPOINT, 0);
	kthread_start(sender, (void *)0, 0, 25);
	kthread_start(caller, (void *)1, 0, 25);
	CHECK_EQ(rc_of[0], 1);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(rc_of[0], -SK_E_DELETED);
	CHECK_EQ(rc_of[1], -SK_E_DELETED);
	ep = object_new_from(u, SK_OBJ_ENDPOINT, 0);
	rc_of[3] = 1;
	kthread_start(server, NULL, 0, 25);
	CHECK_EQ(rc_of[3], 1);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(rc_of[3], -SK_E_DELETED);
	CHECK_EQ(sk_retype(u, SK_OBJ_ENDPOINT, 0, ME, slots_new(1), 1, 0), 0);
	ep = old;
}

void test_main(void)
{
	struct kthread *k;

	ep = object_new(SK_OBJ_ENDPOINT, 0);
	reply_server = object_new(SK_OBJ_REPLY, 0);
	k = kthread_start(server, NULL, 0, 20);
	calls();
	CHECK(served > 1000);
	CHECK_EQ(sk_delete(ME, k->thread), 0);
	sends();
	replies();
	capabilities();
	capabilities_after_reply();
	deletion();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_ipc.c - messages, replies, faults, notifications
 *
 * Domain 1 sends to domain 2, through its copy of domain 2's second endpoint.
 */
#include "rules.h"
#include "ipc.h"

enum { S = AT_FREE, TO = AT_PEER_ENDPOINT, FROM = AT_ENDPOINT + 1, CLIENT = 1, SERVER = 2 };
enum { REPLY_SLOT = AT_REPLY };

static struct thread *client(void) { return domains[CLIENT].thread[0]; }
static struct thread *server(void) { return domains[SERVER].thread[0]; }

/* Neither side has a deadline, and the server can answer. */
static void patient(void)
{
	utcb(client())->deadline = utcb(server())->deadline = SK_NO_DEADLINE;
	utcb(server())->reply = REPLY_SLOT;
}

/* --- messages ----------------------------------------------------------------------------- */

static void message_is(const struct sk_regs *r, uint64_t badge, uint64_t mi)
{
	assert_int_equal(r->rdi, badge);
	assert_int_equal(r->rsi, mi);
	assert_int_equal(r->rdx, 11);
	assert_int_equal(r->r10, 12);
	assert_int_equal(r->r8, 13);
	assert_int_equal(r->r9, 14);
}

/* All words arrive, and no others, whether the receiver or the sender comes first. */
static void words_arrive(void **state)
{
	(void)state;
	patient();
	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int words = 0; words <= SK_MR_MAX; words++) {
			uint64_t mi = SK_MI(7, words, 0);

			for (unsigned int i = 0; i < SK_MR_MAX; i++) {
				utcb(client())->mr[i] = 100 + i;
				utcb(server())->mr[i] = 0;
			}
			if (round)
				assert_int_equal(
					SYS(CLIENT, SEND, TO, mi, 11, 12, 13, 14), BLOCKED);
			assert_int_equal(SYS(SERVER, RECV, FROM), round ? 0 : BLOCKED);
			if (!round)
				assert_int_equal(SYS(CLIENT, SEND, TO, mi, 11, 12, 13, 14), 0);
			assert_int_equal(result(client()), 0);
			assert_int_equal(result(server()), 0);
			message_is(regs(SERVER), 0, mi);
			for (unsigned int i = 0; i < SK_MR_MAX; i++)
				assert_int_equal(utcb(server())->mr[i],
					i >= SK_MR_REGS && i < words ? 100 + i : 0);
		}
}

static void messages_have_limits(void **state)
{
	(void)state;
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(0, SK_MR_MAX + 1, 0)), -SK_E_INVAL);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(0, SK_MR_MAX, 0)), -SK_E_TIMEOUT);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(0, 0, SK_CAPS_MAX + 1)), -SK_E_INVAL);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(0, 0, SK_CAPS_MAX)), -SK_E_TIMEOUT);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(SK_LABEL_KERNEL, 0, 0)), -SK_E_INVAL);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(SK_LABEL_FAULT, 0, 0)), -SK_E_INVAL);
	assert_int_equal(
		SYS(CLIENT, SEND, TO, SK_MI(SK_LABEL_KERNEL - 1, 0, 0)), -SK_E_TIMEOUT);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(SK_LABEL_SIGNAL, 0, 0)), -SK_E_INVAL);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(0, 0, 0)), -SK_E_TIMEOUT);
	assert_int_equal(SYS(SERVER, RECV, FROM), -SK_E_TIMEOUT);
	assert_int_equal(
		SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(SK_LABEL_SIGNAL, 0, 0)), -SK_E_INVAL);
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, 0), -SK_E_NOT_FOUND);
	/* capabilities are passed only with the right to grant */
	slot_in(CLIENT, TO)->rights = SK_W;
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(0, 0, 1)), -SK_E_RIGHTS);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(0, 1, 0)), -SK_E_TIMEOUT);
}

static void badges_arrive(void **state)
{
	(void)state;
	patient();
	assert_int_equal(
		SYS(0, MINT, ROOT_CNODE + CLIENT, S, ROOT_CNODE + SERVER, FROM, SK_ALL, 77), 0);
	assert_int_equal(SYS(CLIENT, CALL, S, SK_MI(1, 4, 0), 11, 12, 13, 14), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	message_is(regs(SERVER), 77, SK_MI(1, 4, 0));
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(2, 4, 0), 11, 12, 13, 14), 0);
	message_is(regs(CLIENT), 0, SK_MI(2, 4, 0));
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	assert_int_equal(SYS(CLIENT, CALL, S, SK_MI(1, 4, 0), 11, 12, 13, 14), BLOCKED);
	message_is(regs(SERVER), 77, SK_MI(1, 4, 0));
}

/* Senders and receivers are both served in the order in which they came. */
static void queues_are_fair(void **state)
{
	struct thread *second = domains[CLIENT].thread[1];

	(void)state;
	patient();
	second_runs(CLIENT, 3, 20);
	thread_utcb(second)->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(1, 1, 0), 1), BLOCKED);
	assert_int_equal(SYS2(CLIENT, SEND, TO, SK_MI(1, 1, 0), 2), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(regs(SERVER)->rdx, 1);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(regs(SERVER)->rdx, 2);
	assert_int_equal(result(second), 0);
	assert_int_equal(SYS(CLIENT, RECV, AT_ENDPOINT), BLOCKED);
	assert_int_equal(SYS2(CLIENT, RECV, AT_ENDPOINT), BLOCKED);
	/* the server gets a copy of the client's endpoint */
	assert_int_equal(
		SYS(0, COPY, ROOT_CNODE + SERVER, S, ROOT_CNODE + CLIENT, AT_ENDPOINT, SK_ALL),
		0);
	assert_int_equal(SYS(SERVER, SEND, S, SK_MI(1, 1, 0), 1), 0);
	assert_int_equal(result(client()), 0);
	assert_int_equal(result(second), BLOCKED);
	assert_int_equal(SYS(SERVER, SEND, S, SK_MI(1, 1, 0), 2), 0);
	assert_int_equal(second->regs.r.rdx, 2);
}

/* --- replies ------------------------------------------------------------------------------ */

/* A call to a receiver that cannot answer fails, and the receiver goes on waiting. */
static void calls_need_a_reply(void **state)
{
	(void)state;
	patient();
	utcb(server())->reply = 0;
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0)), -SK_E_PEER);
	assert_int_equal(result(server()), BLOCKED);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(1, 1, 0)), 0);
	assert_int_equal(result(server()), 0);
	/* the caller comes first: it gets an error, and the next sender is served */
	second_runs(CLIENT, 3, 20);
	thread_utcb(domains[CLIENT].thread[1])->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0), 1), BLOCKED);
	assert_int_equal(SYS2(CLIENT, SEND, TO, SK_MI(1, 1, 0), 2), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(regs(SERVER)->rdx, 2);
	assert_int_equal(result(client()), -SK_E_PEER);
	/* many such callers do not hold off interrupts */
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0), 1), BLOCKED);
	assert_int_equal(SYS2(CLIENT, CALL, TO, SK_MI(1, 1, 0), 2), BLOCKED);
	fake_preempt = always;
	assert_false(sys_once(server(), SK_SYS_RECV, (const uint64_t[6]){ FROM }));
	fake_preempt = NULL;
	kicks();
	assert_int_equal(result(client()), -SK_E_PEER);
	assert_int_equal(result(domains[CLIENT].thread[1]), BLOCKED);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(1, 1, 0), 3), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	/* a Reply without the right counts as no Reply */
	slot_in(SERVER, REPLY_SLOT)->rights = SK_R;
	utcb(server())->reply = REPLY_SLOT;
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0)), -SK_E_PEER);
}

/* A Reply has one caller: a second caller takes it from the first. */
static void one_caller_a_reply(void **state)
{
	struct thread *second = domains[CLIENT].thread[1];

	(void)state;
	patient();
	second_runs(CLIENT, 3, 20);
	thread_utcb(second)->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0), 1), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(SYS2(CLIENT, CALL, TO, SK_MI(1, 1, 0), 2), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(result(client()), -SK_E_DELETED);
	assert_int_equal(result(second), BLOCKED);
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(3, 1, 0), 5), 0);
	assert_int_equal(result(second), 0);
	assert_int_equal(second->regs.r.rdx, 5);
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, 0), -SK_E_NOT_FOUND);
	/* with one Reply for each caller, both are answered, in any order */
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0), 1), BLOCKED);
	assert_int_equal(SYS2(CLIENT, CALL, TO, SK_MI(1, 1, 0), 2), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	utcb(server())->reply = REPLY_SLOT + 1;
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT + 1, SK_MI(1, 1, 0), 22), 0);
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(1, 1, 0), 21), 0);
	assert_int_equal(regs(CLIENT)->rdx, 21);
	assert_int_equal(second->regs.r.rdx, 22);
}

/* The caller's deadline holds for the whole call, including its wait for the answer. */
static void deadlines_of_calls(void **state)
{
	(void)state;
	patient();
	for (unsigned int round = 0; round < 2; round++) {
		sk_time_t until = fake_now + 1000;

		utcb(client())->deadline = until;
		if (round)
			assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
		assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0)), BLOCKED);
		/* the deadline has been read already */
		utcb(client())->deadline = SK_NO_DEADLINE;
		if (!round)
			assert_int_equal(SYS(SERVER, RECV, FROM), 0);
		time_is(until - 1);
		assert_int_equal(result(client()), BLOCKED);
		time_is(until);
		assert_int_equal(result(client()), -SK_E_TIMEOUT);
		assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, 0), -SK_E_NOT_FOUND);
	}
	/* RECV has a deadline, too; with one in the past it does not wait */
	utcb(server())->deadline = fake_now + 500;
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	time_is(fake_now + 500);
	assert_int_equal(result(server()), -SK_E_TIMEOUT);
	utcb(client())->deadline = fake_now + 500;
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(1, 1, 0)), BLOCKED);
	time_is(fake_now + 499);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(result(client()), 0);
	time_is(fake_now + 1000);
	assert_int_equal(result(client()), 0);
	/* a timer that fires late for an earlier wait does not end this one */
	assert_int_equal(SYS(CLIENT, WAIT, AT_NOTIFICATION, fake_now + 1000), BLOCKED);
	thread_timeout(client(), fake_now + 999);
	assert_int_equal(result(client()), BLOCKED);
}

static void reply_and_receive(void **state)
{
	struct thread *second = domains[CLIENT].thread[1];

	(void)state;
	patient();
	second_runs(CLIENT, 3, 20);
	thread_utcb(second)->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(SERVER, REPLY_RECV, FROM, SK_MI(1, 0, 0)),
		BLOCKED); /* having no caller is not an error */
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0), 1), BLOCKED);
	assert_int_equal(result(server()), 0);
	assert_int_equal(SYS2(CLIENT, CALL, TO, SK_MI(1, 1, 0), 2), BLOCKED);
	assert_int_equal(SYS(SERVER, REPLY_RECV, FROM, SK_MI(4, 1, 0), 41), 0);
	assert_int_equal(regs(CLIENT)->rdx, 41);
	assert_int_equal(regs(CLIENT)->rsi, SK_MI(4, 1, 0));
	assert_int_equal(result(client()), 0);
	assert_int_equal(regs(SERVER)->rdx, 2);
	assert_int_equal(
		SYS(SERVER, REPLY_RECV, FROM, SK_MI(SK_LABEL_FAULT, 1, 0), 41), -SK_E_INVAL);
	assert_int_equal(result(second), BLOCKED);
	utcb(server())->reply = 0;
	assert_int_equal(SYS(SERVER, REPLY_RECV, FROM, SK_MI(1, 1, 0), 41), -SK_E_CAP);
	assert_int_equal(result(second), BLOCKED);
	/* the right to receive is the only one that is needed */
	utcb(server())->reply = REPLY_SLOT;
	slot_in(SERVER, REPLY_SLOT)->rights = SK_R;
	assert_int_equal(SYS(SERVER, REPLY_RECV, FROM, SK_MI(1, 1, 0), 41), -SK_E_RIGHTS);
}

/* A REPLY_RECV that is interrupted between its two halves answers once. */
static void reply_is_given_once(void **state)
{
	struct thread *second = domains[CLIENT].thread[1], *third = domains[3].thread[0];

	(void)state;
	patient();
	second_runs(CLIENT, 3, 20);
	thread_utcb(second)->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0), 1), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	/*
	 * a caller that cannot be answered is first in the queue: after it, the call is
	 * interrupted
	 */
	assert_int_equal(SYS2(CLIENT, CALL, TO, SK_MI(1, 1, 0), 2), BLOCKED);
	(void)third;
	slot_in(SERVER, REPLY_SLOT)->rights = SK_W;
	fake_preempt = always;
	utcb(server())->recv_slot = 0;
	assert_true(sys_once(
		server(), SK_SYS_REPLY_RECV, (const uint64_t[6]){ FROM, SK_MI(1, 1, 0), 9 }));
	fake_preempt = NULL;
	kicks();
	assert_int_equal(regs(CLIENT)->rdx, 9);
	assert_int_equal(result(client()), 0);
	assert_int_equal(regs(SERVER)->rdx, 2);
}

/* Threads that wait on an object that ends get an error. */
static void ends_are_told(void **state)
{
	struct thread *second = domains[CLIENT].thread[1];

	(void)state;
	patient();
	second_runs(CLIENT, 3, 20);
	thread_utcb(second)->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(CLIENT, SEND, AT_ENDPOINT, SK_MI(1, 1, 0)), BLOCKED);
	assert_int_equal(SYS2(CLIENT, CALL, AT_ENDPOINT, SK_MI(1, 1, 0)), BLOCKED);
	assert_int_equal(SYS(0, DELETE, ROOT_CNODE + CLIENT, AT_ENDPOINT), 0);
	assert_int_equal(result(client()), -SK_E_DELETED);
	assert_int_equal(result(second), -SK_E_DELETED);
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0)), BLOCKED);
	assert_int_equal(SYS(SERVER, DELETE, AT_CNODE, REPLY_SLOT), 0);
	assert_int_equal(result(client()), -SK_E_DELETED);
	assert_int_equal(SYS(CLIENT, WAIT, AT_NOTIFICATION, SK_NO_DEADLINE), BLOCKED);
	assert_int_equal(SYS(0, REVOKE, ROOT_CNODE + CLIENT, AT_NOTIFICATION), 0);
	assert_int_equal(result(client()), BLOCKED);
	assert_int_equal(SYS(0, DELETE, ROOT_CNODE + CLIENT, AT_NOTIFICATION), 0);
	assert_int_equal(result(client()), -SK_E_DELETED);
	assert_int_equal(SYS(CLIENT, SIGNAL, AT_NOTIFICATION), -SK_E_CAP);
}

/* A thread that still holds a pointer to an ended object does not begin to wait on it. */
static void the_dead_are_left_alone(void **state)
{
	struct object *n = object_of(1, AT_NOTIFICATION), *ep = object_of(SERVER, FROM),
		      *reply = object_of(SERVER, REPLY_SLOT);

	(void)state;
	patient();
	n->dead = true;
	assert_int_equal(SYS(1, WAIT, AT_NOTIFICATION, SK_NO_DEADLINE), -SK_E_DELETED);
	assert_int_equal(SYS(1, POLL, AT_NOTIFICATION), -SK_E_DELETED);
	n->dead = false;
	reply->dead = true;
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0)), -SK_E_DELETED);
	assert_int_equal(result(server()), 0);
	reply->dead = false;
	ep->dead = true;
	assert_int_equal(SYS(SERVER, RECV, FROM), -SK_E_DELETED);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 1, 0)), -SK_E_DELETED);
	ep->dead = false;
	/* each object is marked dead before its waiting threads are woken */
	assert_int_equal(notification_destroy(n), 0);
	assert_int_equal(endpoint_destroy(ep), 0);
	assert_int_equal(reply_destroy(reply), 0);
	assert_true(n->dead && ep->dead && reply->dead);
	n->dead = ep->dead = reply->dead = false; /* for the walker */
}

/* --- capabilities in messages ------------------------------------------------------------- */

static void send_caps(unsigned int n, const struct sk_send_cap *caps)
{
	memcpy(utcb(client())->send, caps, n * sizeof(*caps));
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	assert_int_equal(SYS(CLIENT, SEND, TO, SK_MI(1, 0, n)), 0);
	assert_int_equal(result(server()), 0);
}

static void caps_arrive(void **state)
{
	static const struct sk_send_cap four[] = { { AT_NOTIFICATION, SK_R },
		{ AT_BADGED, SK_ALL }, { AT_FRAME, SK_ALL | SK_SEND_MOVE },
		{ AT_ENDPOINT, SK_W } };

	(void)state;
	patient();
	utcb(server())->recv_slot = S;
	utcb(server())->recv_slots = 4;
	assert_int_equal(SYS(CLIENT, MAP, AT_FRAME, AT_SPACE, 0x120000, 0, 12, SK_R), 0);
	send_caps(4, four);
	assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 4));
	assert_int_equal(slot_in(SERVER, S)->type, SK_OBJ_NOTIFICATION);
	assert_int_equal(slot_in(SERVER, S)->rights, SK_R);
	assert_int_equal(slot_in(SERVER, S + 1)->badge, 1);
	assert_int_equal(slot_in(SERVER, S + 1)->rights, SK_ALL);
	assert_int_equal(slot_in(SERVER, S + 2)->type, SK_OBJ_FRAME);
	assert_int_equal(slot_in(CLIENT, AT_FRAME)->type, SK_OBJ_NULL);
	assert_ptr_equal(slot_in(SERVER, S + 2)->space, domains[CLIENT].space);
	assert_int_equal(slot_in(SERVER, S + 3)->rights, SK_W);
	assert_int_equal(slot_in(CLIENT, AT_ENDPOINT)->type, SK_OBJ_ENDPOINT);
	/* they derive from the sender's */
	assert_int_equal(SYS(CLIENT, REVOKE, AT_CNODE, AT_NOTIFICATION), 0);
	assert_int_equal(slot_in(SERVER, S)->type, SK_OBJ_NULL);
}

/*
 * No more capabilities are passed than the receiver has room for, and none after one that
 * cannot be passed.
 */
static void caps_stop(void **state)
{
	static const struct sk_send_cap good[] = { { AT_NOTIFICATION, SK_R },
		{ AT_ENDPOINT, SK_R }, { AT_REPLY, SK_ALL }, { AT_FRAME, SK_ALL } };
	static const struct sk_send_cap bad[] = { { AT_UNTYPED, SK_ALL },
		{ AT_TABLE + 4, SK_ALL }, { S + 20, SK_ALL }, { 0, SK_ALL }, { 100, SK_ALL },
		{ AT_ENDPOINT, 0x10 }, { AT_ENDPOINT, SK_SEND_MOVE | 0x40 } };

	(void)state;
	patient();
	utcb(server())->recv_slot = S;
	utcb(server())->recv_slots = 2;
	send_caps(3, good);
	assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 2));
	assert_int_equal(slot_in(SERVER, S + 1)->type, SK_OBJ_ENDPOINT);
	assert_int_equal(slot_in(SERVER, S + 2)->type, SK_OBJ_NULL);
	utcb(server())->recv_slots = 4; /* the first slot is occupied */
	send_caps(4, good);
	assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 0));
	assert_int_equal(slot_in(SERVER, S)->type, SK_OBJ_NOTIFICATION);
	utcb(server())->recv_slot = 0;
	send_caps(4, good);
	assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 0));
	assert_int_equal(slot_in(SERVER, 1)->type, SK_OBJ_CNODE);
	utcb(server())->recv_slot = 99; /* one slot before the end */
	send_caps(4, good);
	assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 1));
	utcb(server())->recv_slot = 100;
	send_caps(1, good);
	assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 0));
	assert_int_equal(domains[SERVER].cnode->slots[100].type, SK_OBJ_NULL);
	utcb(server())->recv_slot = S + 4;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sk_send_cap three[] = { good[0], bad[i], good[1] };

		send_caps(3, three);
		assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 1));
		assert_int_equal(slot_in(SERVER, S + 5)->type, SK_OBJ_NULL);
		assert_int_equal(slot_in(SERVER, S + 6)->type, SK_OBJ_NULL);
		assert_int_equal(SYS(SERVER, DELETE, AT_CNODE, S + 4), 0);
	}
}

/*
 * If the sender waits, the receiver takes the tree lock for it. A reply passes capabilities,
 * too.
 */
static void caps_of_waiting_senders(void **state)
{
	(void)state;
	patient();
	utcb(server())->recv_slot = utcb(client())->recv_slot = S;
	utcb(server())->recv_slots = utcb(client())->recv_slots = 1;
	utcb(client())->send[0] = (struct sk_send_cap){ AT_FRAME, SK_ALL };
	utcb(server())->send[0] = (struct sk_send_cap){ AT_ENDPOINT, SK_W };
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 0, 1)), BLOCKED);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(regs(SERVER)->rsi, SK_MI(1, 0, 1));
	assert_int_equal(slot_in(SERVER, S)->type, SK_OBJ_FRAME);
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(2, 0, 1)), 0);
	assert_int_equal(regs(CLIENT)->rsi, SK_MI(2, 0, 1));
	assert_int_equal(slot_in(CLIENT, S)->type, SK_OBJ_ENDPOINT);
	assert_int_equal(slot_in(CLIENT, S)->rights, SK_W);
	/* the next one comes through REPLY_RECV, which first answers */
	assert_int_equal(SYS(SERVER, DELETE, AT_CNODE, S), 0);
	assert_int_equal(SYS(CLIENT, CALL, TO, SK_MI(1, 0, 1)), BLOCKED);
	assert_int_equal(SYS(SERVER, REPLY_RECV, FROM, SK_MI(1, 0, 0)), 0);
	assert_int_equal(slot_in(SERVER, S)->type, SK_OBJ_FRAME);
	assert_int_equal(result(client()), BLOCKED);
	/* through a Reply without the right, none are passed */
	slot_in(SERVER, REPLY_SLOT)->rights = SK_W;
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(2, 0, 1)), -SK_E_RIGHTS);
	assert_int_equal(result(client()), BLOCKED);
}

/* --- faults ------------------------------------------------------------------------------- */

/*
 * Give domain 1's first thread a fault endpoint with a badge of its own, on which domain 2
 * receives.
 */
static void handler_set(void)
{
	patient();
	assert_int_equal(
		SYS(0, MINT, ROOT_CNODE + CLIENT, S, ROOT_CNODE + SERVER, FROM, SK_ALL, 55), 0);
	second_runs(CLIENT, 3, 20);
	assert_int_equal(SYS2(CLIENT, THREAD_SUSPEND, AT_THREAD), 0);
	assert_int_equal(
		SYS2(CLIENT, THREAD_CONFIGURE, AT_THREAD, AT_CNODE, AT_SPACE, S, 0x160000), 0);
	assert_int_equal(SYS2(CLIENT, THREAD_RESUME, AT_THREAD), 0);
	utcb(client())->deadline = SK_NO_DEADLINE;
	assert_ptr_equal(cpus[CLIENT]->current, client());
}

static void faults_are_messages(void **state)
{
	(void)state;
	handler_set();
	for (unsigned int round = 0; round < 2; round++) {
		struct sk_regs *r = regs(CLIENT);

		r->rip = 0x4242;
		r->rsp = 0x9000;
		r->rax = 0xaaaa;
		r->rdx = 0xdddd;
		if (round)
			assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
		fault(CLIENT, 14, 7, 0x123456);
		if (!round)
			assert_int_equal(SYS(SERVER, RECV, FROM), 0);
		assert_int_equal(regs(SERVER)->rdi, 55);
		assert_int_equal(regs(SERVER)->rsi, SK_MI(SK_LABEL_FAULT, SK_MR_REGS, 0));
		assert_int_equal(regs(SERVER)->rdx, 14 | 7ull << 32);
		assert_int_equal(regs(SERVER)->r10, 0x123456);
		assert_int_equal(regs(SERVER)->r8, 0x4242);
		assert_int_equal(regs(SERVER)->r9, 0x9000);
		assert_int_equal(result(client()), BLOCKED);
		/* after an answer with label 0, the thread goes on with all its registers */
		assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(0, 4, 0), 1, 2, 3, 4), 0);
		assert_ptr_equal(cpus[CLIENT]->current, client());
		assert_int_equal(r->rax, 0xaaaa);
		assert_int_equal(r->rip, 0x4242);
		assert_int_equal(r->rdx, 0xdddd);
		assert_false(client()->faulted);
	}
	/* after any other label, it stops */
	fault(CLIENT, 13, 0, 0);
	assert_int_equal(SYS(SERVER, RECV, FROM), 0);
	assert_int_equal(SYS(SERVER, REPLY, REPLY_SLOT, SK_MI(1, 0, 0)), 0);
	assert_true(client()->suspended);
	assert_null(cpus[CLIENT]->current);
	assert_int_equal(regs(CLIENT)->rax, 0xaaaa);
}

static void faults_without_a_handler(void **state)
{
	(void)state;
	fault(CLIENT, 6, 0, 0);
	assert_true(client()->suspended);
	assert_null(cpus[CLIENT]->current);
	assert_int_equal(client()->state, THREAD_READY);
	/* a handler that takes messages one-way cannot answer */
	(void)world_fresh(NULL);
	handler_set();
	utcb(server())->reply = 0;
	assert_int_equal(SYS(SERVER, RECV, FROM), BLOCKED);
	fault(CLIENT, 6, 0, 0);
	assert_true(client()->suspended);
	assert_false(client()->faulted);
	assert_int_equal(result(server()), BLOCKED);
}

/* The handler's endpoint ends while the fault waits. */
static void faults_whose_handler_goes(void **state)
{
	(void)state;
	handler_set();
	fault(CLIENT, 6, 0, 0);
	assert_int_equal(client()->state, THREAD_SENDING);
	assert_int_equal(SYS(0, REVOKE, ROOT_CNODE + SERVER, FROM), 0);
	assert_int_equal(client()->state, THREAD_SENDING);
	assert_int_equal(SYS(0, DELETE, ROOT_CNODE + SERVER, FROM), 0);
	assert_int_equal(client()->state, THREAD_READY);
	assert_true(client()->suspended);
	assert_int_equal(client()->fault_slot.type, SK_OBJ_NULL);
}

/* --- notifications ------------------------------------------------------------------------ */

enum { N = AT_NOTIFICATION };

static void words_gather(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, POLL, N), -SK_E_AGAIN);
	assert_int_equal(SYS(1, WAIT, N, SK_POLL), -SK_E_TIMEOUT);
	assert_int_equal(SYS(1, SIGNAL, N), 0); /* a signal without a badge has no effect */
	assert_int_equal(SYS(1, POLL, N), -SK_E_AGAIN);
	assert_int_equal(SYS(1, MINT, AT_CNODE, S, AT_CNODE, N, SK_W, 6), 0);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS(1, SIGNAL, S), 0);
	assert_int_equal(SYS(1, WAIT, N, SK_NO_DEADLINE), 0);
	assert_int_equal(regs(1)->rdi, 7);
	assert_int_equal(SYS(1, POLL, N), -SK_E_AGAIN);
	assert_int_equal(SYS(1, SIGNAL, S), 0);
	assert_int_equal(SYS(1, POLL, N), 0);
	assert_int_equal(regs(1)->rdi, 6);
	assert_int_equal(SYS(1, WAIT, N, SK_POLL), -SK_E_TIMEOUT);
}

static void waiters_get_the_word(void **state)
{
	struct thread *second = domains[1].thread[1];

	(void)state;
	second_runs(1, 3, 20);
	assert_int_equal(SYS2(1, WAIT, N, fake_now + 1000), BLOCKED);
	assert_null(cpus[3]->current == second ? second : NULL);
	assert_int_equal(SYS(1, WAIT, N, SK_NO_DEADLINE), -SK_E_BUSY);
	assert_int_equal(SYS(1, SIGNAL, N), 0);
	assert_int_equal(result(second), BLOCKED);
	time_is(fake_now + 999);
	assert_int_equal(result(second), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(result(second), 0);
	assert_int_equal(second->regs.r.rdi, 1);
	assert_ptr_equal(cpus[3]->current, second);
	assert_int_equal(SYS(1, POLL, N), -SK_E_AGAIN);
	time_is(fake_now + 10000); /* its timer is gone */
	assert_int_equal(result(second), 0);
	assert_int_equal(SYS2(1, WAIT, N, fake_now + 1000), BLOCKED);
	time_is(fake_now + 1000);
	assert_int_equal(result(second), -SK_E_TIMEOUT);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS2(1, WAIT, N, SK_POLL), 0);
	assert_int_equal(second->regs.r.rdi, 1);
}

/*
 * The bound notification ends a RECV, takes precedence over messages, and ends no other wait.
 */
static void bound_words(void **state)
{
	struct thread *second = domains[1].thread[1];

	(void)state;
	second_runs(1, 3, 20);
	thread_utcb(second)->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, N), 0);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, N + 1), -SK_E_EXISTS);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, N), -SK_E_EXISTS);
	assert_int_equal(SYS(1, THREAD_BIND, AT_PEER_THREAD, N), -SK_E_EXISTS);
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(result(second), 0);
	assert_int_equal(second->regs.r.rdi, 1);
	assert_int_equal(second->regs.r.rsi, SK_MI(SK_LABEL_SIGNAL, 0, 0));
	assert_int_equal(SYS(1, POLL, N), -SK_E_AGAIN);
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), BLOCKED);
	utcb(client())->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(1, SEND, AT_ENDPOINT, SK_MI(1, 1, 0), 4), 0);
	assert_int_equal(second->regs.r.rdx, 4);
	/* already signalled: RECV returns the word first, then the message */
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(SYS(1, SEND, AT_ENDPOINT, SK_MI(1, 1, 0), 5), BLOCKED);
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), 0);
	assert_int_equal(second->regs.r.rsi, SK_MI(SK_LABEL_SIGNAL, 0, 0));
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), 0);
	assert_int_equal(second->regs.r.rdx, 5);
	assert_int_equal(result(client()), 0);
	/* a thread that waits for something else, or sends, is not disturbed */
	assert_int_equal(SYS2(1, WAIT, N + 1, SK_NO_DEADLINE), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(result(second), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED + 1), 0);
	assert_int_equal(second->regs.r.rdi, 2);
	assert_int_equal(SYS(1, POLL, N), 0);
	assert_int_equal(SYS2(1, SEND, AT_ENDPOINT, SK_MI(1, 1, 0)), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(result(second), BLOCKED);
	assert_int_equal(SYS(1, RECV, AT_ENDPOINT), 0);
}

static void unbinding(void **state)
{
	struct thread *second = domains[1].thread[1];

	(void)state;
	second_runs(1, 3, 20);
	thread_utcb(second)->deadline = SK_NO_DEADLINE;
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, 0), 0); /* it was not bound */
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	/*
	 * the word is there when the notification is bound: a thread that is already in RECV
	 * returns
	 */
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, N), 0);
	assert_int_equal(result(second), 0);
	assert_int_equal(second->regs.r.rdi, 1);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, 0), 0);
	assert_int_equal(SYS2(1, RECV, AT_ENDPOINT), BLOCKED);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	assert_int_equal(result(second), BLOCKED);
	assert_int_equal(SYS(1, POLL, N), 0);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, N), 0);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, N), 0);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_PEER_NOTIFICATION), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, N), 0);
	assert_null(second->bound);
	assert_int_equal(result(second), BLOCKED);
	/* and with the other end */
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, N + 2), -SK_E_EXISTS);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD, 0), 0);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD2, N + 2), 0);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_PEER_THREAD), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_THREAD2), 0);
	assert_null(((struct notification *)object_of(1, N + 2))->bound);
	assert_null(((struct endpoint *)object_of(1, AT_ENDPOINT))->queue);
}

int rules_ipc(void)
{
	static const struct CMUnitTest tests[] = {
		RULE(words_arrive),
		RULE(messages_have_limits),
		RULE(badges_arrive),
		RULE(queues_are_fair),
		RULE(calls_need_a_reply),
		RULE(one_caller_a_reply),
		RULE(deadlines_of_calls),
		RULE(reply_and_receive),
		RULE(reply_is_given_once),
		RULE(ends_are_told),
		RULE(the_dead_are_left_alone),
		RULE(caps_arrive),
		RULE(caps_stop),
		RULE(caps_of_waiting_senders),
		RULE(faults_are_messages),
		RULE(faults_without_a_handler),
		RULE(faults_whose_handler_goes),
		RULE(words_gather),
		RULE(waiters_get_the_word),
		RULE(bound_words),
		RULE(unbinding),
	};

	return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}

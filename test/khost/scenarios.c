/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scenarios.c - short programs that interfere with each other, which the explorer runs in every
 * order
 */
#include "check.h"
#include "explore.h"
#include "fake.h"
#include "ipc.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"
#include "world.h"

#define SOON 5000ull /* later than the time at which runs begin */

/* --- building a scenario ------------------------------------------------------------------ */

static unsigned int n_programs;

static long act(unsigned int nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return call_whole(domains[1].thread[0], nr, a, b, c, d, e, 0);
}

static void must(long rc)
{
	if (rc)
		fail("a scenario's set-up is refused: %ld", rc);
}

/* The world of the fuzzer at rest: all threads suspended. */
static void begin(unsigned int n)
{
	world_make(n);
	n_programs = 0;
	for (unsigned int i = 0; i < DOMAINS; i++) {
		must(call_whole(domains[i].thread[0], SK_SYS_THREAD_SUSPEND, AT_THREAD2, 0, 0,
			0, 0, 0));
		must(call_whole(
			domains[i].thread[0], SK_SYS_THREAD_SUSPEND, AT_THREAD, 0, 0, 0, 0, 0));
	}
}

/*
 * Thread k of domain 1 runs on this CPU, without deadlines; its program is still empty.
 */
static struct program *runs_on(unsigned int k, unsigned int cpu)
{
	struct program *p = &programs[n_programs++];
	unsigned int thread = k ? AT_THREAD2 : AT_THREAD, sched = k ? AT_SCHED2 : AT_SCHED;

	p->t = domains[1].thread[k];
	must(act(SK_SYS_SCHED_CONFIGURE, AT_CTL_SCHED, sched,
		cpu | (10 | SK_SCHED_GUESTS) << 16, 256, 0));
	must(act(SK_SYS_THREAD_RESUME, thread, 0, 0, 0, 0));
	thread_utcb(p->t)->deadline = SK_NO_DEADLINE;
	return p;
}

static void both_run(struct program **p, struct program **q)
{
	*p = runs_on(0, 0);
	*q = runs_on(1, 1);
}

/* A third thread of domain 1, in the same way; it is taken from domain 2. */
static struct program *third_on(unsigned int cpu)
{
	struct program *p = &programs[n_programs++];

	p->t = domains[2].thread[1];
	must(act(SK_SYS_THREAD_CONFIGURE, AT_PEER_THREAD, AT_CNODE, AT_SPACE, 0,
		UTCB_VADDR + 2 * SK_PAGE_SIZE));
	must(act(SK_SYS_SCHED_CONFIGURE, AT_CTL_SCHED, AT_PEER_SCHED,
		cpu | (10 | SK_SCHED_GUESTS) << 16, 256, 0));
	must(act(SK_SYS_THREAD_RESUME, AT_PEER_THREAD, 0, 0, 0, 0));
	thread_utcb(p->t)->deadline = SK_NO_DEADLINE;
	return p;
}

static void calls(struct program *p, unsigned int nr, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e)
{
	p->op[p->n++] = (struct op){ nr, { a, b, c, d, e, 0 } };
}

/* A capability that sends signal 1 to the first notification. */
static void signal_mint(void)
{
	must(call_whole(domains[1].thread[0], SK_SYS_MINT, AT_CNODE, AT_FREE, AT_CNODE,
		AT_NOTIFICATION, SK_ALL, 1));
}

static void end(void) { machine_online(); }

/* --- guests ------------------------------------------------------------------------------- */

static struct program *enters(void)
{
	struct program *p = runs_on(1, 1);

	calls(p, SK_SYS_VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE, 0, 0, 0);
	return p;
}

static void enter_revoke(void)
{
	struct program *p;

	begin(2);
	must(act(SK_SYS_COPY, AT_CNODE, AT_FREE, AT_CNODE, AT_NESTED, SK_ALL));
	must(act(SK_SYS_VCPU_CONFIGURE, AT_VCPU, AT_FREE, AT_SPACE, STATE_VADDR, 0));
	p = runs_on(0, 0);
	enters();
	calls(p, SK_SYS_REVOKE, AT_CNODE, AT_FREE, 0, 0, 0);
	end();
}
static void enter_delete(void)
{
	struct program *p;

	begin(2);
	must(act(SK_SYS_DELETE, AT_CNODE, AT_PEER_VCPU, 0, 0, 0));
	p = runs_on(0, 0);
	enters();
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_VCPU, 0, 0, 0);
	end();
}
static void enter_suspend(void)
{
	struct program *p;

	begin(2);
	p = runs_on(0, 0);
	enters();
	calls(p, SK_SYS_THREAD_SUSPEND, AT_THREAD2, 0, 0, 0, 0);
	end();
}
static void enter_configure(void)
{
	struct program *p;

	begin(2);
	p = runs_on(0, 0);
	enters();
	calls(p, SK_SYS_VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, STATE_VADDR, 0);
	end();
}
static void enter_signal(void)
{
	struct program *p;

	begin(2);
	must(act(SK_SYS_THREAD_BIND, AT_THREAD2, AT_NOTIFICATION, 0, 0, 0));
	signal_mint();
	p = runs_on(0, 0);
	enters();
	calls(p, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	end();
}

/* The thread was in the guest, or came too late; it was not refused. */
static void guest_was_possible(void)
{
	long rc = programs[1].result[0];

	if (programs[1].at && rc && rc != -SK_E_DELETED && rc != -SK_E_AGAIN &&
		rc != -SK_E_STATE && rc != -SK_E_CAP)
		fail("VCPU_ENTER says %ld", rc);
}
static void guest_got_signal(void)
{
	if (programs[1].at != 1 || programs[1].result[0] ||
		programs[1].regs[0].rdi != SK_EXIT_SIGNAL)
		fail("a signal did not end the guest's run: %ld", programs[1].result[0]);
}

/* The guest leaves for its VMM, which enters it again, while the other CPU interferes. */
static void exits_beside(unsigned int nr, uint64_t a, uint64_t b)
{
	struct program *p = runs_on(0, 0), *q = enters();

	calls(q, SK_SYS_VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE, 0, 0, 0);
	calls(p, nr, a, b, 0, 0, 0);
	guest_hypercalls = 1;
	end();
}
static void exit_suspend(void)
{
	begin(2);
	exits_beside(SK_SYS_THREAD_SUSPEND, AT_THREAD2, 0);
}
static void exit_delete(void)
{
	begin(2);
	must(act(SK_SYS_DELETE, AT_CNODE, AT_PEER_VCPU, 0, 0, 0));
	exits_beside(SK_SYS_DELETE, AT_CNODE, AT_VCPU);
}
static void exit_revoke(void)
{
	begin(2);
	must(act(SK_SYS_COPY, AT_CNODE, AT_FREE, AT_CNODE, AT_NESTED, SK_ALL));
	must(act(SK_SYS_VCPU_CONFIGURE, AT_VCPU, AT_FREE, AT_SPACE, STATE_VADDR, 0));
	exits_beside(SK_SYS_REVOKE, AT_CNODE, AT_FREE);
}
static void exit_unbind(void)
{
	begin(2);
	exits_beside(SK_SYS_SCHED_BIND, AT_SCHED2, 0);
}
static void exit_move(void)
{
	begin(3);
	exits_beside(SK_SYS_SCHED_CONFIGURE, AT_CTL_SCHED, AT_SCHED2);
	programs[0].op[0].arg[2] = 2 | (10 | SK_SCHED_GUESTS) << 16;
	programs[0].op[0].arg[3] = 256;
}
static void exit_signal(void)
{
	begin(2);
	must(act(SK_SYS_THREAD_BIND, AT_THREAD2, AT_NOTIFICATION, 0, 0, 0));
	signal_mint();
	exits_beside(SK_SYS_SIGNAL, AT_FREE, 0);
}
/* The guest has left, and its VMM stays in user mode with the guest's FPU registers. */
static void exit_sync(void)
{
	begin(2);
	exits_beside(SK_SYS_VCPU_SYNC, AT_VCPU, SK_VCPU_HOT);
	programs[1].n = 1;
}
static void sync_came_through(void)
{
	long rc = programs[0].result[0];

	if (programs[0].at != 1 || (rc && rc != -SK_E_BUSY) || programs[1].at != 1)
		fail("SYNC beside an exit says %ld", rc);
}
/* The same, and another thread on another CPU enters the vCPU. */
static void exit_enter(void)
{
	begin(2);
	exits_beside(SK_SYS_VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE);
	programs[1].n = 1;
	guest_hypercalls = 2;
}
static void each_was_in_the_guest_or_busy(void)
{
	unsigned int in = 0;

	for (unsigned int i = 0; i < 2; i++) {
		if (programs[i].at != 1 ||
			(programs[i].result[0] && programs[i].result[0] != -SK_E_BUSY))
			fail("VCPU_ENTER says %ld", programs[i].result[0]);
		in += !programs[i].result[0];
	}
	if (!in)
		fail("a vCPU is busy, and no thread was in it");
}
/* SUSPEND and DELETE have an end, though the thread does not leave its CPU by itself. */
static void other_came_through(void)
{
	guest_was_possible();
	if (programs[0].at != 1 || programs[0].result[0])
		fail("a call beside an exit says %ld", programs[0].result[0]);
}
static void signal_came_after_exit(void)
{
	const struct program *q = &programs[1];
	unsigned int n = 0;

	for (unsigned int i = 0; i < q->at; i++)
		n += !q->result[i] && q->regs[i].rdi == SK_EXIT_SIGNAL;
	if (n != 1)
		fail("%u of the exits of a guest are for one signal", n);
}

/* --- scheduling contexts ------------------------------------------------------------------ */

static void rebind(void)
{
	struct program *p, *q;

	begin(2);
	must(act(SK_SYS_RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, AT_FREE, 1));
	must(act(SK_SYS_SCHED_CONFIGURE, AT_CTL_SCHED, AT_FREE,
		0 | (12 | SK_SCHED_GUESTS) << 16, 256, 0));
	both_run(&p, &q);
	calls(q, SK_SYS_YIELD, 0, 0, 0, 0, 0);
	calls(p, SK_SYS_SCHED_BIND, AT_SCHED2, 0, 0, 0, 0);
	calls(p, SK_SYS_SCHED_BIND, AT_FREE, AT_THREAD2, 0, 0, 0);
	end();
}

/* Once its context is gone, a thread runs no more. */
static void sched_delete(void)
{
	struct program *p, *q;

	begin(2);
	both_run(&p, &q);
	calls(q, SK_SYS_YIELD, 0, 0, 0, 0, 0);
	calls(q, SK_SYS_POLL, AT_NOTIFICATION, 0, 0, 0, 0);
	calls(p, SK_SYS_REVOKE, AT_CNODE, AT_SCHED2, 0, 0, 0);
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_SCHED2, 0, 0, 0);
	calls(p, OP_OFF, 1, 0, 0, 0, 0);
	end();
}
static void sched_is_gone(void)
{
	if (programs[0].at != 3 || programs[0].result[1])
		fail("DELETE of a context in use: %ld", programs[0].result[1]);
}

/* --- IPC ---------------------------------------------------------------------------------- */

/* A thread waits for one notification, and is bound to another that is signalled. */
static void signal_bound_waiter(void)
{
	struct program *p, *q;

	begin(2);
	must(act(SK_SYS_THREAD_BIND, AT_THREAD2, AT_NOTIFICATION, 0, 0, 0));
	signal_mint();
	both_run(&p, &q);
	calls(q, SK_SYS_WAIT, AT_NOTIFICATION + 1, SK_NO_DEADLINE, 0, 0, 0);
	calls(p, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	end();
}

static void signal_wait(void)
{
	struct program *p, *q;

	begin(2);
	signal_mint();
	both_run(&p, &q);
	calls(q, SK_SYS_WAIT, AT_NOTIFICATION, SK_NO_DEADLINE, 0, 0, 0);
	calls(p, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	end();
}
static void waiter_got_signal(void)
{
	if (programs[1].at != 1 || programs[1].result[0] || programs[1].regs[0].rdi != 1)
		fail("a signal did not reach who waits");
	if (((const struct notification *)domains[1].cnode->slots[AT_NOTIFICATION].obj)->word)
		fail("a signal that was taken is still there");
}

static void signal_recv(void)
{
	struct program *p, *q;

	begin(2);
	must(act(SK_SYS_THREAD_BIND, AT_THREAD2, AT_NOTIFICATION, 0, 0, 0));
	signal_mint();
	both_run(&p, &q);
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(p, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	end();
}

static void send_recv(void)
{
	struct program *p, *q;

	begin(2);
	both_run(&p, &q);
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(p, SK_SYS_SEND, AT_ENDPOINT, SK_MI(1, 1, 0), 7, 0, 0);
	end();
}
static void both_returned(void)
{
	for (unsigned int i = 0; i < 2; i++)
		if (programs[i].at != programs[i].n || programs[i].result[programs[i].n - 1])
			fail("thread %u waits for ever, or its call failed: %ld", i,
				programs[i].result[0]);
}

static void call_reply(void)
{
	struct program *p, *q;

	begin(2);
	both_run(&p, &q);
	thread_utcb(q->t)->reply = AT_REPLY;
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(q, SK_SYS_REPLY, AT_REPLY, SK_MI(2, 1, 0), 9, 0, 0);
	calls(p, SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0), 7, 0, 0);
	end();
}

/*
 * A client and its server on one CPU pass it to each other, while a third thread interferes
 * from another CPU.
 */
static void passes_beside(unsigned int nr, uint64_t a, uint64_t b)
{
	struct program *p = runs_on(0, 0), *q = runs_on(1, 0), *r = third_on(1);

	thread_utcb(q->t)->reply = AT_REPLY;
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(q, SK_SYS_REPLY_RECV, AT_ENDPOINT, SK_MI(2, 1, 0), 9, 0, 0);
	calls(p, SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0), 7, 0, 0);
	calls(p, SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0), 8, 0, 0);
	calls(r, nr, a, b, 0, 0, 0);
	end();
}
static void pass_suspend_server(void)
{
	begin(2);
	passes_beside(SK_SYS_THREAD_SUSPEND, AT_THREAD2, 0);
}
static void pass_suspend_client(void)
{
	begin(2);
	passes_beside(SK_SYS_THREAD_SUSPEND, AT_THREAD, 0);
}
static void pass_unbind(void)
{
	begin(2);
	passes_beside(SK_SYS_SCHED_BIND, AT_SCHED2, 0);
}
static void pass_move(void)
{
	begin(2);
	passes_beside(SK_SYS_SCHED_CONFIGURE, AT_CTL_SCHED, AT_SCHED2);
	programs[2].op[0].arg[2] = 1 | (11 | SK_SCHED_GUESTS) << 16;
	programs[2].op[0].arg[3] = 256;
}
static void pass_signal(void)
{
	begin(2);
	must(act(SK_SYS_THREAD_BIND, AT_THREAD2, AT_NOTIFICATION, 0, 0, 0));
	signal_mint();
	passes_beside(SK_SYS_SIGNAL, AT_FREE, 0);
}
static void pass_call(void)
{
	begin(2);
	passes_beside(SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0));
}
static void third_came_through(void)
{
	if (programs[2].at != 1 || programs[2].result[0])
		fail("the third call returned %ld", programs[2].result[0]);
}
static void first_call_was_answered(void)
{
	if (programs[0].at < 1 || programs[0].result[0])
		fail("the first call returned %ld", programs[0].result[0]);
}

/* Two callers and one Reply: the first is told that it will not be answered. */
static void reply_taken(void)
{
	struct program *p, *q, *r;

	begin(2);
	both_run(&p, &q);
	r = third_on(0);
	thread_utcb(q->t)->reply = AT_REPLY;
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(p, SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0), 7, 0, 0);
	calls(r, SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0), 8, 0, 0);
	end();
}
static void one_was_told(void)
{
	unsigned int told = 0;

	for (unsigned int i = 0; i < 3; i += 2)
		told += programs[i].at == 1 && programs[i].result[0] == -SK_E_DELETED;
	if (told != 1)
		fail("%u of two callers of one Reply were told", told);
}

/* A call times out while it is received, and while it is answered. */
static void call_timeout(void)
{
	struct program *p, *q;

	begin(2);
	both_run(&p, &q);
	thread_utcb(p->t)->deadline = SOON;
	thread_utcb(q->t)->reply = AT_REPLY;
	calls(q, OP_TIME, SOON + 1, 0, 0, 0, 0);
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(q, SK_SYS_REPLY, AT_REPLY, SK_MI(2, 1, 0), 9, 0, 0);
	calls(p, SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0), 7, 0, 0);
	end();
}

/* A call that was answered has not timed out, and one that timed out was not answered. */
static void one_end_of_a_call(void)
{
	const struct program *p = &programs[0], *q = &programs[1];

	if (p->at == 1 && q->at == 3 && (p->result[0] == 0) != (q->result[2] == 0))
		fail("CALL says %ld, REPLY %ld", p->result[0], q->result[2]);
}

static void recv_suspend(void)
{
	struct program *p, *q;

	begin(2);
	both_run(&p, &q);
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(p, SK_SYS_THREAD_SUSPEND, AT_THREAD2, 0, 0, 0, 0);
	calls(p, SK_SYS_THREAD_RESUME, AT_THREAD2, 0, 0, 0, 0);
	end();
}
static void suspended_came_back(void)
{
	if (programs[0].at != 2)
		fail("SUSPEND and RESUME do not end");
	/*
	 * suspended before the call began, or in its wait: it still waits, or was told to try
	 * again
	 */
	if (programs[1].at == 1 && programs[1].result[0] != -SK_E_AGAIN)
		fail("a suspended wait ends with %ld", programs[1].result[0]);
}

static void recv_delete(void)
{
	struct program *p, *q;

	begin(2);
	must(act(SK_SYS_RETYPE, AT_UNTYPED, SK_OBJ_ENDPOINT, AT_CNODE, AT_FREE, 1));
	both_run(&p, &q);
	calls(q, SK_SYS_RECV, AT_FREE, 0, 0, 0, 0);
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_FREE, 0, 0, 0);
	end();
}
static void receiver_heard_of_it(void)
{
	long rc = programs[1].result[0];

	if (programs[1].at != 1 || (rc != -SK_E_DELETED && rc != -SK_E_CAP))
		fail("a receiver of an endpoint that is gone: %ld", rc);
}

static void wait_delete(void)
{
	struct program *p, *q;

	begin(2);
	must(act(SK_SYS_RETYPE, AT_UNTYPED, SK_OBJ_NOTIFICATION, AT_CNODE, AT_FREE, 1));
	both_run(&p, &q);
	calls(q, SK_SYS_WAIT, AT_FREE, SK_NO_DEADLINE, 0, 0, 0);
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_FREE, 0, 0, 0);
	end();
}

/* The Reply ends while a call is received with it. */
static void call_delete(void)
{
	struct program *p, *q, *r;

	begin(2);
	both_run(&p, &q);
	r = third_on(0);
	thread_utcb(q->t)->reply = AT_REPLY;
	calls(q, SK_SYS_RECV, AT_ENDPOINT, 0, 0, 0, 0);
	calls(r, SK_SYS_DELETE, AT_CNODE, AT_REPLY, 0, 0, 0);
	calls(p, SK_SYS_CALL, AT_ENDPOINT, SK_MI(1, 1, 0), 7, 0, 0);
	end();
}
static void caller_heard_of_it(void)
{
	const struct thread *t = programs[0].t;
	long rc = (long)t->regs.r.rax;

	if (programs[1].at == 1 && programs[2].at == 1 &&
		(t->wait_obj || (rc != -SK_E_DELETED && rc != -SK_E_PEER)))
		fail("a caller whose Reply is gone: %ld", rc);
}

/* Memory that other CPUs may still read without a lock is used again. */
static void reset_lookup(void)
{
	struct program *p, *q;

	begin(2);
	must(act(SK_SYS_RETYPE, AT_UNTYPED_SMALL, SK_OBJ_NOTIFICATION, AT_CNODE, AT_FREE, 1));
	both_run(&p, &q);
	calls(q, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_FREE, 0, 0, 0);
	calls(p, SK_SYS_RETYPE, AT_UNTYPED_SMALL, SK_OBJ_FRAME | SK_PAGE_ORDER << 8, AT_CNODE,
		AT_FREE + 1, 1);
	end();
}

/* A slot is emptied and filled with another capability while it is read without a lock. */
static void slot_refilled(void)
{
	struct program *p, *q;

	begin(2);
	signal_mint();
	both_run(&p, &q);
	calls(q, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_FREE, 0, 0, 0);
	calls(p, SK_SYS_MINT, AT_CNODE, AT_FREE, AT_CNODE, AT_NOTIFICATION + 1, SK_ALL);
	p->op[1].arg[5] = 2;
	end();
}
static void one_capability_was_used(void)
{
	const struct slot *slots = domains[1].cnode->slots;
	uint64_t first = ((const struct notification *)slots[AT_NOTIFICATION].obj)->word;
	uint64_t second = ((const struct notification *)slots[AT_NOTIFICATION + 1].obj)->word;
	long rc = programs[1].result[0];

	if (rc && rc != -SK_E_CAP)
		fail("a signal through a slot that changes: %ld", rc);
	if (first > 1 || (second && second != 2) || (rc == 0) != (first + second > 0))
		fail("a call used the object of one capability and the badge of another: %lx, %lx",
			(unsigned long)first, (unsigned long)second);
}

/* --- memory ------------------------------------------------------------------------------- */

static void map_delete(void)
{
	struct program *p, *q;

	begin(2);
	must(act(SK_SYS_DELETE, AT_CNODE, AT_FRAME + 1, 0, 0, 0));
	both_run(&p, &q);
	calls(q, SK_SYS_MAP, AT_FRAME, AT_SPACE, 0x120000, 0, SK_PAGE_ORDER);
	q->op[0].arg[5] = SK_R;
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_FRAME, 0, 0, 0);
	end();
}
static void space_delete(void)
{
	struct program *p;

	begin(2);
	must(act(SK_SYS_DELETE, AT_CNODE, AT_PEER_NESTED, 0, 0, 0));
	must(call_whole(
		domains[0].thread[0], SK_SYS_DELETE, AT_CNODE, AT_PEER_NESTED, 0, 0, 0, 0));
	p = runs_on(0, 0);
	enters();
	calls(p, SK_SYS_REVOKE, AT_CNODE, AT_NESTED, 0, 0, 0);
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_NESTED, 0, 0, 0);
	end();
}
static void thread_delete(void)
{
	struct program *p, *q;

	begin(2);
	must(call_whole(
		domains[0].thread[0], SK_SYS_DELETE, AT_CNODE, AT_PEER_THREAD, 0, 0, 0, 0));
	both_run(&p, &q);
	calls(q, SK_SYS_YIELD, 0, 0, 0, 0, 0);
	calls(q, SK_SYS_POLL, AT_NOTIFICATION, 0, 0, 0, 0);
	calls(p, SK_SYS_DELETE, AT_CNODE, AT_THREAD2, 0, 0, 0);
	end();
}

/*
 * The timer of a wait that is over fires early for the next wait, which has begun on the same
 * CPU or on another one. The walker looks for a timer if the thread waits at the end.
 */
static void timer_early(void)
{
	struct program *p, *q;

	begin(2);
	signal_mint();
	both_run(&p, &q);
	calls(q, SK_SYS_WAIT, AT_NOTIFICATION, SOON, 0, 0, 0);
	calls(q, SK_SYS_WAIT, AT_NOTIFICATION, 2 * SOON, 0, 0, 0);
	calls(p, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	calls(p, OP_TIME, SOON + 1, 0, 0, 0, 0);
	end();
}
static void timer_elsewhere(void)
{
	struct program *p, *q;

	begin(3);
	p = runs_on(0, 0);
	q = runs_on(1, 2);
	use_cpu(1); /* where it has waited before */
	q->t->deadline = SOON;
	timer_start(q->t);
	use_cpu(0);
	calls(q, SK_SYS_WAIT, AT_NOTIFICATION, 2 * SOON, 0, 0, 0);
	calls(p, OP_TIME, SOON + 1, 0, 0, 0, 0);
	end();
}

/* --- three CPUs --------------------------------------------------------------------------- */

static void three_signal_wait(void)
{
	struct program *p, *q, *r;

	begin(3);
	signal_mint();
	both_run(&p, &q);
	r = third_on(2);
	calls(q, SK_SYS_WAIT, AT_NOTIFICATION, SK_NO_DEADLINE, 0, 0, 0);
	calls(p, SK_SYS_SIGNAL, AT_FREE, 0, 0, 0, 0);
	calls(r, SK_SYS_THREAD_SUSPEND, AT_THREAD2, 0, 0, 0, 0);
	end();
}

#define SCENARIO(name, verify) \
	{ \
#name, 2, name, verify \
	}
const struct scenario scenarios[] = {
	SCENARIO(enter_revoke, guest_was_possible),
	SCENARIO(enter_delete, guest_was_possible),
	SCENARIO(enter_suspend, guest_was_possible),
	SCENARIO(enter_configure, guest_was_possible),
	SCENARIO(enter_signal, guest_got_signal),
	SCENARIO(exit_suspend, other_came_through),
	SCENARIO(exit_delete, other_came_through),
	SCENARIO(exit_revoke, other_came_through),
	SCENARIO(exit_unbind, other_came_through),
	SCENARIO(exit_move, other_came_through),
	SCENARIO(exit_signal, signal_came_after_exit),
	SCENARIO(exit_sync, sync_came_through),
	SCENARIO(exit_enter, each_was_in_the_guest_or_busy),
	SCENARIO(rebind, NULL),
	SCENARIO(sched_delete, sched_is_gone),
	SCENARIO(signal_bound_waiter, NULL),
	SCENARIO(signal_wait, waiter_got_signal),
	SCENARIO(signal_recv, waiter_got_signal),
	SCENARIO(send_recv, both_returned),
	SCENARIO(call_reply, both_returned),
	SCENARIO(pass_suspend_server, third_came_through),
	SCENARIO(pass_suspend_client, third_came_through),
	SCENARIO(pass_unbind, third_came_through),
	SCENARIO(pass_move, first_call_was_answered),
	SCENARIO(pass_signal, third_came_through),
	SCENARIO(pass_call, NULL),
	SCENARIO(reply_taken, one_was_told),
	SCENARIO(call_timeout, one_end_of_a_call),
	SCENARIO(recv_suspend, suspended_came_back),
	SCENARIO(recv_delete, receiver_heard_of_it),
	SCENARIO(wait_delete, receiver_heard_of_it),
	SCENARIO(call_delete, caller_heard_of_it),
	SCENARIO(reset_lookup, NULL),
	SCENARIO(slot_refilled, one_capability_was_used),
	SCENARIO(map_delete, NULL),
	SCENARIO(space_delete, NULL),
	SCENARIO(thread_delete, NULL),
	SCENARIO(timer_early, NULL),
	SCENARIO(timer_elsewhere, NULL),
	SCENARIO(three_signal_wait, NULL),
};
const unsigned int n_scenarios = ARRAY_SIZE(scenarios);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * post_test.c - the end of a domain that init calls, in all orders of the two threads' steps
 *
 * The main thread and the second one are coroutines, which change only where the other one can
 * see a difference: at locks, at system calls, and at the deadline in the UTCB. Each run
 * follows one sequence of choices; the next run takes the next one, until there is none left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static void point(void);
#define __atomic_store_n(p, v, order) (point(), *(p) = (v))
#include "post.c"
#undef __atomic_store_n

struct manifest manifest;
struct domain domains[MANIFEST_DOMAINS_MAX];
sk_cap_t init_endpoint = 1, init_ntfn = 2;
_Thread_local struct sk_utcb *sk_utcb_self;

enum { NOBODY = -1, MAIN, POST, THREADS };
enum { EP_A = 10, EP_B = 11, STACK = 1 << 16, CHOICES = 64 };
static const sk_time_t LATER = 1000;

/* ---- threads ----------------------------------------------------------------------------- */
static struct actor {
	ucontext_t context;
	struct sk_utcb utcb;
	bool done, stopped;
	/* It waits: for the lock; for an answer; on init's notification. */
	bool locks, calls, sleeps;
	long result;
} actors[THREADS];
static _Alignas(16) char stacks[THREADS][STACK];
static ucontext_t scheduler;
static int self;

static void point(void)
{
	struct actor *a = &actors[self < 0 ? 0 : self];

	if (self == NOBODY)
		return;
	swapcontext(&a->context, &scheduler);
	sk_utcb_self = &a->utcb;
}

static bool locked;
static unsigned int n_received, n_wakes;

static bool can_run(const struct actor *a)
{
	return !a->done && !a->stopped && !a->calls && !(a->locks && locked) &&
	       (!a->sleeps || n_wakes);
}

void mutex_lock(struct mutex *m)
{
	(void)m;
	point();
	while (locked) {
		assert_int_not_equal(self, NOBODY);
		actors[self].locks = true;
		point();
		actors[self].locks = false;
	}
	locked = true;
}

void mutex_unlock(struct mutex *m)
{
	(void)m;
	locked = false;
	point();
}

/* ---- the kernel -------------------------------------------------------------------------- */
/* What A does: it faults at any moment before an answer, or answers and faults then. */
static enum { DIES, ANSWERS_AND_DIES, ANSWERS } a_does;
static bool a_dead;

static long main_call(sk_cap_t ep)
{
	struct actor *a = &actors[MAIN];

	if (a->utcb.deadline == SK_POLL)
		return -SK_E_TIMEOUT;
	assert_int_equal(a->utcb.deadline, LATER);
	a->result = 0;
	a->calls = ep == EP_A && a_does == DIES;
	if (ep == EP_A && a_does == ANSWERS_AND_DIES)
		a_dead = true;
	point();
	return a->result;
}

static void main_stopped(void)
{
	struct actor *a = &actors[MAIN];

	assert_false(a->sleeps); /* it is in no call any more */
	a->stopped = true;
	if (a->calls)
		a->result = -SK_E_AGAIN;
	a->calls = false;
}

/* What comes; in the orders, A's fault. */
static struct {
	uint64_t badge, label, words;
} message;
static sk_cap_t used_reply;

static long post_recv(uint64_t r[6])
{
	n_received++;
	used_reply = sk_utcb()->reply;
	assert_int_equal(sk_utcb()->recv_slot, 0);
	r[0] = message.badge;
	r[1] = SK_MI(message.label, message.words, 0);
	for (unsigned int i = 0; i < SK_MR_REGS; i++)
		r[2 + i] = 100 + i;
	for (unsigned int i = 0; i < SK_MR_MAX; i++)
		sk_utcb()->mr[i] = i < SK_MR_REGS ? 0 : 100 + i;
	return 0;
}

static unsigned int n_busy;

static long post_reply(const uint64_t r[6])
{
	assert_int_equal(r[0], used_reply);
	assert_int_equal((int64_t)r[2], -SK_E_BUSY);
	n_busy++;
	return 0;
}

long kern_syscall(long nr, uint64_t r[6]);
long kern_syscall(long nr, uint64_t r[6])
{
	point();
	switch (nr) {
	case SK_SYS_RECV:
		return post_recv(r);
	case SK_SYS_THREAD_SUSPEND:
		assert_int_equal(self, POST);
		assert_int_equal(r[0], SK_CAP_THREAD);
		main_stopped();
		return 0;
	case SK_SYS_THREAD_RESUME:
		actors[MAIN].stopped = false;
		return 0;
	case SK_SYS_REPLY:
		return post_reply(r);
	case SK_SYS_SIGNAL:
		n_wakes++;
		return 0;
	case SK_SYS_SCHED_CONFIGURE:
		return 0;
	default:
		fail_msg("system call %ld", nr);
		return 0;
	}
}

/* ---- the rest of init -------------------------------------------------------------------- */
static const struct svc_guard *guards;

void svc_guard_calls(const struct svc_guard *g) { guards = g; }

int object_make(uint32_t type, uint32_t order, sk_cap_t *out)
{
	static sk_cap_t next = 100;

	(void)type, (void)order;
	*out = next++;
	return 0;
}

int cap_copy(sk_cap_t src, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)src, (void)rights, (void)badge;
	*out = 3;
	return 0;
}

int thread_start(const struct thread_spec *s, struct thread **out)
{
	(void)s, (void)out;
	return 0;
}

/* As libs/svc. */
static long call_of(sk_cap_t ep)
{
	long rc;

	sk_utcb()->deadline = LATER;
	rc = guards->begin(ep);
	if (rc)
		return rc;
	point();
	return guards->end(main_call(ep));
}

/* ---- the two programs -------------------------------------------------------------------- */
static long result_a, result_b, result_again;

static void main_run(void)
{
	struct actor *a = &actors[MAIN];
	struct post_end e;
	struct domain *d;

	self = MAIN;
	sk_utcb_self = &a->utcb;
	result_a = call_of(EP_A);
	result_b = call_of(EP_B);
	if (a_does != ANSWERS) {
		a->sleeps = true;
		point();
		a->sleeps = false;
	}
	result_again = a_does == ANSWERS ? 0 : call_of(EP_A);
	if (a_does != ANSWERS) {
		assert_true(post_waits());
		assert_true(post_end_next(&d, &e));
		assert_ptr_equal(d, &domains[0]);
		assert_true(e.fault);
	}
	assert_false(post_end_next(&d, &e));
	a->done = true;
	point();
}

static void post_thread(void)
{
	self = POST;
	sk_utcb_self = &actors[POST].utcb;
	while (!a_dead)
		point();
	post_receive();
	actors[POST].done = true;
	point();
}

/* ---- all orders -------------------------------------------------------------------------- */
static int choice[CHOICES], n_choices, depth;

static int choose(void)
{
	const bool m = can_run(&actors[MAIN]), p = can_run(&actors[POST]) && a_dead;

	assert_true(m || p); /* else both wait for good */
	if (!m || !p)
		return p;
	if (depth == n_choices) {
		assert_true(n_choices < CHOICES);
		choice[n_choices++] = MAIN;
	}
	return choice[depth++];
}

/* False: that was the last one. */
static bool next_order(void)
{
	while (n_choices && choice[n_choices - 1] == POST)
		n_choices--;
	if (!n_choices)
		return false;
	choice[n_choices - 1] = POST;
	return true;
}

static void actor_make(int i, void (*fn)(void))
{
	actors[i] = (struct actor){ 0 };
	getcontext(&actors[i].context);
	actors[i].context.uc_stack.ss_sp = stacks[i];
	actors[i].context.uc_stack.ss_size = STACK;
	makecontext(&actors[i].context, fn, 0);
}

static void one_order(void)
{
	depth = 0;
	locked = false;
	a_dead = a_does == DIES;
	n_received = n_wakes = 0;
	message.badge = POST_BADGE(0, 3);
	message.label = SK_LABEL_FAULT;
	message.words = 4;
	memset(boxes, 0, sizeof(boxes));
	actor_make(MAIN, main_run);
	actor_make(POST, post_thread);
	main_utcb = &actors[MAIN].utcb;
	while (!actors[MAIN].done) {
		self = choose();
		swapcontext(&scheduler, &actors[self].context);
	}
	self = NOBODY;
}

/* Two domains in their fourth life. */
static int setup(void **state)
{
	static const struct manifest_header h = { .n_domains = 2 };

	(void)state;
	manifest.header = &h;
	for (uint32_t i = 0; i < 2; i++)
		domains[i] = (struct domain){ .number = i, .epoch = 3, .connector = EP_A + i };
	self = NOBODY;
	locked = false;
	sk_utcb_self = &actors[MAIN].utcb;
	memset(boxes, 0, sizeof(boxes));
	assert_int_equal(post_start(), 0);
	return 0;
}

static unsigned int all_orders(long a_expected)
{
	unsigned int n = 0;

	n_choices = 0;
	do {
		one_order();
		assert_int_equal(result_a, a_expected);
		assert_int_equal(result_b, 0);
		assert_int_equal(result_again, a_does == ANSWERS ? 0 : -SK_E_DELETED);
		n++;
	} while (next_order());
	return n;
}

static void the_callee_dies(void **state)
{
	(void)state;
	a_does = DIES;
	assert_true(all_orders(-SK_E_DELETED) > 10);
}

static void it_answers_and_dies(void **state)
{
	(void)state;
	a_does = ANSWERS_AND_DIES;
	assert_true(all_orders(0) > 100);
}

static void it_answers(void **state)
{
	(void)state;
	a_does = ANSWERS;
	assert_int_equal(all_orders(0), 1);
}

/* ---- calls of domains -------------------------------------------------------------------- */
static sk_cap_t call_comes(uint32_t from, uint64_t words)
{
	message.badge = from == UINT32_MAX ? 0 : POST_BADGE(from, 3);
	message.label = 40 + from;
	message.words = words;
	post_receive();
	return used_reply;
}

static sk_cap_t call_is(uint32_t from, uint64_t words)
{
	struct post_call c;
	struct domain *d;

	assert_true(post_waits());
	assert_true(post_call_next(&d, &c));
	assert_ptr_equal(d, &domains[from]);
	assert_int_equal(c.label, 40 + from);
	for (unsigned int i = 0; i < POST_WORDS; i++)
		assert_int_equal(c.mr[i], i < words ? 100 + i : 0);
	return c.reply;
}

static void no_call(void)
{
	struct post_call c;
	struct domain *d;

	assert_false(post_call_next(&d, &c));
	assert_false(post_waits());
}

static void each_has_its_reply(void **state)
{
	sk_cap_t a, b, again;

	(void)state;
	n_busy = n_wakes = 0;
	a = call_comes(0, 7);
	b = call_comes(1, 2);
	assert_int_not_equal(a, b);
	assert_int_equal(n_wakes, 2);
	assert_int_equal(call_is(0, 7), a);
	assert_int_not_equal(call_comes(0, 1), a); /* the first is being answered */
	assert_int_equal(n_busy, 1);
	assert_int_equal(call_is(1, 2), b);
	no_call();
	post_call_done(&domains[0]);
	again = call_comes(0, 64);
	assert_int_not_equal(again, b);
	assert_int_equal(call_is(0, 8), again);
	assert_int_equal(n_busy, 1);
}

static void a_call_that_was_given_up(void **state)
{
	sk_cap_t first, second;

	(void)state;
	first = call_comes(0, 1);
	second = call_comes(0, 3);
	assert_int_not_equal(first, second);
	assert_int_equal(spare, first); /* whoever still waits there is woken by its next use */
	assert_int_equal(call_is(0, 3), second);
	post_call_done(&domains[0]);
	no_call();
}

static void all_have_turns(void **state)
{
	(void)state;
	turn = 0;
	(void)call_comes(0, 1);
	(void)call_comes(1, 1);
	(void)call_is(0, 1);
	post_call_done(&domains[0]);
	(void)call_comes(0, 1);
	(void)call_is(1, 1);
	post_call_done(&domains[1]);
	(void)call_is(0, 1);
	post_call_done(&domains[0]);
	no_call();
}

static void nobody_and_the_dead(void **state)
{
	struct post_end e;
	struct domain *d;

	(void)state;
	n_wakes = 0;
	(void)call_comes(UINT32_MAX, 1);
	(void)call_comes(2, 1);
	assert_int_equal(n_wakes, 0);
	no_call();
	(void)call_comes(1, 1);
	domains[1].epoch = 4;
	no_call();
	message.label = SK_LABEL_FAULT; /* of the life before */
	post_receive();
	assert_false(post_end_next(&d, &e));
	message.badge = POST_BADGE(1, 4);
	message.label = INIT_EXIT;
	post_receive();
	message.label = SK_LABEL_FAULT; /* its other thread */
	post_receive();
	assert_true(post_end_next(&d, &e));
	assert_ptr_equal(d, &domains[1]);
	assert_false(e.fault);
	assert_int_equal(e.msg.mr[0], 100);
	assert_false(post_end_next(&d, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_callee_dies, setup),
		cmocka_unit_test_setup(it_answers_and_dies, setup),
		cmocka_unit_test_setup(it_answers, setup),
		cmocka_unit_test_setup(each_has_its_reply, setup),
		cmocka_unit_test_setup(a_call_that_was_given_up, setup),
		cmocka_unit_test_setup(all_have_turns, setup),
		cmocka_unit_test_setup(nobody_and_the_dead, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

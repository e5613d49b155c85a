/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_ipc.c - which threads wait for what, and what a message carries
 */
#include "fake.h"
#include "ipc.h"
#include "model.h"

STATE static uint64_t waits_begun;

static struct thread *kernel_thread(const struct m_object *t)
{
	return thread_of((struct object *)t->id);
}
static const struct sk_utcb *utcb_of(const struct m_object *t)
{
	return user_memory(virt_to_phys(thread_utcb(kernel_thread(t))));
}

/* --- waits -------------------------------------------------------------------------------- */

static void wait_begin(
	struct m_object *t, uint64_t on, enum thread_state state, uint64_t deadline)
{
	t->state = (uint8_t)state;
	t->on = on;
	t->since = ++waits_begun;
	t->deadline = deadline;
	t->due = deadline > fake_now ? deadline : fake_now;
}

/* When one call ends a thread and the object on which it waits, either may end first. */
static bool either_way(long a, long b)
{
	return (a == -SK_E_AGAIN || a == -SK_E_DELETED) &&
	       (b == -SK_E_AGAIN || b == -SK_E_DELETED);
}

void wait_end(struct m_object *t, long result)
{
	long rax = (long)kernel_thread(t)->regs.r.rax;

	t->state = THREAD_READY;
	t->on = 0;
	if (t->faulted)
		t->suspended |= result != 0;
	else if (rax != result && !either_way(rax, result))
		fail("model: thread %lx is woken with %ld; it should be %ld", t->id, rax,
			result);
	t->faulted = false;
}

/* The thread that has waited longest on it in this state. */
static struct m_object *waiter_first(uint64_t on, enum thread_state state)
{
	struct m_object *first = NULL;

	for (unsigned int i = 0; i < OBJECTS_MAX; i++) {
		struct m_object *t = &model.object[i];

		if (t->id && t->type == SK_OBJ_THREAD && t->on == on && t->state == state &&
			(!first || t->since < first->since))
			first = t;
	}
	return first;
}

void waits_end(uint64_t object, long result)
{
	for (unsigned int i = 0; i < OBJECTS_MAX; i++)
		if (model.object[i].id && model.object[i].type == SK_OBJ_THREAD &&
			model.object[i].on == object)
			wait_end(&model.object[i], result);
}

void thread_stopped(struct m_object *t)
{
	t->suspended = true;
	if (t->state != THREAD_READY)
		wait_end(t, -SK_E_AGAIN);
}

/*
 * The timer of a CPU has fired; which CPU's timer a wait has is not said. The kernel expires
 * only a few deadlines of threads and budgets at a time; one may be this late, in ticks.
 */
enum { LATE = 50000 };

void model_timer(void)
{
	for (unsigned int i = 0; i < OBJECTS_MAX; i++) {
		struct m_object *t = &model.object[i];

		if (!t->id || t->type != SK_OBJ_THREAD || t->state == THREAD_READY ||
			t->deadline > fake_now)
			continue;
		if (kernel_thread(t)->state == THREAD_READY)
			wait_end(t, -SK_E_TIMEOUT);
		else if (fake_now - t->due > LATE)
			fail("model: thread %lx waits beyond its deadline", t->id);
	}
}

/* --- messages ----------------------------------------------------------------------------- */

static errors_t message_errors(const struct m_cap *through, uint64_t mi)
{
	errors_t e = 0;

	if (SK_MI_WORDS(mi) > SK_MR_MAX || SK_MI_CAPS(mi) > SK_CAPS_MAX ||
		SK_MI_LABEL(mi) >= SK_LABEL_KERNEL)
		e |= ERROR(INVAL);
	if (SK_MI_CAPS(mi) && !(through->rights & SK_GRANT))
		e |= ERROR(RIGHTS);
	return e;
}

static void message_keep(struct m_object *t, const struct call *c)
{
	t->mi = c->arg[1];
	memcpy(t->mr, c->arg + 2, SK_MR_REGS * sizeof(t->mr[0]));
}

void model_begin(struct thread *thread)
{
	struct m_object *t = object_at((uint64_t)&thread->obj);

	memcpy(t->mr, utcb_of(t)->mr, sizeof(t->mr));
}

static bool pass_one(const struct m_object *from, struct sk_send_cap send,
	const struct m_object *to, uint64_t index)
{
	const struct m_object *cn = object_at(to->cspace);
	errors_t e = 0;
	struct m_cap *src = cap_of(from, send.slot, 0, 0, &e), new;
	uint64_t id;

	if (!src || send.rights & ~(SK_ALL | SK_SEND_MOVE) || !cn || !index ||
		index >= cn->n_slots)
		return false;
	id = slot_id(cn, index);
	if (cap_at(id))
		return false;
	if (send.rights & SK_SEND_MOVE) {
		cap_move(src, id);
		return true;
	}
	if (src->type == SK_OBJ_UNTYPED || src->type == SK_OBJ_TABLE)
		return false;
	new = cap_derived(src, send.rights);
	cap_new(id, &new);
	return true;
}

static unsigned int pass_caps(
	const struct m_object *from, const struct m_object *to, unsigned int n)
{
	const struct sk_utcb *u = utcb_of(to);
	unsigned int i;

	if (!u->recv_slot)
		return 0;
	for (i = 0; i < n && i < u->recv_slots; i++)
		if (!pass_one(from, utcb_of(from)->send[i], to, (uint64_t)u->recv_slot + i))
			break;
	return i;
}

/* The receiver's registers must now have what the sender gave. */
static void message_pass(const struct m_object *from, const struct m_object *to, uint64_t badge)
{
	const struct sk_regs *r = &kernel_thread(to)->regs.r;
	uint64_t got[] = { r->rdx, r->r10, r->r8, r->r9 }, mi = from->mi;
	const uint64_t *words = from->faulted ? kernel_thread(from)->fault_mr : from->mr;

	if (from->faulted)
		mi = SK_MI(SK_LABEL_FAULT, SK_MR_REGS, 0);
	else
		mi = SK_MI(SK_MI_LABEL(mi), SK_MI_WORDS(mi),
			SK_MI_CAPS(mi) ? pass_caps(from, to, SK_MI_CAPS(mi)) : 0);
	if (r->rdi != badge || r->rsi != mi)
		fail("model: a message of badge %lx, info %lx arrived as %lx, %lx", badge, mi,
			r->rdi, r->rsi);
	for (unsigned int i = 0; i < SK_MR_REGS; i++)
		if (got[i] != words[i])
			fail("model: word %u of a message is %lx; it should be %lx", i, got[i],
				words[i]);
	for (unsigned int i = SK_MR_REGS; !from->faulted && i < SK_MI_WORDS(mi); i++)
		if (utcb_of(to)->mr[i] != from->mr[i])
			fail("model: word %u of a message did not arrive", i);
}

/* The Reply that a receiver has named, if it is usable. */
static uint64_t reply_named(const struct m_object *t)
{
	errors_t e = 0;
	const struct m_cap *c = cap_of(t, utcb_of(t)->reply, SK_OBJ_REPLY, SK_W, &e);

	return e ? 0 : c->what;
}

static void caller_tie(uint64_t reply, struct m_object *from, uint64_t deadline)
{
	waits_end(reply, -SK_E_DELETED);
	wait_begin(from, reply, THREAD_CALLING, deadline);
}

/* --- calls -------------------------------------------------------------------------------- */

static errors_t send_through(struct m_object *t, uint64_t endpoint, uint64_t deadline)
{
	struct m_object *to = waiter_first(endpoint, THREAD_RECEIVING);
	uint64_t reply = to && t->call ? reply_named(to) : 0;

	if (!to) {
		if (deadline == SK_POLL)
			return ERROR(TIMEOUT);
		wait_begin(t, endpoint, THREAD_SENDING, deadline);
		return 0;
	}
	if (t->call && !reply)
		return ERROR(PEER);
	message_pass(t, to, t->badge);
	wait_end(to, 0);
	if (reply)
		caller_tie(reply, t, deadline);
	return 0;
}

errors_t model_send(struct m_object *t, const struct call *c, bool call)
{
	errors_t e = 0;
	const struct m_cap *ep = cap_of(t, c->arg[0], SK_OBJ_ENDPOINT, SK_W, &e);

	if (ep)
		e |= message_errors(ep, c->arg[1]);
	if (e)
		return e;
	message_keep(t, c);
	t->badge = ep->badge;
	t->call = call;
	return send_through(t, ep->what, utcb_of(t)->deadline);
}

static errors_t receive_from(struct m_object *t, uint64_t endpoint)
{
	const struct sk_regs *r = &kernel_thread(t)->regs.r;
	struct m_object *n = object_at(t->bound), *from;
	uint64_t reply = reply_named(t);

	if (n && n->word) {
		if (r->rdi != n->word || r->rsi != SK_MI(SK_LABEL_SIGNAL, 0, 0))
			fail("model: a receive did not end with the bound word %lx", n->word);
		n->word = 0;
		return 0;
	}
	while ((from = waiter_first(endpoint, THREAD_SENDING)) && from->call && !reply)
		wait_end(from, -SK_E_PEER);
	if (!from) {
		if (utcb_of(t)->deadline == SK_POLL)
			return ERROR(TIMEOUT);
		wait_begin(t, endpoint, THREAD_RECEIVING, utcb_of(t)->deadline);
		return 0;
	}
	message_pass(from, t, from->badge);
	if (from->call)
		caller_tie(reply, from, from->deadline);
	else
		wait_end(from, 0);
	return 0;
}

errors_t model_receive(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	const struct m_cap *ep = cap_of(t, c->arg[0], SK_OBJ_ENDPOINT, SK_R, &e);

	return e ? e : receive_from(t, ep->what);
}

errors_t model_reply(struct m_object *t, const struct call *c, uint64_t reply)
{
	errors_t e = 0;
	const struct m_cap *cap = cap_of(t, reply, SK_OBJ_REPLY, SK_W, &e);
	struct m_object *caller;

	if (cap)
		e |= message_errors(cap, c->arg[1]);
	if (e)
		return e;
	caller = waiter_first(cap->what, THREAD_CALLING);
	if (!caller)
		return ERROR(NOT_FOUND);
	message_keep(t, c);
	if (!caller->faulted)
		message_pass(t, caller, 0);
	wait_end(caller, caller->faulted && SK_MI_LABEL(c->arg[1]) ? -SK_E_DENIED : 0);
	return 0;
}

errors_t model_reply_receive(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	const struct m_cap *ep = cap_of(t, c->arg[0], SK_OBJ_ENDPOINT, SK_R, &e);

	if (!e)
		e = model_reply(t, c, utcb_of(t)->reply);
	if (e & ~ERROR(NOT_FOUND)) /* a caller that is gone does not stop the server */
		return e;
	return ep ? receive_from(t, ep->what) : e;
}

void model_fault(struct thread *thread)
{
	struct m_object *t = object_at((uint64_t)&thread->obj);
	const struct m_cap *ep = cap_at((uint64_t)&thread->fault_slot);

	t->faulted = true;
	t->call = true;
	t->badge = ep ? ep->badge : 0;
	if (ep && !send_through(t, ep->what, SK_NO_DEADLINE))
		return;
	t->faulted = false;
	t->suspended = true;
}

/* --- notifications ------------------------------------------------------------------------ */

/* If the bound thread is in RECV, it returns with the word. */
void bound_check(struct m_object *n)
{
	struct m_object *t = object_at(n->thread);
	const struct sk_regs *r;

	if (!t || !n->word || t->state != THREAD_RECEIVING)
		return;
	r = &kernel_thread(t)->regs.r;
	if (r->rdi != n->word || r->rsi != SK_MI(SK_LABEL_SIGNAL, 0, 0))
		fail("model: a receive is ended by word %lx; it should be %lx", r->rdi,
			n->word);
	n->word = 0;
	wait_end(t, 0);
}

static void signalled(struct m_object *n, uint64_t badge)
{
	struct m_object *t = waiter_first(n->id, THREAD_WAITING);

	n->word |= badge;
	if (t && n->word) {
		if (kernel_thread(t)->regs.r.rdi != n->word)
			fail("model: a waiter gets word %lx; it should be %lx",
				kernel_thread(t)->regs.r.rdi, n->word);
		n->word = 0;
		wait_end(t, 0);
	}
	bound_check(n);
}

errors_t model_signal(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	const struct m_cap *n = cap_of(t, c->arg[0], SK_OBJ_NOTIFICATION, SK_W, &e);

	if (!e)
		signalled(object_at(n->what), n->badge);
	return e;
}

errors_t model_wait(struct m_object *t, const struct call *c, uint64_t until, errors_t empty)
{
	errors_t e = 0;
	const struct m_cap *cap = cap_of(t, c->arg[0], SK_OBJ_NOTIFICATION, SK_R, &e);
	struct m_object *n = cap ? object_at(cap->what) : NULL;

	if (e)
		return e;
	if (n->word) {
		if (kernel_thread(t)->regs.r.rdi != n->word)
			fail("model: a wait ends with word %lx; it should be %lx",
				kernel_thread(t)->regs.r.rdi, n->word);
		n->word = 0;
		return 0;
	}
	if (until == SK_POLL)
		return empty;
	if (waiter_first(n->id, THREAD_WAITING))
		return ERROR(BUSY);
	wait_begin(t, n->id, THREAD_WAITING, until);
	return 0;
}

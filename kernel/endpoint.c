/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * endpoint.c - synchronous IPC: endpoints, replies, and the transfer of messages and
 * capabilities
 *
 * Objects     struct endpoint: a queue of senders or of receivers; struct reply: a caller that
 *             waits for it.
 * Locks       endpoint->lock, reply->lock: queue and caller. A thread taken out of a wait
 *             belongs to the code that took it, so messages move without a lock. Capabilities
 *             move under the tree lock. Order: tree -> endpoint -> reply -> CPU
 * Lifecycle   made by RETYPE; at their end all waiters fail with DELETED.
 * Invariants  EP1 the queue holds only senders or only receivers
 *             EP2 a thread is the caller of at most one Reply, and waits on it
 */
#include "ipc.h"
#include "sched.h"

/* --- the queue; endpoint locked ----------------------------------------------------------- */

static struct thread *queue_first(struct endpoint *ep)
{
	return ep->queue ? container_of(ep->queue, struct thread, link) : NULL;
}

/* Take t out of the queue; from now on it belongs to the caller (THREAD2). */
static hot void endpoint_take(struct endpoint *ep, struct thread *t) with_lock(ep->obj.lock)
{
	queue_remove(&ep->queue, &t->link);
	store(&t->wait_obj, NULL);
}

int endpoint_destroy(struct object *o)
{
	struct endpoint *ep = (struct endpoint *)o;
	struct thread *t;

	for (;;) {
		spin_lock(&ep->obj.lock);
		o->dead = true;
		t = queue_first(ep);
		if (t)
			endpoint_take(ep, t);
		spin_unlock(&ep->obj.lock);
		if (!t)
			return 0;
		thread_wake(t, -SK_E_DELETED);
		if (arch_irq_pending())
			return SYS_RESTART;
	}
}

/* --- moving a message --------------------------------------------------------------------- */

/* May the message in these registers go out through that capability? */
static hot int message_check(const struct sk_regs *r, const struct cap *cap)
{
	uint64_t mi = r->rsi;

	if (SK_MI_WORDS(mi) > SK_MR_MAX || SK_MI_CAPS(mi) > SK_CAPS_MAX ||
		SK_MI_LABEL(mi) >= SK_LABEL_KERNEL)
		return -SK_E_INVAL;
	return error_if(SK_MI_CAPS(mi) && !(cap->rights & SK_GRANT), SK_E_RIGHTS);
}

/* Pass one capability from slot to slot; false if that is impossible. Tree locked. */
static bool under_tree cap_pass(
	struct thread *from, struct sk_send_cap send, struct thread *to, uint64_t index)
{
	struct slot *src, *dst;
	struct cnode *cn = to->cspace;

	if (send.rights & ~(SK_ALL | SK_SEND_MOVE) || cap_find(from, send.slot, 0, 0, &src))
		return false;
	if (!cn || index == 0 || index >= cn->n_slots)
		return false;
	dst = &cn->slots[index];
	if (dst->type != SK_OBJ_NULL)
		return false;
	if (send.rights & SK_SEND_MOVE)
		slot_move(dst, src);
	else if (slot_copyable(src))
		slot_derive(dst, src, (uint8_t)send.rights, src->badge, 0);
	else
		return false;
	return true;
}

static void TA(assert_capability(tree)) tree_expect(void) { BUG_ON(!tree_held()); }

/*
 * Returns how many arrived. Sending and receiving capabilities both happen under the tree lock.
 */
static unsigned int caps_move(struct thread *from, struct thread *to, unsigned int n)
{
	uint64_t slot = load(&thread_utcb(to)->recv_slot);
	uint32_t slots = load(&thread_utcb(to)->recv_slots);
	struct sk_send_cap send[SK_CAPS_MAX];
	unsigned int i;

	if (!slot)
		return 0;
	tree_expect();
	memcpy(send, thread_utcb(from)->send, sizeof(send));
	for (i = 0; i < n && i < slots; i++)
		if (!cap_pass(from, send[i], to, slot + i))
			break;
	return i;
}

static void fault_move(struct thread *from, struct sk_regs *d)
{
	d->rsi = SK_MI(SK_LABEL_FAULT, SK_MR_REGS, 0);
	d->rdx = from->fault_mr[0];
	d->r10 = from->fault_mr[1];
	d->r8 = from->fault_mr[2];
	d->r9 = from->fault_mr[3];
}

/* What does not fit into registers. */
static void __attribute__((noinline))
message_move_rest(struct thread *from, struct thread *to, uint64_t mi)
{
	unsigned int words = SK_MI_WORDS(mi), caps = SK_MI_CAPS(mi);

	if (words > SK_MR_REGS)
		memcpy(thread_utcb(to)->mr + SK_MR_REGS, thread_utcb(from)->mr + SK_MR_REGS,
			(words - SK_MR_REGS) * sizeof(uint64_t));
	if (caps)
		caps = caps_move(from, to, caps);
	to->regs.r.rsi = SK_MI(SK_MI_LABEL(mi), words, caps);
}

/* Both threads belong to the caller: out of their waits, or running here. */
static hot void message_move(struct thread *from, struct thread *to, uint64_t badge)
{
	const struct sk_regs *s = &from->regs.r;
	struct sk_regs *d = &to->regs.r;

	d->rdi = badge;
	if (from->faulted) {
		fault_move(from, d);
		return;
	}
	d->rsi = s->rsi;
	d->rdx = s->rdx;
	d->r10 = s->r10;
	d->r8 = s->r8;
	d->r9 = s->r9;
	if ((uint16_t)s->rsi > SK_MR_REGS) /* or capabilities */
		message_move_rest(from, to, s->rsi);
}

/* t has begun to wait for `to`, whose wait has ended: rc == SYS_BLOCKED. Returns rc. */
static hot long cpu_pass(struct thread *t, struct thread *to, long rc)
{
	if (rc != SYS_BLOCKED || !sched_hand_over(t, to))
		sched_wake(to);
	else if (!tree_held())
		arch_resume(to, NULL);
	return rc;
}

/* --- replies ------------------------------------------------------------------------------ */

/* The Reply object that the receiver t has chosen. */
static hot int reply_of_receiver(struct thread *t, struct reply **reply)
{
	struct cap cap;
	int rc = cap_read(t, load(&thread_utcb(t)->reply), SK_OBJ_REPLY, SK_W, &cap);

	if (!rc)
		*reply = (struct reply *)cap.obj;
	return rc;
}

/* Take the caller out of the Reply; NULL if there is none. */
static hot struct thread *reply_take(struct reply *reply)
{
	struct thread *caller;

	spin_lock(&reply->obj.lock);
	caller = reply->caller;
	if (caller) {
		reply->caller = NULL;
		store(&caller->wait_obj, NULL);
	}
	spin_unlock(&reply->obj.lock);
	return caller;
}

/* The caller now waits for this Reply; a thread that waited for it before is given up. */
static hot void reply_tie(struct reply *reply, struct thread *caller, sk_time_t deadline)
{
	struct thread *out;

	spin_lock(&reply->obj.lock);
	out = reply->obj.dead ? caller : reply->caller;
	if (out)
		store(&out->wait_obj, NULL);
	if (out != caller) {
		reply->caller = caller; /* EP2 */
		thread_wait(caller, &reply->obj, THREAD_CALLING, deadline);
	}
	spin_unlock(&reply->obj.lock);
	if (out)
		thread_wake(out, -SK_E_DELETED);
}

int reply_destroy(struct object *o)
{
	struct reply *reply = (struct reply *)o;
	struct thread *caller;

	spin_lock(&o->lock);
	o->dead = true;
	spin_unlock(&o->lock);
	caller = reply_take(reply);
	if (caller)
		thread_wake(caller, -SK_E_DELETED);
	return 0;
}

/* --- sending ------------------------------------------------------------------------------ */

/* A receiver waits: hand it the message at once. */
static hot long send_to(struct endpoint *ep, struct thread *from, struct thread *to,
	sk_time_t until) drops_lock(ep->obj.lock)
{
	struct reply *reply = NULL;

	if (from->call && reply_of_receiver(to, &reply)) {
		spin_unlock(&ep->obj.lock);
		return -SK_E_PEER; /* it cannot answer */
	}
	endpoint_take(ep, to);
	spin_unlock(&ep->obj.lock);
	message_move(from, to, from->badge);
	if (!reply) {
		thread_wake(to, 0);
		return 0;
	}
	reply_tie(reply, from, until);
	thread_wait_recheck(from);
	thread_wait_end(to, 0);
	return cpu_pass(from, to, SYS_BLOCKED);
}

/* Wait for the other side, if the endpoint and the deadline permit it. Drops the lock. */
static hot long endpoint_block(struct endpoint *ep, struct thread *t, enum thread_state state,
	sk_time_t deadline) drops_lock(ep->obj.lock)
{
	int rc = error_if(ep->obj.dead, SK_E_DELETED)
			 ?: error_if(deadline == SK_POLL, SK_E_TIMEOUT);

	if (!rc) {
		/* EP1: the queue is empty or of this kind */
		ep->receivers = state == THREAD_RECEIVING;
		queue_append(&ep->queue, &t->link);
		thread_wait(t, &ep->obj, state, deadline);
	}
	spin_unlock(&ep->obj.lock);
	if (!rc)
		thread_wait_recheck(t);
	return rc ?: SYS_BLOCKED;
}

/* The sender's badge, call and faulted are set. */
static hot long endpoint_send(struct endpoint *ep, struct thread *t, sk_time_t deadline)
{
	spin_lock(&ep->obj.lock);
	if (ep->receivers && ep->queue && !ep->obj.dead)
		return send_to(ep, t, queue_first(ep), deadline);
	return endpoint_block(ep, t, THREAD_SENDING, deadline);
}

static hot long message_send(struct thread *t, const struct sk_regs *r, const struct cap *cap)
{
	int rc = message_check(r, cap);

	if (rc)
		return rc;
	t->badge = cap->badge;
	t->call = r->rax == SK_SYS_CALL;
	return endpoint_send((struct endpoint *)cap->obj, t, load(&thread_utcb(t)->deadline));
}

SYSCALL_HANDLER(CALL) { return message_send(t, r, &a->cap); }

SYSCALL_HANDLER(SEND) { return message_send(t, r, &a->cap); }

bool endpoint_send_fault(struct thread *t)
{
	struct cap cap;
	long rc;

	slot_read(&t->fault_slot, &cap);
	if (cap.type != SK_OBJ_ENDPOINT)
		return false;
	t->badge = cap.badge;
	t->call = true;
	t->faulted = true;
	rc = endpoint_send((struct endpoint *)cap.obj, t, SK_NO_DEADLINE);
	if (rc == SYS_BLOCKED)
		return true;
	t->faulted = false;
	return false;
}

/* --- receiving ---------------------------------------------------------------------------- */

/*
 * Take the first sender out of the queue, into *from; senders that cannot be answered fail.
 * Returns 0, SYS_RESTART when an interrupt waits, SYS_TREE when the sender sends capabilities,
 * or, if there is no sender, the result of waiting for one.
 */
static hot long sender_take(
	struct endpoint *ep, struct thread *t, struct thread **from, struct reply **reply)
{
	bool answerable;

	for (;;) {
		spin_lock(&ep->obj.lock);
		*from = ep->receivers ? NULL : queue_first(ep);
		if (!*from)
			return endpoint_block(
				ep, t, THREAD_RECEIVING, load(&thread_utcb(t)->deadline));
		if (!(*from)->faulted && SK_MI_CAPS((*from)->regs.r.rsi) && !tree_held()) {
			spin_unlock(&ep->obj.lock);
			return SYS_TREE;
		}
		answerable = !(*from)->call || !reply_of_receiver(t, reply);
		endpoint_take(ep, *from);
		spin_unlock(&ep->obj.lock);
		if (answerable)
			return 0;
		thread_wake(*from, -SK_E_PEER);
		if (arch_irq_pending())
			return SYS_RESTART;
	}
}

/* Receive a signal of the bound notification or, without one, a message. */
static hot long endpoint_receive(struct endpoint *ep, struct thread *t)
{
	struct reply *reply = NULL;
	struct thread *from;
	uint64_t word = notification_pending(t) ? notification_take_bound(t) : 0;
	long rc;

	if (word) {
		t->regs.r.rdi = word;
		t->regs.r.rsi = SK_MI(SK_LABEL_SIGNAL, 0, 0);
		return 0;
	}
	rc = sender_take(ep, t, &from, &reply);
	if (rc)
		return rc;
	message_move(from, t, from->badge);
	if (reply) {
		reply_tie(reply, from, from->deadline);
		thread_wait_recheck(from);
	} else {
		thread_wake(from, 0);
	}
	return 0;
}

SYSCALL_HANDLER(RECV) { return endpoint_receive((struct endpoint *)a->cap.obj, t); }

/* Answer from t; the message is in its registers. The caller, whose wait ends, in *caller. */
static hot int reply_send(struct thread *t, const struct sk_regs *r, const struct cap *cap,
	struct thread **caller)
{
	long result = 0;
	int rc = message_check(r, cap);

	if (rc)
		return rc;
	*caller = reply_take((struct reply *)cap->obj);
	if (!*caller)
		return -SK_E_NOT_FOUND;
	if (!(*caller)->faulted)
		message_move(t, *caller, 0);
	else if (SK_MI_LABEL(r->rsi))
		result = -SK_E_DENIED;
	thread_wait_end(*caller, result);
	return 0;
}

SYSCALL_HANDLER(REPLY)
{
	struct thread *caller;
	int rc = reply_send(t, r, &a->cap, &caller);

	return rc ?: cpu_pass(t, caller, 0);
}

SYSCALL_HANDLER(REPLY_RECV)
{
	struct thread *caller = NULL;
	struct cap cap;
	long rc = cap_read(t, load(&thread_utcb(t)->reply), SK_OBJ_REPLY, SK_W, &cap)
			  ?: reply_send(t, r, &cap, &caller);

	if (rc && rc != -SK_E_NOT_FOUND) /* a caller that gave up does not stop a server */
		return rc;
	rc = endpoint_receive((struct endpoint *)a->cap.obj, t);
	if (rc == SYS_RESTART || rc == SYS_TREE)
		r->rax = SK_SYS_RECV; /* the reply is given */
	return caller ? cpu_pass(t, caller, rc) : rc;
}

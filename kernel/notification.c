/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notification.c - notifications: a word of bits that senders set and one waiter takes
 *
 * Objects     struct notification: the word, at most one waiting and one bound thread.
 * Locks       notification->lock. Order: tree -> notification -> endpoint -> CPU
 * Lifecycle   made by RETYPE; notification_destroy() wakes the waiter with DELETED and unbinds
 *             the thread.
 * Invariants  NTFN1 a thread waits only while the word is 0
 *             NTFN2 the bound thread sees a word that is not 0 before it sleeps in RECV or
 *                enters a guest: the signaller sets the word and then looks at the thread; the
 *                thread begins to wait and then looks at the word
 */
#include "ipc.h"
#include "sched.h"

/* The bound thread, if it receives now, returns with the word. Locked. */
static struct thread *bound_take(struct notification *n) with_lock(n->obj.lock)
{
	struct thread *t = n->bound;

	if (!n->word || !t || !thread_cancel(t, SK_NO_DEADLINE, 1u << THREAD_RECEIVING))
		return NULL;
	t->regs.r.rdi = n->word;
	t->regs.r.rsi = SK_MI(SK_LABEL_SIGNAL, 0, 0);
	n->word = 0;
	return t;
}

static struct thread *waiter_take(struct notification *n) with_lock(n->obj.lock)
{
	struct thread *t = n->waiter;

	if (!t)
		return NULL;
	n->waiter = NULL;
	store(&t->wait_obj, NULL);
	t->regs.r.rdi = n->word;
	n->word = 0;
	return t;
}

void notification_signal(struct notification *n, uint64_t badge)
{
	struct thread *t, *bound;

	spin_lock(&n->obj.lock);
	store(&n->word, n->word | badge);
	barrier_full(); /* NTFN2 */
	t = n->word ? waiter_take(n) : NULL;
	if (!t)
		t = bound_take(n);
	bound = n->word ? n->bound : NULL;
	spin_unlock(&n->obj.lock);
	if (t)
		thread_wake(t, 0);
	else if (bound && load(&bound->vcpu))
		(void)sched_off(bound);
}

void notification_check_bound(struct thread *t)
{
	struct notification *n = load(&t->bound);

	if (!n || !load(&n->word))
		return;
	spin_lock(&n->obj.lock);
	t = n->bound == t ? bound_take(n) : NULL;
	spin_unlock(&n->obj.lock);
	if (t)
		thread_wake(t, 0);
}

uint64_t notification_take_bound(struct thread *t)
{
	struct notification *n = load(&t->bound);
	uint64_t word = 0;

	if (!n)
		return 0;
	spin_lock(&n->obj.lock);
	if (n->bound == t) {
		word = n->word;
		n->word = 0;
	}
	spin_unlock(&n->obj.lock);
	return word;
}

void notification_bind(struct notification *n, struct thread *t)
{
	spin_lock(&n->obj.lock);
	n->bound = t;
	store(&t->bound, n);
	spin_unlock(&n->obj.lock);
	barrier_full();
	notification_check_bound(t); /* NTFN2 */
	(void)sched_off(t);
}

void notification_unbind(struct thread *t)
{
	struct notification *n = t->bound;

	if (!n)
		return;
	spin_lock(&n->obj.lock);
	n->bound = NULL;
	store(&t->bound, NULL);
	spin_unlock(&n->obj.lock);
}

int notification_destroy(struct object *o)
{
	struct notification *n = (struct notification *)o;
	struct thread *t;

	if (n->bound)
		notification_unbind(n->bound);
	spin_lock(&n->obj.lock);
	o->dead = true;
	n->word = 0;
	t = waiter_take(n);
	spin_unlock(&n->obj.lock);
	if (t)
		thread_wake(t, -SK_E_DELETED);
	return 0;
}

SYSCALL_HANDLER(SIGNAL)
{
	notification_signal((struct notification *)a->cap.obj, a->cap.badge);
	return 0;
}

static long notification_wait(
	struct thread *t, struct sk_regs *r, const struct args *a, sk_time_t until, int empty)
{
	struct notification *n = (struct notification *)a->cap.obj;
	int rc = 0;

	spin_lock(&n->obj.lock);
	if (n->obj.dead)
		rc = -SK_E_DELETED;
	else if (n->word) {
		r->rdi = n->word;
		n->word = 0;
	} else if (until == SK_POLL)
		rc = empty;
	else if (n->waiter)
		rc = -SK_E_BUSY;
	else {
		rc = SYS_BLOCKED;
		n->waiter = t; /* NTFN1 */
		thread_wait(t, &n->obj, THREAD_WAITING, until);
	}
	spin_unlock(&n->obj.lock);
	if (rc == SYS_BLOCKED)
		thread_wait_recheck(t);
	return rc;
}

SYSCALL_HANDLER(WAIT) { return notification_wait(t, r, a, r->rsi, -SK_E_TIMEOUT); }

SYSCALL_HANDLER(POLL) { return notification_wait(t, r, a, SK_POLL, -SK_E_AGAIN); }

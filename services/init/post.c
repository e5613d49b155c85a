/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * post.c - init's second thread, which takes every message that comes to init's endpoint
 *
 * The main thread waits in calls to services, for seconds if it must. A domain that ends
 * meanwhile has to be noticed at once, above all if it is the one that was called. So the
 * second thread does nothing that waits: it keeps calls for the main thread, notes faults and
 * exits, and ends the call that the main thread is in when the callee has ended.
 *
 * Objects     struct box of each domain; `pending`, the call that the main thread is in.
 * Locks       post_lock guards both. No lock is taken under it. It is held for a bounded time,
 *             and the main thread is stopped by its holder only.
 * Lifecycle   the thread runs from post_start() on.
 * Invariants  POST1 a message says in its badge which life of its domain sent it. What a life
 *                before the current one sent is dropped when it is looked at
 *             POST2 of each domain at most one call is kept, and it has a Reply of its own.
 *                `spare` is the Reply for the next message; it is in no box
 *             POST3 the main thread is stopped only while pending.callee is set, which is from
 *                immediately before the system call to immediately after it. Wherever it is
 *                then, the call ends and nothing else does. Before the system call, it will
 *                find a deadline that has passed, because the kernel reads the deadline when
 *                the call begins. In it, it gets -SK_E_AGAIN. After it, the result is in its
 *                registers, which stay. In mutex_lock(), it waits again.
 *             POST4 an end is noted before the call is ended, and the main thread looks for
 *                it before it makes a call. So no call to a domain begins after the note, and
 *                one that has begun is ended
 */
#include "base/array.h"
#include "caps/caps.h"
#include "init.h"
#include "rt/thread.h"
#include "svc/svc.h"
#include "sys/mutex.h"
#include "sys/sk.h"

enum {
	/*
	 * One above the main thread's, on the same CPU. Nothing depends on that but the delay.
	 */
	POST_PRIORITY = INIT_PRIORITY + 1,
	POST_WEIGHT = 256,
};

/* What happens to a call: it comes, the main thread takes it, and answers it. */
enum box_state { BOX_EMPTY, BOX_FULL, BOX_TAKEN };

struct box {
	enum box_state state;
	struct post_call call;
	/* The domain has ended, and the main thread does not know. */
	bool ended;
	struct post_end end;
};

static struct mutex post_lock;
static struct box boxes[MANIFEST_DOMAINS_MAX];
static sk_cap_t spare;
/* The box that is looked at first for the next call. */
static uint32_t turn;

static struct {
	const struct domain *callee;
	bool cancelled;
} pending;
static struct sk_utcb *main_utcb;
static sk_cap_t main_signal;

/* ---- the second thread ------------------------------------------------------------------- */
static bool ended_locked(const struct domain *d) with_lock(post_lock);
/* Has the current life of d ended? */
static bool ended_locked(const struct domain *d)
{
	const struct box *b = &boxes[d->number];

	return b->ended && b->end.epoch == d->epoch;
}

static void call_cancel(void) with_lock(post_lock);
static void call_cancel(void)
{
	const struct domain *callee = pending.callee;

	if (!callee || pending.cancelled || !ended_locked(callee))
		return;
	pending.cancelled = true;
	/* POST3 */
	__atomic_store_n(&main_utcb->deadline, SK_POLL, __ATOMIC_SEQ_CST);
	(void)sk_thread_suspend(SK_CAP_THREAD);
	(void)sk_thread_resume(SK_CAP_THREAD);
}

/* The first end of a life counts: what follows is a thread that did not know of it. */
static void end_note(struct box *b, const struct sk_msg *m) with_lock(post_lock);
static void end_note(struct box *b, const struct sk_msg *m)
{
	uint32_t epoch = POST_EPOCH(m->badge);

	if (b->ended && b->end.epoch == epoch)
		return;
	b->ended = true;
	b->end = (struct post_end){
		.fault = SK_MI_LABEL(m->mi) == SK_LABEL_FAULT, .epoch = epoch, .msg = *m
	};
	call_cancel();
}

/* False: the last one is being answered. */
static bool call_keep(struct box *b, const struct sk_msg *m) with_lock(post_lock);
static bool call_keep(struct box *b, const struct sk_msg *m)
{
	const struct sk_utcb *u = sk_utcb();
	struct post_call *c = &b->call;
	sk_cap_t reply = c->reply;

	if (b->state == BOX_TAKEN)
		return false;
	/* A call that waits here has been given up, because the domain calls again. */
	b->state = BOX_FULL;
	c->epoch = POST_EPOCH(m->badge);
	c->label = SK_MI_LABEL(m->mi);
	for (uint32_t i = 0; i < POST_WORDS; i++)
		c->mr[i] = i >= SK_MI_WORDS(m->mi) ? 0 : i < SK_MR_REGS ? m->mr[i] : u->mr[i];
	c->reply = spare; /* POST2 */
	spare = reply;
	return true;
}

static void busy_answer(void)
{
	struct sk_msg m = { .mi = SK_MI(0, 1, 0), .mr = { (uint64_t)-SK_E_BUSY } };

	(void)sk_reply(spare, &m);
}

static void message_store(const struct sk_msg *m)
{
	uint32_t number = POST_NUMBER(m->badge) - 1;
	bool kept = true;
	struct box *b;

	if (number >= manifest.header->n_domains)
		return; /* not even a badge */
	b = &boxes[number];
	mutex_lock(&post_lock);
	if (SK_MI_LABEL(m->mi) == SK_LABEL_FAULT || SK_MI_LABEL(m->mi) == INIT_EXIT)
		end_note(b, m);
	else
		kept = call_keep(b, m);
	mutex_unlock(&post_lock);
	if (kept)
		(void)sk_signal(main_signal);
	else
		busy_answer();
}

void post_receive(void)
{
	struct sk_utcb *u = sk_utcb();
	struct sk_msg m = { 0 };

	u->reply = spare;
	u->recv_slot = 0;
	u->deadline = SK_NO_DEADLINE;
	if (sk_recv(init_endpoint, &m) == 0)
		message_store(&m);
}

static void post_run(void *arg)
{
	(void)arg;
	for (;;)
		post_receive();
}

/* ---- the main thread --------------------------------------------------------------------- */
static const struct domain *domain_behind(sk_cap_t connector)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].connector == connector)
			return &domains[i];
	return NULL;
}

/* POST4 */
static long call_begin(sk_cap_t ep)
{
	const struct domain *callee = domain_behind(ep);
	bool ended;

	mutex_lock(&post_lock);
	ended = callee && ended_locked(callee);
	pending.callee = ended ? NULL : callee;
	pending.cancelled = false;
	mutex_unlock(&post_lock);
	return ended ? -SK_E_DELETED : 0;
}

static long call_end(long rc)
{
	bool cancelled;

	mutex_lock(&post_lock);
	pending.callee = NULL;
	cancelled = pending.cancelled;
	mutex_unlock(&post_lock);
	return rc && cancelled ? -SK_E_DELETED : rc;
}

static const struct svc_guard guard = { call_begin, call_end };

bool post_end_next(struct domain **d, struct post_end *e)
{
	bool found = false;

	mutex_lock(&post_lock);
	for (uint32_t i = 0; !found && i < manifest.header->n_domains; i++) {
		struct box *b = &boxes[i];

		found = b->ended && b->end.epoch == domains[i].epoch; /* POST1 */
		b->ended = false;
		*e = b->end;
		*d = &domains[i];
	}
	mutex_unlock(&post_lock);
	return found;
}

bool post_call_next(struct domain **d, struct post_call *c)
{
	bool found = false;

	mutex_lock(&post_lock);
	for (uint32_t n = manifest.header->n_domains, i = 0; !found && i < n; i++) {
		struct box *b = &boxes[turn];

		*d = &domains[turn];
		found = b->state == BOX_FULL && b->call.epoch == (*d)->epoch; /* POST1 */
		if (b->state == BOX_FULL)
			b->state = found ? BOX_TAKEN : BOX_EMPTY;
		*c = b->call;
		turn = (turn + 1) % n;
	}
	mutex_unlock(&post_lock);
	return found;
}

void post_call_done(const struct domain *d)
{
	mutex_lock(&post_lock);
	boxes[d->number].state = BOX_EMPTY;
	mutex_unlock(&post_lock);
}

bool post_waits(void)
{
	bool waits = false;

	mutex_lock(&post_lock);
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		waits |= boxes[i].ended || boxes[i].state == BOX_FULL;
	mutex_unlock(&post_lock);
	return waits;
}

int post_start(void)
{
	struct thread_spec s = { .fn = post_run };
	int rc = object_make(SK_OBJ_REPLY, 0, &spare);

	for (uint32_t i = 0; !rc && i < manifest.header->n_domains; i++)
		rc = object_make(SK_OBJ_REPLY, 0, &boxes[i].call.reply);
	if (!rc)
		rc = cap_copy(init_ntfn, SK_W, INIT_BIT_POST, &main_signal);
	if (!rc)
		rc = object_make(SK_OBJ_SCHED, 0, &s.sched);
	if (!rc)
		rc = (int)sk_sched_configure(
			SK_CAP_CTL_SCHED, s.sched, 0, POST_PRIORITY, POST_WEIGHT, 0, 0);
	if (rc)
		return rc;
	main_utcb = sk_utcb();
	svc_guard_calls(&guard);
	return thread_start(&s, NULL);
}

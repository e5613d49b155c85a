/*
 * evtchn_fifo.c - the FIFO ABI of event channels: one word an event, 16 queues a vCPU, linked lists in guest memory
 *
 * Objects     event words in pages that the guest gave (expand_array), control blocks (init_control).
 * Locks       fifo_lock: tails, fifo_last. The guest takes events off a queue without it: words and
 *             heads are changed by atomic operations only.
 * Lifecycle   the first init_control switches the guest over; EVTCHNOP_reset switches it back.
 * Invariants  F1 a word is linked into at most one queue: whoever sets LINKED puts it there
 *             F2 what the guest writes into words costs it events, never us: a port number that we follow
 *                (tail) is our own, never one from a word
 */
#include "xen/xen_domain.h"

#define BIT(n) (1u << (n))
#define LINK_TRIES 4 /* a guest that changes its word all the time gets its event lost */

static event_word_t *word_of(uint32_t port)
{
	event_word_t *page = __atomic_load_n(
		&xd.fifo_word[port / (PAGE / 4)], __ATOMIC_ACQUIRE);

	return page ? page + port % (PAGE / 4) : NULL;
}

static bool word_set(event_word_t *w, unsigned bit)
{
	return __atomic_fetch_or(w, BIT(bit), __ATOMIC_SEQ_CST) & BIT(bit);
}

static bool word_clear(event_word_t *w, unsigned bit)
{
	return __atomic_fetch_and(w, ~BIT(bit), __ATOMIC_SEQ_CST) & BIT(bit);
}

static bool word_test(const event_word_t *w, unsigned bit)
{
	return __atomic_load_n(w, __ATOMIC_SEQ_CST) & BIT(bit);
}

/* Make `port` the successor of the tail's word: 1 done, 0 the tail is off the queue, -1 it changed under us. */
static int link_try(event_word_t *tail, uint32_t port)
{
	event_word_t old = __atomic_load_n(tail, __ATOMIC_SEQ_CST), new;

	if (!(old & BIT(EVTCHN_FIFO_LINKED)))
		return 0;
	new = (old & ~(BIT(EVTCHN_FIFO_BUSY) | EVTCHN_FIFO_LINK_MASK)) | port;
	return __atomic_compare_exchange_n(
		       tail, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
		       ? 1
		       : -1;
}

static bool link_after(event_word_t *tail, uint32_t port)
{
	int rc = link_try(tail, port), tries;

	if (rc >= 0)
		return rc;
	word_set(tail, EVTCHN_FIFO_BUSY); /* holds the guest off */
	for (tries = 0; tries < LINK_TRIES; tries++) {
		rc = link_try(tail, port);
		if (rc > 0)
			return true;
		if (rc == 0)
			break;
	}
	word_clear(tail, EVTCHN_FIFO_BUSY);
	return rc != 0; /* given up: lost, and the head stays as it is */
}

/* fifo_lock held, F1: the caller set LINKED. True when the queue was empty. */
static bool enqueue(uint32_t port, union port p)
{
	struct xen_vcpu *xv = &xd.vcpu[p.vcpu];
	struct fifo_last *last = &xd.fifo_last[port];
	struct fifo_queue *old = &xd.vcpu[last->vcpu].queue[last->priority];
	struct fifo_queue *q = &xv->queue[p.priority];
	bool linked = false;

	if (old->tail == port) /* it is off that queue, so that queue is empty */
		old->tail = 0;
	last->vcpu = p.vcpu;
	last->priority = p.priority;
	if (q->tail)
		linked = link_after(word_of(q->tail), port);
	if (!linked)
		__atomic_store_n(&xv->control->head[p.priority], port, __ATOMIC_SEQ_CST);
	q->tail = port;
	return !linked;
}

static void make_ready(union port p)
{
	uint32_t bit = BIT(p.priority);
	struct evtchn_fifo_control_block *control = xd.vcpu[p.vcpu].control;

	if (!(__atomic_fetch_or(&control->ready, bit, __ATOMIC_SEQ_CST) & bit))
		evtchn_mark_upcall(p.vcpu);
}

static void set_pending_locked(uint32_t port, union port p)
{
	event_word_t *w = word_of(port);

	if (!w || !xd.vcpu[p.vcpu].control) { /* kept until the guest gives the page */
		xd.fifo_last[port].pending = true;
		return;
	}
	word_set(w, EVTCHN_FIFO_PENDING);
	if (word_test(w, EVTCHN_FIFO_MASKED) || word_set(w, EVTCHN_FIFO_LINKED))
		return;
	if (enqueue(port, p))
		make_ready(p);
}

void fifo_set_pending(uint32_t port, union port p)
{
	edge_lock(&xd.fifo_lock);
	set_pending_locked(port, p);
	edge_unlock(&xd.fifo_lock);
}

void fifo_unmask(uint32_t port, union port p)
{
	event_word_t *w = word_of(port);

	if (!w)
		return;
	word_clear(w, EVTCHN_FIFO_MASKED);
	if (word_test(w, EVTCHN_FIFO_PENDING))
		fifo_set_pending(port, p);
}

void fifo_clear_pending(uint32_t port)
{
	event_word_t *w = word_of(port);

	if (w)
		word_clear(w, EVTCHN_FIFO_PENDING);
	xd.fifo_last[port].pending = false;
}

bool fifo_pending(uint32_t port)
{
	const event_word_t *w = word_of(port);

	return w ? word_test(w, EVTCHN_FIFO_PENDING) : xd.fifo_last[port].pending;
}

/* ---- set-up ----------------------------------------------------------------------- */

/* evtchn_lock and fifo_lock held: what came so far, by the 2-level ABI or before there was a page. */
static void pending_replay(uint32_t first, uint32_t n)
{
	uint32_t port;

	for (port = first; port < first + n; port++)
		if (xd.port[port].state != EVTCHNSTAT_closed && xd.fifo_last[port].pending) {
			xd.fifo_last[port].pending = false;
			set_pending_locked(port, xd.port[port]);
		}
}

static void switch_over(void)
{
	uint32_t port;

	for (port = 1; port < EVTCHN_PORTS; port++) {
		xd.fifo_last[port] =
			(struct fifo_last){ .priority = EVTCHN_FIFO_PRIORITY_DEFAULT };
		if (shinfo_pending(port))
			xd.fifo_last[port].pending = true;
	}
	__atomic_store_n(&xd.fifo, 1, __ATOMIC_SEQ_CST);
}

static int64_t control_set(const struct evtchn_init_control *a)
{
	struct xen_vcpu *xv = &xd.vcpu[a->vcpu];
	uint8_t *page;
	unsigned i;

	if (xv->control)
		return -XEN_EINVAL;
	page = a->control_gfn >> 40 ? NULL : edge_gmem(a->control_gfn * PAGE, PAGE);
	if (!page)
		return -XEN_EINVAL;
	xv->control = (struct evtchn_fifo_control_block *)(page + a->offset);
	for (i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
		xv->queue[i].tail = 0;
		__atomic_store_n(&xv->control->head[i], 0, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&xv->control->ready, 0, __ATOMIC_SEQ_CST);
	if (!xd.fifo)
		switch_over();
	pending_replay(0, xd.n_fifo_pages * (PAGE / 4));
	return 0;
}

int64_t fifo_init_control(struct hcall *c, uint64_t arg)
{
	struct evtchn_init_control a;
	int64_t rc;

	if (!hc_in(c, &a, arg, sizeof(a)))
		return -XEN_EFAULT;
	if (a.vcpu >= xd.p.n_vcpus)
		return -XEN_ENOENT;
	if (a.offset % 8 || a.offset > PAGE - sizeof(struct evtchn_fifo_control_block))
		return -XEN_EINVAL;
	edge_lock(&xd.evtchn_lock);
	edge_lock(&xd.fifo_lock);
	rc = control_set(&a);
	edge_unlock(&xd.fifo_lock);
	edge_unlock(&xd.evtchn_lock);
	a.link_bits = EVTCHN_FIFO_LINK_BITS;
	if (rc == 0 && !hc_out(c, arg, &a, sizeof(a)))
		rc = -XEN_EFAULT;
	return rc;
}

static int64_t array_add(uint64_t gfn)
{
	event_word_t *page;
	uint32_t n = xd.n_fifo_pages;

	if (!xd.fifo)
		return -XEN_EOPNOTSUPP;
	if (n == FIFO_PAGES)
		return -XEN_ENOSPC;
	page = gfn >> 40 ? NULL : edge_gmem(gfn * PAGE, PAGE);
	if (!page)
		return -XEN_EINVAL;
	__atomic_store_n(&xd.fifo_word[n], page, __ATOMIC_RELEASE);
	xd.n_fifo_pages = n + 1;
	pending_replay(n * (PAGE / 4), PAGE / 4);
	return 0;
}

int64_t fifo_expand_array(struct hcall *c, uint64_t arg)
{
	struct evtchn_expand_array a;
	int64_t rc;

	if (!hc_in(c, &a, arg, sizeof(a)))
		return -XEN_EFAULT;
	edge_lock(&xd.evtchn_lock);
	edge_lock(&xd.fifo_lock);
	rc = array_add(a.array_gfn);
	edge_unlock(&xd.fifo_lock);
	edge_unlock(&xd.evtchn_lock);
	return rc;
}

/* evtchn_lock held, all ports closed. */
void fifo_reset(void)
{
	unsigned i;

	edge_lock(&xd.fifo_lock);
	__atomic_store_n(&xd.fifo, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < FIFO_PAGES; i++)
		__atomic_store_n(&xd.fifo_word[i], NULL, __ATOMIC_RELEASE);
	xd.n_fifo_pages = 0;
	for (i = 0; i < xd.p.n_vcpus; i++)
		xd.vcpu[i].control = NULL;
	edge_unlock(&xd.fifo_lock);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_fifo.c - the FIFO ABI of event channels: a word for each event, 16 queues for each
 * vCPU, linked lists in guest memory
 *
 * Objects     event words in pages that the guest gave (expand_array), control blocks
 *             (init_control).
 * Locks       fifo_lock: tails, fifo_last. The guest takes events off a queue without it, so
 *             words and heads are changed by atomic operations only.
 * Lifecycle   The first init_control switches the guest over to this ABI; EVTCHNOP_reset
 *             switches it back.
 * Invariants  FIFO1 a word is linked into at most one queue: the thread that sets LINKED puts
 *                   it there
 *             FIFO2 a value that the guest writes into a word can lose events, and has no other
 *                   effect: port numbers that are followed here (tail) are the VMM's own, never
 *                   read from a word
 */
#include "xen/evtchn_fifo.h"

#include "xen/hypercall.h"
#include "xen/shinfo.h"
#include "xen/upcall.h"

#define BIT(n) (1u << (n))
/* A guest that keeps changing its word loses its event. */
#define LINK_TRIES 4

static event_word_t *word_of(uint32_t port)
{
	event_word_t *page = __atomic_load_n(
		&xen_dom.fifo_word[port / (SK_PAGE_SIZE / 4)], __ATOMIC_ACQUIRE);

	return page ? page + port % (SK_PAGE_SIZE / 4) : NULL;
}

static bool word_set(event_word_t *w, unsigned int bit)
{
	return __atomic_fetch_or(w, BIT(bit), __ATOMIC_SEQ_CST) & BIT(bit);
}

static bool word_clear(event_word_t *w, unsigned int bit)
{
	return __atomic_fetch_and(w, ~BIT(bit), __ATOMIC_SEQ_CST) & BIT(bit);
}

static bool word_test(const event_word_t *w, unsigned int bit)
{
	return __atomic_load_n(w, __ATOMIC_SEQ_CST) & BIT(bit);
}

/*
 * Make `port` the successor of the tail's word. 1: done; 0: the tail is off the queue; -1: the
 * word has changed in the meantime.
 */
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
	word_set(tail, EVTCHN_FIFO_BUSY); /* makes the guest wait */
	for (tries = 0; tries < LINK_TRIES; tries++) {
		rc = link_try(tail, port);
		if (rc > 0)
			return true;
		if (rc == 0)
			break;
	}
	word_clear(tail, EVTCHN_FIFO_BUSY);
	return rc != 0; /* given up: the event is lost, and the head stays */
}

/* fifo_lock held, FIFO1: the caller set LINKED. True when the queue was empty. */
static bool with_lock(xen_dom.fifo_lock) event_enqueue(uint32_t port, union port p)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[p.vcpu];
	struct fifo_last *last = &xen_dom.fifo_last[port];
	struct fifo_queue *old = &xen_dom.vcpu[last->vcpu].queue[last->priority];
	struct fifo_queue *q = &vcpu->queue[p.priority];
	bool linked = false;

	/* the guest has taken it off that queue, so that queue is empty */
	if (old->tail == port)
		old->tail = 0;
	last->vcpu = p.vcpu;
	last->priority = p.priority;
	if (q->tail)
		linked = link_after(word_of(q->tail), port);
	if (!linked)
		__atomic_store_n(&vcpu->control->head[p.priority], port, __ATOMIC_SEQ_CST);
	q->tail = port;
	return !linked;
}

static void with_lock(xen_dom.fifo_lock) queue_make_ready(union port p)
{
	uint32_t bit = BIT(p.priority);
	struct evtchn_fifo_control_block *control = xen_dom.vcpu[p.vcpu].control;

	if (!(__atomic_fetch_or(&control->ready, bit, __ATOMIC_SEQ_CST) & bit))
		upcall_mark(p.vcpu);
}

static void with_lock(xen_dom.fifo_lock) pending_set_locked(uint32_t port, union port p)
{
	event_word_t *w = word_of(port);

	if (!w || !xen_dom.vcpu[p.vcpu].control) {
		/* remember the event until the guest provides the page */
		xen_dom.fifo_last[port].pending = true;
		return;
	}
	word_set(w, EVTCHN_FIFO_PENDING);
	if (word_test(w, EVTCHN_FIFO_MASKED) || word_set(w, EVTCHN_FIFO_LINKED))
		return;
	if (event_enqueue(port, p))
		queue_make_ready(p);
}

void fifo_set_pending(uint32_t port, union port p)
{
	mutex_lock(&xen_dom.fifo_lock);
	pending_set_locked(port, p);
	mutex_unlock(&xen_dom.fifo_lock);
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
	xen_dom.fifo_last[port].pending = false;
}

bool fifo_pending(uint32_t port)
{
	const event_word_t *w = word_of(port);

	return w ? word_test(w, EVTCHN_FIFO_PENDING) : xen_dom.fifo_last[port].pending;
}

/* ---- set-up ----------------------------------------------------------------------- */

/*
 * evtchn_lock and fifo_lock held: deliver events that came by the 2-level ABI, or before their
 * page existed.
 */
static void with_lock(xen_dom.fifo_lock) pending_replay(uint32_t first, uint32_t n)
{
	for (uint32_t port = first; port < first + n; port++)
		if (xen_dom.port[port].state != EVTCHNSTAT_closed &&
			xen_dom.fifo_last[port].pending) {
			xen_dom.fifo_last[port].pending = false;
			pending_set_locked(port, xen_dom.port[port]);
		}
}

static void fifo_switch_over(void)
{
	for (uint32_t port = 1; port < EVTCHN_PORTS; port++) {
		xen_dom.fifo_last[port] =
			(struct fifo_last){ .priority = EVTCHN_FIFO_PRIORITY_DEFAULT };
		if (shinfo_pending(port))
			xen_dom.fifo_last[port].pending = true;
	}
	__atomic_store_n(&xen_dom.fifo, 1, __ATOMIC_SEQ_CST);
}

static int64_t with_lock(xen_dom.fifo_lock)
	control_block_set(const struct evtchn_init_control *a)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[a->vcpu];
	uint8_t *page;

	if (vcpu->control)
		return -XEN_EINVAL;
	page = guest_frame(a->control_gfn);
	if (!page)
		return -XEN_EINVAL;
	vcpu->control = (struct evtchn_fifo_control_block *)(page + a->offset);
	for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
		vcpu->queue[i].tail = 0;
		__atomic_store_n(&vcpu->control->head[i], 0, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&vcpu->control->ready, 0, __ATOMIC_SEQ_CST);
	if (!xen_dom.fifo)
		fifo_switch_over();
	pending_replay(0, xen_dom.n_fifo_pages * (SK_PAGE_SIZE / 4));
	return 0;
}

int64_t fifo_init_control(struct hcall *c, uint64_t arg)
{
	struct evtchn_init_control a;
	int64_t rc;

	if (!hc_in(c, &a, arg, sizeof(a)))
		return -XEN_EFAULT;
	if (a.vcpu >= xen_dom.p.n_vcpus)
		return -XEN_ENOENT;
	if (a.offset % 8 || a.offset > SK_PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
		return -XEN_EINVAL;
	mutex_lock(&xen_dom.evtchn_lock);
	mutex_lock(&xen_dom.fifo_lock);
	rc = control_block_set(&a);
	mutex_unlock(&xen_dom.fifo_lock);
	mutex_unlock(&xen_dom.evtchn_lock);
	a.link_bits = EVTCHN_FIFO_LINK_BITS;
	if (rc == 0 && !hc_out(c, arg, &a, sizeof(a)))
		rc = -XEN_EFAULT;
	return rc;
}

static int64_t with_lock(xen_dom.fifo_lock) array_page_add(uint64_t gfn)
{
	event_word_t *page;
	uint32_t n = xen_dom.n_fifo_pages;

	if (!xen_dom.fifo)
		return -XEN_EOPNOTSUPP;
	if (n == FIFO_PAGES)
		return -XEN_ENOSPC;
	page = guest_frame(gfn);
	if (!page)
		return -XEN_EINVAL;
	__atomic_store_n(&xen_dom.fifo_word[n], page, __ATOMIC_RELEASE);
	xen_dom.n_fifo_pages = n + 1;
	pending_replay(n * (SK_PAGE_SIZE / 4), SK_PAGE_SIZE / 4);
	return 0;
}

int64_t fifo_expand_array(struct hcall *c, uint64_t arg)
{
	struct evtchn_expand_array a;
	int64_t rc;

	if (!hc_in(c, &a, arg, sizeof(a)))
		return -XEN_EFAULT;
	mutex_lock(&xen_dom.evtchn_lock);
	mutex_lock(&xen_dom.fifo_lock);
	rc = array_page_add(a.array_gfn);
	mutex_unlock(&xen_dom.fifo_lock);
	mutex_unlock(&xen_dom.evtchn_lock);
	return rc;
}

static void with_lock(xen_dom.fifo_lock) pages_wrote(void)
{
	for (unsigned int i = 0; i < xen_dom.n_fifo_pages; i++)
		edge_gmem_wrote(xen_dom.fifo_word[i], SK_PAGE_SIZE);
	for (unsigned int i = 0; i < xen_dom.p.n_vcpus; i++)
		if (xen_dom.vcpu[i].control)
			edge_gmem_wrote(xen_dom.vcpu[i].control,
				sizeof(struct evtchn_fifo_control_block));
}

void fifo_wrote(void)
{
	mutex_lock(&xen_dom.fifo_lock);
	pages_wrote();
	mutex_unlock(&xen_dom.fifo_lock);
}

/* evtchn_lock held, all ports closed. */
void fifo_reset(void)
{
	mutex_lock(&xen_dom.fifo_lock);
	pages_wrote();
	__atomic_store_n(&xen_dom.fifo, 0, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < FIFO_PAGES; i++)
		__atomic_store_n(&xen_dom.fifo_word[i], NULL, __ATOMIC_RELEASE);
	xen_dom.n_fifo_pages = 0;
	for (unsigned int i = 0; i < xen_dom.p.n_vcpus; i++)
		xen_dom.vcpu[i].control = NULL;
	mutex_unlock(&xen_dom.fifo_lock);
}

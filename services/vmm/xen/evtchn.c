/*
 * evtchn.c - event channels: ports, their bindings, the 2-level ABI, and upcalls
 *
 * Objects     xd.port[]: one word each. struct backend: the domain 0 end of a port, on the I/O thread.
 * Locks       evtchn_lock for every change of a port or back end. Sending reads the port's word once
 *             and takes no lock; the pending bits that the guest sees are atomics.
 * Lifecycle   the guest's EVTCHNOPs make and close ports; a back end binds a port that the guest left
 *             unbound for domain 0. Closing either end leaves the other unbound.
 * Invariants  E1 port 0 is never used   E2 vcpu < n_vcpus in every port in use
 *             E3 an interdomain port names a back end that names it, or the back end went away
 *             E4 who makes an upcall due sets evtchn_upcall_pending and then looks for a way to deliver it; who makes a
 *                way (vector, callback, APIC, bringing the vCPU up) looks at evtchn_upcall_pending afterwards
 */
#include "xen/xen_domain.h"

struct backend {
	void (*fn)(void *ctx);
	void *ctx;
	uint32_t port; /* 0 = free */
};
static struct backend backends[EVTCHN_BACKENDS];
static uint64_t notified[EVTCHN_BACKENDS / 64]; /* atomic: the guest sent, fn has not run yet */

static union port port_get(uint32_t port)
{
	union port p;

	p.word = __atomic_load_n(&xd.port[port].word, __ATOMIC_ACQUIRE);
	return p;
}

static void port_set(uint32_t port, union port p)
{
	__atomic_store_n(&xd.port[port].word, p.word, __ATOMIC_RELEASE);
}

static bool port_valid(uint32_t port) { return port && port < EVTCHN_PORTS; /* E1 */ }

/* ---- upcalls ---------------------------------------------------------------------- */

static void upcall_assert(unsigned cpu)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	uint8_t vector = __atomic_load_n(&xv->upcall_vector, __ATOMIC_SEQ_CST);

	if (vector) {
		edge_lapic_post(cpu, vector);
		return;
	}
	__atomic_store_n(&xv->upcall_new, 1, __ATOMIC_SEQ_CST);
	if (cpu != xen_this_cpu) /* its own thread looks before it enters the guest */
		edge_vcpu_kick(cpu);
}

void evtchn_mark_upcall(unsigned cpu)
{
	if (__atomic_exchange_n(shinfo_upcall_pending(cpu), 1, __ATOMIC_SEQ_CST) == 0)
		upcall_assert(cpu);
}

void evtchn_all_pending(unsigned cpu)
{
	shinfo_select_all(cpu);
	__atomic_store_n(shinfo_upcall_pending(cpu), 1, __ATOMIC_SEQ_CST);
	upcall_assert(cpu);
}

bool evtchn_upcall_pending(unsigned cpu)
{
	return __atomic_load_n(shinfo_upcall_pending(cpu), __ATOMIC_SEQ_CST) != 0;
}

void xen_apic_enabled(unsigned cpu)
{
	uint8_t vector = __atomic_load_n(&xd.vcpu[cpu].upcall_vector, __ATOMIC_SEQ_CST);

	if (vector && evtchn_upcall_pending(cpu)) /* E4 */
		edge_lapic_post(cpu, vector);
}

/* Vector of HVM_PARAM_CALLBACK_IRQ, 0 if upcalls come in no such way (a vCPU's own vector: by its APIC). */
static uint8_t callback_vector(unsigned cpu)
{
	uint64_t via = __atomic_load_n(&xd.hvm_param[HVM_PARAM_CALLBACK_IRQ], __ATOMIC_ACQUIRE);

	if (via >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR)
		return 0;
	return __atomic_load_n(&xd.vcpu[cpu].upcall_vector, __ATOMIC_RELAXED) ? 0
									      : (uint8_t)via;
}

bool xen_vcpu_event_pending(unsigned cpu)
{
	return evtchn_upcall_pending(cpu) && callback_vector(cpu);
}

/*
 * The upcall is a level: due as long as evtchn_upcall_pending is set. To not interrupt a handler that
 * is about to clear it, a guest with interrupts off gets it once for each time that it became due.
 */
int xen_upcall_vector(unsigned cpu)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	const struct sk_vcpu_state *st = edge_state(cpu);
	uint8_t vector = callback_vector(cpu);
	bool fresh = __atomic_exchange_n(&xv->upcall_new, 0, __ATOMIC_SEQ_CST);

	if (!vector || !evtchn_upcall_pending(cpu) || st->irq_pending == (vector | 0x100u))
		return -1;
	return fresh || st->rflags & 1u << 9 ? vector : -1;
}

/* ---- pending ---------------------------------------------------------------------- */

/* For a port that is pending: if it is not masked, its vCPU learns of it. */
static void select_upcall(uint32_t port, unsigned cpu)
{
	if (!shinfo_masked(port) && !shinfo_select(cpu, port))
		evtchn_mark_upcall(cpu);
}

static bool fifo_on(void) { return __atomic_load_n(&xd.fifo, __ATOMIC_ACQUIRE); }

void evtchn_set_pending(uint32_t port, union port p)
{
	if (fifo_on()) {
		fifo_set_pending(port, p);
	} else if (!shinfo_pending_set(port)) {
		select_upcall(port, p.vcpu); /* shinfo.c, L1 */
	}
	if (!__atomic_load_n(&xd.vcpu[p.vcpu].waiting, __ATOMIC_ACQUIRE))
		return;
	if (p.vcpu == xen_this_cpu)
		sched_wait_end(p.vcpu); /* its own timer fired before it fell asleep */
	else
		edge_vcpu_kick(p.vcpu); /* polls a masked port, perhaps */
}

bool evtchn_pending(uint32_t port)
{
	return fifo_on() ? fifo_pending(port) : shinfo_pending(port);
}

static void port_unmask(uint32_t port, union port p)
{
	if (fifo_on())
		fifo_unmask(port, p);
	else if (shinfo_unmask(port) && shinfo_pending(port))
		select_upcall(port, p.vcpu);
}

void evtchn_select_pending(void)
{
	uint32_t port;

	if (fifo_on()) /* it has one layout */
		return;
	for (port = 1; port < EVTCHN_PORTS; port++)
		if (shinfo_pending(port))
			select_upcall(port, port_get(port).vcpu);
}

/* ---- ports: evtchn_lock held ------------------------------------------------------ */

static uint32_t port_alloc(union port p)
{
	uint32_t port;

	for (port = 1; port < EVTCHN_PORTS; port++)
		if (xd.port[port].state == EVTCHNSTAT_closed) {
			p.priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
			port_set(port, p);
			return port;
		}
	return 0;
}

static bool virq_per_vcpu(uint32_t virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU || virq >= VIRQ_ARCH_0;
}

static void port_unbind_peer(union port p)
{
	union port peer;

	if (p.state == PORT_LOCAL) {
		peer = port_get(p.remote);
		peer.state = EVTCHNSTAT_unbound;
		peer.remote = (uint16_t)xd.p.domid;
		port_set(p.remote, peer);
	}
}

static void port_close(uint32_t port)
{
	union port p = port_get(port);

	port_unbind_peer(p);
	if (p.state == EVTCHNSTAT_virq)
		xd.vcpu[virq_per_vcpu(p.virq) ? p.vcpu : 0].virq_port[p.virq] = 0;
	p.word = 0;
	port_set(port, p);
	if (fifo_on())
		fifo_clear_pending(port);
	else
		shinfo_pending_clear(port);
}

/* ---- domain 0's ends -------------------------------------------------------------- */

uint32_t evtchn_alloc_unbound(void)
{
	union port p = { .state = EVTCHNSTAT_unbound };
	uint32_t port;

	edge_lock(&xd.evtchn_lock);
	port = port_alloc(p);
	edge_unlock(&xd.evtchn_lock);
	return port;
}

static int backend_bind(uint32_t port, void (*fn)(void *), void *ctx, unsigned *out)
{
	union port p;
	unsigned i;

	if (!port_valid(port))
		return -SK_E_RANGE;
	p = port_get(port);
	if (p.state != EVTCHNSTAT_unbound || p.remote != 0)
		return -SK_E_STATE;
	for (i = 0; i < EVTCHN_BACKENDS && backends[i].port; i++)
		continue;
	if (i == EVTCHN_BACKENDS)
		return -SK_E_LIMIT;
	backends[i] = (struct backend){ .fn = fn, .ctx = ctx, .port = port };
	p.state = EVTCHNSTAT_interdomain;
	p.backend = (uint16_t)i;
	port_set(port, p);
	*out = i;
	return 0;
}

int evtchn_backend_bind(uint32_t port, void (*fn)(void *ctx), void *ctx, unsigned *backend)
{
	int rc;

	edge_lock(&xd.evtchn_lock);
	rc = backend_bind(port, fn, ctx, backend);
	edge_unlock(&xd.evtchn_lock);
	return rc;
}

static bool port_of_backend(uint32_t port, unsigned backend, union port *p)
{
	*p = port_get(port);
	return p->state == EVTCHNSTAT_interdomain && p->backend == backend; /* E3 */
}

void evtchn_backend_unbind(unsigned backend)
{
	uint32_t port;
	union port p;

	edge_lock(&xd.evtchn_lock);
	port = backends[backend].port;
	if (port && port_of_backend(port, backend, &p)) {
		p.state = EVTCHNSTAT_unbound;
		p.remote = 0;
		port_set(port, p);
	}
	backends[backend].port = 0;
	backends[backend].fn = NULL;
	edge_unlock(&xd.evtchn_lock);
}

void evtchn_backend_notify(unsigned backend)
{
	union port p;
	uint32_t port = backends[backend].port;

	if (port && port_of_backend(port, backend, &p))
		evtchn_set_pending(port, p);
}

void evtchn_backends_run(void)
{
	unsigned w;

	for (w = 0; w < ARRAY_SIZE(notified); w++) {
		uint64_t bits = __atomic_exchange_n(&notified[w], 0, __ATOMIC_ACQ_REL);

		for (; bits; bits &= bits - 1) {
			struct backend *b = &backends[w * 64 + (unsigned)__builtin_ctzll(bits)];

			if (b->fn) /* the I/O thread alone binds and unbinds after start */
				b->fn(b->ctx);
		}
	}
}

static void backend_wake(unsigned backend)
{
	uint64_t bit = 1ull << (backend % 64);

	if (!(__atomic_fetch_or(&notified[backend / 64], bit, __ATOMIC_ACQ_REL) & bit))
		edge_io_kick();
}

void evtchn_backend_again(unsigned backend) { backend_wake(backend); }

void evtchn_virq(unsigned cpu, unsigned virq)
{
	uint32_t port = __atomic_load_n(&xd.vcpu[cpu].virq_port[virq], __ATOMIC_ACQUIRE);

	if (port)
		evtchn_set_pending(port, port_get(port));
}

/* ---- EVTCHNOPs -------------------------------------------------------------------- */

static int64_t op_alloc_unbound(struct evtchn_alloc_unbound *a)
{
	union port p = { .state = EVTCHNSTAT_unbound };
	int rc = dom_check(a->dom);

	if (rc)
		return rc;
	p.remote = a->remote_dom == DOMID_SELF ? (uint16_t)xd.p.domid : a->remote_dom;
	a->port = port_alloc(p);
	return a->port ? 0 : -XEN_ENOSPC;
}

/* No domain leaves a port for this guest but itself: domain 0 binds the guest's, not the other way. */
static int64_t op_bind_interdomain(struct evtchn_bind_interdomain *a)
{
	union port p = { .state = PORT_LOCAL }, peer;

	if (!dom_self(a->remote_dom))
		return a->remote_dom == 0 ? -XEN_EINVAL : -XEN_ESRCH;
	if (!port_valid(a->remote_port))
		return -XEN_EINVAL;
	peer = port_get(a->remote_port);
	if (peer.state != EVTCHNSTAT_unbound || peer.remote != xd.p.domid)
		return -XEN_EINVAL;
	p.remote = (uint16_t)a->remote_port;
	a->local_port = port_alloc(p);
	if (!a->local_port)
		return -XEN_ENOSPC;
	peer.state = PORT_LOCAL;
	peer.remote = (uint16_t)a->local_port;
	port_set(a->remote_port, peer);
	return 0;
}

static int64_t op_bind_virq(struct evtchn_bind_virq *a)
{
	union port p = { .state = EVTCHNSTAT_virq };

	if (a->virq >= NR_VIRQS)
		return -XEN_EINVAL;
	if (!virq_per_vcpu(a->virq) && a->vcpu)
		return -XEN_EINVAL;
	if (a->vcpu >= xd.p.n_vcpus)
		return -XEN_ENOENT;
	if (xd.vcpu[a->vcpu].virq_port[a->virq])
		return -XEN_EEXIST;
	p.vcpu = (uint8_t)a->vcpu;
	p.virq = (uint8_t)a->virq;
	a->port = port_alloc(p);
	if (!a->port)
		return -XEN_ENOSPC;
	__atomic_store_n(
		&xd.vcpu[a->vcpu].virq_port[a->virq], (uint16_t)a->port, __ATOMIC_RELEASE);
	return 0;
}

static int64_t op_bind_ipi(struct evtchn_bind_ipi *a)
{
	union port p = { .state = EVTCHNSTAT_ipi, .vcpu = (uint8_t)a->vcpu };

	if (a->vcpu >= xd.p.n_vcpus)
		return -XEN_ENOENT;
	a->port = port_alloc(p);
	return a->port ? 0 : -XEN_ENOSPC;
}

static int64_t op_close(struct evtchn_close *a)
{
	if (!port_valid(a->port) || port_get(a->port).state == EVTCHNSTAT_closed)
		return -XEN_EINVAL;
	port_close(a->port);
	return 0;
}

static int64_t op_status(struct evtchn_status *a)
{
	union port p;
	int rc = dom_check(a->dom);

	if (rc)
		return rc;
	if (a->port >= EVTCHN_PORTS)
		return -XEN_EINVAL;
	p = port_get(a->port);
	memset(&a->u, 0, sizeof(a->u));
	a->status = p.state;
	a->vcpu = p.vcpu;
	switch (p.state) {
	case EVTCHNSTAT_unbound:
		a->u.unbound.dom = p.remote;
		break;
	case EVTCHNSTAT_interdomain:
		a->u.interdomain.port = a->port; /* domain 0's number for it: its own affair */
		break;
	case PORT_LOCAL:
		a->status = EVTCHNSTAT_interdomain;
		a->u.interdomain.dom = (domid_t)xd.p.domid;
		a->u.interdomain.port = p.remote;
		break;
	case EVTCHNSTAT_virq:
		a->u.virq = p.virq;
		break;
	default:
		break;
	}
	return 0;
}

static int64_t op_bind_vcpu(struct evtchn_bind_vcpu *a)
{
	union port p;

	if (a->vcpu >= xd.p.n_vcpus)
		return -XEN_ENOENT;
	if (!port_valid(a->port))
		return -XEN_EINVAL;
	p = port_get(a->port);
	if (p.state == EVTCHNSTAT_closed || p.state == EVTCHNSTAT_ipi ||
		(p.state == EVTCHNSTAT_virq && virq_per_vcpu(p.virq)))
		return -XEN_EINVAL;
	p.vcpu = (uint8_t)a->vcpu;
	port_set(a->port, p);
	return 0;
}

static int64_t op_set_priority(struct evtchn_set_priority *a)
{
	union port p;

	if (!fifo_on())
		return -XEN_ENOSYS;
	if (!port_valid(a->port) || a->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -XEN_EINVAL;
	p = port_get(a->port);
	if (p.state == EVTCHNSTAT_closed)
		return -XEN_EINVAL;
	p.priority = (uint8_t)a->priority;
	port_set(a->port, p);
	return 0;
}

static int64_t op_reset(struct evtchn_reset *a)
{
	uint32_t port;
	int rc = dom_check(a->dom);

	if (rc)
		return rc;
	for (port = 1; port < EVTCHN_PORTS; port++)
		if (port_get(port).state != EVTCHNSTAT_closed)
			port_close(port);
	fifo_reset();
	return 0;
}

/* The hot ones: no lock. */
static int64_t op_send(uint32_t port)
{
	union port p;

	if (!port_valid(port))
		return -XEN_EINVAL;
	p = port_get(port);
	switch (p.state) {
	case EVTCHNSTAT_interdomain:
		backend_wake(p.backend);
		return 0;
	case PORT_LOCAL:
		evtchn_set_pending(p.remote, port_get(p.remote));
		return 0;
	case EVTCHNSTAT_ipi:
		evtchn_set_pending(port, p);
		return 0;
	case EVTCHNSTAT_unbound:
		return 0; /* nobody there yet */
	default:
		return -XEN_EINVAL;
	}
}

static int64_t op_unmask(uint32_t port)
{
	union port p;

	if (!port_valid(port))
		return -XEN_EINVAL;
	p = port_get(port);
	if (p.state == EVTCHNSTAT_closed)
		return -XEN_EINVAL;
	port_unmask(port, p);
	return 0;
}

union evtchn_args {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_close close;
	struct evtchn_status status;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_set_priority set_priority;
	struct evtchn_reset reset;
};

static int64_t op_locked(uint32_t op, union evtchn_args *a)
{
	switch (op) {
	case EVTCHNOP_alloc_unbound:
		return op_alloc_unbound(&a->alloc_unbound);
	case EVTCHNOP_bind_interdomain:
		return op_bind_interdomain(&a->bind_interdomain);
	case EVTCHNOP_bind_virq:
		return op_bind_virq(&a->bind_virq);
	case EVTCHNOP_bind_ipi:
		return op_bind_ipi(&a->bind_ipi);
	case EVTCHNOP_close:
		return op_close(&a->close);
	case EVTCHNOP_status:
		return op_status(&a->status);
	case EVTCHNOP_bind_vcpu:
		return op_bind_vcpu(&a->bind_vcpu);
	case EVTCHNOP_set_priority:
		return op_set_priority(&a->set_priority);
	default:
		return op_reset(&a->reset);
	}
}

static const struct {
	uint8_t size;
	bool out; /* carries results */
} ops[] = {
	[EVTCHNOP_bind_interdomain] = { sizeof(struct evtchn_bind_interdomain), true },
	[EVTCHNOP_bind_virq] = { sizeof(struct evtchn_bind_virq), true },
	[EVTCHNOP_close] = { sizeof(struct evtchn_close), false },
	[EVTCHNOP_status] = { sizeof(struct evtchn_status), true },
	[EVTCHNOP_alloc_unbound] = { sizeof(struct evtchn_alloc_unbound), true },
	[EVTCHNOP_bind_ipi] = { sizeof(struct evtchn_bind_ipi), true },
	[EVTCHNOP_bind_vcpu] = { sizeof(struct evtchn_bind_vcpu), false },
	[EVTCHNOP_reset] = { sizeof(struct evtchn_reset), false },
	[EVTCHNOP_set_priority] = { sizeof(struct evtchn_set_priority), false },
};

/* arg: operation, pointer to its structure. */
int64_t hc_event_channel_op(struct hcall *c)
{
	uint32_t op = (uint32_t)c->arg[0], port;
	union evtchn_args a;
	int64_t rc;

	if (op == EVTCHNOP_send || op == EVTCHNOP_unmask) {
		if (!hc_in(c, &port, c->arg[1], sizeof(port)))
			return -XEN_EFAULT;
		return op == EVTCHNOP_send ? op_send(port) : op_unmask(port);
	}
	if (op == EVTCHNOP_init_control)
		return fifo_init_control(c, c->arg[1]);
	if (op == EVTCHNOP_expand_array)
		return fifo_expand_array(c, c->arg[1]);
	if (op >= ARRAY_SIZE(ops) || !ops[op].size)
		return -XEN_ENOSYS;

	memset(&a, 0, sizeof(a));
	if (!hc_in(c, &a, c->arg[1], ops[op].size))
		return -XEN_EFAULT;
	edge_lock(&xd.evtchn_lock);
	rc = op_locked(op, &a);
	edge_unlock(&xd.evtchn_lock);
	if (rc == 0 && ops[op].out && !hc_out(c, c->arg[1], &a, ops[op].size))
		return -XEN_EFAULT;
	return rc;
}

int evtchn_init(void)
{
	xd.hvm_param[HVM_PARAM_STORE_EVTCHN] = evtchn_alloc_unbound();
	xd.hvm_param[HVM_PARAM_CONSOLE_EVTCHN] = evtchn_alloc_unbound();
	return 0;
}

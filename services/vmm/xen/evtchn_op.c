/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_op.c - event_channel_op: the guest's operations on event channels
 *
 * Locks       evtchn_lock, except for send and unmask, which take none.
 */
#include "xen/evtchn.h"
#include "xen/evtchn_backend.h"
#include "xen/evtchn_fifo.h"
#include "xen/hypercall.h"

/* ---- closing: evtchn_lock held ---------------------------------------------------- */

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
		peer.remote = (uint16_t)xen_dom.p.domid;
		port_set(p.remote, peer);
	}
}

static void port_close(uint32_t port)
{
	union port p = port_get(port);

	port_unbind_peer(p);
	if (p.state == EVTCHNSTAT_virq)
		xen_dom.vcpu[virq_per_vcpu(p.virq) ? p.vcpu : 0].virq_port[p.virq] = 0;
	p.word = 0;
	port_set(port, p);
	evtchn_clear_pending(port);
}

/* ---- operations ------------------------------------------------------------------ */

static int64_t with_lock(xen_dom.evtchn_lock) op_alloc_unbound(struct evtchn_alloc_unbound *a)
{
	union port p = { .state = EVTCHNSTAT_unbound };
	int rc = dom_check(a->dom);

	if (rc)
		return rc;
	p.remote = a->remote_dom == DOMID_SELF ? (uint16_t)xen_dom.p.domid : a->remote_dom;
	a->port = port_alloc(p);
	return a->port ? 0 : -XEN_ENOSPC;
}

/*
 * Only the guest itself leaves ports unbound for it: domain 0 binds the guest's ports, not the
 * other way round.
 */
static int64_t with_lock(xen_dom.evtchn_lock)
	op_bind_interdomain(struct evtchn_bind_interdomain *a)
{
	union port p = { .state = PORT_LOCAL }, peer;

	if (!dom_self(a->remote_dom))
		return a->remote_dom == 0 ? -XEN_EINVAL : -XEN_ESRCH;
	if (!port_valid(a->remote_port))
		return -XEN_EINVAL;
	peer = port_get(a->remote_port);
	if (peer.state != EVTCHNSTAT_unbound || peer.remote != xen_dom.p.domid)
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

static int64_t with_lock(xen_dom.evtchn_lock) op_bind_virq(struct evtchn_bind_virq *a)
{
	union port p = { .state = EVTCHNSTAT_virq };

	if (a->virq >= NR_VIRQS)
		return -XEN_EINVAL;
	if (!virq_per_vcpu(a->virq) && a->vcpu)
		return -XEN_EINVAL;
	if (a->vcpu >= xen_dom.p.n_vcpus)
		return -XEN_ENOENT;
	if (xen_dom.vcpu[a->vcpu].virq_port[a->virq])
		return -XEN_EEXIST;
	p.vcpu = (uint8_t)a->vcpu;
	p.virq = (uint8_t)a->virq;
	a->port = port_alloc(p);
	if (!a->port)
		return -XEN_ENOSPC;
	__atomic_store_n(
		&xen_dom.vcpu[a->vcpu].virq_port[a->virq], (uint16_t)a->port, __ATOMIC_RELEASE);
	return 0;
}

static int64_t with_lock(xen_dom.evtchn_lock) op_bind_ipi(struct evtchn_bind_ipi *a)
{
	union port p = { .state = EVTCHNSTAT_ipi, .vcpu = (uint8_t)a->vcpu };

	if (a->vcpu >= xen_dom.p.n_vcpus)
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
		/* domain 0's number of the port means nothing to the guest */
		a->u.interdomain.port = a->port;
		break;
	case PORT_LOCAL:
		a->status = EVTCHNSTAT_interdomain;
		a->u.interdomain.dom = (domid_t)xen_dom.p.domid;
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

	if (a->vcpu >= xen_dom.p.n_vcpus)
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

	if (!evtchn_fifo_on())
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

static int64_t with_lock(xen_dom.evtchn_lock) op_reset(struct evtchn_reset *a)
{
	int rc = dom_check(a->dom);

	if (rc)
		return rc;
	for (uint32_t port = 1; port < EVTCHN_PORTS; port++)
		if (port_get(port).state != EVTCHNSTAT_closed)
			port_close(port);
	fifo_reset();
	return 0;
}

/* Send and unmask are hot, and take no lock. */
static int64_t op_send(uint32_t port)
{
	union port p;

	if (!port_valid(port))
		return -XEN_EINVAL;
	p = port_get(port);
	switch (p.state) {
	case EVTCHNSTAT_interdomain:
		evtchn_backend_wake(p.backend);
		return 0;
	case PORT_LOCAL:
		evtchn_set_pending(p.remote, port_get(p.remote));
		return 0;
	case EVTCHNSTAT_ipi:
		evtchn_set_pending(port, p);
		return 0;
	case EVTCHNSTAT_unbound:
		return 0; /* the other end is not bound */
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
	evtchn_unmask(port, p);
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

static int64_t with_lock(xen_dom.evtchn_lock) op_locked(uint32_t op, union evtchn_args *a)
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
	bool out; /* the structure carries results */
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

/* Arguments: operation, pointer to its structure. */
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
	mutex_lock(&xen_dom.evtchn_lock);
	rc = op_locked(op, &a);
	mutex_unlock(&xen_dom.evtchn_lock);
	if (rc == 0 && ops[op].out && !hc_out(c, c->arg[1], &a, ops[op].size))
		return -XEN_EFAULT;
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_backend.c - domain 0's ends of event channels, for the back ends
 *
 * Objects     struct backend: the function to call on the I/O thread when the guest notifies.
 * Locks       evtchn_lock for every change.
 * Lifecycle   A back end binds a port that the guest left unbound for domain 0. When either end
 *             is closed, the other is unbound.
 * Invariants  BACKEND1 an interdomain port names a back end that names the port, or the back
 *                      end has gone away
 */
#include "xen/evtchn_backend.h"

#include "xen/evtchn.h"
#include "xen/xen_domain.h"

struct backend {
	void (*fn)(void *ctx);
	void *ctx;
	/* 0: free */
	uint32_t port;
};
static struct backend backends[EVTCHN_BACKENDS];
/* Atomic: the guest sent, and fn has not run yet. */
static uint64_t notified[EVTCHN_BACKENDS / 64];
/* Atomic: what to call when a vCPU goes idle, or NULL; one did, and it has not run yet. */
static void (*idle_fn)(void);
static uint32_t idle;

uint32_t evtchn_alloc_unbound(void)
{
	union port p = { .state = EVTCHNSTAT_unbound };
	uint32_t port;

	mutex_lock(&xen_dom.evtchn_lock);
	port = port_alloc(p);
	mutex_unlock(&xen_dom.evtchn_lock);
	return port;
}

static int backend_bind(uint32_t port, void (*fn)(void *), void *ctx, unsigned int *out)
{
	union port p;
	unsigned int i;

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

int evtchn_backend_bind(uint32_t port, void (*fn)(void *ctx), void *ctx, unsigned int *backend)
{
	int rc;

	mutex_lock(&xen_dom.evtchn_lock);
	rc = backend_bind(port, fn, ctx, backend);
	mutex_unlock(&xen_dom.evtchn_lock);
	return rc;
}

static bool port_of_backend(uint32_t port, unsigned int backend, union port *p)
{
	*p = port_get(port);
	return p->state == EVTCHNSTAT_interdomain && p->backend == backend; /* BACKEND1 */
}

void evtchn_backend_unbind(unsigned int backend)
{
	uint32_t port;
	union port p;

	mutex_lock(&xen_dom.evtchn_lock);
	port = backends[backend].port;
	if (port && port_of_backend(port, backend, &p)) {
		p.state = EVTCHNSTAT_unbound;
		p.remote = 0;
		port_set(port, p);
	}
	backends[backend].port = 0;
	backends[backend].fn = NULL;
	mutex_unlock(&xen_dom.evtchn_lock);
}

void evtchn_backend_notify(unsigned int backend)
{
	union port p;
	uint32_t port = backends[backend].port;

	if (port && port_of_backend(port, backend, &p))
		evtchn_set_pending(port, p);
}

void evtchn_backends_run(void)
{
	for (unsigned int w = 0; w < ARRAY_SIZE(notified); w++) {
		uint64_t bits = __atomic_exchange_n(&notified[w], 0, __ATOMIC_ACQ_REL);

		for (; bits; bits &= bits - 1) {
			struct backend *b =
				&backends[w * 64 + (unsigned int)__builtin_ctzll(bits)];

			if (b->fn) /* after start, only the I/O thread binds and unbinds */
				b->fn(b->ctx);
		}
	}
	if (__atomic_load_n(&idle, __ATOMIC_RELAXED) &&
		__atomic_exchange_n(&idle, 0, __ATOMIC_ACQ_REL) && idle_fn)
		idle_fn();
}

void evtchn_on_idle(void (*fn)(void)) { __atomic_store_n(&idle_fn, fn, __ATOMIC_SEQ_CST); }

void evtchn_vcpu_idles(void)
{
	if (__atomic_load_n(&idle_fn, __ATOMIC_SEQ_CST) &&
		!__atomic_exchange_n(&idle, 1, __ATOMIC_ACQ_REL))
		edge_io_kick();
}

void evtchn_backend_wake(unsigned int backend)
{
	uint64_t bit = 1ull << (backend % 64);

	if (!(__atomic_fetch_or(&notified[backend / 64], bit, __ATOMIC_ACQ_REL) & bit))
		edge_io_kick();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn.c - event channels: ports, and the pending bits of the 2-level ABI
 *
 * Objects     xen_dom.port[]: one word per port.
 * Locks       evtchn_lock for every change of a port. Sending reads the port's word once and
 *             takes no lock; the pending bits that the guest sees are atomics.
 * Invariants  EVTCHN1 port 0 is never used
 *             EVTCHN2 vcpu < n_vcpus in every port in use
 */
#include "xen/evtchn.h"

#include "xen/evtchn_backend.h"
#include "xen/evtchn_fifo.h"
#include "xen/sched_op.h"
#include "xen/shinfo.h"
#include "xen/upcall.h"

union port port_get(uint32_t port)
{
	union port p;

	p.word = __atomic_load_n(&xen_dom.port[port].word, __ATOMIC_ACQUIRE);
	return p;
}

void port_set(uint32_t port, union port p)
{
	__atomic_store_n(&xen_dom.port[port].word, p.word, __ATOMIC_RELEASE);
}

/* EVTCHN1 */
bool port_valid(uint32_t port) { return port && port < EVTCHN_PORTS; }

uint32_t port_alloc(union port p)
{
	for (uint32_t port = 1; port < EVTCHN_PORTS; port++)
		if (xen_dom.port[port].state == EVTCHNSTAT_closed) {
			p.priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
			port_set(port, p);
			return port;
		}
	return 0;
}

/* ---- pending ---------------------------------------------------------------------- */

/* The port is pending: tell its vCPU, unless it is masked. */
static void port_select(uint32_t port, unsigned int cpu)
{
	if (!shinfo_masked(port) && !shinfo_select(cpu, port))
		upcall_mark(cpu);
}

bool evtchn_fifo_on(void) { return __atomic_load_n(&xen_dom.fifo, __ATOMIC_ACQUIRE); }

void evtchn_set_pending(uint32_t port, union port p)
{
	if (evtchn_fifo_on()) {
		fifo_set_pending(port, p);
	} else if (!shinfo_pending_set(port)) {
		port_select(port, p.vcpu); /* SHINFO1 */
	}
	if (!__atomic_load_n(&xen_dom.vcpu[p.vcpu].waiting, __ATOMIC_ACQUIRE))
		return;
	if (p.vcpu == xen_this_cpu)
		sched_wait_end(p.vcpu); /* its own timer fired before it slept */
	else
		edge_vcpu_kick(p.vcpu); /* the vCPU may be polling a masked port */
}

bool evtchn_pending(uint32_t port)
{
	return evtchn_fifo_on() ? fifo_pending(port) : shinfo_pending(port);
}

void evtchn_unmask(uint32_t port, union port p)
{
	if (evtchn_fifo_on())
		fifo_unmask(port, p);
	else if (shinfo_unmask(port) && shinfo_pending(port))
		port_select(port, p.vcpu);
}

void evtchn_clear_pending(uint32_t port)
{
	if (evtchn_fifo_on())
		fifo_clear_pending(port);
	else
		shinfo_pending_clear(port);
}

void evtchn_select_pending(void)
{
	if (evtchn_fifo_on()) /* the FIFO ABI has only one layout */
		return;
	for (uint32_t port = 1; port < EVTCHN_PORTS; port++)
		if (shinfo_pending(port))
			port_select(port, port_get(port).vcpu);
}

void evtchn_virq(unsigned int cpu, unsigned int virq)
{
	uint32_t port = __atomic_load_n(&xen_dom.vcpu[cpu].virq_port[virq], __ATOMIC_ACQUIRE);

	if (port)
		evtchn_set_pending(port, port_get(port));
}

int evtchn_init(void)
{
	xen_dom.hvm_param[HVM_PARAM_STORE_EVTCHN] = evtchn_alloc_unbound();
	xen_dom.hvm_param[HVM_PARAM_CONSOLE_EVTCHN] = evtchn_alloc_unbound();
	return 0;
}

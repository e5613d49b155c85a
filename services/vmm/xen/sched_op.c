/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched_op.c - sched_op: waiting, shutting down, watchdogs
 *
 * Objects     the wait of a vCPU: its flag `waiting` and its deadline.
 * Lifecycle   A wait begins here, before the last check of its condition, and ends when the
 *             vCPU wakes up for any reason: then the guest checks again.
 * Invariants  WAIT1 the flag is set before the last check, so a sender that the check missed
 *                   kicks the vCPU
 */
#include "xen/sched_op.h"

#include "xen/evtchn.h"
#include "xen/hypercall.h"
#include "xen/shinfo.h"
#include "xen/time.h"
#include "xen/upcall.h"
#include "xen/xen_domain.h"

#define POLL_PORTS_MAX 128u

static void wait_begin(unsigned int cpu, sk_time_t deadline)
{
	xen_dom.vcpu[cpu].poll_deadline = deadline;
	__atomic_store_n(&xen_dom.vcpu[cpu].waiting, true, __ATOMIC_SEQ_CST); /* WAIT1 */
}

void sched_wait_end(unsigned int cpu)
{
	__atomic_store_n(&xen_dom.vcpu[cpu].waiting, false, __ATOMIC_SEQ_CST);
}

void sched_wait_kick(unsigned int cpu) { wait_begin(cpu, SK_NO_DEADLINE); }

static int64_t sched_block(unsigned int cpu)
{
	__atomic_store_n(shinfo_upcall_mask(cpu), 0, __ATOMIC_SEQ_CST);
	wait_begin(cpu, SK_NO_DEADLINE);
	if (upcall_pending(cpu))
		sched_wait_end(cpu);
	return 0;
}

static int64_t ports_poll(struct hcall *c, const struct sched_poll *p)
{
	uint32_t port;

	for (uint32_t i = 0; i < p->nr_ports; i++) {
		if (!hc_in(c, &port, (uint64_t)p->ports.p + 4ull * i, sizeof(port)))
			return -XEN_EFAULT;
		if (port >= EVTCHN_PORTS)
			return -XEN_EINVAL;
		if (evtchn_pending(port))
			return 1;
	}
	return 0;
}

static int64_t sched_poll(struct hcall *c)
{
	struct sched_poll p;
	int64_t rc;

	if (HC_STRUCT(c, &p))
		return -XEN_EFAULT;
	if (p.nr_ports > POLL_PORTS_MAX)
		return -XEN_EINVAL;
	wait_begin(c->cpu, p.timeout ? time_tsc(p.timeout) : SK_NO_DEADLINE);
	rc = ports_poll(c, &p);
	if (rc || upcall_pending(c->cpu) || (p.timeout && time_now() >= p.timeout))
		sched_wait_end(c->cpu);
	return rc < 0 ? rc : 0;
}

static int64_t sched_shutdown(struct hcall *c)
{
	uint32_t running = 0;
	struct sched_shutdown s;

	if (HC_STRUCT(c, &s))
		return -XEN_EFAULT;
	if (s.reason > SHUTDOWN_MAX)
		return -XEN_EINVAL;
	if (__atomic_compare_exchange_n(&xen_dom.shut_down, &running, s.reason + 1, false,
		    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		xen_dom.suspend_cpu = c->cpu;
		edge_shutdown(s.reason);
	}
	return 0;
}

/* The other vCPUs see nothing of it: they stood still in between. */
bool xen_suspend_cancel(void)
{
	struct sk_vcpu_state *st = edge_state(xen_dom.suspend_cpu);

	if (xen_dom.shut_down != SHUTDOWN_suspend + 1)
		return false;
	st->gpr[SK_RAX] = 1;
	st->dirty |= SK_VCPU_GPR;
	__atomic_store_n(&xen_dom.shut_down, 0, __ATOMIC_SEQ_CST);
	return true;
}

/*
 * Record the reason for a shutdown that happens later in another way (a reset by the guest's
 * firmware).
 */
static int64_t sched_shutdown_code(struct hcall *c)
{
	struct sched_shutdown s;

	if (HC_STRUCT(c, &s))
		return -XEN_EFAULT;
	return s.reason > SHUTDOWN_MAX ? -XEN_EINVAL : 0;
}

/*
 * id 0 starts a watchdog and returns its number. Another id sets that watchdog again; timeout 0
 * stops it. Timeouts are in seconds.
 */
static int64_t sched_watchdog(struct hcall *c)
{
	struct sched_watchdog w;
	sk_time_t deadline = SK_NO_DEADLINE;

	if (HC_STRUCT(c, &w))
		return -XEN_EFAULT;
	if (w.id > ARRAY_SIZE(xen_dom.watchdog))
		return -XEN_EINVAL;
	if (w.timeout)
		deadline = time_tsc(time_now() + w.timeout * 1000000000ull);
	if (w.id) {
		if (xen_dom.watchdog[w.id - 1] == SK_NO_DEADLINE)
			return -XEN_EINVAL;
		__atomic_store_n(&xen_dom.watchdog[w.id - 1], deadline, __ATOMIC_RELEASE);
		edge_vcpu_kick(0);
		return 0;
	}
	if (!w.timeout)
		return -XEN_EINVAL;
	for (unsigned int i = 0; i < ARRAY_SIZE(xen_dom.watchdog); i++) {
		sk_time_t free_slot = SK_NO_DEADLINE;

		if (__atomic_compare_exchange_n(&xen_dom.watchdog[i], &free_slot, deadline,
			    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			edge_vcpu_kick(0); /* vCPU 0's thread runs the watchdogs */
			return i + 1;
		}
	}
	return -XEN_ENOSPC;
}

/* Arguments: operation, its argument. */
int64_t hc_sched_op(struct hcall *c)
{
	switch ((uint32_t)c->arg[0]) {
	case SCHEDOP_yield:
		edge_yield();
		return 0;
	case SCHEDOP_block:
		return sched_block(c->cpu);
	case SCHEDOP_shutdown:
		return sched_shutdown(c);
	case SCHEDOP_poll:
		return sched_poll(c);
	case SCHEDOP_shutdown_code:
		return sched_shutdown_code(c);
	case SCHEDOP_watchdog:
		return sched_watchdog(c);
	case SCHEDOP_remote_shutdown:
	case SCHEDOP_pin_override:
		return -XEN_EPERM;
	default:
		return -XEN_ENOSYS;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upcall.c - upcalls: how a vCPU learns that events are pending
 *
 * Invariants  UPCALL1 a thread that makes an upcall due sets evtchn_upcall_pending first, and
 *                     then looks for a way to deliver it. A thread that opens such a way
 *                     (vector, callback, APIC, bringing the vCPU up) checks
 *                     evtchn_upcall_pending afterwards.
 */
#include "xen/upcall.h"

#include "xen.h"
#include "xen/shinfo.h"
#include "xen/xen_domain.h"

static void upcall_deliver(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	uint8_t vector = __atomic_load_n(&vcpu->upcall_vector, __ATOMIC_SEQ_CST);

	if (vector) {
		edge_lapic_post(cpu, vector);
		return;
	}
	__atomic_store_n(&vcpu->upcall_new, 1, __ATOMIC_SEQ_CST);
	if (cpu != xen_this_cpu) /* a vCPU's own thread checks before it enters the guest */
		edge_vcpu_kick(cpu);
}

void upcall_mark(unsigned int cpu)
{
	if (__atomic_exchange_n(shinfo_upcall_pending(cpu), 1, __ATOMIC_SEQ_CST) == 0)
		upcall_deliver(cpu);
}

void upcall_mark_all(unsigned int cpu)
{
	shinfo_select_all(cpu);
	__atomic_store_n(shinfo_upcall_pending(cpu), 1, __ATOMIC_SEQ_CST);
	upcall_deliver(cpu);
}

bool upcall_pending(unsigned int cpu)
{
	return __atomic_load_n(shinfo_upcall_pending(cpu), __ATOMIC_SEQ_CST) != 0;
}

void xen_apic_enabled(unsigned int cpu)
{
	uint8_t vector = __atomic_load_n(&xen_dom.vcpu[cpu].upcall_vector, __ATOMIC_SEQ_CST);

	if (vector && upcall_pending(cpu)) /* UPCALL1 */
		edge_lapic_post(cpu, vector);
}

/*
 * The vector of HVM_PARAM_CALLBACK_IRQ; 0 if upcalls do not use it. (A vCPU's own vector goes
 * through its APIC.)
 */
static uint8_t callback_vector(unsigned int cpu)
{
	uint64_t via = __atomic_load_n(
		&xen_dom.hvm_param[HVM_PARAM_CALLBACK_IRQ], __ATOMIC_ACQUIRE);

	if (via >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR)
		return 0;
	return __atomic_load_n(&xen_dom.vcpu[cpu].upcall_vector, __ATOMIC_RELAXED)
		       ? 0
		       : (uint8_t)via;
}

bool xen_vcpu_event_pending(unsigned int cpu)
{
	return upcall_pending(cpu) && callback_vector(cpu);
}

/*
 * The upcall is a level: it is due as long as evtchn_upcall_pending is set. A guest with
 * interrupts off gets it only once each time it becomes due, so that a handler which is about
 * to clear the flag is not interrupted again.
 */
int xen_upcall_vector(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	const struct sk_vcpu_state *st = edge_state(cpu);
	uint8_t vector = callback_vector(cpu);
	bool fresh = __atomic_exchange_n(&vcpu->upcall_new, 0, __ATOMIC_SEQ_CST);

	if (!vector || !upcall_pending(cpu) || st->irq_pending == (vector | 0x100u))
		return -1;
	return fresh || st->rflags & 1u << 9 ? vector : -1;
}

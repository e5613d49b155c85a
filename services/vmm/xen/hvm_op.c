/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm_op.c - hvm_op: parameters, upcall vectors, and small questions; and the set-up of the Xen
 * half
 *
 * Objects     xen_dom: the one guest.
 * Locks       Parameters are constant, except for CALLBACK_IRQ, an atomic word.
 * Lifecycle   xen_init() runs before the first vCPU. Nothing is taken down: the VMM ends with
 *             its guest.
 * Invariants  HVMOP1 an upcall vector is at least 0x10
 */
#include "xen.h"
#include "xen/evtchn.h"
#include "xen/grant.h"
#include "xen/hypercall.h"
#include "xen/shinfo.h"
#include "xen/time.h"
#include "xen/xen_domain.h"

#define VECTOR_MIN 0x10u

struct xen_domain xen_dom;

int xen_init(const struct xen_params *p)
{
	int rc;

	if (!p->n_vcpus || p->n_vcpus > VM_VCPUS_MAX || !p->tsc_hz)
		return -SK_E_INVAL;
	xen_dom.p = *p;
	xen_dom.shared_gfn = UINT64_MAX;
	rc = edge_page_alloc(&xen_dom.shared_page);
	if (rc)
		return rc;
	xen_dom.shared = xen_dom.shared_page.addr;
	for (unsigned int i = 0; i < p->n_vcpus; i++)
		xen_dom.vcpu[i].info = &xen_dom.shared->vcpu_info[i];
	xen_dom.hvm_param[HVM_PARAM_STORE_PFN] = p->store_pfn;
	xen_dom.hvm_param[HVM_PARAM_CONSOLE_PFN] = p->console_pfn;
	time_init();
	rc = grant_init();
	return rc ? rc : evtchn_init();
}

static void callback_set(uint64_t via)
{
	__atomic_store_n(&xen_dom.hvm_param[HVM_PARAM_CALLBACK_IRQ], via, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < xen_dom.p.n_vcpus;
		i++) { /* events that are already pending become due now */
		__atomic_store_n(&xen_dom.vcpu[i].upcall_new, 1, __ATOMIC_SEQ_CST);
		if (i != xen_this_cpu && edge_vcpu_is_up(i))
			edge_vcpu_kick(i);
	}
}

uint64_t xen_param(uint32_t index)
{
	return __atomic_load_n(&xen_dom.hvm_param[index], __ATOMIC_ACQUIRE);
}

void xen_callback_restore(uint64_t via)
{
	bool vector = via >> 56 == HVM_PARAM_CALLBACK_TYPE_VECTOR;

	if (vector && (via & 0xff) < VECTOR_MIN) /* HVMOP1 */
		via = 0;
	__atomic_store_n(&xen_dom.hvm_param[HVM_PARAM_CALLBACK_IRQ], via, __ATOMIC_SEQ_CST);
}

static int64_t param_set(struct hcall *c)
{
	struct xen_hvm_param a;
	int rc = HC_SELF(c, &a);

	if (rc)
		return rc;
	if (a.index >= HVM_NR_PARAMS)
		return -XEN_EINVAL;
	if (a.index != HVM_PARAM_CALLBACK_IRQ)
		return -XEN_EPERM;
	if (a.value >> 56 == HVM_PARAM_CALLBACK_TYPE_VECTOR &&
		(a.value & 0xff) < VECTOR_MIN) /* HVMOP1 */
		return -XEN_EINVAL;
	/* A guest whose vCPUs have vectors of their own wants no callback, whatever it says. */
	if (a.value && a.value >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR &&
		!xen_dom.vcpu[c->cpu].upcall_vector)
		vm_note(NOTE_HYPERCALL, 1ull << 48 | a.value >> 56,
			"vCPU %u: asks for events by a callback of type %u, but only the type by vector exists",
			c->cpu, (unsigned int)(a.value >> 56));
	callback_set(a.value);
	shinfo_latch(c->cpu);
	return 0;
}

static int64_t param_get(struct hcall *c)
{
	struct xen_hvm_param a;
	int rc = HC_SELF(c, &a);

	if (rc)
		return rc;
	switch (a.index) {
	case HVM_PARAM_CALLBACK_IRQ:
	case HVM_PARAM_STORE_PFN:
	case HVM_PARAM_STORE_EVTCHN:
	case HVM_PARAM_CONSOLE_PFN:
	case HVM_PARAM_CONSOLE_EVTCHN:
	case HVM_PARAM_VM86_TSS:
	case HVM_PARAM_ACPI_S_STATE:
	case HVM_PARAM_VM_GENERATION_ID_ADDR:
	case HVM_PARAM_ALTP2M:
	case HVM_PARAM_X87_FIP_WIDTH:
	case HVM_PARAM_VM86_TSS_SIZED:
		a.value = __atomic_load_n(&xen_dom.hvm_param[a.index], __ATOMIC_ACQUIRE);
		return hc_out(c, c->arg[1], &a, sizeof(a)) ? 0 : -XEN_EFAULT;
	default:
		return a.index < HVM_NR_PARAMS ? -XEN_EPERM : -XEN_EINVAL;
	}
}

static int64_t upcall_vector_set(struct hcall *c)
{
	struct xen_hvm_evtchn_upcall_vector a;

	if (HC_STRUCT(c, &a))
		return -XEN_EFAULT;
	if (a.vector < VECTOR_MIN) /* HVMOP1 */
		return -XEN_EINVAL;
	if (a.vcpu >= xen_dom.p.n_vcpus)
		return -XEN_ENOENT;
	__atomic_store_n(&xen_dom.vcpu[a.vcpu].upcall_vector, a.vector, __ATOMIC_SEQ_CST);
	xen_apic_enabled(a.vcpu);
	return 0;
}

static int64_t mem_type_get(struct hcall *c)
{
	struct xen_hvm_get_mem_type a;
	int rc = HC_SELF(c, &a);

	if (rc)
		return rc;
	a.mem_type = HVMMEM_mmio_dm;
	if (guest_frame(a.pfn))
		a.mem_type = HVMMEM_ram_rw;
	return hc_out(c, c->arg[1], &a, sizeof(a)) ? 0 : -XEN_EFAULT;
}

/* Arguments: operation, pointer to its structure. */
int64_t hc_hvm_op(struct hcall *c)
{
	struct xen_hvm_get_time t;

	switch ((uint32_t)c->arg[0]) {
	case HVMOP_set_param:
		return param_set(c);
	case HVMOP_get_param:
		return param_get(c);
	case HVMOP_set_evtchn_upcall_vector:
		return upcall_vector_set(c);
	case HVMOP_get_time:
		t.now = time_now();
		return hc_out(c, c->arg[1], &t, sizeof(t)) ? 0 : -XEN_EFAULT;
	case HVMOP_get_mem_type:
		return mem_type_get(c);
	case HVMOP_flush_tlbs: /* Xen as a guest then interrupts its other vCPUs */
		return -XEN_EOPNOTSUPP;
	case HVMOP_pagetable_dying: /* for shadow paging only; Linux asks whether it exists */
		return -XEN_EINVAL;
	default:
		return -XEN_ENOSYS;
	}
}

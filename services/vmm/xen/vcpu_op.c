/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu_op.c - vcpu_op and set_timer_op: areas that the guest registers for a vCPU, its timers,
 * taking it up and down
 *
 * Objects     areas and timers of struct xen_vcpu.
 * Locks       time_lock for the runstate area and the copy of pvclock.
 * Lifecycle   vcpu_info is registered once, the other areas any number of times.
 * Invariants  VCPUOP1 a vcpu_info lies in one page, and is aligned as the longs of the layout
 *                     of shared_info, because it is changed by atomics
 */
#include "xen/hypercall.h"
#include "xen/shinfo.h"
#include "xen/time.h"
#include "xen/upcall.h"
#include "xen/xen_domain.h"

/* A timeout this far in the future means that the guest's time wrapped. */
#define FAR_FUTURE_BITS 50
#define SOON_NS 100000000ull
#define PERIOD_MIN_NS 1000000ull

static int64_t info_register(struct hcall *c, unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	struct vcpu_register_vcpu_info a;
	struct vcpu_info *info;
	uint8_t *page;

	if (!hc_in(c, &a, c->arg[2], sizeof(a)))
		return -XEN_EFAULT;
	if (a.offset > SK_PAGE_SIZE - sizeof(struct vcpu_info) ||
		a.offset % (shinfo_compat() ? 4 : 8) || vcpu->info_registered) /* VCPUOP1 */
		return -XEN_EINVAL;
	if (cpu != c->cpu && edge_vcpu_is_up(cpu))
		return -XEN_EINVAL;
	page = guest_frame(a.mfn);
	if (!page)
		return -XEN_EINVAL;
	info = (struct vcpu_info *)(page + a.offset);
	memcpy(info, vcpu->info, sizeof(*info));
	vcpu->info_registered = true;
	__atomic_store_n(&vcpu->info, info, __ATOMIC_SEQ_CST);
	time_write(cpu);
	upcall_mark_all(cpu); /* a sender may have written to the old vcpu_info */
	return 0;
}

static void runstate_unregister(struct xen_vcpu *vcpu)
{
	mutex_lock(&vcpu->time_lock);
	vcpu->runstate_at[0] = vcpu->runstate_at[1] = NULL;
	mutex_unlock(&vcpu->time_lock);
}

static int64_t runstate_register(struct hcall *c, unsigned int cpu)
{
	const uint32_t size = c->wide ? sizeof(struct vcpu_runstate_info)
				      : sizeof(struct compat_vcpu_runstate_info);
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	uint64_t at, gpa[2];
	uint32_t first;
	void *part[2] = { NULL, NULL };

	if (!hc_words_get(c, &at, c->arg[2], 1))
		return -XEN_EFAULT;
	time_areas_wrote(cpu); /* those that go */
	if (at == 0) {
		runstate_unregister(vcpu);
		return 0;
	}
	if (at % hc_word_size(c) || at > UINT64_MAX - size)
		return -XEN_EINVAL;
	first = SK_PAGE_SIZE - (uint32_t)(at % SK_PAGE_SIZE);
	if (first > size)
		first = size;
	if (!edge_gva_to_gpa(c->cpu, at, &gpa[0]))
		return -XEN_EFAULT;
	part[0] = edge_gmem(gpa[0], first);
	if (first < size) {
		if (!edge_gva_to_gpa(c->cpu, at + first, &gpa[1]))
			return -XEN_EFAULT;
		part[1] = edge_gmem(gpa[1], size - first);
	}
	if (!part[0] || (first < size && !part[1]))
		return -XEN_EFAULT;
	mutex_lock(&vcpu->time_lock);
	vcpu->runstate_at[0] = part[0];
	vcpu->runstate_at[1] = part[1];
	vcpu->runstate_size = size;
	vcpu->runstate_first = first;
	mutex_unlock(&vcpu->time_lock);
	time_runstate_update(cpu);
	return 0;
}

static int64_t time_register(struct hcall *c, unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	uint64_t at, gpa = 0;
	void *p;

	if (!hc_words_get(c, &at, c->arg[2], 1))
		return -XEN_EFAULT;
	if (at % hc_word_size(c) ||
		at % SK_PAGE_SIZE > SK_PAGE_SIZE - sizeof(struct vcpu_time_info))
		return -XEN_EINVAL;
	if (at && !edge_gva_to_gpa(c->cpu, at, &gpa))
		return -XEN_EFAULT;
	p = at ? edge_gmem(gpa, sizeof(struct vcpu_time_info)) : NULL;
	if (at && !p)
		return -XEN_EFAULT;
	time_areas_wrote(cpu); /* the one that goes */
	mutex_lock(&vcpu->time_lock);
	vcpu->time_copy = p; /* address 0 takes the copy back, as on Xen */
	mutex_unlock(&vcpu->time_lock);
	time_write(cpu);
	return 0;
}

static int64_t runstate_get(struct hcall *c, unsigned int cpu)
{
	struct vcpu_runstate_info r;

	time_runstate_update(cpu);
	mutex_lock(&xen_dom.vcpu[cpu].time_lock);
	r = xen_dom.vcpu[cpu].runstate;
	mutex_unlock(&xen_dom.vcpu[cpu].time_lock);
	return HC_PUT(c, c->arg[2], &r) ? 0 : -XEN_EFAULT;
}

static int64_t singleshot_set(struct hcall *c, unsigned int cpu)
{
	struct vcpu_set_singleshot_timer a;

	if (cpu != c->cpu)
		return -XEN_EINVAL;
	if (!HC_GET(c, &a, c->arg[2]))
		return -XEN_EFAULT;
	if ((a.flags & VCPU_SSHOTTMR_future) && a.timeout_abs_ns < time_now())
		return -XEN_ETIME;
	xen_dom.vcpu[cpu].singleshot = time_tsc(a.timeout_abs_ns);
	return 0;
}

static int64_t periodic_set(struct hcall *c, unsigned int cpu)
{
	struct vcpu_set_periodic_timer a;

	if (!hc_in(c, &a, c->arg[2], sizeof(a)))
		return -XEN_EFAULT;
	if (a.period_ns < PERIOD_MIN_NS || a.period_ns >> FAR_FUTURE_BITS)
		return -XEN_EINVAL;
	__atomic_store_n(&xen_dom.vcpu[cpu].period, a.period_ns, __ATOMIC_RELEASE);
	if (cpu != c->cpu)
		edge_vcpu_kick(cpu);
	return 0;
}

static int64_t vcpu_bring_up(unsigned int cpu)
{
	if (!xen_dom.vcpu[cpu].started)
		return -XEN_EINVAL; /* the vCPU has no initial state; SIPI gives it one */
	return edge_vcpu_is_up(cpu) || edge_vcpu_up(cpu) == 0 ? 0 : -XEN_EINVAL;
}

/* Arguments: operation, vCPU, pointer to its structure. */
int64_t hc_vcpu_op(struct hcall *c)
{
	unsigned int cpu = (uint32_t)c->arg[1];

	if (cpu >= xen_dom.p.n_vcpus)
		return -XEN_ENOENT;
	switch ((uint32_t)c->arg[0]) {
	case VCPUOP_up:
		return vcpu_bring_up(cpu);
	case VCPUOP_down:
		if (edge_vcpu_is_up(cpu))
			edge_vcpu_down(cpu);
		return 0;
	case VCPUOP_is_up:
		return edge_vcpu_is_up(cpu);
	case VCPUOP_get_runstate_info:
		return runstate_get(c, cpu);
	case VCPUOP_register_runstate_memory_area:
		return runstate_register(c, cpu);
	case VCPUOP_set_periodic_timer:
		return periodic_set(c, cpu);
	case VCPUOP_stop_periodic_timer:
		__atomic_store_n(&xen_dom.vcpu[cpu].period, 0, __ATOMIC_RELEASE);
		return 0;
	case VCPUOP_set_singleshot_timer:
		return singleshot_set(c, cpu);
	case VCPUOP_stop_singleshot_timer:
		if (cpu != c->cpu)
			return -XEN_EINVAL;
		xen_dom.vcpu[cpu].singleshot = SK_NO_DEADLINE;
		return 0;
	case VCPUOP_register_vcpu_info:
		return info_register(c, cpu);
	case VCPUOP_register_vcpu_time_memory_area:
		return time_register(c, cpu);
	case VCPUOP_send_nmi:
		edge_nmi(cpu);
		return 0;
	case VCPUOP_get_physid:
		return -XEN_EINVAL; /* vCPUs cannot be pinned */
	default:
		return -XEN_ENOSYS;
	}
}

/*
 * Arguments: absolute system time in ns, 0 to stop the timer. 32-bit code passes the high half
 * in the second argument.
 */
int64_t hc_set_timer_op(struct hcall *c)
{
	uint64_t at = c->arg[0], now = time_now();

	if (!c->wide)
		at |= c->arg[1] << 32;
	if (at == 0) {
		xen_dom.vcpu[c->cpu].singleshot = SK_NO_DEADLINE;
		return 0;
	}
	if ((int64_t)at < 0 || (at > now && (at - now) >> FAR_FUTURE_BITS))
		at = now + SOON_NS;
	xen_dom.vcpu[c->cpu].singleshot = time_tsc(at);
	return 0;
}

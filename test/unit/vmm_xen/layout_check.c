/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout_check.c - compare what services/vmm/xen/layout.h says of 32-bit code with Xen's own
 * headers
 *
 * Compiled for both widths and never run. For 32-bit code the compiler sees the headers as a
 * guest does: the listed structures must be those of layout.h, member by member. `same` has
 * sizes and offsets of structures that hypercalls take without translation: the build compares
 * the results of both compilations.
 */
#include "xen/layout.h"

#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/version.h>

#ifdef __i386__
#define CHECK_MEMBER(s, type, name, member) \
	_Static_assert(offsetof(struct compat_##s, name) == offsetof(struct s, member), \
		"place of " #member " in " #s); \
	_Static_assert(sizeof(type) == sizeof(((struct s *)0)->member), \
		"size of " #member " in " #s);
#define CHECK_STRUCT(s) \
	LAYOUT_##s(CHECK_MEMBER, s); \
	_Static_assert(sizeof(struct compat_##s) == sizeof(struct s), "size of " #s);
LAYOUTS(CHECK_STRUCT)

#define CHECK_SHARED(s, name, member) \
	_Static_assert(offsetof(struct compat_##s, name) == offsetof(struct s, member) && \
			       sizeof(((struct compat_##s *)0)->name) == \
				       sizeof(((struct s *)0)->member), \
		#member " of " #s);
CHECK_SHARED(vcpu_info, evtchn_upcall_pending, evtchn_upcall_pending)
CHECK_SHARED(vcpu_info, evtchn_upcall_mask, evtchn_upcall_mask)
CHECK_SHARED(vcpu_info, evtchn_pending_sel, evtchn_pending_sel)
CHECK_SHARED(vcpu_info, time, time)
CHECK_SHARED(shared_info, vcpu_info, vcpu_info)
CHECK_SHARED(shared_info, evtchn_pending, evtchn_pending)
CHECK_SHARED(shared_info, evtchn_mask, evtchn_mask)
CHECK_SHARED(shared_info, wc_version, wc_version)
CHECK_SHARED(shared_info, wc_sec, wc_sec)
CHECK_SHARED(shared_info, wc_nsec, wc_nsec)
CHECK_SHARED(shared_info, wc_sec_hi, arch.wc_sec_hi)
_Static_assert(sizeof(struct vcpu_info) == sizeof(struct compat_vcpu_info), "vcpu_info");

/* All members are longs, so hypercall.c treats it as a list of words. */
_Static_assert(sizeof(struct multicall_entry) == 8 * sizeof(long), "multicall_entry");
_Static_assert(sizeof(xen_pfn_t) == 4 && sizeof(xen_ulong_t) == 4, "elements of lists");
#endif

#define AT(s, member) offsetof(struct s, member), sizeof(((struct s *)0)->member)
const unsigned int same[] = {
	/* clang-format off */
	sizeof(struct evtchn_alloc_unbound), AT(evtchn_alloc_unbound, remote_dom), AT(evtchn_alloc_unbound, port),
	sizeof(struct evtchn_bind_interdomain), AT(evtchn_bind_interdomain, remote_port),
	AT(evtchn_bind_interdomain, local_port),
	sizeof(struct evtchn_bind_virq), AT(evtchn_bind_virq, vcpu), AT(evtchn_bind_virq, port),
	sizeof(struct evtchn_bind_ipi), AT(evtchn_bind_ipi, port),
	sizeof(struct evtchn_close), sizeof(struct evtchn_send), sizeof(struct evtchn_unmask), sizeof(struct evtchn_reset),
	sizeof(struct evtchn_status), AT(evtchn_status, port), AT(evtchn_status, status), AT(evtchn_status, vcpu),
	AT(evtchn_status, u), AT(evtchn_status, u.interdomain.port),
	sizeof(struct evtchn_bind_vcpu), AT(evtchn_bind_vcpu, vcpu),
	sizeof(struct evtchn_set_priority), AT(evtchn_set_priority, priority),
	sizeof(struct evtchn_init_control), AT(evtchn_init_control, offset), AT(evtchn_init_control, vcpu),
	AT(evtchn_init_control, link_bits),
	sizeof(struct evtchn_expand_array), AT(evtchn_expand_array, array_gfn),
	sizeof(struct evtchn_fifo_control_block), AT(evtchn_fifo_control_block, head),
	sizeof(struct grant_entry_v1), AT(grant_entry_v1, domid), AT(grant_entry_v1, frame),
	sizeof(struct gnttab_map_grant_ref), AT(gnttab_map_grant_ref, status), AT(gnttab_map_grant_ref, handle),
	AT(gnttab_map_grant_ref, dev_bus_addr), AT(gnttab_map_grant_ref, dom),
	sizeof(struct gnttab_unmap_grant_ref), AT(gnttab_unmap_grant_ref, status),
	sizeof(struct gnttab_unmap_and_replace), AT(gnttab_unmap_and_replace, status),
	sizeof(struct gnttab_query_size), AT(gnttab_query_size, nr_frames), AT(gnttab_query_size, max_nr_frames),
	AT(gnttab_query_size, status),
	sizeof(struct gnttab_set_version), sizeof(struct gnttab_get_version), AT(gnttab_get_version, version),
	sizeof(struct gnttab_cache_flush), AT(gnttab_cache_flush, offset), AT(gnttab_cache_flush, length),
	AT(gnttab_cache_flush, op),
	sizeof(struct xen_hvm_param), AT(xen_hvm_param, index), AT(xen_hvm_param, value),
	sizeof(struct xen_hvm_evtchn_upcall_vector), AT(xen_hvm_evtchn_upcall_vector, vector),
	sizeof(struct xen_hvm_get_mem_type), AT(xen_hvm_get_mem_type, mem_type), AT(xen_hvm_get_mem_type, pfn),
	sizeof(struct xen_hvm_get_time),
	sizeof(struct xen_memory_domain),
	sizeof(struct sched_shutdown), sizeof(struct sched_watchdog), AT(sched_watchdog, timeout),
	sizeof(struct vcpu_register_vcpu_info), AT(vcpu_register_vcpu_info, offset),
	sizeof(struct vcpu_set_periodic_timer),
	sizeof(struct vcpu_time_info), AT(vcpu_time_info, tsc_timestamp), AT(vcpu_time_info, system_time),
	AT(vcpu_time_info, tsc_to_system_mul), AT(vcpu_time_info, tsc_shift), AT(vcpu_time_info, flags),
	sizeof(struct xen_feature_info), AT(xen_feature_info, submap),
	sizeof(struct xen_compile_info), AT(xen_compile_info, compile_by), AT(xen_compile_info, compile_date),
	sizeof(xen_capabilities_info_t), sizeof(xen_extraversion_t), sizeof(xen_changeset_info_t),
	sizeof(xen_commandline_t), sizeof(xen_domain_handle_t),
	/* clang-format on */
};

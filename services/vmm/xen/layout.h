/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h - structures of the ABI that 32-bit code lays out differently from 64-bit code
 *
 * In 32-bit code longs and pointers have 4 bytes, and 64-bit integers are aligned to 4 (System
 * V ABI, i386 supplement). The hypercalls' code sees the 64-bit structures of Xen's headers
 * only; hc_get() and hc_put() translate. Structures that are not listed here are the same for
 * both. A test compares all of them with Xen's headers as the compiler for 32-bit code sees
 * them.
 */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

typedef uint64_t __attribute__((aligned(4))) compat_uint64_t;

/*
 * F(structure, type in 32-bit code, name, member of the 64-bit structure); a union has the size
 * of its largest member.
 */
/* clang-format off */
#define LAYOUT_xen_memory_reservation(F, S) \
	F(S, uint32_t, extent_start, extent_start) \
	F(S, uint32_t, nr_extents, nr_extents) \
	F(S, uint32_t, extent_order, extent_order) \
	F(S, uint32_t, mem_flags, mem_flags) \
	F(S, uint16_t, domid, domid)
#define LAYOUT_xen_add_to_physmap(F, S) \
	F(S, uint16_t, domid, domid) \
	F(S, uint16_t, size, size) \
	F(S, uint32_t, space, space) \
	F(S, uint32_t, idx, idx) \
	F(S, uint32_t, gpfn, gpfn)
#define LAYOUT_xen_add_to_physmap_batch(F, S) \
	F(S, uint16_t, domid, domid) \
	F(S, uint16_t, space, space) \
	F(S, uint16_t, size, size) \
	F(S, uint16_t, u, u) \
	F(S, uint32_t, idxs, idxs) \
	F(S, uint32_t, gpfns, gpfns) \
	F(S, uint32_t, errs, errs)
#define LAYOUT_xen_remove_from_physmap(F, S) \
	F(S, uint16_t, domid, domid) \
	F(S, uint32_t, gpfn, gpfn)
#define LAYOUT_xen_memory_map(F, S) \
	F(S, uint32_t, nr_entries, nr_entries) \
	F(S, uint32_t, buffer, buffer)
#define LAYOUT_gnttab_setup_table(F, S) \
	F(S, uint16_t, dom, dom) \
	F(S, uint32_t, nr_frames, nr_frames) \
	F(S, int16_t, status, status) \
	F(S, uint32_t, frame_list, frame_list)
#define LAYOUT_gnttab_copy(F, S) \
	F(S, uint32_t, source_u, source.u) \
	F(S, uint16_t, source_domid, source.domid) \
	F(S, uint16_t, source_offset, source.offset) \
	F(S, uint32_t, dest_u, dest.u) \
	F(S, uint16_t, dest_domid, dest.domid) \
	F(S, uint16_t, dest_offset, dest.offset) \
	F(S, uint16_t, len, len) \
	F(S, uint16_t, flags, flags) \
	F(S, int16_t, status, status)
#define LAYOUT_sched_poll(F, S) \
	F(S, uint32_t, ports, ports) \
	F(S, uint32_t, nr_ports, nr_ports) \
	F(S, compat_uint64_t, timeout, timeout)
#define LAYOUT_vcpu_runstate_info(F, S) \
	F(S, int32_t, state, state) \
	F(S, compat_uint64_t, state_entry_time, state_entry_time) \
	F(S, compat_uint64_t, time0, time[0]) \
	F(S, compat_uint64_t, time1, time[1]) \
	F(S, compat_uint64_t, time2, time[2]) \
	F(S, compat_uint64_t, time3, time[3])
#define LAYOUT_vcpu_set_singleshot_timer(F, S) \
	F(S, compat_uint64_t, timeout_abs_ns, timeout_abs_ns) \
	F(S, uint32_t, flags, flags)

#define LAYOUTS(X) \
	X(xen_memory_reservation) \
	X(xen_add_to_physmap) \
	X(xen_add_to_physmap_batch) \
	X(xen_remove_from_physmap) \
	X(xen_memory_map) \
	X(gnttab_setup_table) \
	X(gnttab_copy) \
	X(sched_poll) \
	X(vcpu_runstate_info) \
	X(vcpu_set_singleshot_timer)
/* clang-format on */

/*
 * The shared pages for 32-bit code. The guest and its VMM change fields of them in place:
 * shinfo.c.
 */
struct compat_vcpu_info {
	uint8_t evtchn_upcall_pending, evtchn_upcall_mask;
	uint32_t evtchn_pending_sel;
	uint32_t arch[6];
	struct vcpu_time_info time;
};
struct compat_shared_info {
	struct compat_vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
	uint32_t evtchn_pending[32], evtchn_mask[32];
	uint32_t wc_version, wc_sec, wc_nsec;
	uint32_t arch[6];
	uint32_t wc_sec_hi;
};

/* Bytes of the largest structure in 32-bit code. */
enum { LAYOUT_MAX = 44 };

struct layout_field {
	uint8_t at, compat_at, size, compat_size;
};
struct layout {
	const struct layout_field *field;
	uint8_t n_fields, size, compat_size;
};

#define LAYOUT_MEMBER(s, type, name, member) type name;
#define LAYOUT_DECLARE(s) \
	struct compat_##s { \
		LAYOUT_##s(LAYOUT_MEMBER, s) \
	}; \
	extern const struct layout layout_##s; \
	_Static_assert(sizeof(struct compat_##s) <= LAYOUT_MAX, "LAYOUT_MAX");
LAYOUTS(LAYOUT_DECLARE)
#undef LAYOUT_DECLARE

/* The layout of the structure that s points to; NULL if both widths lay it out alike. */
#define LAYOUT_CASE(s) struct s * : &layout_##s,
#define LAYOUT_OF(s) _Generic((s), LAYOUTS(LAYOUT_CASE) default : (const struct layout *)NULL)

/*
 * dst has l->size bytes, src l->compat_size. Larger members are extended with zeros; the rest
 * of *dst is zero.
 */
void layout_widen(const struct layout *l, void *dst, const void *src);
/* The reverse: a value that does not fit loses its high bits. */
void layout_narrow(const struct layout *l, void *dst, const void *src);

#endif

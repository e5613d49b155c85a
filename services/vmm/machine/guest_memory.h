/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_memory.h - the VMM's view of guest memory, by guest-physical and by guest-virtual
 * address
 *
 * A pointer that gmem() returned stays readable and writable as long as the VMM lives: RAM is
 * mapped once in the VMM, at vm.ram plus its home, and is never unmapped. A page that the guest
 * balloons out leaves only the nested space. The guest may change the bytes at any time: copy
 * them out, check the copy, use the copy.
 */
#ifndef VMM_GUEST_MEMORY_H
#define VMM_GUEST_MEMORY_H

#include "machine/vm.h"

/*
 * A pointer to [gpa, gpa + len) if the guest has all of it and the VMM sees it contiguously,
 * else NULL.
 */
void *gmem(sk_gpa_t gpa, uint64_t len);

/*
 * Guest-virtual (linear) addresses of hypercall arguments, through the page tables that the
 * vCPU uses now, with supervisor rights. 0 or -SK_E_RANGE: not mapped, not writable, or not
 * memory; a write may then have been done in part. To be called on the vCPU's own thread,
 * outside the guest.
 */
int gva_read(struct vcpu *v, uint64_t gva, void *buf, uint64_t len) must_check;
int gva_write(struct vcpu *v, uint64_t gva, const void *buf, uint64_t len) must_check;
/* The guest-physical address; UINT64_MAX: the vCPU may not read it, or may not write it. */
sk_gpa_t gva_to_gpa(struct vcpu *v, uint64_t gva);
sk_gpa_t gva_to_gpa_writable(struct vcpu *v, uint64_t gva);

/*
 * Translate for an access by the guest itself, with the processor's checks: with user rights if
 * `access` says so, and SMAP for supervisor accesses to user pages. `access` and the result are
 * error codes of #PF (SDM vol. 3, 4.7). 0: *gpa is the address.
 */
enum {
	PF_PRESENT = 1,
	PF_WRITE = 2,
	PF_USER = 4,
};
/*
 * The result when none of these bits is set: the page is not present, and the access is a read
 * by the supervisor.
 */
#define PF_NONE 0x80000000u
uint32_t gva_access(struct vcpu *v, uint64_t gva, uint32_t access, sk_gpa_t *gpa) must_check;

#endif

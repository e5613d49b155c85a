/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shinfo.h - shared_info and vcpu_info, in either layout
 */
#ifndef VMM_SHINFO_H
#define VMM_SHINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen/xen_domain.h"

/* Is it laid out for 32-bit code? */
bool shinfo_compat(void);
/*
 * The guest did what a new kernel does first: the layout becomes that of the code that the vCPU
 * runs.
 */
void shinfo_latch(unsigned int cpu);

/* Event channels of the 2-level ABI. Functions that change a bit return its old value. */
bool shinfo_pending(uint32_t port);
bool shinfo_pending_set(uint32_t port);
void shinfo_pending_clear(uint32_t port);
bool shinfo_masked(uint32_t port);
bool shinfo_unmask(uint32_t port);
bool shinfo_select(unsigned int cpu, uint32_t port);
void shinfo_select_all(unsigned int cpu);

/* Members of the vCPU's vcpu_info, which is aligned to 4. */
static inline uint8_t *shinfo_upcall_pending(unsigned int cpu)
{
	return (uint8_t *)__atomic_load_n(&xen_dom.vcpu[cpu].info, __ATOMIC_ACQUIRE) +
	       offsetof(struct vcpu_info, evtchn_upcall_pending);
}
uint8_t *shinfo_upcall_mask(unsigned int cpu);
void *shinfo_time(unsigned int cpu);

/* The time since 1970 at the guest's system time 0. */
void shinfo_wallclock_write(uint64_t sec, uint32_t nsec);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpuid.h - what the guest's CPUID says: the host's features that guests may see, and Xen's
 * leaves; pure
 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <stdbool.h>
#include <stdint.h>
#include "base/cpuid.h"

/* Everything that the answer depends on. */
struct cpuid_env {
	/* The processor's own CPUID. */
	void (*host)(uint32_t leaf, uint32_t subleaf, struct cpuid_regs *out);
	uint32_t vcpu, n_vcpus, domid;
	/* Components that guests may turn on. */
	uint64_t xcr0_max;
	/* The vCPU's current values. */
	uint64_t xcr0, cr4;
	uint64_t tsc_hz, tsc_offset;
};
void cpuid_guest(
	const struct cpuid_env *env, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *out);
/* The bits of CR4 that the guest may set: those of features that its CPUID shows. */
uint64_t cpuid_cr4_bits(const struct cpuid_env *env);
/* True on processors of AMD and Hygon, where guests make hypercalls by VMMCALL. */
bool cpuid_vendor_amd(const struct cpuid_env *env);
/* May the guest set XCR0 to this? */
bool cpuid_xcr0_valid(uint64_t value, uint64_t xcr0_max);

#define XEN_HYPERCALL_MSR 0x40000000u

#endif

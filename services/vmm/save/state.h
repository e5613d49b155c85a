/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.h - the state of a guest besides its memory, between the machine and the stream
 */
#ifndef VMM_STATE_H
#define VMM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include <xen/hvm/params.h>
#include <xen/hvm/save.h>

#include "load/load_space.h"
#include "proto/vmctl.h"

/* The largest area of XSAVE: the kernel keeps it in one page. */
enum { STATE_XSAVE_MAX = 4096, STATE_FXSAVE = 512, STATE_XSAVE_MIN = 512 + 64 };

struct vcpu_state {
	bool up; /* a vCPU that is down has no state */
	struct hvm_hw_cpu cpu;
	struct hvm_hw_lapic lapic;
	struct hvm_hw_lapic_regs lapic_regs;
	struct hvm_hw_mtrr mtrr;
	uint64_t tsc_adjust;
	uint64_t xcr0;
	uint32_t xsave_size; /* 0: the processor has no XSAVE; cpu.fpu_regs has it all */
	uint8_t xsave[STATE_XSAVE_MAX] __attribute__((aligned(64)));
};

enum { STATE_LEAVES = 24 };
struct guest_state {
	/* Nanoseconds of the guest's system time. */
	uint64_t time_ns;
	uint32_t tsc_khz;
	uint64_t param[HVM_NR_PARAMS];
	/* CPUID as the guest sees it; n_leaves is 0 if the stream has none. */
	uint32_t n_leaves;
	xen_cpuid_leaf_t leaf[STATE_LEAVES];
	uint32_t n_vcpus;
	struct vcpu_state vcpu[];
};

static inline uint32_t state_size(uint32_t n_vcpus)
{
	return (uint32_t)(sizeof(struct guest_state) + n_vcpus * sizeof(struct vcpu_state));
}

/* Bytes of the largest HVM_CONTEXT. */
static inline uint32_t context_max(uint32_t n_vcpus)
{
	return n_vcpus * ((uint32_t)sizeof(struct vcpu_state) + 256) + 256;
}

/* The HVM_CONTEXT record of the state, to buf[context_max()]; returns its size. */
uint32_t context_put(const struct guest_state *s, uint8_t *buf);
/*
 * The reverse, from a stream: sets vcpu[] below n_vcpus, which the caller has set. Everything
 * is checked that could harm the VMM; values that a processor refuses are the guest's own harm.
 * 0 or -SK_E_INVAL with the text.
 */
int context_get(struct guest_state *s, const uint8_t *buf, uint32_t size,
	struct load_error *e) must_check;

#endif

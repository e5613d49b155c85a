/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.h - execution of an instruction that touches unbacked addresses, on the state page
 */
#ifndef VMM_MMIO_H
#define VMM_MMIO_H

#include "machine/insn.h"

/* Does it need more of seg[] than CS? */
bool mmio_needs_segments(const struct mmio_insn *in);

/*
 * Memory and unbacked addresses, by linear address. size is 1, 2, 4 or 8. Another result than 0
 * ends the instruction at once: mmio_execute() returns it, and the bus knows its meaning.
 */
struct mmio_bus {
	int (*read)(void *ctx, uint64_t linear, uint64_t *value, uint8_t size);
	int (*write)(void *ctx, uint64_t linear, uint64_t value, uint8_t size);
	void *ctx;
};
/* Repetitions in one call. */
#define MMIO_REP_MAX 256u
/*
 * Execute the instruction, except for the step over it; changes gpr[] and rflags. -SK_E_AGAIN:
 * repetitions are left, the registers count them, and RIP stays. An error of the bus: the
 * repetitions before it are in the registers, as for a fault.
 */
int mmio_execute(const struct mmio_insn *in, struct sk_vcpu_state *st,
	const struct mmio_bus *bus) must_check;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.h - execute an instruction that accesses unbacked addresses, on the state page
 */
#ifndef VMM_MMIO_H
#define VMM_MMIO_H

#include "machine/insn.h"

/* Does it need more of seg[] than CS? */
bool mmio_needs_segments(const struct mmio_insn *in);

/*
 * Memory and unbacked addresses, by linear address. size is 1, 2, 4 or 8. A result other than 0
 * ends the instruction at once, and mmio_execute() returns it; only the bus knows its meaning.
 */
struct mmio_bus {
	int (*read)(void *ctx, uint64_t linear, uint64_t *value, uint8_t size);
	int (*write)(void *ctx, uint64_t linear, uint64_t value, uint8_t size);
	void *ctx;
};
/* At most so many repetitions are done in one call. */
#define MMIO_REP_MAX 256u
/*
 * Execute the instruction: change gpr[] and rflags, but not RIP. -SK_E_AGAIN: repetitions are
 * left, and the registers count them; the caller leaves RIP where it is. After an error of the
 * bus, the registers show the repetitions before it, as after a fault.
 */
int mmio_execute(const struct mmio_insn *in, struct sk_vcpu_state *st,
	const struct mmio_bus *bus) must_check;

#endif

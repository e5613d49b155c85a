/*
 * vcpu.h - guest CPUs
 */
#ifndef KERNEL_VCPU_H
#define KERNEL_VCPU_H

#include "thread.h"

/* First of the object's four pages; then hardware page, state page, FPU page. */
struct vcpu {
	struct object obj;
	struct sk_vcpu_state *state;
	uint8_t *hw, *fpu;
	struct space *nested;   /* of nested_slot, or NULL */
	uint32_t pending_irq;   /* atomic: vector | 0x100 */
	struct thread *entered; /* in guest mode, or about to be; obj.lock */
	struct thread *last;    /* that entered; only compared */
	struct slot nested_slot, state_slot;
	uint64_t arch_data[16]; /* x86_64: ASID, vendor state */
};

static inline struct vcpu *vcpu_of(struct object *o) { return (struct vcpu *)o; }

void vcpu_init(struct vcpu *v);
/* t leaves guest mode with this result; false if it was not there. */
bool vcpu_leave(struct thread *t, long result, uint32_t reason);
/* Before t enters guest mode: ends the call if a signal waits or the deadline passed. */
void vcpu_check(struct thread *t);

#endif

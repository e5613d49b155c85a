/* SPDX-License-Identifier: BSD-2-Clause */
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
	struct space *nested;   /* of nested_slot, or NULL; obj.lock */
	uint32_t pending_irq;   /* atomic: vector | 0x100 */
	struct thread *entered; /* in VCPU_ENTER with it, or NULL; obj.lock */
	/*
	 * the CPU in guest mode with it or with its FPU state, or NULL; it may keep that after
	 * an exit
	 */
	struct cpu *on;
	struct slot nested_slot, state_slot;
	uint64_t arch_data[16]; /* x86_64: ASID, vendor state */
};

static inline struct vcpu *vcpu_of(struct object *o) { return (struct vcpu *)o; }

/*
 * t has entered v. End the call if a signal waits or the deadline has passed. Returns the vCPU
 * with which t goes into guest mode now, or NULL.
 */
struct vcpu *vcpu_check(struct vcpu *v, struct thread *t);
/* The deadline timer of t, which is in VCPU_ENTER, fired; false if it is not there. */
bool vcpu_timeout(struct thread *t, sk_time_t now);
/*
 * This CPU becomes the owner of v, which t has entered, and of its nested space in cpu->nested:
 * that space, or NULL when t has left v. The arch gives v back with vcpu_put() when the
 * registers hold nothing of it.
 */
struct space *vcpu_take(struct vcpu *v, const struct thread *t);
static inline void vcpu_put(struct vcpu *v)
{
	__atomic_store_n(&v->on, NULL, __ATOMIC_RELEASE);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu.h - the vCPUs of the guest
 *
 * Functions may be called on any thread, unless they say "own thread": the thread of that vCPU.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "machine/vm.h"

/* ---- making, before the guest runs ---- */

/* Kernel objects and power-up state; the vCPU is OFFLINE. */
int vcpu_make(struct vcpu *v, uint32_t id) must_check;
/* 32-bit protected mode with flat segments at `entry`, EBX = start_info. */
void vcpu_pvh_entry(struct vcpu *v, uint64_t entry, uint64_t start_info);
int vcpu_start_thread(struct vcpu *v) must_check;

/* ---- events ---- */

/* Make its thread check its state again, out of guest mode or out of a halt. */
void vcpu_kick(struct vcpu *v);
/* Post an edge-triggered interrupt with fixed delivery to its local APIC. */
void vcpu_post(struct vcpu *v, uint8_t vector);
void vcpu_nmi(struct vcpu *v);
/* Deliver an interrupt that `from` sends to the vCPUs that it names. */
void vcpu_ipi(struct vcpu *from, const struct lapic_ipi *ipi);
/* Ticks that its thread was runnable but did not run (SK_SYS_SCHED_STATS). */
uint64_t vcpu_ticks_waiting(const struct vcpu *v);

/* ---- registers: own thread ---- */

/* Queue an exception for the next entry; error < 0: it has no error code. */
void vcpu_exception(struct vcpu *v, uint8_t vector, int64_t error);
/* Fetch the groups (SK_VCPU_*) that are not HOT into v->st. */
void vcpu_sync(struct vcpu *v, uint32_t groups);
/* To be called after fields of the groups were changed. */
static inline void vcpu_dirty(struct vcpu *v, uint32_t groups) { v->st->dirty |= groups; }
static inline uint64_t guest_tsc(const struct vcpu *v)
{
	return vm_rdtsc() + v->st->tsc_offset;
}

/* ---- up and down ---- */

/*
 * Start a vCPU that is down with the state in v->st, or take back a vcpu_down() that its thread
 * has not seen. -SK_E_STATE: it is up.
 */
int vcpu_up(struct vcpu *v) must_check;
/* Stop a vCPU. On its own thread this takes effect when the exit handler returns. */
void vcpu_down(struct vcpu *v);
/* Own thread: HLT. The guest is powered off when nothing in it can run any more. */
void vcpu_halt(struct vcpu *v);
/*
 * Down is OFFLINE or DEAF, as on Xen, or about to be OFFLINE: its thread clears the request
 * after it has changed `run`.
 */
static inline bool vcpu_is_up(const struct vcpu *v)
{
	uint32_t r = __atomic_load_n(&v->requests, __ATOMIC_ACQUIRE);
	uint32_t run = __atomic_load_n(&v->run, __ATOMIC_ACQUIRE);

	return !(r & VCPU_REQ_DOWN) && (run == VCPU_RUNNABLE || run == VCPU_HALTED);
}

#endif

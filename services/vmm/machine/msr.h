/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msr.h - the guest's model-specific registers
 */
#ifndef VMM_MSR_H
#define VMM_MSR_H

#include "machine/vm.h"

/* What MTRRCAP says: eight variable ranges, fixed ranges, write combining. */
enum { MTRR_CAP = 0x508 };

/* Set the registers that struct vcpu keeps to their power-up values. */
void msr_reset(struct vcpu *v);
/* Own thread. False: #GP. */
bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value) must_check;
bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value) must_check;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu_state.h - the whole state of a vCPU, in the form of <xen/hvm/save.h>
 */
#ifndef VMM_VCPU_STATE_H
#define VMM_VCPU_STATE_H

#include "machine/vcpu.h"
#include "save/state.h"

/*
 * Own thread, which is parked, with the FPU's stub shown: fill *s. `tsc` is the host's TSC at
 * which the guest stands still. The vCPU is as before.
 */
int vcpu_state_get(struct vcpu *v, sk_time_t tsc, struct vcpu_state *s) must_check;
/*
 * Before its thread is started: registers, MSRs and local APIC of a vCPU that is up. The FPU's
 * registers come by vcpu_state_load(), on its thread. 0, or -SK_E_INVAL with the text.
 */
int vcpu_state_set(struct vcpu *v, sk_time_t tsc, const struct vcpu_state *s,
	struct load_error *e) must_check;
int vcpu_state_load(struct vcpu *v, const struct vcpu_state *s) must_check;

#endif

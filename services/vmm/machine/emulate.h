/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emulate.h - instructions of the guest that an exit handler reads or emulates, on the vCPU's
 * own thread
 */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H

#include "machine/insn.h"
#include "machine/vm.h"

/* Read the code at RIP, as many bytes as can be read. */
size_t exit_code(struct vcpu *v, uint8_t code[INSN_MAX]);
/* Continue at rip. */
static inline void exit_rip_set(struct vcpu *v, uint64_t rip)
{
	enum { FLAG_RF = 1 << 16 };
	struct sk_vcpu_state *st = v->st;

	st->rip = insn_long_mode(st) ? rip : (uint32_t)rip;
	st->rflags &= ~(uint64_t)FLAG_RF;
	st->int_shadow = 0;
	st->dirty |= SK_VCPU_RIP;
}
/* Continue after the intercepted instruction. usual is its length without prefixes. */
void exit_skip_read(struct vcpu *v, uint8_t usual);
static inline void exit_skip(struct vcpu *v, uint8_t usual)
{
	if (v->st->instr_len)
		exit_rip_set(v, v->st->rip + v->st->instr_len);
	else
		exit_skip_read(v, usual);
}
/* The guest ends; the reason and the place go to the log. */
void exit_crash(struct vcpu *v, const char *why);
/* Handle an access to guest-physical memory that is not mapped. */
void exit_nested_fault(struct vcpu *v);

#endif

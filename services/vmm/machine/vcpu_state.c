/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu_state.c - saving and restoring a vCPU
 *
 * Invariants  VSTATE1 values that the VMM itself relies on are checked: CR4, EFER, XCR0, the
 *                     local APIC. Others are the processor's to refuse.
 */
#include "machine/vcpu_state.h"

#include <stddef.h>
#include <string.h>

#include "base/array.h"
#include "machine/cpuid.h"
#include "machine/fpu_stub.h"
#include "machine/msr.h"

enum { EFER_ALLOWED = 0x1 | 0x100 | 0x400 | 0x800 };
enum { EVENT_BITS = 0xfff, XSTATE_X87_SSE = 3, XSTATE_BV = 512 };
/* struct hvm_hw_lapic.disabled */
enum { LAPIC_SW_DISABLED = 1, LAPIC_HW_DISABLED = 2 };

/* Members of both structures: X(in sk_vcpu_state, in hvm_hw_cpu). */
#define PLAIN(X) \
	X(gpr[SK_RAX], rax) \
	X(gpr[SK_RBX], rbx) \
	X(gpr[SK_RCX], rcx) \
	X(gpr[SK_RDX], rdx) \
	X(gpr[SK_RBP], rbp) \
	X(gpr[SK_RSI], rsi) \
	X(gpr[SK_RDI], rdi) \
	X(gpr[SK_RSP], rsp) \
	X(gpr[SK_R8], r8) \
	X(gpr[SK_R9], r9) \
	X(gpr[SK_R10], r10) \
	X(gpr[SK_R11], r11) \
	X(gpr[SK_R12], r12) \
	X(gpr[SK_R13], r13) \
	X(gpr[SK_R14], r14) \
	X(gpr[SK_R15], r15) \
	X(rip, rip) \
	X(rflags, rflags) \
	X(cr0, cr0) \
	X(cr2, cr2) \
	X(cr3, cr3) \
	X(cr4, cr4) \
	X(dr6, dr6) \
	X(dr7, dr7) \
	X(sysenter_cs, sysenter_cs) \
	X(sysenter_esp, sysenter_esp) \
	X(sysenter_eip, sysenter_eip) \
	X(kernel_gs_base, shadow_gs) \
	X(lstar, msr_lstar) \
	X(star, msr_star) \
	X(cstar, msr_cstar) \
	X(sfmask, msr_syscall_mask) \
	X(efer, msr_efer)
#define SEGMENTS(X) \
	X(SK_CS, cs) \
	X(SK_DS, ds) \
	X(SK_ES, es) \
	X(SK_FS, fs) \
	X(SK_GS, gs) \
	X(SK_SS, ss) \
	X(SK_TR, tr) \
	X(SK_LDTR, ldtr)

/* ---- saving ------------------------------------------------------------------------------ */

static void registers_get(struct vcpu *v, sk_time_t tsc, struct hvm_hw_cpu *c)
{
	const struct sk_vcpu_state *st = v->st;

#define X(ours, xens) c->xens = st->ours;
	PLAIN(X)
#undef X
#define X(s, xens) \
	c->xens##_sel = st->seg[s].selector; \
	c->xens##_arbytes = st->seg[s].attr; \
	c->xens##_limit = st->seg[s].limit; \
	c->xens##_base = st->seg[s].base;
	SEGMENTS(X)
#undef X
	c->gdtr_limit = st->gdtr.limit;
	c->gdtr_base = st->gdtr.base;
	c->idtr_limit = st->idtr.limit;
	c->idtr_base = st->idtr.base;
	c->msr_tsc_aux = v->tsc_aux;
	c->tsc = tsc + st->tsc_offset;
	if (st->event & SK_EV_VALID) {
		c->pending_event = st->event;
		c->error_code = st->event_code;
	} else if (v->pending_exception) {
		c->pending_event = v->pending_exception;
		c->error_code = v->pending_error;
	} else if (__atomic_load_n(&v->lapic.nmi_pending, __ATOMIC_ACQUIRE)) {
		c->pending_event = SK_EV_VALID | SK_EV_NMI | 2;
	}
	c->flags = XEN_X86_FPU_INITIALISED;
}

/*
 * A vector that the kernel holds for the guest is pending in the local APIC again; if it is an
 * upcall, the APIC does not have it in service, and the guest looks at its events when it is
 * restored.
 */
static void lapic_get(struct vcpu *v, struct vcpu_state *s)
{
	uint32_t reg[LAPIC_REGS], pending = v->st->irq_pending;

	lapic_state_get(&v->lapic, reg);
	if (pending & 0x100)
		lapic_state_unaccept(reg, (uint8_t)pending);
	for (uint32_t i = 0; i < LAPIC_REGS; i++)
		memcpy(s->lapic_regs.data + 16 * i, &reg[i], sizeof(reg[i]));
	s->lapic.apic_base_msr = lapic_base_read(&v->lapic);
	s->lapic.disabled = v->lapic.mode == LAPIC_OFF
				    ? LAPIC_HW_DISABLED
				    : (lapic_enabled(&v->lapic) ? 0 : LAPIC_SW_DISABLED);
	s->lapic.timer_divisor = lapic_timer_divisor(&v->lapic);
	s->lapic.tdt_msr = lapic_deadline_read(&v->lapic);
}

static void mtrr_get(const struct vcpu *v, struct hvm_hw_mtrr *m)
{
	_Static_assert(sizeof(m->msr_mtrr_var) == sizeof(v->mtrr_var) &&
			       sizeof(m->msr_mtrr_fixed) == sizeof(v->mtrr_fixed),
		"the same registers");
	m->msr_pat_cr = v->st->pat;
	memcpy(m->msr_mtrr_var, v->mtrr_var, sizeof(v->mtrr_var));
	memcpy(m->msr_mtrr_fixed, v->mtrr_fixed, sizeof(v->mtrr_fixed));
	m->msr_mtrr_cap = MTRR_CAP;
	m->msr_mtrr_def_type = v->mtrr_def_type;
}

int vcpu_state_get(struct vcpu *v, sk_time_t tsc, struct vcpu_state *s)
{
	int rc;

	_Static_assert((int)STATE_XSAVE_MAX >= (int)FPU_AREA_MAX, "the area fits");
	memset(s, 0, sizeof(*s));
	s->up = vcpu_is_up(v);
	vcpu_sync(v, ~0u >> 22 & ~(uint32_t)SK_VCPU_FPU);
	lapic_get(v, s);
	mtrr_get(v, &s->mtrr);
	s->tsc_adjust = v->tsc_adjust;
	if (!s->up)
		return 0;
	registers_get(v, tsc, &s->cpu);
	s->xcr0 = v->st->xcr0;
	s->xsave_size = fpu_area_size();
	rc = fpu_stub_save(v, s->xsave, s->xsave_size ? s->xsave_size : STATE_FXSAVE);
	memcpy(s->cpu.fpu_regs, s->xsave, sizeof(s->cpu.fpu_regs));
	return rc;
}

/* ---- restoring --------------------------------------------------------------------------- */

static void registers_set(struct vcpu *v, const struct hvm_hw_cpu *c)
{
	struct sk_vcpu_state *st = v->st;

#define X(ours, xens) st->ours = c->xens;
	PLAIN(X)
#undef X
#define X(s, xens) \
	st->seg[s] = (struct sk_segment){ (uint16_t)c->xens##_sel, \
		(uint16_t)c->xens##_arbytes, c->xens##_limit, c->xens##_base };
	SEGMENTS(X)
#undef X
	st->gdtr = (struct sk_segment){ .limit = c->gdtr_limit, .base = c->gdtr_base };
	st->idtr = (struct sk_segment){ .limit = c->idtr_limit, .base = c->idtr_base };
	st->cpl = st->seg[SK_SS].attr >> 5 & 3;
	st->int_shadow = 0;
	st->event = c->pending_event & (SK_EV_VALID | EVENT_BITS);
	st->event_code = c->error_code;
	v->tsc_aux = c->msr_tsc_aux;
}

/* VSTATE1 */
static int registers_check(
	const struct vcpu *v, const struct vcpu_state *s, struct load_error *e)
{
	if (s->cpu.cr4 & ~vm.cr4_bits)
		return load_fail(e,
			"vCPU %u uses bits %#llx of CR4, which this host does not offer", v->id,
			(unsigned long long)(s->cpu.cr4 & ~vm.cr4_bits));
	if (s->cpu.msr_efer & ~(uint64_t)EFER_ALLOWED)
		return load_fail(e,
			"vCPU %u uses bits %#llx of EFER, which this host does not offer",
			v->id, (unsigned long long)(s->cpu.msr_efer & ~(uint64_t)EFER_ALLOWED));
	if (s->xsave_size && !cpuid_xcr0_valid(s->xcr0, vm.info->xcr0))
		return load_fail(e,
			"vCPU %u uses the components %#llx of XSAVE, and this host has %#llx",
			v->id, (unsigned long long)s->xcr0, (unsigned long long)vm.info->xcr0);
	if (s->xsave_size > fpu_area_size() && fpu_area_size())
		return load_fail(e, "vCPU %u has %u bytes of XSAVE state, and this host has %u",
			v->id, s->xsave_size, fpu_area_size());
	return 0;
}

static void tsc_set(struct vcpu *v, sk_time_t tsc, const struct vcpu_state *s)
{
	v->tsc_adjust = s->tsc_adjust;
	v->st->tsc_offset = s->cpu.tsc - tsc;
	__atomic_store_n(&v->tsc_offset, v->st->tsc_offset, __ATOMIC_RELAXED);
}

int vcpu_state_set(
	struct vcpu *v, sk_time_t tsc, const struct vcpu_state *s, struct load_error *e)
{
	uint32_t reg[LAPIC_REGS];
	int rc = registers_check(v, s, e);

	if (rc)
		return rc;
	registers_set(v, &s->cpu);
	tsc_set(v, tsc, s);
	if (s->xsave_size)
		v->st->xcr0 = s->xcr0;
	v->st->pat = s->mtrr.msr_pat_cr;
	memcpy(v->mtrr_var, s->mtrr.msr_mtrr_var, sizeof(v->mtrr_var));
	memcpy(v->mtrr_fixed, s->mtrr.msr_mtrr_fixed, sizeof(v->mtrr_fixed));
	v->mtrr_def_type = s->mtrr.msr_mtrr_def_type;
	for (uint32_t i = 0; i < LAPIC_REGS; i++)
		memcpy(&reg[i], s->lapic_regs.data + 16 * i, sizeof(reg[i]));
	if (!lapic_state_set(
		    &v->lapic, s->lapic.apic_base_msr, reg, s->lapic.tdt_msr, s->cpu.tsc))
		return load_fail(e, "vCPU %u has a local APIC at %#llx, which cannot be", v->id,
			(unsigned long long)s->lapic.apic_base_msr);
	vcpu_dirty(v, ~0u >> 22);
	return 0;
}

int vcpu_state_load(struct vcpu *v, const struct vcpu_state *s)
{
	uint8_t area[STATE_XSAVE_MIN] __attribute__((aligned(64))) = { 0 };
	const uint64_t both = XSTATE_X87_SSE;
	uint32_t own = fpu_area_size();

	if (s->xsave_size && own)
		return fpu_stub_load(v, s->xsave, s->xsave_size);
	memcpy(area, s->cpu.fpu_regs, STATE_FXSAVE);
	memcpy(area + XSTATE_BV, &both, sizeof(both));
	return fpu_stub_load(v, area, own ? STATE_XSAVE_MIN : STATE_FXSAVE);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msr.c - the guest's model-specific registers whose accesses exit
 *
 * Objects     struct vcpu: MTRRs and similar registers. Others are in the state page or in the
 *             local APIC.
 * Locks       none: the vCPU's own thread.
 * Invariants  MSR1 reading or writing an unknown register is #GP, and costs at most one line of
 *                  the log for each register
 *             MSR2 memory types that the guest sets have no effect: nested pages are write-back
 */
#include "machine/msr.h"

#include "base/array.h"
#include "machine/cpuid.h"
#include "log.h"
#include "machine/vcpu.h"
#include "xen.h"

enum {
	MSR_P5_MC_ADDR = 0,
	MSR_P5_MC_TYPE = 1,
	MSR_TSC = 0x10,
	MSR_PLATFORM_ID = 0x17,
	MSR_APIC_BASE = 0x1b,
	MSR_EBC_FREQUENCY = 0x2c,
	MSR_FEATURE_CONTROL = 0x3a,
	MSR_TSC_ADJUST = 0x3b,
	MSR_UCODE_WRITE = 0x79,
	MSR_UCODE_REV = 0x8b,
	MSR_PERFCTR = 0xc1,
	MSR_PERFCTR_LAST = 0xc8,
	MSR_PLATFORM_INFO = 0xce,
	MSR_MTRR_CAP = 0xfe,
	MSR_MISC_FEATURES = 0x140,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a,
	MSR_MCG_CTL = 0x17b,
	MSR_EVNTSEL = 0x186,
	MSR_EVNTSEL_LAST = 0x18d,
	MSR_PERF_STATUS = 0x198,
	MSR_PERF_CTL = 0x199,
	MSR_THERM_STATUS = 0x19c,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_DEBUGCTL = 0x1d9,
	MSR_LBR_FIRST = 0x1db,
	MSR_LBR_LAST = 0x1de,
	MSR_MTRR_VAR = 0x200,
	MSR_MTRR_VAR_LAST = 0x20f,
	MSR_PAT = 0x277,
	MSR_MTRR_DEF = 0x2ff,
	MSR_MC_FIRST = 0x400,
	MSR_MC_LAST = 0x47f,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800,
	MSR_X2APIC_LAST = 0x8ff,
};
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SFMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS 0xc0000102u
#define MSR_AMD_EVNTSEL 0xc0010000u
#define MSR_AMD_PERFCTR_LAST 0xc0010007u
#define MSR_AMD_SYSCFG 0xc0010010u
#define MSR_AMD_HWCR 0xc0010015u
#define MSR_AMD_TOP_MEM 0xc001001au
#define MSR_AMD_TOP_MEM2 0xc001001du
#define MSR_AMD_NB_CFG 0xc001001fu
#define MSR_AMD_PATCHLOADER 0xc0010020u
#define MSR_AMD_INT_PENDING 0xc0010055u
#define MSR_AMD_MMCONF 0xc0010058u
#define MSR_AMD_TSEG 0xc0010112u
#define MSR_AMD_VM_CR 0xc0010114u
#define MSR_AMD_PERF_EXT 0xc0010200u
#define MSR_AMD_PERF_EXT_LAST 0xc001020bu
#define MSR_AMD_LS_CFG 0xc0011020u
#define MSR_AMD_DC_CFG 0xc0011022u
#define MSR_AMD_BU_CFG 0xc0011023u
#define MSR_AMD_DE_CFG 0xc0011029u
#define MSR_AMD_BU_CFG2 0xc001102au
#define MSR_AMD_EX_CFG 0xc001102cu

enum {
	MTRR_DEF_RESET = 0xc06,
	MISC_ENABLE = 0x1801,
	DE_CFG_LFENCE = 2,
	VM_CR_LOCKED = 0x18, /* SVM is disabled and locked (APM vol. 2, 15.30.1) */
	HWCR_TSC_FREQ = 1 << 24
};
#define MTRR_FIXED_RESET 0x0606060606060606ull
enum { EFER_SCE = 1, EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11 };
#define CR0_PG (1ull << 31)

static const uint32_t mtrr_fixed_msr[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b,
	0x26c, 0x26d, 0x26e, 0x26f };
enum { N_FIXED = ARRAY_SIZE(mtrr_fixed_msr) };

void msr_reset(struct vcpu *v)
{
	v->misc_enable = MISC_ENABLE;
	v->mtrr_def_type = MTRR_DEF_RESET;
	for (uint32_t i = 0; i < N_FIXED; i++)
		v->mtrr_fixed[i] = MTRR_FIXED_RESET;
	for (uint32_t i = 0; i < ARRAY_SIZE(v->mtrr_var); i++)
		v->mtrr_var[i] = 0;
}

/* ---- memory types ------------------------------------------------------------------------ */

static uint64_t *mtrr_at(struct vcpu *v, uint32_t msr)
{
	if (msr == MSR_MTRR_DEF)
		return &v->mtrr_def_type;
	if (msr >= MSR_MTRR_VAR && msr <= MSR_MTRR_VAR_LAST)
		return &v->mtrr_var[msr - MSR_MTRR_VAR];
	if (msr < mtrr_fixed_msr[0] || msr > mtrr_fixed_msr[N_FIXED - 1])
		return NULL;
	for (uint32_t i = 0; i < N_FIXED; i++)
		if (mtrr_fixed_msr[i] == msr)
			return &v->mtrr_fixed[i];
	return NULL;
}

/* Types 0, 1, 4, 5, 6; the PAT has 7 as well. */
static bool types_valid(uint64_t value, unsigned int mask)
{
	for (unsigned int i = 0; i < 64; i += 8) {
		unsigned int t = value >> i & 0xff;

		if (t > 7 || !(mask >> t & 1))
			return false;
	}
	return true;
}

static bool mtrr_valid(uint32_t msr, uint64_t value)
{
	enum { MTRR_TYPES = 0x73 };
	const uint64_t high = ~((1ull << VM_PHYS_BITS) - 1);

	if (msr == MSR_MTRR_DEF)
		return !(value & ~0xcffull) && types_valid(value & 7, MTRR_TYPES);
	if (msr <= MSR_MTRR_VAR_LAST) /* odd: mask with a valid bit; even: base with a type */
		return !(value & high) &&
		       (msr & 1 ? !(value & 0x7ff)
				: !(value & 0xf00) && types_valid(value & 0xff, MTRR_TYPES));
	return types_valid(value, MTRR_TYPES);
}

/* ---- registers in the state page --------------------------------------------------------- */

static uint64_t *__attribute__((nonnull))
state_at(struct sk_vcpu_state *st, uint32_t msr, uint32_t *group)
{
	*group = SK_VCPU_MSR;
	switch (msr) {
	case MSR_SYSENTER_CS:
		return &st->sysenter_cs;
	case MSR_SYSENTER_ESP:
		return &st->sysenter_esp;
	case MSR_SYSENTER_EIP:
		return &st->sysenter_eip;
	case MSR_STAR:
		return &st->star;
	case MSR_LSTAR:
		return &st->lstar;
	case MSR_CSTAR:
		return &st->cstar;
	case MSR_SFMASK:
		return &st->sfmask;
	case MSR_KERNEL_GS:
		return &st->kernel_gs_base;
	default:
		break;
	}
	*group = SK_VCPU_SEG;
	if (msr == MSR_FS_BASE)
		return &st->seg[SK_FS].base;
	if (msr == MSR_GS_BASE)
		return &st->seg[SK_GS].base;
	*group = SK_VCPU_CR;
	return msr == MSR_PAT ? &st->pat : NULL;
}

static bool canonical(uint64_t v) { return (uint64_t)((int64_t)(v << 16) >> 16) == v; }

static bool state_valid(uint32_t msr, uint64_t value)
{
	enum { PAT_TYPES = 0xf3 };

	switch (msr) {
	case MSR_PAT:
		return types_valid(value, PAT_TYPES);
	case MSR_SYSENTER_CS:
	case MSR_STAR:
	case MSR_SFMASK:
		return true;
	default:
		return canonical(value);
	}
}

static bool efer_write(struct vcpu *v, uint64_t value)
{
	struct sk_vcpu_state *st = v->st;

	if (value & ~(uint64_t)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
		return false;
	if (st->cr0 & CR0_PG && (value ^ st->efer) & EFER_LME)
		return false;
	vcpu_sync(v, SK_VCPU_CR);
	st->efer = (value & ~(uint64_t)EFER_LMA) | (st->efer & EFER_LMA);
	vcpu_dirty(v, SK_VCPU_CR);
	return true;
}

/*
 * Advance the TSC and TSC_ADJUST by `ticks`. pvclock is adjusted, so that the guest's time does
 * not jump.
 */
static void tsc_shift(struct vcpu *v, uint64_t ticks)
{
	v->tsc_adjust += ticks;
	v->st->tsc_offset += ticks;
	__atomic_store_n(&v->tsc_offset, v->st->tsc_offset, __ATOMIC_RELAXED);
	vcpu_dirty(v, SK_VCPU_TSC);
	xen_time_update(v->id);
}

static bool tsc_write(struct vcpu *v, uint64_t value)
{
	tsc_shift(v, value - guest_tsc(v));
	return true;
}

static bool tsc_adjust_write(struct vcpu *v, uint64_t value)
{
	tsc_shift(v, value - v->tsc_adjust);
	return true;
}

/* ---- registers of one value -------------------------------------------------------------- */

enum {
	MSR_R = 1,
	MSR_W = 2,
	MSR_RW = 3,
};
enum vendor {
	ANY,
	AMD,
	INTEL,
};

/*
 * Registers that kernels access without asking CPUID first, and that have no function here.
 * They read as the value; a permitted write has no effect. Performance counters are among them:
 * they stand still. In ascending order.
 */
static const struct fixed {
	uint32_t first, last;
	enum vendor vendor;
	uint8_t access;
	uint64_t value;
} fixed[] = {
	{ MSR_P5_MC_ADDR, MSR_P5_MC_TYPE, ANY, MSR_R, 0 },
	{ MSR_PLATFORM_ID, MSR_PLATFORM_ID, INTEL, MSR_R, 0 },
	{ MSR_EBC_FREQUENCY, MSR_EBC_FREQUENCY, ANY, MSR_R, 0 },
	/* locked, nothing enabled */
	{ MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, INTEL, MSR_R, 1 },
	{ MSR_UCODE_WRITE, MSR_UCODE_WRITE, ANY, MSR_W, 0 },
	{ MSR_UCODE_REV, MSR_UCODE_REV, ANY, MSR_RW, 0 },
	{ MSR_PERFCTR, MSR_PERFCTR_LAST, INTEL, MSR_RW, 0 },
	{ MSR_PLATFORM_INFO, MSR_PLATFORM_INFO, INTEL, MSR_R, 0 },
	{ MSR_MISC_FEATURES, MSR_MISC_FEATURES, INTEL, MSR_RW, 0 },
	/* no banks */
	{ MSR_MCG_CAP, MSR_MCG_CAP, ANY, MSR_R, 0 },
	{ MSR_MCG_STATUS, MSR_MCG_CTL, ANY, MSR_RW, 0 },
	{ MSR_EVNTSEL, MSR_EVNTSEL_LAST, INTEL, MSR_RW, 0 },
	{ MSR_PERF_STATUS, MSR_PERF_STATUS, INTEL, MSR_R, 0 },
	{ MSR_PERF_CTL, MSR_PERF_CTL, INTEL, MSR_RW, 0 },
	{ MSR_THERM_STATUS, MSR_THERM_STATUS, INTEL, MSR_RW, 0 },
	{ MSR_MISC_ENABLE, MSR_MISC_ENABLE, INTEL, MSR_W, 0 },
	{ MSR_DEBUGCTL, MSR_DEBUGCTL, ANY, MSR_R, 0 },
	{ MSR_LBR_FIRST, MSR_LBR_LAST, ANY, MSR_RW, 0 },
	{ MSR_MC_FIRST, MSR_MC_LAST, ANY, MSR_RW, 0 },
	{ XEN_HYPERCALL_MSR, XEN_HYPERCALL_MSR, ANY, MSR_R, 0 },
	{ MSR_AMD_EVNTSEL, MSR_AMD_PERFCTR_LAST, AMD, MSR_RW, 0 },
	{ MSR_AMD_SYSCFG, MSR_AMD_SYSCFG, AMD, MSR_RW, 0 },
	{ MSR_AMD_HWCR, MSR_AMD_HWCR, AMD, MSR_RW, HWCR_TSC_FREQ },
	{ MSR_AMD_TOP_MEM, MSR_AMD_TOP_MEM, AMD, MSR_RW, 0 },
	{ MSR_AMD_TOP_MEM2, MSR_AMD_TOP_MEM2, AMD, MSR_RW, 0 },
	{ MSR_AMD_NB_CFG, MSR_AMD_NB_CFG, AMD, MSR_RW, 0 },
	{ MSR_AMD_PATCHLOADER, MSR_AMD_PATCHLOADER, AMD, MSR_W, 0 },
	{ MSR_AMD_INT_PENDING, MSR_AMD_INT_PENDING, AMD, MSR_RW, 0 },
	{ MSR_AMD_MMCONF, MSR_AMD_MMCONF, AMD, MSR_R, 0 },
	{ MSR_AMD_TSEG, MSR_AMD_TSEG, AMD, MSR_R, 0 },
	{ MSR_AMD_VM_CR, MSR_AMD_VM_CR, AMD, MSR_RW, VM_CR_LOCKED },
	{ MSR_AMD_PERF_EXT, MSR_AMD_PERF_EXT_LAST, AMD, MSR_RW, 0 },
	{ MSR_AMD_LS_CFG, MSR_AMD_DC_CFG, AMD, MSR_RW, 0 },
	{ MSR_AMD_BU_CFG, MSR_AMD_BU_CFG, AMD, MSR_RW, 0 },
	{ MSR_AMD_DE_CFG, MSR_AMD_DE_CFG, AMD, MSR_R, DE_CFG_LFENCE },
	{ MSR_AMD_BU_CFG2, MSR_AMD_EX_CFG, AMD, MSR_RW, 0 },
	{ UINT32_MAX, UINT32_MAX, ANY, 0, 0 },
};

/* False: #GP, and a line of the log the first time for each register. */
static bool fixed_access(const struct vcpu *v, uint32_t msr, uint8_t access, uint64_t *value)
{
	const char *what = access == MSR_R ? "RDMSR" : "WRMSR";
	const struct fixed *f = fixed;

	while (f->last < msr)
		f++;
	if (msr >= f->first && f->access & access &&
		(f->vendor == ANY || (f->vendor == AMD) == vm.amd)) {
		if (access == MSR_R)
			*value = f->value;
		return true;
	}
	vm_note(access == MSR_R ? NOTE_MSR_READ : NOTE_MSR_WRITE, msr, /* MSR1 */
		"vCPU %u: %s %#x at %#llx: no such register", v->id, what, msr,
		(unsigned long long)v->st->rip);
	return false;
}

/* ---- reading and writing ----------------------------------------------------------------- */

bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	uint64_t *at;
	uint32_t group;

	*value = 0;
	at = state_at(v->st, msr, &group);
	if (at) {
		vcpu_sync(v, group);
		*value = *at;
		return true;
	}
	at = mtrr_at(v, msr);
	if (at) {
		*value = *at;
		return true;
	}
	if (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST)
		return lapic_msr_read(&v->lapic, msr, guest_tsc(v), value);
	switch (msr) {
	case MSR_TSC:
		*value = guest_tsc(v);
		return true;
	case MSR_TSC_ADJUST:
		*value = v->tsc_adjust;
		return true;
	case MSR_APIC_BASE:
		*value = lapic_base_read(&v->lapic);
		return true;
	case MSR_EFER:
		*value = v->st->efer;
		return true;
	case MSR_TSC_DEADLINE:
		*value = lapic_deadline_read(&v->lapic);
		return true;
	case MSR_MTRR_CAP:
		*value = MTRR_CAP;
		return true;
	case MSR_MISC_ENABLE:
		*value = v->misc_enable;
		return !vm.amd;
	default:
		return fixed_access(v, msr, MSR_R, value);
	}
}

static bool apic_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	struct lapic_ipi ipi;

	if (!lapic_msr_write(&v->lapic, msr, value, guest_tsc(v), &ipi))
		return false;
	if (ipi.valid)
		vcpu_ipi(v, &ipi);
	return true;
}

bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	uint64_t *at;
	uint32_t group;

	at = state_at(v->st, msr, &group);
	if (at) {
		if (!state_valid(msr, value))
			return false;
		vcpu_sync(v, group);
		*at = value;
		vcpu_dirty(v, group);
		return true;
	}
	at = mtrr_at(v, msr);
	if (at) {
		if (!mtrr_valid(msr, value))
			return false;
		*at = value; /* MSR2 */
		return true;
	}
	if (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST)
		return apic_write(v, msr, value);
	switch (msr) {
	case MSR_TSC:
		return tsc_write(v, value);
	case MSR_TSC_ADJUST:
		return tsc_adjust_write(v, value);
	case MSR_APIC_BASE:
		return lapic_base_write(&v->lapic, value);
	case MSR_EFER:
		return efer_write(v, value);
	case MSR_TSC_DEADLINE:
		lapic_deadline_write(&v->lapic, value);
		return true;
	case XEN_HYPERCALL_MSR:
		return xen_hypercall_page_write(v->id, value, vm.amd);
	case MSR_DEBUGCTL:
		return !(value & ~3ull);
	default:
		return fixed_access(v, msr, MSR_W, &value);
	}
}

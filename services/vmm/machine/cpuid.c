/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpuid.c - the CPUID policy
 *
 * Objects     tables of the feature bits that pass through; every bit that is not named here
 *             reads as 0.
 * Invariants  CPUID1 a feature is offered only if the host has it, except for those that the
 *                    VMM provides: x2APIC, TSC deadline, hypervisor
 *             CPUID2 no feature is offered that depends on state that the kernel does not
 *                    switch: RDTSCP, RDPID, PMU, SPEC_CTRL, PKU
 */
#include "machine/cpuid.h"

#include <stddef.h>
#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>

#include "base/array.h"

#define BIT(n) (1u << (n))

/* Leaf 1. */
enum {
	ECX1_X2APIC = 1 << 21,
	ECX1_DEADLINE = 1 << 24,
	ECX1_XSAVE = 1 << 26,
	ECX1_OSXSAVE = 1 << 27,
	EDX1_HTT = 1 << 28
};
#define ECX1_HYPERVISOR BIT(31)
#define ECX1_PASS \
	(BIT(0) /* SSE3 */ | BIT(1) /* PCLMULQDQ */ | BIT(9) /* SSSE3 */ | BIT(12) /* FMA */ | \
		BIT(13) /* CX16 */ | BIT(17) /* PCID */ | BIT(19) /* SSE4.1 */ | \
		BIT(20) /* SSE4.2 */ | BIT(22) /* MOVBE */ | BIT(23) /* POPCNT */ | \
		BIT(25) /* AES */ | ECX1_XSAVE | BIT(28) /* AVX */ | BIT(29) /* F16C */ | \
		BIT(30) /* RDRAND */)
/* Bits 0-9, 11-17, 19, 23-26: all except ACPI, DS, SS, HTT, TM, PBE. */
#define EDX1_PASS 0x078bfbffu

/* Leaf 7. */
#define EBX7_PASS \
	(BIT(0) /* FSGSBASE */ | BIT(3) /* BMI1 */ | BIT(5) /* AVX2 */ | BIT(7) /* SMEP */ | \
		BIT(8) /* BMI2 */ | BIT(9) /* ERMS */ | BIT(10) /* INVPCID */ | \
		BIT(18) /* RDSEED */ | BIT(19) /* ADX */ | BIT(20) /* SMAP */ | \
		BIT(23) /* CLFLUSHOPT */ | BIT(24) /* CLWB */ | BIT(29) /* SHA */ | \
		EBX7_AVX512)
#define EBX7_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))
#define ECX7_PASS \
	(BIT(2) /* UMIP */ | BIT(8) /* GFNI */ | BIT(9) /* VAES */ | \
		BIT(10) /* VPCLMULQDQ */ | ECX7_AVX512)
#define ECX7_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define EDX7_PASS (BIT(4) /* FSRM */)

/* Leaf 0x80000001. */
#define ECX81_PASS \
	(BIT(0) /* LAHF */ | BIT(4) /* CR8 */ | BIT(5) /* ABM */ | BIT(6) /* SSE4A */ | \
		BIT(7) /* misaligned SSE */ | BIT(8) /* PREFETCH */ | BIT(11) /* XOP */ | \
		BIT(16) /* FMA4 */ | BIT(21) /* TBM */)
#define EDX81_AMD_PASS \
	0x0183f3ffu /* the bits that AMD repeats from leaf 1: 0-9, 12-17, 23, 24 */
#define EDX81_PASS \
	(EDX81_AMD_PASS | BIT(11) /* SYSCALL */ | BIT(20) /* NX */ | BIT(22) /* MMXEXT */ | \
		BIT(26) /* 1 GiB pages */ | BIT(29) /* LM */)

enum { XCR0_X87 = 1, XCR0_SSE = 2, XCR0_AVX = 4, XCR0_AVX512 = 0xe0, CR4_OSXSAVE = 1 << 18 };

bool cpuid_xcr0_valid(uint64_t v, uint64_t max)
{
	if (v & ~max || !(v & XCR0_X87))
		return false;
	if ((v & XCR0_AVX) && !(v & XCR0_SSE))
		return false;
	return !(v & XCR0_AVX512) || ((v & XCR0_AVX512) == XCR0_AVX512 && v & XCR0_AVX);
}

bool cpuid_vendor_amd(const struct cpuid_env *env)
{
	struct cpuid_regs r;

	env->host(0, 0, &r);
	return r.ebx == 0x68747541 || r.ebx == 0x6f677948; /* "Auth"enticAMD, "Hygo"nGenuine */
}

/* Bits that number the logical processors of the package, APIC IDs being 2 * vCPU. */
static uint32_t id_bits(const struct cpuid_env *env)
{
	uint32_t bits = 1;

	while (1u << bits < 2 * env->n_vcpus)
		bits++;
	return bits;
}

static void leaf_1(const struct cpuid_env *env, struct cpuid_regs *r)
{
	uint32_t ids = env->n_vcpus > 1 ? 2 * env->n_vcpus : 1;

	r->ebx = (r->ebx & 0xff00) | ids << 16 | (2 * env->vcpu) << 24;
	r->ecx = (r->ecx & ECX1_PASS) | ECX1_X2APIC | ECX1_DEADLINE | ECX1_HYPERVISOR;
	if (!(r->ecx & ECX1_XSAVE) || !env->xcr0_max)
		r->ecx &= ~(uint32_t)(ECX1_XSAVE | BIT(28) | BIT(29) | BIT(12));
	else if (env->cr4 & CR4_OSXSAVE)
		r->ecx |= ECX1_OSXSAVE;
	if (!(env->xcr0_max & XCR0_AVX))
		r->ecx &= ~(BIT(28) | BIT(29) | BIT(12));
	r->edx = (r->edx & EDX1_PASS) | (env->n_vcpus > 1 ? EDX1_HTT : 0);
}

/* Deterministic caches: each core has its own levels 1 and 2, the package shares level 3. */
static void leaf_4(const struct cpuid_env *env, struct cpuid_regs *r)
{
	uint32_t level = r->eax >> 5 & 7, sharing = level >= 3 ? (1u << id_bits(env)) - 1 : 1;

	if (!(r->eax & 31))
		return;
	r->eax = (r->eax & 0x3ff) | sharing << 14 | (env->n_vcpus - 1) << 26;
}

static void leaf_7(const struct cpuid_env *env, uint32_t subleaf, struct cpuid_regs *r)
{
	bool avx = env->xcr0_max & XCR0_AVX,
	     avx512 = (env->xcr0_max & XCR0_AVX512) == XCR0_AVX512;

	if (subleaf) {
		*r = (struct cpuid_regs){ 0 };
		return;
	}
	r->eax = 0;
	r->ebx &= EBX7_PASS;
	r->ecx &= ECX7_PASS;
	r->edx &= EDX7_PASS;
	if (!avx) {
		r->ebx &= ~BIT(5);
		r->ecx &= ~(BIT(9) | BIT(10));
	}
	if (!avx512) {
		r->ebx &= ~EBX7_AVX512;
		r->ecx &= ~ECX7_AVX512;
	}
}

static void leaf_b(const struct cpuid_env *env, uint32_t subleaf, struct cpuid_regs *r)
{
	*r = (struct cpuid_regs){ .ecx = subleaf & 0xff, .edx = 2 * env->vcpu };
	if (subleaf == 0) {
		r->eax = 1;
		r->ebx = 1;
		r->ecx |= 1 << 8;
	} else if (subleaf == 1) {
		r->eax = id_bits(env);
		r->ebx = env->n_vcpus;
		r->ecx |= 2 << 8;
	}
}

/* Bytes of an XSAVE area in the standard form. */
static uint32_t xsave_size(const struct cpuid_env *env, uint64_t xcr0)
{
	uint32_t size = 512 + 64, i;

	for (i = 2; i < 63; i++) {
		struct cpuid_regs r;

		if (!(xcr0 >> i & 1))
			continue;
		env->host(0xd, i, &r);
		if (r.ebx + r.eax > size)
			size = r.ebx + r.eax;
	}
	return size;
}

static void leaf_d(const struct cpuid_env *env, uint32_t subleaf, struct cpuid_regs *r)
{
	struct cpuid_regs host = *r;

	*r = (struct cpuid_regs){ 0 };
	if (!env->xcr0_max)
		return;
	if (subleaf == 0) {
		r->eax = (uint32_t)env->xcr0_max;
		r->ebx = xsave_size(env, env->xcr0);
		r->ecx = xsave_size(env, env->xcr0_max);
		r->edx = (uint32_t)(env->xcr0_max >> 32);
	} else if (subleaf == 1) {
		r->eax = host.eax & 7; /* XSAVEOPT, XSAVEC, XGETBV with ECX 1; no XSAVES */
	} else if (subleaf < 63 && env->xcr0_max >> subleaf & 1) {
		*r = host;
		r->ecx &= 2; /* user state; the alignment bit is kept */
	}
}

static void leaf_81(const struct cpuid_env *env, bool amd, struct cpuid_regs *r)
{
	enum {
		CMP_LEGACY = 2
	}; /* AMD: several processors of a package are cores, not threads */

	r->ecx = (r->ecx & ECX81_PASS) | (amd && env->n_vcpus > 1 ? CMP_LEGACY : 0);
	r->edx &= EDX81_PASS;
}

static void leaf_88(const struct cpuid_env *env, bool amd, struct cpuid_regs *r)
{
	uint32_t phys = r->eax & 0xff;

	r->eax = (phys < 40 ? phys : 40) | 48 << 8;
	r->ebx &= BIT(0) | BIT(2); /* CLZERO, error pointers always saved */
	r->ecx = amd ? (2 * env->n_vcpus - 1) | id_bits(env) << 12 : 0;
	r->edx = 0;
}

/* ---- Xen's leaves ------------------------------------------------------------------------ */

static void leaf_xen_tsc(const struct cpuid_env *env, uint32_t subleaf, struct cpuid_regs *r)
{
	enum { HOST_TSC_RELIABLE = 2 };
	uint64_t khz = env->tsc_hz / 1000;

	switch (subleaf) {
	case 0:
		r->eax = HOST_TSC_RELIABLE;
		r->ecx = (uint32_t)khz;
		break;
	case 1:
		r->eax = (uint32_t)env->tsc_offset;
		r->ebx = (uint32_t)(env->tsc_offset >> 32);
		break;
	case 2:
		r->eax = (uint32_t)khz;
		break;
	default:
		break;
	}
}

static void leaf_xen(
	const struct cpuid_env *env, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *r)
{
	enum { LAST = 4 };

	*r = (struct cpuid_regs){ 0 };
	switch (leaf - XEN_CPUID_FIRST_LEAF) {
	case 0:
		*r = (struct cpuid_regs){ XEN_CPUID_LEAF(LAST), XEN_CPUID_SIGNATURE_EBX,
			XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX };
		break;
	case 1:
		r->eax = 4 << 16 | 17;
		break;
	case 2:
		r->eax = 1; /* one hypercall page, by this MSR */
		r->ebx = XEN_HYPERCALL_MSR;
		break;
	case 3:
		leaf_xen_tsc(env, subleaf, r);
		break;
	case 4:
		/*
		 * Not UPCALL_VECTOR, because the common callback vector needs no EOI, and each
		 * EOI would be an exit.
		 */
		r->eax = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT;
		r->ebx = env->vcpu;
		r->ecx = env->domid;
		break;
	default:
		break;
	}
}

void cpuid_guest(
	const struct cpuid_env *env, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *r)
{
	enum { BASIC_LAST = 0xd };
	const uint32_t extended_last = 0x80000008;
	struct cpuid_regs limit;

	if (leaf >= 0x40000000 && leaf < 0x40000100) {
		leaf_xen(env, leaf, subleaf, r);
		return;
	}
	*r = (struct cpuid_regs){ 0 };
	env->host(leaf & 0x80000000, 0, &limit);
	if (leaf > (leaf & 0x80000000 ? extended_last : BASIC_LAST))
		return;
	if (leaf > limit.eax && leaf != 0xb)
		return;
	env->host(leaf, subleaf, r);
	switch (leaf) {
	case 0:
		r->eax = r->eax < 0xb ? 0xb : r->eax < BASIC_LAST ? r->eax : BASIC_LAST;
		break;
	case 1:
		leaf_1(env, r);
		break;
	case 2:
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
	case 0x80000005:
	case 0x80000006:
		break; /* caches and the processor's name, as on the host */
	case 4:
		leaf_4(env, r);
		break;
	case 6:
		/* ARAT: the APIC timer always runs */
		*r = (struct cpuid_regs){ .eax = r->eax & 4 };
		break;
	case 7:
		leaf_7(env, subleaf, r);
		break;
	case 0xb:
		leaf_b(env, subleaf, r);
		break;
	case 0xd:
		leaf_d(env, subleaf, r);
		break;
	case 0x80000000:
		r->eax = r->eax < extended_last ? r->eax : extended_last;
		break;
	case 0x80000001:
		leaf_81(env, cpuid_vendor_amd(env), r);
		break;
	case 0x80000007:
		*r = (struct cpuid_regs){ .edx = r->edx & BIT(8) }; /* invariant TSC */
		break;
	case 0x80000008:
		leaf_88(env, cpuid_vendor_amd(env), r);
		break;
	default:
		*r = (struct cpuid_regs){ 0 };
		break;
	}
}

/* ---- CR4 --------------------------------------------------------------------------------- */

uint64_t cpuid_cr4_bits(const struct cpuid_env *env)
{
	enum where { EDX1, ECX1, EBX7, ECX7 };
	static const struct {
		uint8_t where, feature, cr4;
	} bits[] = {
		/* SDM vol. 3, 2.5 */
		{ EDX1, 1, 0 },   /* VME */
		{ EDX1, 1, 1 },   /* PVI */
		{ EDX1, 4, 2 },   /* TSD */
		{ EDX1, 2, 3 },   /* DE */
		{ EDX1, 3, 4 },   /* PSE */
		{ EDX1, 6, 5 },   /* PAE */
		{ EDX1, 7, 6 },   /* MCE */
		{ EDX1, 13, 7 },  /* PGE */
		{ EDX1, 24, 9 },  /* OSFXSR */
		{ EDX1, 25, 10 }, /* OSXMMEXCPT */
		{ ECX7, 2, 11 },  /* UMIP */
		{ ECX7, 16, 12 }, /* LA57 */
		{ EBX7, 0, 16 },  /* FSGSBASE */
		{ ECX1, 17, 17 }, /* PCIDE */
		{ ECX1, 26, 18 }, /* OSXSAVE */
		{ EBX7, 7, 20 },  /* SMEP */
		{ EBX7, 20, 21 }, /* SMAP */
	};
	const uint64_t pce = BIT(8); /* PCE belongs to no feature */
	struct cpuid_regs one, seven;
	uint64_t allowed = pce;

	cpuid_guest(env, 1, 0, &one);
	cpuid_guest(env, 7, 0, &seven);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		const uint32_t words[] = { one.edx, one.ecx, seven.ebx, seven.ecx };

		if (words[bits[i].where] >> bits[i].feature & 1)
			allowed |= BIT(bits[i].cr4);
	}
	return allowed;
}

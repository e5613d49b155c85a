/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpuid_test.c - what the guest's CPUID offers, on a host with all features and on one with few
 */
#include "machine/cpuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static uint32_t vendor_ebx = 0x68747541; /* AMD */
static uint32_t features = ~0u, max_basic = 0x20, max_extended = 0x80000021;

static void host(uint32_t leaf, uint32_t subleaf, struct cpuid_regs *r)
{
	*r = (struct cpuid_regs){ features, features, features, features };
	if (leaf == 0)
		*r = (struct cpuid_regs){ max_basic, vendor_ebx, 0x444d4163, 0x69746e65 };
	if (leaf == 0x80000000)
		r->eax = max_extended;
	if (leaf == 0xd && subleaf == 2)
		*r = (struct cpuid_regs){ 256, 576, 0, 0 };
	if (leaf == 0xd && subleaf == 9)
		*r = (struct cpuid_regs){ 8, 2688, 0, 0 };
	if (leaf == 0x80000008)
		r->eax = 48 << 8 | 48;
}

static struct cpuid_env env;

static int setup(void **state)
{
	(void)state;
	env = (struct cpuid_env){ host, 1, 4, 7, 7, 7, 1 << 18, 2100000000,
		0x1122334455667788 };
	vendor_ebx = 0x68747541;
	features = ~0u;
	max_basic = 0x20;
	max_extended = 0x80000021;
	return 0;
}

static struct cpuid_regs get(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	cpuid_guest(&env, leaf, subleaf, &r);
	return r;
}

static void xen_leaves(void **state)
{
	struct cpuid_regs r = get(0x40000000, 0);

	(void)state;
	assert_memory_equal(&r.ebx, "XenVMMXenVMM", 12);
	assert_int_equal(r.eax, 0x40000004);
	assert_int_equal(get(0x40000001, 0).eax, 0x00040011);
	assert_int_equal(get(0x40000002, 0).eax, 1);
	assert_int_equal(get(0x40000002, 0).ebx, 0x40000000);
	assert_int_equal(get(0x40000003, 0).ecx, 2100000);
	assert_int_equal(get(0x40000003, 1).eax, 0x55667788);
	assert_int_equal(get(0x40000003, 1).ebx, 0x11223344);
	assert_int_equal(get(0x40000003, 2).eax, 2100000);
	r = get(0x40000004, 0);
	assert_int_equal(r.eax, 0x18);
	assert_int_equal(r.ebx, 1);
	assert_int_equal(r.ecx, 7);
	assert_int_equal(get(0x40000005, 0).eax, 0);
	assert_int_equal(get(0x40000100, 0).ebx, 0);
	assert_int_equal(get(0x60000000, 0).eax, 0);
}

static void features_hidden(void **state)
{
	struct cpuid_regs r = get(1, 0);

	(void)state;
	assert_int_equal(
		r.ecx & (1 << 3 | 1 << 5 | 1 << 6 | 1 << 15), 0); /* MONITOR VMX SMX PDCM */
	assert_int_equal(r.ecx >> 31, 1);
	assert_true(r.ecx & 1 << 21 && r.ecx & 1 << 27);
	assert_int_equal(r.edx & (1u << 22 | 1 << 29 | 1u << 31), 0); /* ACPI TM PBE */
	assert_true(r.edx & 1 << 28);
	env.cr4 = 0;
	assert_false(get(1, 0).ecx & 1 << 27);
	r = get(7, 0);
	assert_int_equal(r.ebx & (1 << 1 | 1 << 2 | 1 << 4 | 1 << 14 | 1 << 16),
		0); /* TSC_ADJUST SGX TSX MPX AVX512 */
	assert_true(r.ebx & 1 << 5);
	assert_int_equal(
		r.ecx & (1 << 3 | 1 << 5 | 1 << 16 | 1 << 22), 0); /* PKU WAITPKG LA57 RDPID */
	assert_int_equal(r.edx & ~(1u << 4), 0); /* no SPEC_CTRL, nor related features */
	assert_int_equal(get(7, 1).eax, 0);
	r = get(0x80000001, 0);
	assert_int_equal(
		r.ecx & (1 << 2 | 1 << 3 | 1 << 12 | 3 << 22 | 1 << 24 | 1 << 28 | 1 << 29),
		0); /* SVM EXTAPIC SKINIT TOPOEXT, performance counters, MWAITX */
	assert_int_equal(r.edx & 1 << 27, 0); /* RDTSCP */
	assert_true(r.ecx & 2);               /* cores, not threads */
	assert_true(r.edx & 1 << 29);
	assert_int_equal(get(0xa, 0).eax, 0);
	assert_int_equal(get(5, 0).eax, 0);
	assert_int_equal(get(0x8000000a, 0).eax, 0);
	assert_int_equal(get(0x8000001f, 0).eax, 0);
	assert_int_equal(get(0x80000000, 0).eax, 0x80000008);
	assert_int_equal(get(0, 0).eax, 0xd);
	assert_int_equal(get(0, 0).ebx, 0x68747541);
	assert_int_equal(get(0x80000008, 0).eax, 48 << 8 | 40);
	env.xcr0_max = 0; /* a machine without XSAVE */
	r = get(1, 0);
	assert_int_equal(r.ecx & (1 << 26 | 1 << 27 | 1 << 28), 0);
	assert_int_equal(get(0xd, 0).eax, 0);
}

static void nothing_made_up(void **state)
{
	struct cpuid_regs r;

	(void)state;
	features = 0;
	r = get(1, 0);
	assert_int_equal(r.ecx, 1u << 31 | 1 << 24 | 1 << 21);
	assert_int_equal(r.edx, 1 << 28); /* several processors */
	assert_int_equal(get(7, 0).ebx, 0);
	max_basic = 5;
	assert_int_equal(get(0, 0).eax, 0xb);
	assert_int_equal(get(7, 0).ebx | get(0xd, 0).ecx, 0);
	assert_int_equal(get(0xb, 0).edx, 2);
	max_extended = 0x80000001;
	assert_int_equal(get(0x80000000, 0).eax, 0x80000001);
	assert_int_equal(get(0x80000008, 0).eax, 0);
}

static void topology(void **state)
{
	struct cpuid_regs r = get(1, 0);

	(void)state;
	assert_int_equal(r.ebx >> 24, 2);
	assert_int_equal(r.ebx >> 16 & 0xff, 8);
	assert_int_equal(get(0xb, 0).eax, 1);
	assert_int_equal(get(0xb, 0).ecx, 1 << 8);
	assert_int_equal(get(0xb, 1).eax, 3);
	assert_int_equal(get(0xb, 1).ebx, 4);
	assert_int_equal(get(0xb, 1).edx, 2);
	assert_int_equal(get(0xb, 2).ecx, 2);
	assert_int_equal(get(0x80000008, 0).ecx, 7 | 3 << 12);
	vendor_ebx = 0x756e6547;
	assert_int_equal(get(0x80000008, 0).ecx, 0);
	assert_false(get(0x80000001, 0).ecx & 2);
	assert_false(cpuid_vendor_amd(&env));
	vendor_ebx = 0x68747541;
	assert_true(cpuid_vendor_amd(&env));
	env.n_vcpus = 1;
	assert_int_equal(get(1, 0).edx & 1 << 28, 0);
	assert_int_equal(get(1, 0).ebx >> 16 & 0xff, 1);
}

static void xsave(void **state)
{
	(void)state;
	assert_int_equal(get(0xd, 0).eax, 7);
	assert_int_equal(get(0xd, 0).ebx, 832);
	assert_int_equal(get(0xd, 0).ecx, 832);
	env.xcr0 = 3;
	assert_int_equal(get(0xd, 0).ebx, 576);
	assert_int_equal(get(0xd, 0).ecx, 832);
	assert_int_equal(get(0xd, 1).eax, 7); /* no XSAVES */
	assert_int_equal(get(0xd, 2).eax, 256);
	assert_int_equal(get(0xd, 9).eax, 0); /* not offered */
	assert_true(cpuid_xcr0_valid(1, 7));
	assert_true(cpuid_xcr0_valid(7, 7));
	assert_false(cpuid_xcr0_valid(6, 7));
	assert_false(cpuid_xcr0_valid(5, 7));
	assert_false(cpuid_xcr0_valid(0, 7));
	assert_false(cpuid_xcr0_valid(0xf, 7));
	assert_false(cpuid_xcr0_valid(0x67, 0xe7));
	assert_false(cpuid_xcr0_valid(0xe3, 0xe7));
	assert_true(cpuid_xcr0_valid(0xe7, 0xe7));
	assert_false(cpuid_xcr0_valid(7 | 1ull << 62, 7));
}

/*
 * The guest may set the CR4 bits of the features that CPUID shows, and PCE, which belongs to no
 * feature.
 */
static void cr4_follows(void **state)
{
	(void)state;
	/*
	 * even on a host that has everything: no LA57, VMXE, SMXE, PKE, CET, PKS, and no
	 * undefined bits
	 */
	assert_int_equal(cpuid_cr4_bits(&env), 0x370fff);
	env.xcr0_max = 0xe7;
	assert_int_equal(cpuid_cr4_bits(&env), 0x370fff);
	env.xcr0_max = 0;
	assert_int_equal(cpuid_cr4_bits(&env), 0x330fff);
	features = 0;
	assert_int_equal(cpuid_cr4_bits(&env), 0x100);
	features = 1 << 7;
	assert_int_equal(cpuid_cr4_bits(&env), 0x100140); /* MCE of leaf 1, SMEP of leaf 7 */
	max_basic = 6;                                    /* no leaf 7 */
	assert_int_equal(cpuid_cr4_bits(&env), 0x140);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(xen_leaves, setup),
		cmocka_unit_test_setup(features_hidden, setup),
		cmocka_unit_test_setup(nothing_made_up, setup),
		cmocka_unit_test_setup(topology, setup),
		cmocka_unit_test_setup(xsave, setup),
		cmocka_unit_test_setup(cr4_follows, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec_test.c - which speculation barriers a CPU offers, and which of them spec-ctrl= selects
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu.h"
#include "spec.h"

/* spec.c needs these of the kernel; they are unused here. */
void klog(const char *fmt, ...) { (void)fmt; }
const char *boot_option_value(const char *prefix)
{
	(void)prefix;
	return NULL;
}

static void barriers_are_those_of_the_cpu(void **state)
{
	struct spec_cpuid none = { 0 }, intel = { .leaf7_edx = 1 << 10 | 1 << 26 | 1 << 27 },
			  amd = { .ext8_ebx = 1 << 12 | 1 << 15 };

	(void)state;
	assert_int_equal(spec_offered(&none), 0);
	assert_int_equal(spec_offered(&intel), SPEC_IBPB | SPEC_STIBP | SPEC_RSB | SPEC_VERW);
	intel.arch_capabilities = 1 << 1 | 1 << 5; /* enhanced IBRS, no MDS */
	assert_int_equal(spec_offered(&intel), SPEC_IBPB | SPEC_IBRS | SPEC_STIBP | SPEC_RSB);
	assert_int_equal(spec_offered(&amd), SPEC_IBPB | SPEC_STIBP | SPEC_RSB);
	amd.ext21_eax = 1 << 8; /* automatic IBRS */
	assert_int_equal(spec_offered(&amd), SPEC_IBPB | SPEC_IBRS | SPEC_STIBP);
}

static uint32_t choose(const char *list)
{
	const char *unknown;
	uint32_t on = spec_choose(list, SPEC_ALL, &unknown);

	assert_null(unknown);
	return on;
}

static void all_are_on_without_an_option(void **state)
{
	(void)state;
	assert_int_equal(choose(NULL), SPEC_ALL);
	assert_int_equal(choose(""), SPEC_ALL);
	assert_int_equal(choose(" panic=halt"), SPEC_ALL);
}

static void a_boolean_is_for_all(void **state)
{
	static const char *const no[] = { "no", "off", "0", "false", "disable",
		"off maxcpus=1" };
	static const char *const yes[] = { "yes", "on", "1", "true", "enable" };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(no); i++)
		assert_int_equal(choose(no[i]), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(yes); i++)
		assert_int_equal(choose(yes[i]), SPEC_ALL);
}

static void names_turn_one_on_or_off(void **state)
{
	(void)state;
	assert_int_equal(choose("no-ibpb"), SPEC_ALL & ~SPEC_IBPB);
	assert_int_equal(choose("ibpb=off,rsb=0"), SPEC_ALL & ~(SPEC_IBPB | SPEC_RSB));
	assert_int_equal(choose("no-md-clear,no-ibrs"), SPEC_ALL & ~(SPEC_VERW | SPEC_IBRS));
	assert_int_equal(choose("no,ibpb"), SPEC_IBPB);
	assert_int_equal(choose("no,stibp=1,md-clear=yes ibpb"), SPEC_STIBP | SPEC_VERW);
}

static void absent_features_stay_off(void **state)
{
	const char *unknown;

	(void)state;
	assert_int_equal(spec_choose("yes,ibpb=1", SPEC_RSB, &unknown), SPEC_RSB);
	assert_null(unknown);
}

static void the_first_unknown_word_is_told(void **state)
{
	static const char *const lists[] = { "no-ibpb,foo,no-rsb", "no-ibpb,ibrsx,no-rsb",
		"no-ibpb,no-ibrs=1,no-rsb", "no-ibpb,ibrs=maybe,no-rsb", "no-ibpb,no-,no-rsb",
		"no-ibpb,=,no-rsb" };
	const char *unknown;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(lists); i++) {
		assert_int_equal(spec_choose(lists[i], SPEC_ALL, &unknown),
			SPEC_ALL & ~(SPEC_IBPB | SPEC_RSB));
		assert_ptr_equal(unknown, lists[i] + 8);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(barriers_are_those_of_the_cpu),
		cmocka_unit_test(all_are_on_without_an_option),
		cmocka_unit_test(a_boolean_is_for_all),
		cmocka_unit_test(names_turn_one_on_or_off),
		cmocka_unit_test(absent_features_stay_off),
		cmocka_unit_test(the_first_unknown_word_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

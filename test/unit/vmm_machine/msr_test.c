/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msr_test.c - the time stamp counter that the guest writes; registers that do not exist
 */
#define _GNU_SOURCE
#include "log.h"
#include "machine/msr.h"
#include "machine/vcpu.h"
#include "xen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

enum { TSC = 0x10, TSC_ADJUST = 0x3b };

struct vm vm;
static struct sk_vcpu_state st;
static struct vcpu v = { .st = &st, .id = 3 };
static unsigned int updates, logs;
static enum vm_note noted;
static uint64_t noted_number;

void vcpu_sync(struct vcpu *c, uint32_t groups)
{
	(void)c;
	(void)groups;
}

void vcpu_ipi(struct vcpu *from, const struct lapic_ipi *ipi)
{
	(void)from;
	(void)ipi;
}

bool xen_hypercall_page_write(unsigned int cpu, uint64_t value, bool amd)
{
	(void)cpu, (void)value, (void)amd;
	return true;
}

/* pvclock is computed from the new offset, which must already be set. */
void xen_time_update(unsigned int cpu)
{
	assert_int_equal(cpu, v.id);
	assert_int_equal(v.tsc_offset, st.tsc_offset);
	updates++;
}

void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
{
	(void)fmt;
	logs++;
	noted = kind;
	noted_number = number;
}

static int setup(void **state)
{
	(void)state;
	memset(&st, 0, sizeof(st));
	v = (struct vcpu){ .st = &st, .id = 3 };
	st.tsc_offset = v.tsc_offset = -vm_rdtsc();
	msr_reset(&v);
	updates = logs = 0;
	return 0;
}

static uint64_t get(uint32_t msr)
{
	uint64_t value;

	assert_true(msr_read(&v, msr, &value));
	return value;
}

/* The value lies between two readings of the host's counter. */
static void tsc_written(void **state)
{
	uint64_t offset = st.tsc_offset, before, after;

	(void)state;
	before = vm_rdtsc();
	assert_true(msr_write(&v, TSC, 1ull << 50));
	after = vm_rdtsc();
	assert_in_range(-st.tsc_offset + (1ull << 50), before, after);
	assert_int_equal(updates, 1);
	assert_true(st.dirty & SK_VCPU_TSC);
	assert_true(get(TSC) >= 1ull << 50);
	assert_true(get(TSC) <= (1ull << 50) + vm_rdtsc() - before);
	/* changes by the same amount */
	assert_int_equal(get(TSC_ADJUST), st.tsc_offset - offset);
	assert_true(msr_write(&v, TSC, 0));
	assert_true(get(TSC) <= vm_rdtsc() - after);
	assert_int_equal(get(TSC_ADJUST), st.tsc_offset - offset);
}

static void tsc_adjusted(void **state)
{
	uint64_t offset = st.tsc_offset;

	(void)state;
	assert_int_equal(get(TSC_ADJUST), 0);
	assert_true(msr_write(&v, TSC_ADJUST, 1000000));
	assert_int_equal(st.tsc_offset, offset + 1000000);
	assert_int_equal(updates, 1);
	assert_true(msr_write(&v, TSC_ADJUST, (uint64_t)-5)); /* not on top of the last one */
	assert_int_equal(st.tsc_offset, offset - 5);
	assert_int_equal(get(TSC_ADJUST), (uint64_t)-5);
	assert_true(st.dirty & SK_VCPU_TSC);
	msr_reset(&v); /* INIT leaves it */
	assert_int_equal(get(TSC_ADJUST), (uint64_t)-5);
}

static void unknown(void **state)
{
	uint64_t value;

	(void)state;
	assert_false(msr_read(&v, 0x12345678, &value));
	assert_int_equal(noted, NOTE_MSR_READ);
	assert_false(msr_write(&v, 0x12345679, 0));
	assert_int_equal(noted, NOTE_MSR_WRITE);
	assert_int_equal(noted_number, 0x12345679);
	assert_int_equal(logs, 2);
	assert_int_equal(updates, 0);
}

/*
 * There is no virtual PMU: counters and their selectors read 0 and accept any value silently.
 */
static void counters_stand_still(void **state)
{
	static const struct {
		uint32_t first, last;
		bool amd;
	} ranges[] = { { 0xc0010000, 0xc0010007, true }, { 0xc0010200, 0xc001020b, true },
		{ 0xc1, 0xc8, false }, { 0x186, 0x18d, false } };
	uint64_t value;
	uint32_t i, msr;

	(void)state;
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		vm.amd = ranges[i].amd;
		for (msr = ranges[i].first; msr <= ranges[i].last; msr++) {
			assert_true(msr_write(&v, msr, ~0ull));
			assert_int_equal(get(msr), 0);
		}
		assert_int_equal(logs, 0);
		assert_false(msr_read(&v, ranges[i].last + 1, &value));
		vm.amd = !vm.amd; /* the other vendor has no such registers */
		assert_false(msr_read(&v, ranges[i].first, &value));
		logs = 0;
	}
}

/* Registers that kernels touch without asking CPUID. */
static void registers_of_one_value(void **state)
{
	static const struct {
		uint32_t msr;
		bool amd, writable;
		uint64_t value;
	} rows[] = { { 0, true, false, 0 }, { 0x2c, true, false, 0 }, { 0x8b, true, true, 0 },
		{ 0x179, true, false, 0 }, { 0x17b, true, true, 0 }, { 0x47f, true, true, 0 },
		{ 0x40000000, true, true, 0 }, { 0xc0010010, true, true, 0 },
		{ 0xc0010015, true, true, 1 << 24 }, { 0xc001001d, true, true, 0 },
		{ 0xc0010058, true, false, 0 }, { 0xc0010114, true, true, 0x18 },
		{ 0xc0011023, true, true, 0 }, { 0xc0011029, true, false, 2 },
		{ 0xc001102c, true, true, 0 }, { 0x17, false, false, 0 },
		{ 0x3a, false, false, 1 }, { 0x198, false, false, 0 },
		{ 0x19c, false, true, 0 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vm.amd = rows[i].amd;
		if (get(rows[i].msr) != rows[i].value ||
			msr_write(&v, rows[i].msr, 0x8000) != rows[i].writable ||
			get(rows[i].msr) != rows[i].value)
			fail_msg("register %#x", rows[i].msr);
	}
	vm.amd = true;
	/* the microcode loader register is write-only */
	assert_true(msr_write(&v, 0xc0010020, 0x1000));
	logs = 0;
	assert_false(msr_read(&v, 0xc0010020, &(uint64_t){ 0 }));
	assert_int_equal(logs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tsc_written, setup),
		cmocka_unit_test_setup(tsc_adjusted, setup),
		cmocka_unit_test_setup(unknown, setup),
		cmocka_unit_test_setup(counters_stand_still, setup),
		cmocka_unit_test_setup(registers_of_one_value, setup),
	};

	return cmocka_run_group_tests_name("vmm msr", tests, NULL, NULL);
}

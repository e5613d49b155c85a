/*
 * msr_test.c - the time stamp counter that the guest writes; registers that do not exist
 */
#define _GNU_SOURCE
#include "exits.h"
#include "msr.h"
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
static unsigned updates, logs;

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

bool hypercall_page_write(uint64_t value)
{
	(void)value;
	return true;
}

/* What pvclock is written from has to be there already. */
void xen_time_update(unsigned cpu)
{
	assert_int_equal(cpu, v.id);
	assert_int_equal(v.tsc_offset, st.tsc_offset);
	updates++;
}

void vm_log(const char *fmt, ...)
{
	(void)fmt;
	logs++;
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

/* Between two readings of the host's counter. */
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
	assert_int_equal(get(TSC_ADJUST), st.tsc_offset - offset); /* goes along */
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
	assert_false(msr_write(&v, 0x12345678, 0));
	assert_int_equal(logs, 2);
	assert_int_equal(updates, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tsc_written, setup),
		cmocka_unit_test_setup(tsc_adjusted, setup),
		cmocka_unit_test_setup(unknown, setup),
	};

	return cmocka_run_group_tests_name("vmm msr", tests, NULL, NULL);
}

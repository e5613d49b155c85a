/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apic_test.c - the local APIC in both modes: set-up, timer, interrupts between CPUs, pending
 * interrupts
 */
#include "processor.h"
#include "kernel/arch/x86_64/apic.c"

static struct cpu_arch machine;
static uint32_t page[1024] __attribute__((aligned(4096)));
static unsigned int served;
static sk_time_t now;
struct features features;
uint64_t tsc_hz;

void *fixmap_mmio(unsigned int slot, uint64_t paddr)
{
	assert_int_equal(slot, FIX_LAPIC);
	assert_int_equal(paddr, 0xfee00000);
	return page;
}
sk_time_t arch_now(void) { return now; }
void arch_serve(void) { served++; }

static uint32_t reg(unsigned int offset)
{
	return features.x2apic ? (uint32_t)msr_now(MSR_X2APIC + (offset >> 4))
			       : page[offset / 4];
}

static void begin(bool x2apic, bool deadline)
{
	memset(page, 0, sizeof(page));
	machine = (struct cpu_arch){ .cpu = { .timer_armed = SK_NO_DEADLINE } };
	features = (struct features){ .x2apic = x2apic, .tsc_deadline = deadline };
	processor_reset();
	be(&machine.cpu);
	served = 0;
	now = 1000000;
	tsc_hz = 3000000000;
	lapic_hz = 1000000000;
	wrmsr(MSR_APIC_BASE, 0xfee00100);
	lapic_init(0xfee00000);
}

static void is_set_up(void **state)
{
	(void)state;
	for (unsigned int mode = 0; mode < 4; mode++) {
		begin(mode & 1, mode & 2);
		lapic_setup_cpu();
		assert_int_equal(msr_now(MSR_APIC_BASE),
			0xfee00100 | 1 << 11 | (mode & 1 ? 1 << 10 : 0));
		assert_int_equal(reg(0x80), 0);
		assert_int_equal(reg(0xf0), 0x1ff);
		assert_int_equal(reg(0x320), mode & 2 ? 0x400f0 : 0xf0);
		assert_int_equal(reg(0x350), 0x10000);
		assert_int_equal(reg(0x360), 0x400);
		assert_int_equal(reg(0x370), 0xfe);
		assert_int_equal(reg(0x3e0), 0xb);
	}
}

static void timer_counts(void **state)
{
	(void)state;
	begin(false, false);
	arch_timer_arm(now + 3000000);
	assert_in_range(reg(0x380), 1000000,
		1000010); /* a third of the TSC ticks, and at most this much too late */
	assert_int_equal(machine.cpu.timer_armed, now + 3000000);
	arch_timer_arm(now - 1); /* a deadline in the past expires at once, not never */
	assert_in_range(reg(0x380), 1, 10);
	arch_timer_arm(now + 100 * tsc_hz); /* a deadline far away may come early */
	assert_int_equal(reg(0x380), lapic_hz);
	lapic_hz = 5000000000;
	arch_timer_arm(now + 101 * tsc_hz);
	assert_int_equal(reg(0x380), UINT32_MAX);
	arch_timer_arm(SK_NO_DEADLINE);
	assert_int_equal(reg(0x380), 0);
	assert_int_equal(machine.cpu.timer_armed, SK_NO_DEADLINE);
}

static void timer_has_deadlines(void **state)
{
	(void)state;
	begin(true, true);
	arch_timer_arm(123456);
	assert_int_equal(msr_now(MSR_TSC_DEADLINE), 123456);
	arch_timer_arm(0); /* 0 would turn it off */
	assert_int_equal(msr_now(MSR_TSC_DEADLINE), 1);
	arch_timer_arm(SK_NO_DEADLINE);
	assert_int_equal(msr_now(MSR_TSC_DEADLINE), 0);
	assert_int_equal(msr_writes(MSR_X2APIC + 0x38), 0);
}

static void interrupts_go_out(void **state)
{
	(void)state;
	begin(false, false);
	lapic_send(5, VEC_KICK);
	assert_int_equal(reg(0x310), 5 << 24);
	assert_int_equal(reg(0x300), VEC_KICK);
	begin(true, false);
	lapic_send(0x12345, VEC_REQUEST);
	assert_int_equal(msr_now(MSR_X2APIC + 0x30), 0x12345ull << 32 | VEC_REQUEST);
	page[0xb0 / 4] = 1;
	begin(false, false);
	page[0xb0 / 4] = 1;
	lapic_eoi();
	assert_int_equal(reg(0xb0), 0);
}

/* Every pending vector counts except requests, which are answered on the spot. */
static void pending_interrupts_by_priority(void **state)
{
	(void)state;
	begin(false, false);
	assert_false(arch_irq_pending());
	assert_int_equal(served, 1);
	for (unsigned int vector = 0x20; vector < 0x100; vector++) {
		uint32_t *irr = &page[(0x200 + vector / 32 * 0x10) / 4];

		*irr = 1u << vector % 32;
		assert_int_equal(arch_irq_pending(), vector != VEC_REQUEST);
		*irr |= vector / 32 == VEC_REQUEST / 32 ? 1u << VEC_REQUEST % 32 : 0;
		assert_int_equal(arch_irq_pending(), vector != VEC_REQUEST);
		*irr = 0;
	}
}

static void counts_are_measured(void **state)
{
	(void)state;
	begin(false, false);
	lapic_count_from(UINT32_MAX);
	assert_int_equal(page[0x380 / 4], UINT32_MAX);
	page[0x390 / 4] = 4711;
	assert_int_equal(lapic_count(), 4711);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_set_up),
		cmocka_unit_test(timer_counts),
		cmocka_unit_test(timer_has_deadlines),
		cmocka_unit_test(interrupts_go_out),
		cmocka_unit_test(pending_interrupts_by_priority),
		cmocka_unit_test(counts_are_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

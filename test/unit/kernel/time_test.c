/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time_test.c - how the clocks are measured: a PIT that is played, and what takes the CPU away
 *
 * The TSC has 1 GHz and the timer of the local APIC 0.1 GHz. An access to a port takes 1 us, so
 * the short shot is not good enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/arch/x86_64/cpu.h"

static uint64_t clock_now, started, steal_at, steal_for, port_ns = 1000;
static unsigned int accesses, shots, ticks;
static bool counts;
static struct cpuid frequency;

/* The CPU may be taken away before an access has its effect. */
static void access_takes_time(void)
{
	clock_now += port_ns;
	if (++accesses == steal_at)
		clock_now += steal_for;
}

static uint8_t fake_inb(uint16_t port)
{
	assert_int_equal(port, 0x61);
	access_takes_time();
	return counts && shots && clock_now - started >= ticks * 1000000000ull / 1193182 ? 0x21
											 : 1;
}

static void fake_outb(uint16_t port, uint8_t value)
{
	static uint8_t gate, mode;
	static unsigned int loads;

	access_takes_time();
	if (port == 0x43) {
		assert_int_equal(value, 0xb0);
		mode = value;
		loads = 0;
	} else if (port == 0x42) {
		ticks = loads++ ? ticks | (unsigned int)value << 8 : value;
	} else {
		assert_int_equal(port, 0x61);
		assert_false(value & 2); /* the loudspeaker */
		if (value & 1 && !(gate & 1)) {
			assert_int_equal(mode, 0xb0);
			assert_int_equal(loads, 2);
			assert_int_equal(ticks, shots ? 11932 : 2386);
			started = clock_now;
			shots++;
		}
		gate = value;
	}
}

static struct cpuid fake_cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid none = { 0 };

	(void)sub;
	return leaf == 0 ? (struct cpuid){ .a = 0x15 } : leaf == 0x15 ? frequency : none;
}

#define inb fake_inb
#define outb fake_outb
#define rdtsc() clock_now
#define cpuid(leaf, sub) fake_cpuid(leaf, sub)
#define cpuid_leaf(leaf) fake_cpuid(leaf, 0)
#include "kernel/arch/x86_64/time.c"

struct features features;
uint64_t lapic_hz;
static jmp_buf panicked;

uint64_t lapic_count_between(uint64_t (*wait)(void), uint64_t *tsc)
{
	uint64_t from = clock_now;

	*tsc = wait();
	return (clock_now - from) / 10;
}

void panic(const char *fmt, ...)
{
	(void)fmt;
	longjmp(panicked, 1);
}

static void measure(uint64_t at, uint64_t ns)
{
	clock_now = 5000;
	started = accesses = shots = 0;
	counts = true;
	steal_at = at;
	steal_for = ns;
	tsc_hz = lapic_hz = 0;
	time_init();
}

static void right(uint64_t hz, uint64_t true_hz)
{
	assert_in_range(hz, true_hz, true_hz + true_hz / 1000);
}

/* Accesses: of the short shot, and from its end until the long one starts, counts and ends. */
enum { SHORT = 2006, START = SHORT + 6, MIDDLE = SHORT + 5000, BEFORE_END = SHORT + 10006 };

static void one_shot(void **state)
{
	(void)state;
	port_ns = 400;
	measure(0, 0);
	assert_int_equal(shots, 1);
	right(tsc_hz, 1000000000);
	assert_in_range(lapic_hz, 100000000, 100200000); /* with the PIT's setting */
	measure(START - SHORT, 200); /* the start of a short shot must be exact */
	assert_int_equal(shots, 1);
	measure(START - SHORT, 300);
	assert_int_equal(shots, 2);
	right(tsc_hz, 1000000000);
	port_ns = 1000;
}

/* Nothing is right within 10 us. */
static void slow_ports(void **state)
{
	(void)state;
	port_ns = 20000;
	measure(START, 50000);
	assert_int_equal(shots, 4);
	assert_in_range(tsc_hz, 1000000000, 1004000000);
	port_ns = 1000;
}

/* The PIT has counted on. */
static void an_interruption_between(void **state)
{
	(void)state;
	measure(MIDDLE, 3000000);
	assert_int_equal(shots, 2);
	right(tsc_hz, 1000000000);
	right(lapic_hz, 100000000);
}

static void an_interruption_that_counts(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		measure(i ? BEFORE_END : START, 40000);
		assert_int_equal(shots, 3);
		right(tsc_hz, 1000000000);
		right(lapic_hz, 100000000);
	}
	/* 9 us are the accuracy that there is */
	measure(BEFORE_END, 7000);
	assert_int_equal(shots, 2);
}

static void a_pit_that_does_not_count(void **state)
{
	(void)state;
	clock_now = 5000;
	accesses = shots = 0;
	counts = false;
	tsc_hz = lapic_hz = 0;
	features.tsc_deadline = true;
	frequency = (struct cpuid){ .a = 2, .b = 200, .c = 24000000 };
	time_init();
	assert_int_equal(shots, 1);
	assert_true(tsc_hz == 2400000000 && lapic_hz == 0);
	for (unsigned int i = 0; i < 2; i++) { /* without a timer, without a frequency */
		features.tsc_deadline = i;
		shots = 0;
		if (i)
			frequency.a = 0;
		if (!setjmp(panicked)) {
			time_init();
			fail();
		}
	}
	frequency.a = 0;
	features.tsc_deadline = false;
}

static void cpuid_knows_better(void **state)
{
	(void)state;
	frequency = (struct cpuid){ .a = 2, .b = 100, .c = 20000000 };
	measure(0, 0);
	assert_int_equal(tsc_hz, 1000000000);
	frequency.c++;
	measure(0, 0);
	assert_int_equal(tsc_hz, 1000000050);
	right(lapic_hz, 100000000);
	frequency.a = 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_shot),
		cmocka_unit_test(slow_ports),
		cmocka_unit_test(an_interruption_between),
		cmocka_unit_test(an_interruption_that_counts),
		cmocka_unit_test(a_pit_that_does_not_count),
		cmocka_unit_test(cpuid_knows_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

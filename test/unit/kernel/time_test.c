/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time_test.c - how the clocks are measured: a PIT that is played, and what takes the CPU away
 *
 * The TSC has 1 GHz and the timer of the local APIC 0.1 GHz. An access to a port takes 1 us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/arch/x86_64/cpu.h"

static uint64_t clock_now, started, timer_from, steal_at, steal_every, steal_for,
	port_ns = 1000;
static unsigned int accesses, shots, latched, reads;
static bool counts, timer_counts;
static struct cpuid frequency;

/* The CPU may be taken away before an access has its effect. */
static void access_takes_time(uint64_t ns)
{
	clock_now += ns;
	if (++accesses == steal_at || (steal_every && accesses % steal_every == 0))
		clock_now += steal_for;
}

static uint64_t pit_passed(void)
{
	return counts && shots ? (clock_now - started) * 1193182 / 1000000000 : 0;
}

static uint8_t fake_inb(uint16_t port)
{
	access_takes_time(port_ns);
	if (port == 0x42)
		return (uint8_t)(reads++ % 2 ? latched >> 8 : latched);
	assert_int_equal(port, 0x61);
	return pit_passed() >= 0xffff ? 0x21 : 1;
}

static void fake_outb(uint16_t port, uint8_t value)
{
	static uint8_t gate, mode;
	static unsigned int loads;

	access_takes_time(port_ns);
	if (port == 0x43 && value == 0x80) {
		assert_int_equal(reads % 2, 0);
		latched = 0xffff - (pit_passed() & 0xffff);
	} else if (port == 0x43) {
		assert_int_equal(value, 0xb0);
		mode = value;
		loads = 0;
	} else if (port == 0x42) {
		assert_int_equal(value, 0xff);
		loads++;
	} else {
		assert_int_equal(port, 0x61);
		assert_false(value & 2); /* the loudspeaker */
		if (value & 1 && !(gate & 1)) {
			assert_int_equal(mode, 0xb0);
			assert_int_equal(loads, 2);
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

void lapic_count_from(uint32_t count)
{
	assert_true(count == 0 || count == UINT32_MAX);
	timer_counts = count;
	timer_from = clock_now;
}

uint32_t lapic_count(void)
{
	assert_true(timer_counts);
	access_takes_time(0);
	return UINT32_MAX - (uint32_t)((clock_now - timer_from) / 10);
}

void panic(const char *fmt, ...)
{
	(void)fmt;
	longjmp(panicked, 1);
}

static void begin(void)
{
	clock_now = 5000;
	started = accesses = shots = reads = 0;
	counts = true;
	tsc_hz = lapic_hz = 0;
	best = (struct moment){ 0 };
}

static void measure(uint64_t at, uint64_t ns)
{
	begin();
	steal_at = at;
	steal_for = ns;
	time_init();
	assert_false(timer_counts);
}

static void right(uint64_t hz, uint64_t true_hz)
{
	assert_in_range(hz, true_hz - true_hz / 1000, true_hz + true_hz / 1000);
}

static void one_shot_of_2_ms(void **state)
{
	(void)state;
	measure(0, 0);
	assert_int_equal(shots, 1);
	right(tsc_hz, 1000000000);
	right(lapic_hz, 100000000);
	assert_in_range(clock_now, 2000000, 2100000);
	port_ns = 10;
	measure(0, 0);
	right(tsc_hz, 1000000000);
	assert_in_range(clock_now, 2000000, 2100000);
	port_ns = 1000;
}

/* Each look takes longer, so more has to lie between two. */
static void slow_ports(void **state)
{
	unsigned int all;

	(void)state;
	port_ns = 10000;
	measure(0, 0);
	assert_int_equal(shots, 1);
	right(tsc_hz, 1000000000);
	port_ns = 100000; /* not even 55 ms suffice: the best counts */
	measure(0, 0);
	assert_int_equal(shots, SHOTS);
	assert_in_range(tsc_hz, 990000000, 1010000000);
	assert_in_range(best.pit, 64000, 0xffff);
	all = accesses;
	for (unsigned int i = 1; i < all / SHOTS; i++) { /* something in the last shot */
		measure(all - i, 80000);
		assert_int_equal(best.doubt, 200000);
	}
	port_ns = 1000;
}

/* One interruption, wherever and however long it is, makes nothing wrong. */
static void an_interruption(void **state)
{
	static const uint64_t us[] = { 5, 40, 900, 3000, 50000, 60000, 500000, 3000000 };

	(void)state;
	for (uint64_t at = 1; at < 2100; at += at < 40 || at > 2000 ? 1 : 97)
		for (unsigned int i = 0; i < ARRAY_SIZE(us); i++) {
			measure(at, us[i] * 1000);
			assert_in_range(shots, 1, us[i] < 50000 ? 1 : 2);
			right(tsc_hz, 1000000000);
			right(lapic_hz, 100000000);
		}
}

/* A computer that has many other things to do. */
static void interruptions_all_the_time(void **state)
{
	(void)state;
	for (steal_every = 3; steal_every < 60; steal_every++) {
		measure(0, steal_every * 700000);
		right(tsc_hz, 1000000000);
		right(lapic_hz, 100000000);
	}
	steal_every = 0;
}

static void a_pit_that_does_not_count(void **state)
{
	(void)state;
	begin();
	counts = false;
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
		cmocka_unit_test(one_shot_of_2_ms),
		cmocka_unit_test(slow_ports),
		cmocka_unit_test(an_interruption),
		cmocka_unit_test(interruptions_all_the_time),
		cmocka_unit_test(a_pit_that_does_not_count),
		cmocka_unit_test(cpuid_knows_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.c - frequencies of the TSC and of the APIC timer
 *
 * They are taken from CPUID where it states them, and measured against the PIT otherwise. The
 * kernel's clock is the TSC; nothing else ticks.
 */
#include "cpu.h"

enum { PIT_CH2 = 0x42, PIT_MODE = 0x43, PIT_GATE = 0x61, PIT_HZ = 1193182, PIT_TICKS = 11932 };

uint64_t tsc_hz;

sk_time_t arch_now(void) { return rdtsc(); }

/* Of the last pit_wait(): by how many TSC ticks it may be too long. */
static uint64_t pit_doubt = UINT64_MAX;

/*
 * One shot of PIT channel 2: 10 ms. Returns the TSC ticks that it took, or 0 if the PIT does
 * not count. The PIT counts on while a hypervisor or the firmware takes the CPU away, so that
 * lengthens the result only at the start and between the last two looks.
 */
static uint64_t pit_wait(void)
{
	uint8_t gate = inb(PIT_GATE) & 0xfc;
	uint64_t start, counting, last, now, spins = 0;
	bool ended;

	outb(PIT_GATE, gate);
	outb(PIT_MODE, 0xb0);
	outb(PIT_CH2, PIT_TICKS & 0xff);
	outb(PIT_CH2, PIT_TICKS >> 8);
	start = rdtsc();
	outb(PIT_GATE, gate | 1);
	now = counting = rdtsc();
	do {
		last = now;
		ended = inb(PIT_GATE) & 0x20;
		now = rdtsc();
	} while (!ended && ++spins <= 10000000);
	pit_doubt = counting - start + now - last;
	return ended ? now - start : 0;
}

static uint64_t tsc_from_cpuid(void)
{
	struct cpuid r = cpuid_leaf(0x15);

	if (r.a && r.b && r.c)
		return (uint64_t)r.c * r.b / r.a;
	if (cpuid(1, 0).c >> 31 && cpuid(0x40000000, 0).a >= 0x40000010)
		return cpuid(0x40000010, 0).a * 1000ull;
	return 0;
}

void time_init(void)
{
	uint64_t best_tsc = UINT64_MAX, best_apic = 0;

	/*
	 * One shot that is too long by at most a thousandth, which is 10 us and enough for some
	 * slow ports; or the shortest of three.
	 */
	for (int i = 0; i < 3 && pit_doubt > best_tsc / 1000; i++) {
		uint64_t tsc, apic = lapic_count_between(pit_wait, &tsc);

		if (tsc && tsc < best_tsc) {
			best_tsc = tsc;
			best_apic = apic;
		}
	}
	tsc_hz = tsc_from_cpuid();
	if (best_tsc == UINT64_MAX && (!tsc_hz || !features.tsc_deadline))
		panic("time: the PIT does not count and CPUID does not tell the frequency");
	if (best_tsc == UINT64_MAX)
		return;
	if (!tsc_hz)
		tsc_hz = best_tsc * PIT_HZ / PIT_TICKS;
	lapic_hz = best_apic * PIT_HZ / PIT_TICKS;
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * (tsc_hz / 1000000 + 1);

	while (rdtsc() < end)
		cpu_pause();
}

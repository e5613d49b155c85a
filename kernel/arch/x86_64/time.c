/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.c - frequencies of the TSC and of the APIC timer
 *
 * They are taken from CPUID where it states them, and measured against the PIT otherwise. The
 * kernel's clock is the TSC; nothing else ticks.
 */
#include "cpu.h"

enum { PIT_CH2 = 0x42, PIT_MODE = 0x43, PIT_GATE = 0x61, PIT_HZ = 1193182 };
/* 2 ms, and 10 ms. */
enum { PIT_SHORT = 2386, PIT_LONG = 11932 };

uint64_t tsc_hz;

/* Of one shot. */
static uint32_t pit_ticks;
/* Of the last pit_wait(): by how many TSC ticks it may be too long. */
static uint64_t pit_doubt;

/*
 * One shot of PIT channel 2. Returns the TSC ticks that it took, or 0 if the PIT does not
 * count. The PIT counts on while a hypervisor or the firmware takes the CPU away, so that
 * lengthens the result only at the start and between the last two looks.
 */
static uint64_t pit_wait(void)
{
	uint8_t gate = inb(PIT_GATE) & 0xfc;
	uint64_t start, counting, last, now, spins = 0;
	bool ended;

	outb(PIT_GATE, gate);
	outb(PIT_MODE, 0xb0);
	outb(PIT_CH2, pit_ticks & 0xff);
	outb(PIT_CH2, (uint8_t)(pit_ticks >> 8));
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
	uint64_t tsc, apic, best_tsc = UINT64_MAX, best_apic = 0;

	/*
	 * A short shot that is too long by at most 1 us, or a long one that is too long by at
	 * most 10 us, which is enough for some slow ports; or else the shortest long one of
	 * three. The best is kept as ticks per second.
	 */
	for (int i = 0; i < 4; i++) {
		pit_ticks = i ? PIT_LONG : PIT_SHORT;
		apic = lapic_count_between(pit_wait, &tsc);
		if (tsc && (i == 1 || tsc * PIT_HZ / pit_ticks < best_tsc)) {
			best_tsc = tsc * PIT_HZ / pit_ticks;
			best_apic = apic * PIT_HZ / pit_ticks;
		}
		if (!tsc || pit_doubt <= tsc / (i ? 1000 : 2000))
			break;
	}
	tsc_hz = tsc_from_cpuid();
	if (best_tsc == UINT64_MAX && (!tsc_hz || !features.tsc_deadline))
		panic("time: the PIT does not count and CPUID does not tell the frequency");
	if (!tsc_hz)
		tsc_hz = best_tsc;
	lapic_hz = best_apic; /* 0: the PIT does not count, and the TSC's deadline is used */
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * (tsc_hz / 1000000 + 1);

	while (rdtsc() < end)
		cpu_pause();
}

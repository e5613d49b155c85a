/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.c - frequencies of the TSC and of the APIC timer
 *
 * They are taken from CPUID where it states them, and measured against the PIT otherwise. The
 * kernel's clock is the TSC; nothing else ticks.
 *
 * The PIT counts on while a hypervisor or the firmware takes the CPU away. So what lies between
 * two looks at all clocks is right however long it took, as long as each look was short, and
 * the PIT has not come to its end.
 */
#include "cpu.h"

enum { PIT_CH2 = 0x42, PIT_MODE = 0x43, PIT_GATE = 0x61, PIT_HZ = 1193182 };
/* 0x20 in PIT_GATE: the end of a shot, after 55 ms. */
enum { ONE_SHOT = 0xb0, LATCH = 0x80, ENDED = 0x20, SHOTS = 20 };
/* PIT ticks: 2 ms; and looks within which a PIT has ticked, if it does. */
enum { SHORTEST = 2386, STANDS_STILL = 1000 };

uint64_t tsc_hz;

/* All clocks at one moment; doubt: the TSC ticks in which they were read. */
struct moment {
	uint64_t tsc, doubt;
	uint32_t apic, pit;
};
/* What passed between two moments. */
static struct moment best;

static struct moment clocks_read(void)
{
	struct moment m;
	uint64_t from = rdtsc();

	outb(PIT_MODE, LATCH);
	m.apic = lapic_count();
	m.tsc = rdtsc();
	m.doubt = m.tsc - from;
	m.pit = inb(PIT_CH2);
	m.pit |= (uint32_t)inb(PIT_CH2) << 8;
	return m;
}

/* Keep what passed from a to b if it is the best so far. True: it is good enough. */
static bool span_keep(const struct moment *a, const struct moment *b)
{
	/* both count down */
	struct moment s = { b->tsc - a->tsc, a->doubt + b->doubt, a->apic - b->apic,
		a->pit - b->pit };

	if (s.pit < SHORTEST)
		return false;
	if (!best.pit || s.doubt * best.tsc < best.doubt * s.tsc)
		best = s;
	return s.doubt <= s.tsc / 1000;
}

/* One shot of PIT channel 2, of 65535 ticks. True: no further one is necessary. */
static bool pit_shot(void)
{
	uint8_t gate = inb(PIT_GATE) & 0xfc;
	struct moment a, b;

	outb(PIT_GATE, gate);
	outb(PIT_MODE, ONE_SHOT);
	outb(PIT_CH2, 0xff);
	outb(PIT_CH2, 0xff);
	outb(PIT_GATE, gate | 1);
	lapic_count_from(UINT32_MAX);
	(void)clocks_read(); /* the PIT takes its count with the next tick */
	a = clocks_read();
	for (unsigned int looks = 0;; looks++) {
		b = clocks_read();
		if (inb(PIT_GATE) & ENDED)
			return false;
		if (span_keep(&a, &b) || (looks == STANDS_STILL && a.pit == b.pit))
			return true;
		if (b.doubt < a.doubt / 2) /* the first look was interrupted */
			a = b;
	}
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
	for (unsigned int i = 0; i < SHOTS && !pit_shot(); i++)
		continue;
	lapic_count_from(0);
	tsc_hz = tsc_from_cpuid();
	if (!best.pit && (!tsc_hz || !features.tsc_deadline))
		panic("time: the PIT does not count and CPUID does not tell the frequency");
	if (!tsc_hz)
		tsc_hz = best.tsc * PIT_HZ / best.pit;
	/* 0: the timer has deadlines of the TSC */
	lapic_hz = best.pit ? (uint64_t)best.apic * PIT_HZ / best.pit : 0;
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * (tsc_hz / 1000000 + 1);

	while (rdtsc() < end)
		cpu_pause();
}

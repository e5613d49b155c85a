/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apic.c - the local APIC: xAPIC through MMIO, or x2APIC through MSRs; its timer; interrupts to
 * other CPUs
 *
 * Objects     one local APIC per CPU. Only that CPU touches it, with interrupts off.
 * Invariants  APIC1 every CPU uses the same mode
 *             APIC2 cpu->timer_armed is the deadline in the hardware
 */
#include "cpu.h"

enum { REG_ID = 0x20, REG_TPR = 0x80, REG_EOI = 0xb0, REG_SVR = 0xf0, REG_IRR = 0x200 };
enum { REG_ESR = 0x280, REG_ICR = 0x300, REG_ICR_HIGH = 0x310, REG_TIMER = 0x320 };
enum { REG_LINT0 = 0x350, REG_LINT1 = 0x360, REG_ERROR = 0x370, REG_COUNT_INIT = 0x380 };
enum { REG_COUNT_NOW = 0x390, REG_DIVIDE = 0x3e0, LVT_NMI = 0x400, SVR_ENABLE = 0x100 };
enum { MASKED = 0x10000, DEADLINE_MODE = 0x40000, DIVIDE_BY_1 = 0xb };
enum { ICR_PENDING = 0x1000 };

static volatile uint8_t *mmio;
uint64_t lapic_hz;

static uint32_t lapic_read(unsigned int reg)
{
	if (features.x2apic)
		return (uint32_t)rdmsr(MSR_X2APIC + (reg >> 4));
	return *(volatile uint32_t *)(mmio + reg);
}

static void lapic_write(unsigned int reg, uint32_t v)
{
	if (features.x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		*(volatile uint32_t *)(mmio + reg) = v;
}

void lapic_eoi(void) { lapic_write(REG_EOI, 0); }

void lapic_send(uint32_t apic_id, uint32_t icr)
{
	if (features.x2apic) {
		mfence(); /* MSR writes to the APIC are not ordered after stores */
		wrmsr(MSR_X2APIC + (REG_ICR >> 4), (uint64_t)apic_id << 32 | icr);
		return;
	}
	while (lapic_read(REG_ICR) & ICR_PENDING)
		cpu_pause();
	lapic_write(REG_ICR_HIGH, apic_id << 24);
	lapic_write(REG_ICR, icr);
}

/* The old controllers: moved off the exception vectors and masked for good. */
void pic_mask(void)
{
	static const uint8_t init[2][4] = { { 0x11, 0x20, 4, 1 }, { 0x11, 0x28, 2, 1 } };

	for (uint16_t chip = 0; chip < 2; chip++) {
		uint16_t port = chip ? 0xa0 : 0x20;

		outb(port, init[chip][0]);
		for (int i = 1; i < 4; i++)
			outb((uint16_t)(port + 1), init[chip][i]);
		outb((uint16_t)(port + 1), 0xff);
	}
}

void lapic_init(uint64_t paddr)
{
	/* A CPU that has x2APIC uses it, because firmware may have turned it on for good. */
	if (!features.x2apic)
		mmio = fixmap_mmio(FIX_LAPIC, paddr);
}

void lapic_setup_cpu(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_EN;

	wrmsr(MSR_APIC_BASE, base);
	if (features.x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
	lapic_write(REG_TPR, 0);
	lapic_write(REG_LINT0, MASKED);
	lapic_write(REG_LINT1, LVT_NMI);
	lapic_write(REG_ERROR, VEC_ERROR);
	lapic_write(REG_TIMER, VEC_TIMER | (features.tsc_deadline ? DEADLINE_MODE : 0));
	lapic_write(REG_DIVIDE, DIVIDE_BY_1);
	lapic_write(REG_SVR, SVR_ENABLE | VEC_SPURIOUS);
	lapic_write(REG_ESR, 0);
	lapic_eoi();
}

void arch_timer_arm(sk_time_t deadline)
{
	uint64_t count = 0;

	this_cpu()->timer_armed = deadline; /* APIC2 */
	if (features.tsc_deadline) {
		mfence(); /* between the LVT write in MMIO mode and the MSR */
		wrmsr(MSR_TSC_DEADLINE, deadline == SK_NO_DEADLINE ? 0 : deadline + !deadline);
		return;
	}
	if (deadline != SK_NO_DEADLINE) {
		uint64_t now = arch_now(), ticks = deadline > now ? deadline - now : 0;

		/*
		 * If the timer fires early, core arms it again; a count of 0 would leave it
		 * off.
		 */
		count = ticks >= tsc_hz ? lapic_hz
					: ticks * (lapic_hz >> 8) / (tsc_hz >> 8) + 1;
		if (count > UINT32_MAX)
			count = UINT32_MAX;
	}
	lapic_write(REG_COUNT_INIT, (uint32_t)count);
}

void lapic_count_from(uint32_t count) { lapic_write(REG_COUNT_INIT, count); }

uint32_t lapic_count(void) { return lapic_read(REG_COUNT_NOW); }

bool arch_irq_pending(void)
{
	arch_serve(); /* so that the interrupt of a request need not be taken */
	for (unsigned int i = 1; i < 8; i++) {
		uint32_t served = i == VEC_REQUEST / 32 ? 1u << VEC_REQUEST % 32 : 0;

		if (lapic_read(REG_IRR + i * 0x10) & ~served)
			return true;
	}
	return false;
}

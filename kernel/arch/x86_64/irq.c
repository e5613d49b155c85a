/*
 * irq.c - interrupt sources: IO-APIC pins and message-signalled interrupts, and where their vectors lead
 *
 * Objects     sources[], one per claimed pin or message; cpu_arch.source[] maps a CPU's vectors to them.
 * Locks       irq_lock, leaf: sources[], the vector tables, the IO-APICs' index and data registers.
 * Lifecycle   ioapic_init() masks every pin; a source lives from irq_source_pin/msi() to irq_source_free().
 * Invariants  I1 source[v] of a CPU is not 0 exactly when a source has that CPU and vector
 *             I2 a level pin that fired is masked until core unmasks it
 */
#include "../../cap.h"
#include "cpu.h"
#include "irq.h"

enum { REG_VERSION = 1, REG_REDIR = 16 };
enum { REDIR_LOW = 1 << 13, REDIR_LEVEL = 1 << 15, REDIR_MASKED = 1 << 16 };
#define MSI_ADDRESS 0xfee00000ull

struct source {
	bool used, pin, level;
	uint8_t vector;
	uint16_t cpu, ioapic;
	uint32_t redir; /* register number of the pin */
	uint32_t low;   /* redirection entry without the mask */
};
static struct source sources[IRQ_SOURCES];
static struct ioapic {
	volatile uint32_t *mmio;
	uint32_t gsi, n_pins;
} ioapics[MADT_IOAPICS];
static struct spinlock irq_lock;
struct madt madt;

static void ioapic_write(const struct ioapic *io, uint32_t reg, uint32_t v)
{
	io->mmio[0] = reg;
	io->mmio[4] = v;
}

void ioapic_init(void)
{
	for (uint32_t i = 0; i < madt.n_ioapics; i++) {
		struct ioapic *io = &ioapics[i];

		io->mmio = fixmap_mmio(FIX_IOAPIC + i, madt.ioapic[i].paddr);
		io->gsi = madt.ioapic[i].gsi;
		io->mmio[0] = REG_VERSION;
		io->n_pins = (io->mmio[4] >> 16 & 0xff) + 1;
		for (uint32_t pin = 0; pin < io->n_pins; pin++)
			ioapic_write(io, REG_REDIR + 2 * pin, REDIR_MASKED);
	}
}

uint32_t arch_kernel_mmio(uint64_t *pages, uint32_t max)
{
	uint32_t n = 0;

	if (n < max)
		pages[n++] = madt.lapic & ~(SK_PAGE_SIZE - 1);
	for (uint32_t i = 0; i < madt.n_ioapics && n < max; i++)
		pages[n++] = madt.ioapic[i].paddr & ~(uint32_t)(SK_PAGE_SIZE - 1);
	return n;
}

/* A free source with a free vector of that CPU; irq_lock held. */
static int source_take(uint32_t cpu)
{
	struct cpu_arch *a;
	int i = 0;

	if (cpu >= n_cpus)
		return -SK_E_INVAL;
	a = arch_of(cpus[cpu]);
	while (i < IRQ_SOURCES && sources[i].used)
		i++;
	for (unsigned int v = VEC_DEVICE; i < IRQ_SOURCES && v < VEC_TIMER; v++) {
		if (a->source[v])
			continue;
		sources[i] = (struct source){
			.used = true, .vector = (uint8_t)v, .cpu = (uint16_t)cpu
		};
		a->source[v] = (uint16_t)(i + 1); /* I1 */
		return i;
	}
	return -SK_E_LIMIT;
}

static void source_drop(int i)
{
	arch_of(cpus[sources[i].cpu])->source[sources[i].vector] = 0;
	sources[i].used = false;
}

/* The firmware's word on a line's polarity and trigger beats the caller's. */
static void override_apply(uint32_t gsi, bool *level, bool *low)
{
	for (uint32_t i = 0; i < madt.n_overrides; i++) {
		uint16_t flags = madt.override[i].flags;

		if (madt.override[i].gsi != gsi)
			continue;
		if (flags & MADT_TRIGGER)
			*level = (flags & MADT_TRIGGER) == MADT_LEVEL;
		if (flags & MADT_POLARITY)
			*low = (flags & MADT_POLARITY) == MADT_LOW;
	}
}

/* Program the pin of source i, masked; irq_lock held. */
static int pin_program(int i, uint32_t gsi, bool level, bool low)
{
	struct source *s = &sources[i];
	uint32_t apic_id = cpus[s->cpu]->apic_id;

	for (uint32_t k = 0; k < IRQ_SOURCES; k++)
		if (sources[k].used && sources[k].pin &&
			ioapics[sources[k].ioapic].gsi + (sources[k].redir - REG_REDIR) / 2 ==
				gsi)
			return -SK_E_BUSY;
	for (uint16_t k = 0; k < madt.n_ioapics; k++) {
		if (gsi < ioapics[k].gsi || gsi - ioapics[k].gsi >= ioapics[k].n_pins)
			continue;
		s->pin = true;
		s->level = level;
		s->ioapic = k;
		s->redir = REG_REDIR + 2 * (gsi - ioapics[k].gsi);
		s->low = s->vector | (level ? REDIR_LEVEL : 0) | (low ? REDIR_LOW : 0);
		ioapic_write(&ioapics[k], s->redir, s->low | REDIR_MASKED);
		ioapic_write(&ioapics[k], s->redir + 1, apic_id << 24);
		return 0;
	}
	return -SK_E_NOT_FOUND;
}

int irq_source_pin(uint32_t gsi, bool level, bool low, uint32_t cpu)
{
	int i, rc;

	override_apply(gsi, &level, &low);
	spin_lock(&irq_lock);
	i = source_take(cpu);
	if (i < 0 || cpus[cpu]->apic_id > 0xff) {
		rc = i < 0 ? i : -SK_E_INVAL;
	} else {
		rc = pin_program(i, gsi, level, low);
	}
	if (rc && i >= 0)
		source_drop(i);
	spin_unlock(&irq_lock);
	return rc ? rc : i;
}

int irq_source_msi(uint32_t cpu, uint64_t *addr, uint32_t *data)
{
	int i = -SK_E_INVAL;

	spin_lock(&irq_lock);
	if (cpu < n_cpus && cpus[cpu]->apic_id <= 0xff)
		i = source_take(cpu);
	if (i >= 0) {
		*addr = MSI_ADDRESS | (uint64_t)cpus[cpu]->apic_id << 12;
		*data = sources[i].vector;
	}
	spin_unlock(&irq_lock);
	return i;
}

static void pin_mask(const struct source *s, bool masked)
{
	if (s->used && s->pin)
		ioapic_write(
			&ioapics[s->ioapic], s->redir, s->low | (masked ? REDIR_MASKED : 0));
}

void irq_source_mask(int source, bool masked)
{
	spin_lock(&irq_lock);
	pin_mask(&sources[source], masked);
	spin_unlock(&irq_lock);
}

void irq_source_free(int source)
{
	spin_lock(&irq_lock);
	pin_mask(&sources[source], true);
	source_drop(source);
	spin_unlock(&irq_lock);
}

void irq_dispatch(unsigned int vector)
{
	unsigned int n;

	spin_lock(&irq_lock);
	n = this_arch()->source[vector];
	if (n && sources[n - 1].level)
		pin_mask(&sources[n - 1], true); /* I2 */
	spin_unlock(&irq_lock);
	lapic_eoi();
	if (n)
		core_irq(n - 1);
}

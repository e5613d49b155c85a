/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c - interrupt sources: IO-APIC pins and message-signalled interrupts, and where their
 * vectors lead
 *
 * Objects     struct irq_source, inside core's objects; cpu_arch.source[] maps a CPU's vectors
 *             to them.
 * Locks       irq_lock, the last in the order: sources, the vector tables, the IO-APICs' index
 *             and data registers.
 * Lifecycle   ioapic_init() masks every pin; a source lives from irq_source_pin() or
 *             irq_source_msi() to irq_source_free().
 * Invariants  PIN1 source[v] of a CPU is the source that has that CPU and vector, or NULL
 *             PIN2 a level pin that fired is masked until core unmasks it
 */
#include "iommu.h"
#include "madt.h"

enum { REG_VERSION = 1, REG_REDIR = 16, PINS_MAX = 256 };
enum { REDIR_LOW = 1 << 13, REDIR_LEVEL = 1 << 15, REDIR_MASKED = 1 << 16 };

static struct ioapic {
	volatile uint32_t *mmio;
	uint32_t gsi, n_pins, rid;
	bool claimed[PINS_MAX];
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
		io->rid = io_ioapic_rid(&io_tables, madt.ioapic[i].id);
		io->mmio[0] = REG_VERSION;
		io->n_pins = (io->mmio[4] >> 16 & 0xff) + 1;
		for (uint32_t pin = 0; pin < io->n_pins; pin++)
			ioapic_write(io, REG_REDIR + 2 * pin, REDIR_MASKED);
	}
}

/* SDM vol. 3, 11.11.1: writes are messages in the MiB that begins with the local APIC. */
uint32_t arch_kernel_mmio(uint64_t *mmio, uint32_t max)
{
	uint32_t n = 0;

	if (n < max)
		mmio[n++] = (madt.lapic & ~(SK_PAGE_SIZE - 1)) | 20;
	for (uint32_t i = 0; i < madt.n_ioapics && n < max; i++)
		mmio[n++] = (madt.ioapic[i].paddr & ~0xfffu) | SK_PAGE_ORDER;
	return n + iommu_mmio(mmio + n, max - n);
}

/* A free vector of that CPU for a requester; irq_lock held. */
static int with_lock(irq_lock) source_take(struct irq_source *s, uint32_t cpu, uint32_t rid)
{
	struct irq_source **vectors;

	if (cpu >= n_cpus || cpus[cpu]->apic_id > io_apic_id_max)
		return -SK_E_INVAL;
	vectors = arch_of(cpus[cpu])->source;
	for (unsigned int v = VEC_DEVICE; v < VEC_IOMMU; v++) {
		if (vectors[v] || io_irq_taken(rid, v))
			continue;
		*s = (struct irq_source){
			.vector = (uint8_t)v, .cpu = (uint16_t)cpu, .rid = rid
		};
		vectors[v] = s; /* PIN1 */
		return 0;
	}
	return -SK_E_LIMIT;
}

static void with_lock(irq_lock) source_drop(struct irq_source *s)
{
	struct ioapic *io = &ioapics[s->ioapic];

	if (s->pin)
		io->claimed[s->gsi - io->gsi] = false;
	arch_of(cpus[s->cpu])->source[s->vector] = NULL;
	*s = (struct irq_source){ 0 };
}

/* If the firmware states a line's polarity or trigger, that overrides the caller's. */
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

static void with_lock(irq_lock) pin_write(const struct irq_source *s, uint32_t bits)
{
	const struct ioapic *io = &ioapics[s->ioapic];

	ioapic_write(io, REG_REDIR + 2 * (s->gsi - io->gsi), s->low | bits);
}

/*
 * Mask a level pin that fired. As an edge at first, which ends the interrupt for the IO-APIC:
 * behind an IOMMU its end need not come there.
 */
static void with_lock(irq_lock) pin_end(const struct irq_source *s)
{
	struct irq_source edge = *s;

	edge.low &= ~(uint32_t)REDIR_LEVEL;
	pin_write(&edge, REDIR_MASKED);
	pin_write(s, REDIR_MASKED);
}

/* Program a pin, masked; irq_lock held. */
static void with_lock(irq_lock)
	pin_program(struct irq_source *s, uint8_t k, bool level, bool low)
{
	const struct ioapic *io = &ioapics[k];

	s->pin = true;
	s->level = level;
	s->ioapic = k;
	s->low = s->vector | (level ? REDIR_LEVEL : 0) | (low ? REDIR_LOW : 0);
	pin_write(s, REDIR_MASKED);
	ioapic_write(io, REG_REDIR + 2 * (s->gsi - io->gsi) + 1, io_irq_pin(s));
}

static int with_lock(irq_lock)
	pin_take(struct irq_source *s, uint32_t gsi, bool level, bool low, uint32_t cpu)
{
	for (uint8_t k = 0; k < madt.n_ioapics; k++) {
		struct ioapic *io = &ioapics[k];
		int rc;

		if (gsi < io->gsi || gsi - io->gsi >= io->n_pins)
			continue;
		if (io->claimed[gsi - io->gsi])
			return -SK_E_BUSY;
		rc = source_take(s, cpu, io->rid);
		if (rc)
			return rc;
		io->claimed[gsi - io->gsi] = true;
		s->gsi = gsi;
		pin_program(s, k, level, low);
		return 0;
	}
	return -SK_E_NOT_FOUND;
}

/* The tree lock is enough for the IOMMU, which is asked while interrupts find their way. */
static int source_open(struct irq_source *s)
{
	int rc = io_irq_open(s);

	if (rc)
		irq_source_free(s);
	return rc;
}

int irq_source_pin(struct irq_source *s, uint32_t gsi, bool level, bool low, uint32_t cpu)
{
	int rc;

	override_apply(gsi, &level, &low);
	spin_lock(&irq_lock);
	rc = pin_take(s, gsi, level, low, cpu);
	spin_unlock(&irq_lock);
	return rc ?: source_open(s);
}

int irq_source_msi(
	struct irq_source *s, uint32_t cpu, uint32_t rid, uint64_t *addr, uint32_t *data)
{
	int rc;

	spin_lock(&irq_lock);
	rc = source_take(s, cpu, rid);
	spin_unlock(&irq_lock);
	rc = rc ?: source_open(s);
	if (!rc)
		io_irq_message(s, addr, data);
	return rc;
}

int irq_source_iommu(struct irq_source *s)
{
	struct irq_source **at = &arch_of(cpus[0])->source[VEC_IOMMU];
	int rc;

	spin_lock(&irq_lock);
	rc = error_if(!io_limits.levels, SK_E_NOT_FOUND) ?: error_if(*at != NULL, SK_E_BUSY);
	if (!rc) {
		*s = (struct irq_source){ .vector = VEC_IOMMU };
		*at = s; /* PIN1 */
	}
	spin_unlock(&irq_lock);
	return rc;
}

void irq_source_unmask(const struct irq_source *s)
{
	spin_lock(&irq_lock);
	if (s->pin)
		pin_write(s, 0);
	spin_unlock(&irq_lock);
}

void irq_source_free(struct irq_source *s)
{
	spin_lock(&irq_lock);
	if (s->pin)
		pin_write(s, REDIR_MASKED);
	spin_unlock(&irq_lock);
	io_irq_close(s);
	spin_lock(&irq_lock);
	source_drop(s);
	spin_unlock(&irq_lock);
}

void irq_dispatch(unsigned int vector)
{
	struct irq_source *s;

	spin_lock(&irq_lock);
	s = this_arch()->source[vector];
	if (s && s->level)
		pin_end(s); /* PIN2 */
	spin_unlock(&irq_lock);
	lapic_eoi();
	if (s)
		core_irq(s);
}

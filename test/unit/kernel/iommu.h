/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iommu.h - included by the tests of both kinds of IOMMU: a unit whose registers and queue are
 * played, and what the rest of the kernel does for it
 */
#ifndef TEST_IOMMU_H
#define TEST_IOMMU_H

#define clflush real_clflush
#include "processor.h"
#undef clflush
#include <stdio.h>
#include <sys/mman.h>

#define io_read32 real_io_read32
#define io_read64 real_io_read64
#define io_write32 real_io_write32
#define io_write64 real_io_write64
#include "kernel/arch/x86_64/iommu.h"
#undef io_read32
#undef io_read64
#undef io_write32
#undef io_write64

enum {
	IOAPIC = 5,
	IOAPIC_RID = 0xf0f8,
	REGISTERS = IO_PAGES * 4096,
	ASKED_MAX = 512,
	CONFIG_SIZE = 256
};

/* What the unit was asked, in order, and how many of that it has done. */
static struct {
	uint8_t reg[REGISTERS];
	uint64_t asked[ASKED_MAX][2];
	unsigned int n_asked;
	bool slow, stuck; /* slow: it does nothing until unit_works() */
	uint8_t config[CONFIG_SIZE];
} chip;
static unsigned int n_clflushes;
static jmp_buf panicked;
static bool irq_waits;

/* After a write of `size` bytes there; the tests of each kind define it. */
static void unit_written(uint32_t reg, unsigned int size);

static inline uint64_t reg_now(uint32_t reg, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, chip.reg + reg, size);
	return v;
}
static void reg_set(uint32_t reg, uint64_t v, unsigned int size)
{
	memcpy(chip.reg + reg, &v, size);
}
static inline uint32_t io_read32(const struct iommu *u, uint32_t reg)
{
	(void)u;
	return (uint32_t)reg_now(reg, 4);
}
static inline uint64_t io_read64(const struct iommu *u, uint32_t reg)
{
	(void)u;
	return reg_now(reg, 8);
}
static inline void io_write32(struct iommu *u, uint32_t reg, uint32_t v)
{
	(void)u;
	reg_set(reg, v, 4);
	unit_written(reg, 4);
}
static inline void io_write64(struct iommu *u, uint32_t reg, uint64_t v)
{
	(void)u;
	reg_set(reg, v, 8);
	unit_written(reg, 8);
}

/* Configuration space of the function 00:00.2, by ports. */
static uint32_t config_at;
static void played_outl(uint16_t port, uint32_t v)
{
	if (port == 0xcf8)
		config_at = v;
	else
		memcpy(chip.config + (config_at & 0xfc), &v, 4);
}
static uint8_t played_inb(uint16_t port)
{
	assert_int_equal(config_at >> 8, 1u << 23 | 2);
	return chip.config[(config_at & 0xfc) + (port & 3u)];
}
#define outl played_outl
#define inb played_inb
/* A unit that does not look into caches sees each line as it was when it was last flushed. */
enum { LINES_MAX = 4096, LINE = 64 };
static struct {
	uintptr_t at;
	uint8_t bytes[LINE];
} lines[LINES_MAX];
static unsigned int n_lines;

/* Not checked by the sanitizer, because a line may reach beyond a variable. */
static __attribute__((no_sanitize("address"))) void clflush(const void *p)
{
	uintptr_t at = (uintptr_t)p & ~(uintptr_t)(LINE - 1);
	unsigned int i = 0;

	n_clflushes++;
	while (i < n_lines && lines[i].at != at)
		i++;
	assert_true(i < LINES_MAX);
	if (i == n_lines)
		lines[n_lines++].at = at;
	for (unsigned int k = 0; k < LINE; k++)
		lines[i].bytes[k] = ((const volatile uint8_t *)at)[k];
}

/* Does the unit see these bytes, which lie in one line, as they are? */
static inline bool unit_sees(const void *p, size_t size)
{
	uintptr_t offset = (uintptr_t)p % LINE;

	for (unsigned int i = 0; i < n_lines; i++)
		if (lines[i].at == (uintptr_t)p - offset)
			return memcmp(lines[i].bytes + offset, p, size) == 0;
	return false;
}

/* --- the rest of the kernel --------------------------------------------------------------- */

static struct cpu_arch machine, second;
struct cpu *cpus[SK_CPU_MAX] = { &machine.cpu, &second.cpu };
uint32_t n_cpus = 2;
uint64_t tsc_hz = 1000000;
static sk_time_t time_now;

sk_time_t arch_now(void) { return time_now += 100; }
bool arch_irq_pending(void) { return irq_waits; }
static const char *option; /* on the command line */
struct madt madt;
struct features features;
bool boot_option(const char *word) { return option && !strcmp(word, option); }
void klog(const char *fmt, ...) { (void)fmt; }
void panic(const char *fmt, ...)
{
	(void)fmt;
	longjmp(panicked, 1);
}
void *boot_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}
void *fixmap_mmio(unsigned int slot, uint64_t paddr)
{
	(void)slot;
	return (void *)paddr;
}

#include "kernel/arch/x86_64/iommu.c"

/* A DMA space: the second page of its object, after the page of tables. */
static struct space *space_new(void)
{
	char *pages = boot_alloc(2 * SK_PAGE_SIZE);
	struct space *s = (struct space *)(pages + SK_PAGE_SIZE);

	s->obj.type = SK_OBJ_SPACE_IO;
	return s;
}

static struct irq_source source(uint32_t rid, uint32_t cpu, uint8_t vector)
{
	return (struct irq_source){ .rid = rid, .cpu = (uint16_t)cpu, .vector = vector };
}

/* The IO-APIC is known, and the firmware lets interrupts be remapped. */
static void remappable(void)
{
	io_tables.remaps = true;
	io_tables.n_ioapics = 1;
	io_tables.ioapic[0].id = IOAPIC;
	io_tables.ioapic[0].rid = IOAPIC_RID;
}

static void kernel_reset(void)
{
	memset(&chip, 0, sizeof(chip));
	memset(units, 0, sizeof(units));
	memset(devices, 0, sizeof(devices));
	memset(&io_tables, 0, sizeof(io_tables));
	n_units = n_devices = n_clflushes = n_lines = 0;
	option = NULL;
	features.x2apic = false;
	madt.n_ioapics = 1;
	madt.ioapic[0].id = IOAPIC;
	io_incoherent = io_eager = irq_waits = false;
	processor_reset();
	be(&machine.cpu);
	machine.cpu.apic_id = 3;
	second.cpu.apic_id = 7;
}

#endif

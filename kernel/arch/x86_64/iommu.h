/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iommu.h - what the two kinds of IOMMU have in common: units, assigned devices, requests
 *
 * A unit reads requests ("forget what you know of this device") from a queue in memory. Each
 * batch ends with a mark, a number that the unit writes to memory when all before it is done.
 */
#ifndef IOMMU_H
#define IOMMU_H

#include "../../space.h"
#include "cpu.h"
#include "iotables.h"

enum { IO_DEVICES = 64, IO_PAGES = 4, IO_QUEUE = 256 }; /* IO_PAGES: of registers */

struct iommu_ops;
struct iommu {
	volatile uint8_t *regs;
	const struct iommu_ops *ops;
	const struct io_unit *found; /* in the ACPI tables */
	uint32_t n_domains;          /* numbers that it can tell apart */
	uint64_t (*queue)[2];
	uint32_t tail;           /* of the queue */
	uint32_t asked;          /* the last mark that was asked for */
	volatile uint32_t *done; /* the last mark that the unit has reached */
	uint64_t *root;          /* VT-d: root table; AMD-Vi: device table */
	uint64_t (*events)[2];   /* AMD-Vi: its log */
};

/* A device that is assigned to a space: also its number for the unit, which is never 0. */
struct io_device {
	struct space *space; /* NULL: the entry is free */
	struct io_device *next;
	struct iommu *unit;
	uint32_t rid, mark; /* mark: of the last request about it */
	bool blocked;
};

struct iommu_ops {
	const char *name;
	/* What it can do goes into io_limits; NULL, or why it cannot be used. */
	const char *(*probe)(struct iommu *u);
	/* Block all devices and begin to answer requests; false: it does not react. */
	bool (*start)(struct iommu *u);
	/* Let the device use these tables, or none at all; 0 or -SK_E_*. */
	int (*attach)(struct iommu *u, const struct io_device *d, uint64_t root);
	void (*block)(struct iommu *u, const struct io_device *d);
	/* Ask it to forget all translations for the device. */
	void (*flush)(struct iommu *u, const struct io_device *d);
	/* Ask it for the next mark, which is returned, and make it look at the queue. */
	uint32_t (*mark)(struct iommu *u);
	/* How far it has read the queue. */
	uint32_t (*head)(struct iommu *u);
	/*
	 * Let the requester of the source send its interrupt, or no longer, and ask the unit to
	 * forget what it knew of that; 0 or -SK_E_*, which only the former gives.
	 */
	int (*irq)(struct iommu *u, const struct irq_source *s, bool on);
	/*
	 * Has this requester a source with this vector, on whichever CPU? NULL: that does not
	 * matter.
	 */
	bool (*irq_taken)(uint32_t rid, uint32_t vector);
	/* Take the next access or interrupt that it has refused. */
	bool (*fault)(struct iommu *u, struct io_fault *f);
};
extern const struct iommu_ops vtd_ops, amdvi_ops;

extern struct io_tables io_tables;
extern bool io_incoherent, io_eager; /* some unit needs it: see arch_io_written() */
extern bool io_remaps;               /* no interrupt passes that was not given to its sender */
extern uint32_t io_apic_id_max;      /* to which CPUs a device can send interrupts */

static inline uint32_t io_read32(const struct iommu *u, uint32_t reg)
{
	return *(volatile uint32_t *)(u->regs + reg);
}
static inline uint64_t io_read64(const struct iommu *u, uint32_t reg)
{
	return *(volatile uint64_t *)(u->regs + reg);
}
static inline void io_write32(struct iommu *u, uint32_t reg, uint32_t v)
{
	*(volatile uint32_t *)(u->regs + reg) = v;
}
static inline void io_write64(struct iommu *u, uint32_t reg, uint64_t v)
{
	*(volatile uint64_t *)(u->regs + reg) = v;
}

/* iommu.c */
/* Wait until the bits of a register are as wanted, for a second at most. */
bool io_wait(const struct iommu *u, uint32_t reg, uint32_t mask, uint32_t want) must_check;
/* Put a request into the queue, where the unit sees it after the next mark. */
void io_post(struct iommu *u, uint64_t low, uint64_t high);
uint32_t io_device_number(const struct io_device *d);
/* Configuration space by ports, which belong to user land later. */
io_config_fn io_config_read;
void io_config_write(uint16_t rid, uint8_t offset, uint32_t value);
/* Where an interrupt for VEC_IOMMU goes: CPU 0. */
uint64_t io_message_address(void);
/* What identifies a source in the tables of VT-d; AMD-Vi has the vector alone. */
static inline uint32_t io_irq_index(const struct irq_source *s)
{
	return (uint32_t)s->cpu << 8 | s->vector;
}
/* Let a source that has its rid, CPU and vector send its interrupt; and no longer. */
int io_irq_open(struct irq_source *s) must_check;
void io_irq_close(struct irq_source *s);
/* Must a source of this requester have another vector? */
bool io_irq_taken(uint32_t rid, uint32_t vector);
/* What a device sends, and the high half of a pin's redirection entry, for a source. */
void io_irq_message(const struct irq_source *s, uint64_t *addr, uint32_t *data);
uint32_t io_irq_pin(const struct irq_source *s);
/* Start all units that the tables list, before anything else may use devices. */
void iommu_init(void);
/* Their registers, as in arch_kernel_mmio(). */
uint32_t iommu_mmio(uint64_t *mmio, uint32_t max);

#endif

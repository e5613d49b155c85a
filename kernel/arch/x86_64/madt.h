/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madt.h - the CPUs and interrupt controllers that the ACPI tables list
 */
#ifndef MADT_H
#define MADT_H

#include "../../../boot/parse.h"

enum { MADT_CPUS = 64, MADT_IOAPICS = 16, MADT_OVERRIDES = 32 };
/* Flags of an override: polarity in bits 0-1, trigger in bits 2-3; 0 = as the bus has it. */
enum { MADT_LOW = 3, MADT_POLARITY = 3, MADT_LEVEL = 12, MADT_TRIGGER = 12 };

struct madt {
	uint64_t lapic;
	uint32_t n_cpus, n_ioapics, n_overrides;
	uint32_t apic_id[MADT_CPUS];
	struct {
		uint32_t paddr, gsi;
		uint8_t id;
	} ioapic[MADT_IOAPICS];
	struct {
		uint32_t gsi;
		uint16_t flags;
	} override[MADT_OVERRIDES];
};

/* The table at paddr if it is complete and its checksum is right; its size in *size. */
const uint8_t *acpi_table(const struct boot_phys *p, uint64_t paddr, uint32_t *size);
/* Each returns NULL or a message about the mistake. Entries that find no room are ignored. */
const char *acpi_find(
	const struct boot_phys *p, uint64_t rsdp, const char *name, uint64_t *found);
const char *madt_parse(const struct boot_phys *p, uint64_t paddr, struct madt *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madt.c - RSDP, root table and MADT, read as hostile input
 *
 * Every table is bounded by its own length field, which is bounded by TABLE_MAX and by physical
 * memory, and is used only when its checksum is right. Pure: also built for host tests.
 */
#include <stdbool.h>

#include "madt.h"

enum { TABLE_MAX = 1 << 20, HEADER = 36, RSDP_V1 = 20, RSDP_V2 = 36 };
enum { LAPIC = 0, IOAPIC = 1, OVERRIDE = 2, LAPIC_ADDRESS = 5, X2APIC = 9 };

static bool sums_to_zero(const uint8_t *p, uint32_t size)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum == 0;
}

static bool rsdp_valid(const struct boot_phys *p, uint64_t paddr)
{
	const uint8_t *r = boot_phys_at(p, paddr, RSDP_V1);

	return r && !__builtin_memcmp(r, "RSD PTR ", 8) && sums_to_zero(r, RSDP_V1);
}

const uint8_t *acpi_table(const struct boot_phys *p, uint64_t paddr, uint32_t *size)
{
	const uint8_t *t = boot_phys_at(p, paddr, HEADER);

	if (!t)
		return NULL;
	*size = (uint32_t)boot_number(t + 4, 4);
	if (*size < HEADER || *size > TABLE_MAX || !boot_phys_at(p, paddr, *size))
		return NULL;
	return sums_to_zero(t, *size) ? t : NULL;
}

const char *acpi_find(
	const struct boot_phys *p, uint64_t rsdp, const char *name, uint64_t *found)
{
	const uint8_t *r = boot_phys_at(p, rsdp, RSDP_V1), *root;
	uint32_t size, step = 4;
	uint64_t at;

	if (!r || !rsdp_valid(p, rsdp))
		return "ACPI: the RSDP is damaged or out of reach";
	at = boot_number(r + 16, 4);
	if (r[15] >= 2 && boot_phys_at(p, rsdp, RSDP_V2) && sums_to_zero(r, RSDP_V2) &&
		boot_number(r + 24, 8)) {
		at = boot_number(r + 24, 8);
		step = 8;
	}
	root = acpi_table(p, at, &size);
	if (!root)
		return "ACPI: the root table is damaged or out of reach";
	for (uint32_t i = HEADER; size - i >= step; i += step) {
		uint64_t paddr = boot_number(root + i, step);
		const uint8_t *t = boot_phys_at(p, paddr, HEADER);

		if (t && !__builtin_memcmp(t, name, 4)) {
			*found = paddr;
			return NULL;
		}
	}
	return "ACPI: a table is missing";
}

static void add_cpu(struct madt *out, uint32_t id, uint32_t flags)
{
	if (!(flags & 1) || out->n_cpus == MADT_CPUS)
		return;
	for (uint32_t i = 0; i < out->n_cpus; i++)
		if (out->apic_id[i] == id)
			return;
	out->apic_id[out->n_cpus++] = id;
}

static void add_entry(struct madt *out, const uint8_t *e, uint32_t size)
{
	if (e[0] == LAPIC && size >= 8) {
		if (e[3] != 0xff)
			add_cpu(out, e[3], (uint32_t)boot_number(e + 4, 4));
	} else if (e[0] == X2APIC && size >= 16) {
		add_cpu(out, (uint32_t)boot_number(e + 4, 4), (uint32_t)boot_number(e + 8, 4));
	} else if (e[0] == LAPIC_ADDRESS && size >= 12) {
		out->lapic = boot_number(e + 4, 8);
	} else if (e[0] == IOAPIC && size >= 12 && out->n_ioapics < MADT_IOAPICS) {
		out->ioapic[out->n_ioapics].id = e[2];
		out->ioapic[out->n_ioapics].paddr = (uint32_t)boot_number(e + 4, 4);
		out->ioapic[out->n_ioapics++].gsi = (uint32_t)boot_number(e + 8, 4);
	} else if (e[0] == OVERRIDE && size >= 10 && out->n_overrides < MADT_OVERRIDES) {
		out->override[out->n_overrides].gsi = (uint32_t)boot_number(e + 4, 4);
		out->override[out->n_overrides++].flags = (uint16_t)boot_number(e + 8, 2);
	}
}

const char *madt_parse(const struct boot_phys *p, uint64_t paddr, struct madt *out)
{
	uint32_t size;
	const uint8_t *t = acpi_table(p, paddr, &size);

	__builtin_memset(out, 0, sizeof(*out));
	if (!t || size < HEADER + 8)
		return "ACPI: the MADT is damaged or out of reach";
	out->lapic = boot_number(t + HEADER, 4);
	for (uint32_t at = HEADER + 8; size - at >= 2; at += t[at + 1]) {
		if (t[at + 1] < 2 || t[at + 1] > size - at)
			return "ACPI: a MADT entry runs over the end";
		add_entry(out, t + at, t[at + 1]);
	}
	if (!out->n_cpus)
		return "ACPI: the MADT lists no CPU";
	return NULL;
}

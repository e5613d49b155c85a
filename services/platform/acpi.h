/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.h - the few facts of the ACPI tables that the host needs: ECAM, power-off, reset,
 * century
 */
#ifndef PLATFORM_ACPI_H
#define PLATFORM_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Physical memory as the parser sees it. */
struct acpi_mem {
	/*
	 * len bytes at paddr, readable as long as the parser runs, or NULL. len is at most
	 * ACPI_TABLE_MAX.
	 */
	const uint8_t *(*map)(void *ctx, uint64_t paddr, size_t len);
	void *ctx;
};

#define ACPI_TABLE_MAX (1u << 20)
#define ACPI_TABLES_MAX 128u

enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_PCI = 2 };

struct acpi_facts {
	/* PCI configuration space is at ecam_base + (bus - bus_first) MiB. */
	bool ecam;
	uint64_t ecam_base;
	uint8_t bus_first, bus_last;

	/* Sleep type values for soft-off are known. */
	bool s5;
	uint8_t s5_a, s5_b;
	/* Ports; 0 = absent. */
	uint16_t pm1a_cnt, pm1b_cnt;
	/* Port that turns ACPI mode on; 0 = it is on. */
	uint16_t smi_cmd;
	uint8_t acpi_enable;

	bool reset;
	/* enum acpi_space */
	uint8_t reset_space;
	uint64_t reset_addr;
	uint8_t reset_value;

	/* CMOS index, 0 = none. */
	uint8_t century;
};

/*
 * Walk RSDP, XSDT or RSDT, MCFG, FADT, DSDT and SSDTs. Damaged tables are skipped, each with
 * one line to warn(); their facts stay unset in *facts. 0, or -SK_E_NOT_FOUND if there is no
 * usable RSDP.
 */
int acpi_parse(const struct acpi_mem *mem, uint64_t rsdp, struct acpi_facts *facts,
	void (*warn)(const char *table, const char *what));

#endif

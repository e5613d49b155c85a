/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iotables.h - the IOMMUs that the ACPI tables DMAR (VT-d) or IVRS (AMD-Vi) list, and the
 * devices behind each
 *
 * A device is named by its requester: segment << 16 | bus << 8 | device << 3 | function.
 */
#ifndef IOTABLES_H
#define IOTABLES_H

#include <stdbool.h>

#include "../../../boot/parse.h"

enum { IO_UNITS = 16, IO_SCOPES = 256, IO_IOAPICS = 16 };

struct io_unit {
	uint64_t paddr; /* of its registers */
	uint32_t rid;   /* AMD-Vi: the function that it is; VT-d: its segment << 16 */
	uint16_t cap;   /* AMD-Vi: its capability in configuration space */
	bool all;       /* VT-d: has all devices of its segment that no other unit has */
};
/* Requesters that belong to a unit, or that the firmware lets use memory of its own. */
struct io_scope {
	uint32_t first, last;
	uint32_t alias; /* what their requests are marked with, or IO_NO_ALIAS: the same */
	uint8_t unit;   /* which one; RESERVED: whose memory the firmware reserves */
};
#define IO_NO_ALIAS UINT32_MAX
#define IO_RESERVED 0xff
struct io_tables {
	bool amd, remaps; /* remaps: the firmware lets interrupts be remapped */
	uint32_t n_units, n_scopes, n_ioapics;
	struct io_unit unit[IO_UNITS];
	struct io_scope scope[IO_SCOPES];
	struct {
		uint32_t rid; /* what the interrupts of its pins are marked with */
		uint8_t id;   /* as the MADT has it */
	} ioapic[IO_IOAPICS];
};

/* Reads a byte of the configuration space of a bridge of segment 0. */
typedef uint8_t io_config_fn(uint16_t rid, uint8_t offset);
/*
 * Each returns NULL or a message about the mistake. A scope that finds no room is left out: its
 * device is blocked, or is found with the unit that has all others.
 */
const char *dmar_parse(
	const struct boot_phys *p, uint64_t paddr, io_config_fn *config, struct io_tables *out);
const char *ivrs_parse(const struct boot_phys *p, uint64_t paddr, struct io_tables *out);
/* The unit of a requester, which becomes what its requests are marked with; -1: none. */
int io_unit_of(const struct io_tables *t, uint32_t *rid);
/* The requester that an IO-APIC is, or IO_NO_ALIAS. */
uint32_t io_ioapic_rid(const struct io_tables *t, uint8_t id);
/* Does the firmware reserve memory for it? */
bool io_reserved(const struct io_tables *t, uint32_t rid);

#endif

/*
 * boot_info.h - what a PVH guest finds at its start: hvm_start_info and ACPI tables; pure functions
 */
#ifndef VMM_BOOT_INFO_H
#define VMM_BOOT_INFO_H

#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

#include "machine/vm.h"

/* ---- start_info.c -------------------------------------------------------------------------- */

/* Memory map of a guest with that much RAM below and above 4 GiB. Entries used, at most VM_MAP_MAX. */
uint32_t map_make(uint64_t low_size, uint64_t high_size, struct vm_range *map);

struct start_info_module {
	uint64_t gpa, size;
	const char *cmdline; /* "": none */
};
struct start_info_args {
	uint64_t gpa; /* where the buffer is seen by the guest */
	const char *cmdline;
	const struct start_info_module *module;
	uint32_t n_modules;
	uint64_t rsdp;
	const struct vm_range *map;
	uint32_t n_map;
};
/* hvm_start_info with everything that it points to, at buf. Bytes used, or -SK_E_RANGE. */
int64_t start_info_make(uint8_t *buf, size_t size, const struct start_info_args *a) must_check;

/* ---- acpi.c -------------------------------------------------------------------------------- */

/* Ports behind the FADT: the guest ends itself through these. */
#define ACPI_SLEEP_PORT 0xb004u /* sleep control register; status at the next port */
#define ACPI_RESET_PORT 0xb006u
#define ACPI_RESET_VALUE 1u
#define ACPI_SLEEP_ENABLE 0x20u
#define ACPI_S5_TYPE 5u

/* RSDP (at gpa), XSDT, FADT, MADT, DSDT. Bytes used, or -SK_E_RANGE. */
int64_t acpi_make(uint8_t *buf, size_t size, uint64_t gpa, uint32_t n_vcpus) must_check;

#endif

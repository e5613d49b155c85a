/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.h - the guest's ACPI tables; a pure function
 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

/* RSDP (at gpa), XSDT, FADT, MADT, DSDT. Bytes used, or -SK_E_RANGE. */
int64_t acpi_make(uint8_t *buf, size_t size, uint64_t gpa, uint32_t n_vcpus) must_check;

#endif

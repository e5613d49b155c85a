# SPDX-License-Identifier: BSD-2-Clause
fuzzers += acpi
src-fuzz-acpi := test/fuzz/platform/acpi_fuzz.c services/platform/acpi.c
inc-fuzz-acpi := services/platform
seeds-fuzz-acpi := test/fuzz/platform/seeds-acpi

# SPDX-License-Identifier: BSD-2-Clause
unit-tests += platform_acpi platform_pci platform_reset platform_rtc
src-unit-platform_acpi := test/unit/platform/acpi_test.c services/platform/acpi.c
inc-unit-platform_acpi := services/platform
src-unit-platform_pci := test/unit/platform/pci_test.c services/platform/pci.c
inc-unit-platform_pci := services/platform
src-unit-platform_reset := test/unit/platform/reset_test.c services/platform/reset.c services/platform/pci.c
inc-unit-platform_reset := services/platform libs
src-unit-platform_rtc := test/unit/platform/rtc_test.c services/platform/rtc.c
inc-unit-platform_rtc := services/platform

unit-tests += platform_main
src-unit-platform_main = test/unit/platform/main_test.c $(kern) $(caps-src) libs/ring/ring.c $(src-svc) \
	$(addprefix services/platform/,main.c acpi.c devmem.c pci.c reset.c rtc.c)
inc-unit-platform_main := libs/caps services/platform
cflags-unit-platform_main = $(kern-cflags) -Dmain=domain_main -Wno-missing-prototypes

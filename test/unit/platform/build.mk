unit-tests += platform_acpi platform_pci platform_rtc
src-unit-platform_acpi := test/unit/platform/acpi_test.c services/platform/acpi.c
inc-unit-platform_acpi := services/platform
src-unit-platform_pci := test/unit/platform/pci_test.c services/platform/pci.c
inc-unit-platform_pci := services/platform
src-unit-platform_rtc := test/unit/platform/rtc_test.c services/platform/rtc.c
inc-unit-platform_rtc := services/platform

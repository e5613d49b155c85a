# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of the parsers of the loader's and the firmware's tables.
unit-tests += boot_info boot_madt boot_iotables
src-unit-boot_info := test/unit/boot/boot_test.c boot/memory_map.c boot/start_info.c boot/multiboot2.c
inc-unit-boot_info := boot
src-unit-boot_madt := test/unit/boot/madt_test.c kernel/arch/x86_64/madt.c
inc-unit-boot_madt := boot kernel/arch/x86_64
unit-tests += boot_spec
src-unit-boot_spec := test/unit/boot/spec_test.c kernel/arch/x86_64/spec.c
inc-unit-boot_spec := boot kernel/arch/x86_64
src-unit-boot_iotables := test/unit/boot/iotables_test.c kernel/arch/x86_64/iotables.c kernel/arch/x86_64/madt.c
inc-unit-boot_iotables := boot kernel/arch/x86_64

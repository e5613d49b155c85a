# SPDX-License-Identifier: BSD-2-Clause
fuzz-boot-src := boot/memory_map.c boot/start_info.c boot/multiboot2.c
fuzzers += boot_start_info boot_multiboot2 boot_madt
src-fuzz-boot_start_info := test/fuzz/boot/boot_fuzz.c $(fuzz-boot-src)
inc-fuzz-boot_start_info := boot
cflags-fuzz-boot_start_info := -DPARSE=start_info_parse
seeds-fuzz-boot_start_info := test/fuzz/boot/seeds-boot_start_info
src-fuzz-boot_multiboot2 := test/fuzz/boot/boot_fuzz.c $(fuzz-boot-src)
inc-fuzz-boot_multiboot2 := boot
cflags-fuzz-boot_multiboot2 := -DPARSE=multiboot2_parse
seeds-fuzz-boot_multiboot2 := test/fuzz/boot/seeds-boot_multiboot2
src-fuzz-boot_madt := test/fuzz/boot/madt_fuzz.c kernel/arch/x86_64/madt.c
inc-fuzz-boot_madt := boot kernel/arch/x86_64
seeds-fuzz-boot_madt := test/fuzz/boot/seeds-boot_madt
fuzzers += boot_iotables
src-fuzz-boot_iotables := test/fuzz/boot/iotables_fuzz.c kernel/arch/x86_64/iotables.c kernel/arch/x86_64/madt.c
inc-fuzz-boot_iotables := boot kernel/arch/x86_64
seeds-fuzz-boot_iotables := test/fuzz/boot/seeds-boot_iotables

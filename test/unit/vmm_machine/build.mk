unit-tests += vmm_load
src-unit-vmm_load := test/unit/vmm_machine/load_test.c services/vmm/load.c services/vmm/bzimage.c services/vmm/elf.c \
	services/vmm/unpack.c
inc-unit-vmm_load := services/vmm
ldlibs-unit-vmm_load := -lz -llzma -lbz2 -lzstd -llz4

unit-tests += vmm_boot_info
src-unit-vmm_boot_info := test/unit/vmm_machine/boot_info_test.c services/vmm/start_info.c services/vmm/acpi.c
inc-unit-vmm_boot_info := services/vmm

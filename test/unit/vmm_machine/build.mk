unit-tests += vmm_load
src-unit-vmm_load := test/unit/vmm_machine/load_test.c services/vmm/load.c services/vmm/bzimage.c services/vmm/elf.c \
	services/vmm/unpack.c
inc-unit-vmm_load := services/vmm
ldlibs-unit-vmm_load := -lz -llzma -lbz2 -lzstd -llz4

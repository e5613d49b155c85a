# SPDX-License-Identifier: BSD-2-Clause
fuzzers += vmm_load vmm_elf vmm_mmio

src-fuzz-vmm_load := test/fuzz/vmm_machine/load_fuzz.c $(addprefix services/vmm/load/,load.c load_space.c bzimage.c elf.c unpack.c) libs/base/error.c
inc-fuzz-vmm_load := services/vmm
ldlibs-fuzz-vmm_load := -lz -llzma -lbz2 -lzstd -llz4
seeds-fuzz-vmm_load := test/fuzz/vmm_machine/seeds-vmm_load

src-fuzz-vmm_elf := test/fuzz/vmm_machine/elf_fuzz.c $(addprefix services/vmm/load/,load.c load_space.c bzimage.c elf.c unpack.c) libs/base/error.c
inc-fuzz-vmm_elf := services/vmm
ldlibs-fuzz-vmm_elf := -lz -llzma -lbz2 -lzstd -llz4
seeds-fuzz-vmm_elf := test/fuzz/vmm_machine/seeds-vmm_elf

src-fuzz-vmm_mmio := test/fuzz/vmm_machine/mmio_fuzz.c services/vmm/machine/mmio.c services/vmm/machine/insn.c
inc-fuzz-vmm_mmio := services/vmm
ldlibs-fuzz-vmm_mmio := -lZydis
seeds-fuzz-vmm_mmio := test/fuzz/vmm_machine/seeds-vmm_mmio

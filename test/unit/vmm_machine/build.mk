# SPDX-License-Identifier: BSD-2-Clause
unit-tests += vmm_load
src-unit-vmm_load := test/unit/vmm_machine/load_test.c $(addprefix services/vmm/load/,load.c load_space.c bzimage.c elf.c unpack.c) libs/base/error.c
inc-unit-vmm_load := services/vmm
ldlibs-unit-vmm_load := -lz -llzma -lbz2 -lzstd -llz4

unit-tests += vmm_boot_info
src-unit-vmm_boot_info := test/unit/vmm_machine/boot_info_test.c services/vmm/load/start_info.c services/vmm/load/acpi.c
inc-unit-vmm_boot_info := services/vmm

unit-tests += vmm_lapic
src-unit-vmm_lapic := test/unit/vmm_machine/lapic_test.c services/vmm/machine/lapic.c
inc-unit-vmm_lapic := services/vmm

unit-tests += vmm_mmio
src-unit-vmm_mmio := test/unit/vmm_machine/mmio_test.c services/vmm/machine/mmio.c services/vmm/machine/insn.c
inc-unit-vmm_mmio := services/vmm
ldlibs-unit-vmm_mmio := -lZydis

unit-tests += vmm_mem
src-unit-vmm_mem := test/unit/vmm_machine/mem_test.c $(addprefix services/vmm/machine/,physmap.c guest_memory.c dirty.c)
inc-unit-vmm_mem := services/vmm

unit-tests += vmm_dirty
src-unit-vmm_dirty := test/unit/vmm_machine/dirty_test.c services/vmm/load/load_space.c libs/base/error.c \
	$(addprefix services/vmm/machine/,physmap.c guest_memory.c dirty.c memory_image.c)
inc-unit-vmm_dirty := services/vmm

unit-tests += vmm_cpuid
src-unit-vmm_cpuid := test/unit/vmm_machine/cpuid_test.c services/vmm/machine/cpuid.c
inc-unit-vmm_cpuid := services/vmm

unit-tests += vmm_msr
src-unit-vmm_msr := test/unit/vmm_machine/msr_test.c services/vmm/machine/msr.c services/vmm/machine/lapic.c
inc-unit-vmm_msr := services/vmm

unit-tests += vmm_vcpu
src-unit-vmm_vcpu := test/unit/vmm_machine/vcpu_test.c services/vmm/machine/lapic.c libs/base/error.c
inc-unit-vmm_vcpu := services/vmm

unit-tests += vmm_log
src-unit-vmm_log := test/unit/vmm_machine/log_test.c services/vmm/machine/log.c
inc-unit-vmm_log := services/vmm

unit-tests += vmm_exit
src-unit-vmm_exit := test/unit/vmm_machine/exit_test.c \
	$(addprefix services/vmm/machine/,emulate.c insn.c mmio.c guest_memory.c lapic.c cpuid.c)
inc-unit-vmm_exit := services/vmm
ldlibs-unit-vmm_exit := -lZydis

unit-tests += vmm_vmctl
src-unit-vmm_vmctl := test/unit/vmm_machine/vmctl_test.c libs/ring/ring.c $(addprefix libs/svc/,rings.c turn.c) libs/base/error.c
inc-unit-vmm_vmctl := services/vmm

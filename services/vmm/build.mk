domains += vmm
src-vmm := $(sort $(wildcard services/vmm/*.c))
use-vmm := svc caps ring sys
# The guest's FPU state stays in the registers while the VMM handles an exit.
cflags-vmm := -Iservices/vmm -mgeneral-regs-only
extlibs-vmm := z lzma bz2 zstd lz4 Zydis

domains += vmm
src-vmm := $(sort $(wildcard services/vmm/*.c))
use-vmm := svc caps ring sys
# Its threads' FPU state stays the initial one: cheap to switch at each exit.
cflags-vmm := -Iservices/vmm -mgeneral-regs-only
extlibs-vmm := z lzma bz2 zstd lz4 Zydis

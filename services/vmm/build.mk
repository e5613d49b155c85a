# SPDX-License-Identifier: BSD-2-Clause
domains += vmm
src-vmm := $(sort $(wildcard services/vmm/*.c services/vmm/*/*.c))
use-vmm := svc rt caps sys base
# -iquote: "xen/..." is the Xen half, <xen/...> are the public headers of Xen.
# -mgeneral-regs-only: the guest's FPU state stays in the registers while its VMM handles an exit.
cflags-vmm := -iquote services/vmm -mgeneral-regs-only
extlibs-vmm := z lzma bz2 zstd lz4 Zydis

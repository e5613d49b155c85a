# SPDX-License-Identifier: BSD-2-Clause
fuzzers += cpio proc_elf
src-fuzz-cpio := test/fuzz/init/cpio_fuzz.c services/init/cpio.c
inc-fuzz-cpio := kernel/include services/init
seeds-fuzz-cpio := test/fuzz/init/seeds-cpio
src-fuzz-proc_elf := test/fuzz/init/elf_fuzz.c libs/proc/elf.c
inc-fuzz-proc_elf := kernel/include libs
seeds-fuzz-proc_elf := test/fuzz/init/seeds-elf

# SPDX-License-Identifier: BSD-2-Clause
libs += caps
use-caps := sys
cflags-caps := -mgeneral-regs-only
src-caps := libs/caps/caps.c libs/caps/memory.c libs/caps/vm.c libs/caps/count.c

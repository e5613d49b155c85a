# SPDX-License-Identifier: BSD-2-Clause
libs += rt
use-rt := caps ring sys
# no FPU code, because a VMM's exit path may call this library; and no loop of string.c becomes a call of itself
cflags-rt := -mgeneral-regs-only -fno-tree-loop-distribute-patterns
src-rt := libs/rt/crt0.S libs/rt/start.c libs/rt/thread.c libs/rt/log.c libs/rt/sleep.c libs/rt/newlib.c libs/rt/string.c

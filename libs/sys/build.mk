# SPDX-License-Identifier: BSD-2-Clause
libs += sys
# no FPU in what a VMM's exit path may call
cflags-sys := -mgeneral-regs-only
src-sys := libs/sys/clock.c libs/sys/mutex.c libs/sys/self.c

# SPDX-License-Identifier: BSD-2-Clause
libs += sys
# no FPU code, because a VMM's exit path may call this library
cflags-sys := -mgeneral-regs-only
src-sys := libs/sys/abi.c libs/sys/clock.c libs/sys/mutex.c libs/sys/random.c libs/sys/self.c

libs += sys
use-sys := caps ring
# no FPU in what a VMM's exit path may call
cflags-sys := -mgeneral-regs-only
src-sys := libs/sys/crt0.S libs/sys/start.c libs/sys/thread.c libs/sys/mutex.c libs/sys/clock.c libs/sys/log.c \
	libs/sys/newlib.c

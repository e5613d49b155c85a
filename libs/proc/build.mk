# SPDX-License-Identifier: BSD-2-Clause
libs += proc
use-proc := svc caps sys base
cflags-proc := -mgeneral-regs-only
src-proc := libs/proc/build.c libs/proc/caps.c libs/proc/connect.c libs/proc/elf.c libs/proc/image.c libs/proc/map.c \
	libs/proc/plug.c

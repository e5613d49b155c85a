# SPDX-License-Identifier: BSD-2-Clause
libs += ring
cflags-ring := -mgeneral-regs-only
src-ring := libs/ring/ring.c

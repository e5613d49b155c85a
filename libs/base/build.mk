# SPDX-License-Identifier: BSD-2-Clause
libs += base
cflags-base := -mgeneral-regs-only
src-base := libs/base/error.c

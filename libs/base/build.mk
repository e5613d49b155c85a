libs += base
cflags-base := -mgeneral-regs-only
src-base := libs/base/error.c

libs += ring
cflags-ring := -mgeneral-regs-only
src-ring := libs/ring/ring.c

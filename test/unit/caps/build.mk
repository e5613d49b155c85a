# SPDX-License-Identifier: BSD-2-Clause
unit-tests += caps
caps-src := libs/caps/caps.c libs/caps/memory.c libs/caps/vm.c libs/caps/count.c
src-unit-caps = test/unit/caps/caps_test.c $(kern) $(caps-src) libs/dma/dma.c
inc-unit-caps := libs/caps
cflags-unit-caps = $(kern-cflags)

# SPDX-License-Identifier: BSD-2-Clause
# What start code, threads and the C library stand on.
unit-tests += sys_mutex rt
src-unit-sys_mutex := test/unit/rt/mutex_test.c

src-unit-rt = test/unit/rt/rt_test.c test/unit/rt/newlib_names.c $(kern) $(caps-src) libs/ring/ring.c libs/rt/log.c libs/rt/thread.c
inc-unit-rt := libs/caps
cflags-unit-rt = $(kern-cflags) -isystem test/unit/rt/fake -Wno-missing-prototypes

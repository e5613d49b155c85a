# SPDX-License-Identifier: BSD-2-Clause
# Start code, threads, and what the C library needs from its system.
unit-tests += sys_mutex rt
src-unit-sys_mutex := test/unit/rt/mutex_test.c

src-unit-rt = test/unit/rt/rt_test.c test/unit/rt/newlib_names.c $(kern) $(caps-src) libs/ring/ring.c libs/rt/log.c libs/rt/thread.c
inc-unit-rt := libs/caps
cflags-unit-rt = $(kern-cflags) -isystem test/unit/rt/fake -Wno-missing-prototypes

unit-tests += rt_string
src-unit-rt_string := test/unit/rt/string_test.c
inc-unit-rt_string := .

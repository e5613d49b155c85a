# SPDX-License-Identifier: BSD-2-Clause
unit-tests += proc_connect
src-unit-proc_connect := test/unit/proc/connect_test.c libs/proc/connect.c
inc-unit-proc_connect := libs libs/proc

unit-tests += proc_build
src-unit-proc_build = test/unit/proc/build_test.c $(kern) $(caps-src) libs/ring/ring.c \
	$(addprefix libs/proc/,build.c connect.c elf.c image.c map.c plug.c) $(addprefix libs/svc/,args.c client.c edge.c)
inc-unit-proc_build := libs/proc libs/caps
cflags-unit-proc_build = $(kern-cflags)

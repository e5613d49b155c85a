# SPDX-License-Identifier: BSD-2-Clause
unit-tests += init_cpio init_policy proc_elf
src-unit-init_cpio := test/unit/init/cpio_test.c services/init/cpio.c
inc-unit-init_cpio := kernel/include services/init
src-unit-init_policy := test/unit/init/policy_test.c services/init/policy.c
inc-unit-init_policy := kernel/include libs services/init
unit-tests += init_connect
src-unit-init_connect := test/unit/init/connect_test.c services/init/connect.c libs/base/error.c
inc-unit-init_connect := kernel/include libs services/init
src-unit-proc_elf := test/unit/init/elf_test.c libs/proc/elf.c
inc-unit-proc_elf := kernel/include libs

# The whole of init: machine.h
init-machine = test/unit/init/machine.c $(kern) $(caps-src) libs/ring/ring.c \
	$(addprefix libs/proc/,build.c caps.c connect.c elf.c image.c map.c) $(addprefix libs/svc/,args.c client.c edge.c) \
	$(addprefix services/init/,main.c archive.c breach.c caps.c connect.c cpio.c device.c dma.c domain.c grant.c kill.c log.c option.c policy.c post.c reopen.c serve.c supervise.c)
unit-tests += init init_restart
src-unit-init = test/unit/init/init_test.c test/unit/init/calls_test.c $(init-machine)
src-unit-init_restart = $(addprefix test/unit/init/,restart_test.c restart_calls_test.c restart_control_test.c \
	restart_often_test.c breach_test.c restart_platform_test.c reopen_test.c restart.c) $(init-machine)
inc-unit-init := libs/caps
inc-unit-init_restart := libs/caps
cflags-unit-init_restart = $(cflags-unit-init)
cflags-unit-init = $(kern-cflags) -iquote services/init -Dmain=domain_main -Wno-missing-prototypes

unit-tests += init_post
src-unit-init_post := test/unit/init/post_test.c
inc-unit-init_post := services/init kernel/include libs
cflags-unit-init_post = -iquote test/unit/kern/fake -Wno-missing-prototypes

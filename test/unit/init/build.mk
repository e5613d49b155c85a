unit-tests += init_cpio init_policy proc_elf
src-unit-init_cpio := test/unit/init/cpio_test.c services/init/cpio.c
inc-unit-init_cpio := kernel/include services/init
src-unit-init_policy := test/unit/init/policy_test.c services/init/policy.c
inc-unit-init_policy := kernel/include libs services/init
src-unit-proc_elf := test/unit/init/elf_test.c libs/proc/elf.c
inc-unit-proc_elf := kernel/include libs

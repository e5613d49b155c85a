unit-tests += proc_connect
src-unit-proc_connect := test/unit/proc/connect_test.c libs/proc/connect.c
inc-unit-proc_connect := libs libs/proc

unit-tests += console_log ns16550
src-unit-console_log := test/unit/console/log_test.c services/console/textlog.c services/console/bootlog.c
inc-unit-console_log := services/console
src-unit-ns16550 := test/unit/console/ns16550_test.c drivers/uart/ns16550.c
inc-unit-ns16550 := drivers/uart

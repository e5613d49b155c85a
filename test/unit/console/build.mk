# SPDX-License-Identifier: BSD-2-Clause
unit-tests += console console_log console_input ns16550
src-unit-console := $(addprefix test/unit/console/,console_test.c conlog_test.c harness.c guests_test.c records_test.c restart_test.c \
	uart_restart_test.c console_main.c) libs/ring/ring.c libs/svc/rings.c \
	$(filter-out services/console/main.c,$(wildcard services/console/*.c))
inc-unit-console := services/console
cflags-unit-console := -iquote test/unit/console/fake
src-unit-console_log := test/unit/console/log_test.c services/console/textlog.c services/console/bootlog.c
inc-unit-console_log := services/console
src-unit-console_input := test/unit/console/input_test.c services/console/input.c
inc-unit-console_input := services/console
src-unit-ns16550 := test/unit/console/ns16550_test.c drivers/uart/ns16550.c
inc-unit-ns16550 := drivers/uart

unit-tests += uart_main
src-unit-uart_main = test/unit/console/uart_main_test.c $(world) drivers/uart/main.c drivers/uart/ns16550.c
inc-unit-uart_main := drivers/uart test/unit
cflags-unit-uart_main = $(world-cflags)

# SPDX-License-Identifier: BSD-2-Clause
unit-tests += ip_port
src-unit-ip_port := test/unit/ip/port_test.c services/ip/port_if.c libs/ring/ring.c
inc-unit-ip_port := services/ip
cflags-unit-ip_port := -Itest/unit/ip/fake

unit-tests += ip_main
src-unit-ip_main = test/unit/ip/main_test.c $(world) services/ip/main.c services/ip/port_if.c
inc-unit-ip_main := services/ip test/unit
cflags-unit-ip_main = $(world-cflags) -Itest/unit/ip/fake

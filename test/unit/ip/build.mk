unit-tests += ip_port
src-unit-ip_port := test/unit/ip/port_test.c services/ip/port_if.c libs/ring/ring.c
inc-unit-ip_port := services/ip
cflags-unit-ip_port := -Itest/unit/ip/fake

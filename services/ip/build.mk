# SPDX-License-Identifier: BSD-2-Clause
domains += ip
src-ip := services/ip/main.c services/ip/port_if.c services/ip/sys_arch.c
use-ip := svc sys base
extlibs-ip := lwip

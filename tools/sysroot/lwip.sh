#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# lwip.sh SYSROOT - lwIP, IPv4 and IPv6, without threads (NO_SYS); options and port are in lwip/
. "$(dirname "$0")/common.sh"

unpack lwip lwip
headers . "$recipes/lwip/lwipopts.h"
headers arch "$recipes/lwip/arch/cc.h"
cp -r "$work/lwip/src/include/lwip" "$work/lwip/src/include/netif" "$root/include/"
cd "$work/lwip/src"
archive lwip "" $(ls core/*.c core/ipv4/*.c core/ipv6/*.c netif/ethernet.c api/err.c)

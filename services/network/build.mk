# SPDX-License-Identifier: BSD-2-Clause
domains += network
src-network := services/network/main.c services/network/switch.c services/network/uplink.c services/network/port.c \
	services/network/offload.c services/network/merge.c services/network/fdb.c services/network/filter.c services/network/rate.c
use-network := svc sys base

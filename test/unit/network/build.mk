# SPDX-License-Identifier: BSD-2-Clause
unit-tests += net_offload net_merge net_fdb net_port net_filter net_rate
src-unit-net_offload := test/unit/network/offload_test.c services/network/offload.c
inc-unit-net_offload := services/network
src-unit-net_merge := test/unit/network/merge_test.c services/network/merge.c services/network/offload.c
inc-unit-net_merge := services/network
src-unit-net_fdb := test/unit/network/fdb_test.c services/network/fdb.c
inc-unit-net_fdb := services/network
src-unit-net_port := test/unit/network/port_test.c services/network/port.c services/network/offload.c libs/ring/ring.c libs/svc/rings.c
inc-unit-net_port := services/network
src-unit-net_filter := test/unit/network/filter_test.c services/network/filter.c
inc-unit-net_filter := services/network
src-unit-net_rate := test/unit/network/rate_test.c services/network/rate.c
inc-unit-net_rate := services/network

unit-tests += network_main
src-unit-network_main = $(addprefix test/unit/network/,main_test.c harness.c frames_test.c ports_test.c driver_test.c limits_test.c) \
	$(world) services/network/main.c services/network/switch.c services/network/uplink.c services/network/port.c \
	services/network/offload.c services/network/merge.c services/network/fdb.c services/network/filter.c services/network/rate.c drivers/virtio-net/frame.c
inc-unit-network_main := services/network drivers/virtio-net test/unit
cflags-unit-network_main = $(world-cflags)

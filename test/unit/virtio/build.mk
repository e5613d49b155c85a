# SPDX-License-Identifier: BSD-2-Clause
unit-tests += virtq virtio_net_frame virtio_blk_request
src-unit-virtq := test/unit/virtio/virtq_test.c libs/virtio/virtq.c
src-unit-virtio_net_frame := test/unit/virtio/frame_test.c drivers/virtio-net/frame.c
inc-unit-virtio_net_frame := drivers/virtio-net
src-unit-virtio_blk_request := test/unit/virtio/request_test.c drivers/virtio-blk/request.c
inc-unit-virtio_blk_request := drivers/virtio-blk

unit-tests += virtio_net_main
src-unit-virtio_net_main = test/unit/virtio/net_main_test.c test/unit/virtio/device.c $(world) drivers/virtio-net/main.c \
	drivers/virtio-net/frame.c libs/virtio/virtq.c
inc-unit-virtio_net_main := drivers/virtio-net test/unit libs/virtio
cflags-unit-virtio_net_main = $(world-cflags)

unit-tests += virtio_blk_main
src-unit-virtio_blk_main = test/unit/virtio/blk_main_test.c test/unit/virtio/device.c $(world) drivers/virtio-blk/main.c \
	drivers/virtio-blk/request.c libs/virtio/virtq.c
inc-unit-virtio_blk_main := drivers/virtio-blk test/unit libs/virtio
cflags-unit-virtio_blk_main = $(world-cflags)

unit-tests += virtio_transport
src-unit-virtio_transport := test/unit/virtio/transport_test.c libs/virtio/virtio.c libs/virtio/virtq.c
inc-unit-virtio_transport := libs/virtio

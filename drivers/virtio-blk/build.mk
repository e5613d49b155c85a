# SPDX-License-Identifier: BSD-2-Clause
domains += virtio-blk
src-virtio-blk := drivers/virtio-blk/main.c drivers/virtio-blk/request.c
use-virtio-blk := svc virtio dma caps sys base

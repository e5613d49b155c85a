# SPDX-License-Identifier: BSD-2-Clause
domains += virtio-net
src-virtio-net := drivers/virtio-net/main.c drivers/virtio-net/frame.c
use-virtio-net := svc virtio dma caps sys base

# SPDX-License-Identifier: BSD-2-Clause
libs += virtio
src-virtio := libs/virtio/virtio.c libs/virtio/virtq.c
use-virtio := dma base

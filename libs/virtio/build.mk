libs += virtio
src-virtio := libs/virtio/virtio.c libs/virtio/virtq.c
use-virtio := dma base

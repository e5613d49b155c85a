/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h - modern virtio devices on PCI: discovery, feature negotiation, queue set-up
 *
 * Source: Virtual I/O Device 1.1, 4.1 (PCI transport), 3.1 (initialization).
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "proto/domain.h"
#include "virtio/virtq.h"

#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)
#define VIRTIO_NO_VECTOR 0xffffu

struct virtio {
	const struct domain_device *dev;
	volatile uint8_t *common, *notify, *config;
	uint32_t config_size;
	uint32_t notify_size, notify_mult;
	uint64_t features; /* negotiated */
	sk_cap_t io_space;
};
struct virtio_queue {
	struct virtq q;
	volatile uint16_t *doorbell;
	uint16_t index;
	/* Shared memory of the queue, kept over a restart of the device. */
	void *mem;
	uint64_t addr;
	uint32_t order;
};

/*
 * Find the register areas of the domain's device `index` in its mapped BARs, reset it, and
 * accept those of the features `want` that it offers. VERSION_1 is required, and
 * ACCESS_PLATFORM is always accepted. -SK_E_DENIED: the device is behind an IOMMU and goes
 * around it (QEMU: iommu_platform=on is missing).
 */
int virtio_init(struct virtio *v, uint32_t index, uint64_t want) must_check;
/*
 * Make queue `index` with up to max_size descriptors; its interrupts come by MSI-X vector
 * `vector`. *q is zero the first time. If the queue is made again after a reset of the device,
 * it keeps its memory.
 */
int virtio_queue_make(struct virtio *v, struct virtio_queue *q, uint16_t index,
	uint16_t max_size, uint16_t vector) must_check;
void virtio_start(struct virtio *v); /* DRIVER_OK */
/*
 * Is the device gone, so that it reads as all ones or as nothing, or does it say that it needs
 * a reset?
 */
bool virtio_failed(const struct virtio *v);
/* Notify the device if it asked for that. */
void virtio_queue_kick(struct virtio_queue *q);
/*
 * A field of 1, 2, 4 or 8 bytes of the device-specific configuration; 0 if the field lies
 * beyond the end.
 */
uint64_t virtio_config_read(const struct virtio *v, uint32_t off, uint32_t size);

#endif

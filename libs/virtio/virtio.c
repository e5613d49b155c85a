/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.c - finds and starts a virtio device through the modern PCI transport
 *
 * Trust       the configuration space snapshot comes from the device, so capability walks are
 *             bounded, and an area is used only if it lies within a BAR that this domain was
 *             given.
 */
#include "base/bytes.h"
#include "virtio/virtio.h"

#include <string.h>
#include "dma/dma.h"

enum {
	CAP_VENDOR = 0x09,
	TYPE_COMMON = 1,
	TYPE_NOTIFY = 2,
	TYPE_DEVICE = 4,
	CAPS_WALK_MAX = 48,

	/* 4.1.4.3 struct virtio_pci_common_cfg */
	COMMON_DEVICE_FEATURE_SELECT = 0x00,
	COMMON_DEVICE_FEATURE = 0x04,
	COMMON_DRIVER_FEATURE_SELECT = 0x08,
	COMMON_DRIVER_FEATURE = 0x0c,
	COMMON_MSIX_CONFIG = 0x10,
	COMMON_STATUS = 0x14,
	COMMON_GENERATION = 0x15,
	COMMON_QUEUE_SELECT = 0x16,
	COMMON_QUEUE_SIZE = 0x18,
	COMMON_QUEUE_VECTOR = 0x1a,
	COMMON_QUEUE_ENABLE = 0x1c,
	COMMON_QUEUE_NOTIFY_OFF = 0x1e,
	COMMON_QUEUE_DESC = 0x20,
	COMMON_QUEUE_AVAIL = 0x28,
	COMMON_QUEUE_USED = 0x30,
	COMMON_SIZE = 0x38,

	STATUS_ACKNOWLEDGE = 1,
	STATUS_DRIVER = 2,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64,
	RESET_POLLS = 10000000,
};

static volatile uint8_t *reg8(const struct virtio *v, uint32_t off) { return v->common + off; }

static volatile uint16_t *reg16(const struct virtio *v, uint32_t off)
{
	return (volatile uint16_t *)(v->common + off);
}

static volatile uint32_t *reg32(const struct virtio *v, uint32_t off)
{
	return (volatile uint32_t *)(v->common + off);
}

/* 64-bit registers are two 32-bit ones (4.1.3.1). */
static void put64(const struct virtio *v, uint32_t off, uint64_t value)
{
	*reg32(v, off) = (uint32_t)value;
	*reg32(v, off + 4) = (uint32_t)(value >> 32);
}

/*
 * Where the area of the capability at `at` is mapped; NULL if it is not within a BAR that we
 * have.
 */
static volatile uint8_t *area(const struct domain_device *dev, uint8_t at, uint32_t *size)
{
	uint8_t bar = dev->config[at + 4];
	uint32_t offset = get_le32(&dev->config[at + 8]);

	*size = get_le32(&dev->config[at + 12]);
	if (bar >= 6 || dev->bar[bar].size < offset || dev->bar[bar].size - offset < *size)
		return NULL;
	return (volatile uint8_t *)dev->bar[bar].vaddr + offset;
}

static void areas_find(struct virtio *v)
{
	const uint8_t *cfg = v->dev->config;
	uint8_t at = cfg[0x34] & 0xfc;
	uint32_t size;

	for (unsigned int n = 0; at >= 0x40 && at <= 256 - 20 && n < CAPS_WALK_MAX; n++) {
		uint8_t type = cfg[at + 3];
		volatile uint8_t *p = cfg[at] == CAP_VENDOR ? area(v->dev, at, &size) : NULL;

		if (p && type == TYPE_COMMON && size >= COMMON_SIZE && !v->common) {
			v->common = p;
		} else if (p && type == TYPE_NOTIFY && !v->notify) {
			v->notify = p;
			v->notify_size = size;
			v->notify_mult = get_le32(&cfg[at + 16]);
		} else if (p && type == TYPE_DEVICE && !v->config) {
			v->config = p;
			v->config_size = size;
		}
		at = cfg[at + 1] & 0xfc;
	}
}

static int reset(struct virtio *v)
{
	*reg8(v, COMMON_STATUS) = 0;
	for (unsigned int i = 0; *reg8(v, COMMON_STATUS) != 0; i++)
		if (i == RESET_POLLS)
			return -SK_E_IO;
	*reg8(v, COMMON_STATUS) = STATUS_ACKNOWLEDGE;
	*reg8(v, COMMON_STATUS) = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	*reg16(v, COMMON_MSIX_CONFIG) = VIRTIO_NO_VECTOR;
	return 0;
}

static int negotiate(struct virtio *v, uint64_t want)
{
	uint64_t offer;

	*reg32(v, COMMON_DEVICE_FEATURE_SELECT) = 0;
	offer = *reg32(v, COMMON_DEVICE_FEATURE);
	*reg32(v, COMMON_DEVICE_FEATURE_SELECT) = 1;
	offer |= (uint64_t)*reg32(v, COMMON_DEVICE_FEATURE) << 32;
	if (!(offer & VIRTIO_F_VERSION_1))
		return -SK_E_NO_SYS;
	/* It would use addresses of its DMA space as physical ones. */
	if (v->dev->flags & DOMAIN_DEVICE_IOMMU && !(offer & VIRTIO_F_ACCESS_PLATFORM))
		return -SK_E_DENIED;
	v->features = offer & (want | VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM);
	*reg32(v, COMMON_DRIVER_FEATURE_SELECT) = 0;
	*reg32(v, COMMON_DRIVER_FEATURE) = (uint32_t)v->features;
	*reg32(v, COMMON_DRIVER_FEATURE_SELECT) = 1;
	*reg32(v, COMMON_DRIVER_FEATURE) = (uint32_t)(v->features >> 32);
	*reg8(v, COMMON_STATUS) = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
	return *reg8(v, COMMON_STATUS) & STATUS_FEATURES_OK ? 0 : -SK_E_IO;
}

int virtio_init(struct virtio *v, uint32_t index, uint64_t want)
{
	int rc;

	memset(v, 0, sizeof(*v));
	v->dev = &((const struct domain_info *)DOMAIN_INFO_VADDR)->dev[index];
	v->io_space = DOMAIN_CAP_IOSPACE(index);
	areas_find(v);
	if (!v->common || !v->notify || !v->config)
		return -SK_E_NOT_FOUND;
	rc = reset(v);
	return rc ? rc : negotiate(v, want);
}

static int queue_memory(struct virtio *v, struct virtio_queue *q, size_t bytes)
{
	uint32_t order = SK_PAGE_ORDER;

	while (1ull << order < bytes)
		order++;
	if (q->mem && order <= q->order) {
		memset(q->mem, 0, bytes);
		return 0;
	}
	q->order = order;
	return dma_alloc(v->io_space, order, &q->mem, &q->addr);
}

int virtio_queue_make(struct virtio *v, struct virtio_queue *q, uint16_t index,
	uint16_t max_size, uint16_t vector)
{
	size_t avail_at, used_at, bytes;
	uint16_t size, notify_off;
	int rc;

	*reg16(v, COMMON_QUEUE_SELECT) = index;
	size = *reg16(v, COMMON_QUEUE_SIZE);
	if (size == 0 || size & (size - 1))
		return -SK_E_NOT_FOUND;
	size = size < max_size ? size : max_size;
	notify_off = *reg16(v, COMMON_QUEUE_NOTIFY_OFF);
	if ((uint64_t)notify_off * v->notify_mult + 2 > v->notify_size)
		return -SK_E_IO;
	bytes = virtq_bytes(size, &avail_at, &used_at);
	rc = queue_memory(v, q, bytes);
	if (rc)
		return rc;
	virtq_init(&q->q, size, q->mem, v->features & VIRTIO_F_EVENT_IDX);
	q->index = index;
	q->doorbell = (volatile uint16_t *)(v->notify + (size_t)notify_off * v->notify_mult);
	*reg16(v, COMMON_QUEUE_SIZE) = size;
	*reg16(v, COMMON_QUEUE_VECTOR) = vector;
	if (*reg16(v, COMMON_QUEUE_VECTOR) != vector)
		return -SK_E_IO;
	put64(v, COMMON_QUEUE_DESC, q->addr);
	put64(v, COMMON_QUEUE_AVAIL, q->addr + avail_at);
	put64(v, COMMON_QUEUE_USED, q->addr + used_at);
	*reg16(v, COMMON_QUEUE_ENABLE) = 1;
	return 0;
}

void virtio_start(struct virtio *v) { *reg8(v, COMMON_STATUS) |= STATUS_DRIVER_OK; }

void virtio_queue_kick(struct virtio_queue *q)
{
	if (virtq_kick(&q->q))
		*q->doorbell = q->index;
}

bool virtio_failed(const struct virtio *v)
{
	uint8_t status = *reg8(v, COMMON_STATUS);

	return status & STATUS_NEEDS_RESET || !(status & STATUS_DRIVER_OK);
}

/* Read with one access of the field's own width, or with two for 64 bits (4.1.3.1). */
static uint64_t config_field(const struct virtio *v, uint32_t off, uint32_t size)
{
	switch (size) {
	case 1:
		return v->config[off];
	case 2:
		return *(volatile uint16_t *)(v->config + off);
	case 4:
		return *(volatile uint32_t *)(v->config + off);
	default:
		return *(volatile uint32_t *)(v->config + off) |
		       (uint64_t) * (volatile uint32_t *)(v->config + off + 4) << 32;
	}
}

uint64_t virtio_config_read(const struct virtio *v, uint32_t off, uint32_t size)
{
	uint64_t value;
	uint8_t generation;

	if (off > v->config_size || size > v->config_size - off)
		return 0;
	do {
		generation = *reg8(v, COMMON_GENERATION);
		value = config_field(v, off, size);
	} while (generation != *reg8(v, COMMON_GENERATION));
	return value;
}

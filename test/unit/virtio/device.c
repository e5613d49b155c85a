/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - a virtio device for a driver under test, in place of libs/virtio/virtio.c and
 * libs/dma
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "dma/dma.h"
#include "virtio/virtio.h"
#include "world/world.h"

struct device device;

enum { MAPS = 256 };
static struct {
	uint8_t *mem;
	uint64_t size;
} maps[MAPS];
static struct virtio_queue *queues[DEVICE_QUEUES];
static uint16_t taken[DEVICE_QUEUES], noted[DEVICE_QUEUES];
static bool started;

static void map_add(uint8_t *mem, uint64_t size)
{
	for (unsigned int i = 0; i < MAPS; i++) {
		if (maps[i].mem)
			continue;
		maps[i].mem = mem;
		maps[i].size = size;
		return;
	}
	abort();
}

static bool mapped(const uint8_t *at, uint64_t len)
{
	for (unsigned int i = 0; i < MAPS; i++)
		if (maps[i].mem && at >= maps[i].mem && len <= maps[i].size &&
			(uint64_t)(at - maps[i].mem) <= maps[i].size - len)
			return true;
	return false;
}

int dma_map(sk_cap_t space, sk_cap_t frame, uint64_t offset, uint32_t order, uint32_t rights,
	struct dma_map *out)
{
	uint8_t *mem = world_frame(frame);

	(void)space, (void)rights;
	map_add(mem + offset, 1ull << order);
	*out = (struct dma_map){ .addr = (uint64_t)mem, .frame = frame, .order = order };
	device.n_mapped++;
	return 0;
}

void dma_unmap(struct dma_map *m)
{
	for (unsigned int i = 0; i < MAPS; i++)
		if (maps[i].mem == (uint8_t *)m->addr)
			maps[i].mem = NULL;
	device.n_mapped--;
}

int dma_alloc(sk_cap_t space, uint32_t order, void **virt, uint64_t *addr)
{
	(void)space;
	*virt = aligned_alloc(4096, 1ull << order);
	memset(*virt, 0, 1ull << order);
	map_add(*virt, 1ull << order);
	*addr = (uint64_t)*virt;
	return 0;
}

int virtio_init(struct virtio *v, uint32_t index, uint64_t want)
{
	(void)index;
	memset(v, 0, sizeof(*v));
	v->features = device.features & want;
	device.n_restarts += started;
	return 0;
}

int virtio_queue_make(struct virtio *v, struct virtio_queue *q, uint16_t index,
	uint16_t max_size, uint16_t vector)
{
	uint16_t size = device.queue_size && device.queue_size < max_size ? device.queue_size
									  : max_size;
	size_t avail, used, bytes = virtq_bytes(size, &avail, &used);

	(void)v, (void)vector;
	if (!q->mem)
		q->mem = aligned_alloc(4096, (bytes + 4095) & ~4095ull);
	memset(q->mem, 0, bytes);
	virtq_init(&q->q, size, q->mem, true);
	queues[index] = q;
	taken[index] = noted[index] = 0;
	return 0;
}

void virtio_start(struct virtio *v)
{
	(void)v;
	started = true;
}

bool virtio_failed(const struct virtio *v)
{
	(void)v;
	return device.failed;
}

void virtio_queue_kick(struct virtio_queue *q) { (void)virtq_kick(&q->q); }

uint64_t virtio_config_read(const struct virtio *v, uint32_t off, uint32_t size)
{
	uint64_t value = 0;

	(void)v;
	memcpy(&value, device.config + off, size);
	return value;
}

bool device_take(unsigned int q, struct chain *c)
{
	struct virtq *vq = &queues[q]->q;
	uint16_t at;

	if (taken[q] == vq->avail->idx)
		return false;
	at = vq->avail->ring[taken[q]++ % vq->size];
	*c = (struct chain){ .id = at };
	for (;;) {
		volatile struct virtq_desc *d = &vq->desc[at];

		if (c->n == CHAIN_MAX || !mapped((uint8_t *)d->addr, d->len))
			/* the driver lets the device reach memory that is not mapped for it */
			abort();
		c->buf[c->n].at = (uint8_t *)d->addr;
		c->buf[c->n].len = d->len;
		c->buf[c->n++].writable = d->flags & 2;
		if (!(d->flags & 1))
			return true;
		at = d->next;
	}
}

void device_give(unsigned int q, uint32_t id, uint32_t len)
{
	struct virtq *vq = &queues[q]->q;

	vq->used->ring[vq->used->idx % vq->size].id = id;
	vq->used->ring[vq->used->idx % vq->size].len = len;
	vq->used->idx++;
}

bool device_interrupts(unsigned int q)
{
	struct virtq *vq = &queues[q]->q;
	uint16_t new = vq->used->idx, old = noted[q];

	noted[q] = new;
	return (uint16_t)(new - *vq->used_event - 1) < (uint16_t)(new - old);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - virtio-blk: one disk, for its one client storage
 *
 * Objects     slots[]: one for each request in the device's hands, with its header and status
 *             byte in DMA memory. regions[]: data regions of storage's clients, mapped for the
 *             device.
 * Lifecycle   main() resets and sets up the device before the loop. Regions come and go with
 *             storage's calls; those that storage leaves go when its connection is closed,
 *             which waits until the device has nothing of it.
 * Invariants  VIRTIO_BLK1 a region is unmapped only when no slot uses it.
 *             VIRTIO_BLK2 a request is taken only when a slot is free, and when the ring has
 *                         room for the answers to it and to all requests in flight.
 *             VIRTIO_BLK3 a request that is longer than the device takes at once goes to it in
 *                         parts, one after the other.
 * Source      Virtual I/O Device 1.1, 5.2 (block device).
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "caps/caps.h"
#include "dma/dma.h"
#include "proto/blk.h"
#include "request.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "virtio/virtio.h"

enum {
	DEVICE_INDEX = 0,
	/* The highest own bit, because the bits of channels count from 0. */
	IRQ_BIT = 21,
	/* With three descriptors for a request, BLK_DEPTH of them fit. */
	QUEUE_SIZE = 256,
	/* How often the driver looks after its device, and how long that may be silent. */
	WATCH_MS = 1000,
	SILENT_S = 30,
	/*
	 * Of so many requests in the device's hands, one interrupt for a quarter, but for
	 * BATCH_MAX at most; none waits longer than that for its answer.
	 */
	BATCH_FROM = 8,
	BATCH_MAX = 8,
	BATCH_US = 50,
};

/* Feature bits. */
enum {
	F_SIZE_MAX = 1 << 1,
	F_SEG_MAX = 1 << 2,
	F_RO = 1 << 5,
	F_BLK_SIZE = 1 << 6,
	F_FLUSH = 1 << 9,
};

/* Offsets in the device's configuration. */
enum {
	CONFIG_CAPACITY = 0,
	CONFIG_SIZE_MAX = 8,
	CONFIG_SEG_MAX = 12,
	CONFIG_BLK_SIZE = 20,
};

/* Types of requests. */
enum {
	TYPE_IN = 0,
	TYPE_OUT = 1,
	TYPE_FLUSH = 4,
};

/*
 * The device sees this of a request besides its data: a header that it reads, and a status byte
 * that it writes. A descriptor is for one direction only, so a request takes at least two:
 * header, data if there are any, status.
 */
struct dma_request {
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t status;
	uint8_t pad[15];
};

struct slot {
	struct blk_req q;
	/* Bytes of the request that are done, and bytes of the part that the device has. */
	uint64_t done;
	uint32_t part;
	bool busy;
	/* It waits for descriptors, because a small queue is full. */
	bool waiting;
	/* A write with BLK_FUA: its data are written, and a flush is under way. */
	bool flushing;
};

struct region {
	struct dma_map map;
	uint64_t size;
	uint32_t in_flight;
	bool used;
};

static struct virtio dev;
static struct virtio_queue queue;
static struct disk disk;
static struct dma_request *dma_reqs;
static uint64_t dma_reqs_addr;
static struct slot slots[BLK_DEPTH];
/* Where the search for a free one begins; it wraps. */
static unsigned int slot_next;
static struct region regions[BLK_REGIONS];
static struct svc_conn *client, *closing;
static uint32_t n_busy, n_waiting;
/* The client has more requests than there are slots. */
static bool full;
static void device_watch(void *ctx);
static struct svc_timer watch = { .fn = device_watch };
static void irq_event(void *ctx);
/* Looks for finished requests of a batch that is not full. */
static struct svc_timer late = { .fn = irq_event };
/* Seconds for which the device has had requests, and finished none. */
static uint32_t quiet;

static int respond(const struct blk_req *q, int status, uint32_t flags, uint64_t result)
{
	struct blk_rsp rsp = { q->id, status, flags, result };

	return svc_respond(client, &rsp, sizeof(rsp));
}

/* Most requests end in their order, so the slots after the last one are free first. */
static struct slot *slot_free_find(void)
{
	for (unsigned int i = 0; i < BLK_DEPTH; i++) {
		struct slot *s = &slots[slot_next++ % BLK_DEPTH];

		if (!s->busy)
			return s;
	}
	return NULL;
}

static bool moves_data(const struct blk_req *q)
{
	return q->op == BLK_READ || q->op == BLK_WRITE;
}

/* Hand the slot's request or flush to the device, or let it wait until descriptors are free. */
static void slot_submit(struct slot *s)
{
	unsigned int i = (unsigned int)(s - slots), n = 0;
	uint64_t at = dma_reqs_addr + i * sizeof(struct dma_request);
	bool data = moves_data(&s->q) && !s->flushing;
	struct virtq_buf bufs[2 + SEGMENTS_MAX];

	dma_reqs[i].type = data ? s->q.op == BLK_READ ? TYPE_IN : TYPE_OUT : TYPE_FLUSH;
	dma_reqs[i].reserved = 0;
	dma_reqs[i].sector = data ? s->q.sector + s->done / BLK_SECTOR : 0;
	dma_reqs[i].status = 0xff;
	bufs[n++] = (struct virtq_buf){ at, offsetof(struct dma_request, status), false };
	s->part = data ? request_part(&disk, s->q.length - s->done) : 0; /* VIRTIO_BLK3 */
	n += request_segments(&disk, regions[s->q.region].map.addr + s->q.offset + s->done,
		s->part, s->q.op == BLK_READ, bufs + n);
	bufs[n++] = (struct virtq_buf){ at + offsetof(struct dma_request, status), 1, true };
	s->waiting = virtq_add(&queue.q, bufs, n, s) != 0;
	n_waiting += s->waiting;
}

static void waiting_submit(void)
{
	unsigned int n = n_waiting;

	n_waiting = 0;
	for (unsigned int i = 0; i < BLK_DEPTH && n; i++) {
		if (!slots[i].waiting)
			continue;
		slot_submit(&slots[i]);
		n--;
	}
}

static uint64_t region_size(uint32_t number)
{
	return number < BLK_REGIONS && regions[number].used ? regions[number].size : 0;
}

/* VIRTIO_BLK1: nothing is in flight. The next storage adds its regions itself. */
static void regions_drop(void)
{
	for (uint32_t i = 0; i < BLK_REGIONS; i++) {
		if (regions[i].used)
			dma_unmap(&regions[i].map);
		regions[i].used = false;
	}
}

static int request_serve(const struct blk_req *q)
{
	struct slot *s;
	int rc = request_check(&disk, q, region_size(q->region));

	if (rc)
		return respond(q, rc, 0, 0);
	if (q->op == BLK_INFO)
		return respond(q, 0,
			disk.read_only * BLK_READ_ONLY | BLK_HAS_FLUSH |
				blk_block_info(disk.block),
			disk.sectors);
	if (q->op == BLK_FLUSH && !disk.flush) /* the device writes through */
		return respond(q, 0, 0, 0);
	s = slot_free_find();
	if (!s)
		return -SK_E_PEER; /* cannot happen: VIRTIO_BLK2 */
	*s = (struct slot){ .q = *q, .busy = true };
	slot_submit(s);
	n_busy++;
	if (moves_data(q))
		regions[q->region].in_flight++;
	return 0;
}

static int client_event(struct svc_conn *c)
{
	struct blk_req q;
	int rc = 0;

	while (rc == 0 && n_busy < BLK_DEPTH &&
		svc_room(c, sizeof(struct blk_rsp), n_busy + 1)) {
		rc = svc_get(c, &q, sizeof(q)); /* VIRTIO_BLK2 */
		if (rc >= 0)
			rc = rc == sizeof(q) ? request_serve(&q) : -SK_E_PEER;
	}
	full = n_busy == BLK_DEPTH;
	virtio_queue_kick(&queue);
	return rc;
}

/* The request needs more: its rest, or the flush that makes it FUA. */
static bool slot_goes_on(struct slot *s)
{
	if (!moves_data(&s->q) || s->flushing)
		return false;
	s->done += s->part;
	if (s->done < s->q.length)
		return true;
	s->flushing = s->q.op == BLK_WRITE && s->q.flags & BLK_FUA && disk.flush;
	return s->flushing;
}

static void slot_finish(struct slot *s)
{
	unsigned int i = (unsigned int)(s - slots);
	uint8_t status = *(volatile uint8_t *)&dma_reqs[i].status;

	quiet = 0;
	if (status == 0 && slot_goes_on(s)) {
		slot_submit(s);
		return;
	}
	if (moves_data(&s->q))
		regions[s->q.region].in_flight--;
	s->busy = false;
	n_busy--;
	if (client && respond(&s->q, status == 0 ? 0 : -SK_E_IO, 0, 0))
		svc_conn_kill(client, "writes nonsense into its ring");
	if (closing && n_busy == 0) {
		struct svc_conn *c = closing;

		closing = NULL;
		regions_drop();
		svc_closed(c, 0);
	}
}

/* How many more requests finish before the device interrupts. */
static uint16_t batch(void)
{
	uint32_t n = n_busy / 4;

	if (n_busy < BATCH_FROM || n_waiting)
		return 1;
	return (uint16_t)(n < BATCH_MAX ? n : BATCH_MAX);
}

static void irq_event(void *ctx)
{
	uint32_t len;
	void *token;
	int rc;

	(void)ctx;
	do {
		while ((rc = virtq_get(&queue.q, &token, &len)) == 0)
			slot_finish(token);
		if (rc == -SK_E_IO) {
			/* nothing that it says can be trusted before it is reset */
			printf("the device returned a request that it does not have\n");
			exit(1);
		}
		waiting_submit();
	} while (virtq_idle_after(&queue.q, batch()));
	svc_timer_set(&late, batch() > 1 ? svc_in_us(BATCH_US) : SK_NO_DEADLINE);
	virtio_queue_kick(&queue);
	if (full && n_busy < BLK_DEPTH && client)
		svc_resume(client);
}

/* The device is gone, says that it has failed, or has not done anything for too long. */
static void device_watch(void *ctx)
{
	(void)ctx;
	quiet = n_busy ? quiet + 1 : 0;
	if (virtio_failed(&dev) || quiet > SILENT_S) {
		printf("the device %s\n", quiet > SILENT_S ? "does not answer" : "has failed");
		exit(1);
	}
	svc_timer_set(&watch, svc_in_ms(WATCH_MS));
}

static int region_map(struct region *r, uint64_t size, sk_cap_t frame)
{
	struct sk_cap_info info;
	int rc = (int)sk_cap_info(SK_CAP_CNODE, frame, &info);

	if (rc)
		return rc;
	if (info.type != SK_OBJ_FRAME || size > info.size)
		return -SK_E_INVAL;
	rc = dma_map(dev.io_space, frame, 0, info.order, SK_R | SK_W, &r->map);
	if (rc)
		return rc;
	r->size = size;
	r->in_flight = 0;
	r->used = true;
	return 0;
}

/* The capabilities of a call are ours to drop, because dma_map() keeps a copy of its own. */
static int region_add(uint64_t size, uint64_t number, struct svc_caps *caps)
{
	int rc = 0;

	if (number >= BLK_REGIONS)
		rc = -SK_E_RANGE;
	else if (regions[number].used)
		rc = -SK_E_EXISTS;
	else if (caps->n_in != 1)
		rc = -SK_E_CAP;
	if (!rc)
		rc = region_map(&regions[number], size, caps->in[0]);
	for (uint32_t i = 0; i < caps->n_in; i++)
		cap_drop(caps->in[i]);
	return rc;
}

static int region_del(uint64_t number)
{
	if (number >= BLK_REGIONS || !regions[number].used)
		return -SK_E_NOT_FOUND;
	if (regions[number].in_flight) /* VIRTIO_BLK1 */
		return -SK_E_BUSY;
	dma_unmap(&regions[number].map);
	regions[number].used = false;
	return 0;
}

static int driver_call(
	uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps)
{
	uint64_t a = *n_mr > 0 ? mr[0] : 0, b = *n_mr > 1 ? mr[1] : 0;

	(void)badge;
	*n_mr = 1;
	if (label == BLK_REGION_ADD)
		return region_add(a, b, caps);
	for (uint32_t i = 0; i < caps->n_in; i++)
		cap_drop(caps->in[i]);
	return label == BLK_REGION_DEL ? region_del(a) : -SK_E_NO_SYS;
}

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	(void)params;
	(void)params_len;
	if (client || closing)
		return -SK_E_BUSY;
	client = c;
	result[0] = disk.sectors;
	return 0;
}

static int client_close(struct svc_conn *c)
{
	if (client == c)
		client = NULL;
	if (n_busy == 0) {
		regions_drop();
		return 0;
	}
	closing = c;
	return -SK_E_AGAIN;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_BLK,
	.open = client_open,
	.event = client_event,
	.close = client_close,
	.call = driver_call,
};

/*
 * 5.2.4: size_max limits each segment, and seg_max their number; without seg_max only one
 * segment is safe (5.2.5).
 */
static void limits_read(void)
{
	uint32_t seg_max = dev.features & F_SEG_MAX
				   ? (uint32_t)virtio_config_read(&dev, CONFIG_SEG_MAX, 4)
				   : 1;
	uint32_t most = queue.q.size - 2u; /* header and status are descriptors too */

	disk.segment_bytes = BLK_BYTES_MAX;
	if (dev.features & F_SIZE_MAX)
		disk.segment_bytes = (uint32_t)virtio_config_read(&dev, CONFIG_SIZE_MAX, 4);
	if (disk.segment_bytes > BLK_BYTES_MAX)
		disk.segment_bytes = BLK_BYTES_MAX;
	disk.segment_bytes &= ~(disk.block - 1);
	most = most < SEGMENTS_MAX ? most : SEGMENTS_MAX;
	disk.n_segments = seg_max < most ? seg_max : most;
}

static int disk_read(void)
{
	disk.block = dev.features & F_BLK_SIZE
			     ? (uint32_t)virtio_config_read(&dev, CONFIG_BLK_SIZE, 4)
			     : BLK_SECTOR;
	if (!blk_block_legal(disk.block) || queue.q.size < 4) {
		printf("blocks of %u bytes, a queue of %u: not supported\n",
			(unsigned int)disk.block, (unsigned int)queue.q.size);
		return -SK_E_NO_SYS;
	}
	disk.sectors = virtio_config_read(&dev, CONFIG_CAPACITY, 8);
	disk.sectors -= disk.sectors % (disk.block / BLK_SECTOR);
	disk.read_only = dev.features & F_RO;
	disk.flush = dev.features & F_FLUSH;
	limits_read();
	if (disk.segment_bytes && disk.n_segments)
		return 0;
	printf("takes less than a block at once: not supported\n");
	return -SK_E_NO_SYS;
}

static int device_start(void)
{
	const uint64_t want = F_SIZE_MAX | F_SEG_MAX | F_RO | F_BLK_SIZE | F_FLUSH |
			      VIRTIO_F_EVENT_IDX;
	void *mem;
	int rc = virtio_init(&dev, DEVICE_INDEX, want);

	if (rc)
		return rc;
	rc = dma_alloc(dev.io_space, SK_PAGE_ORDER, &mem, &dma_reqs_addr);
	if (rc)
		return rc;
	dma_reqs = mem;
	rc = svc_on_irq(DEVICE_INDEX, 0, IRQ_BIT, irq_event);
	if (rc)
		return rc;
	rc = virtio_queue_make(&dev, &queue, 0, QUEUE_SIZE, 0);
	if (rc)
		return rc;
	rc = disk_read();
	if (rc)
		return rc;
	virtio_start(&dev);
	(void)virtq_idle(&queue.q); /* ask for the first interrupt; nothing is queued yet */
	return 0;
}
_Static_assert(sizeof(struct dma_request) * BLK_DEPTH <= SK_PAGE_SIZE, "fit one page");

int main(void)
{
	int rc = device_start();

	if (rc) {
		printf("cannot start the disk: %s\n", sk_error_text(rc));
		return 1;
	}
	printf("%llu MiB%s\n", (unsigned long long)(disk.sectors >> 11),
		disk.read_only ? ", read-only" : "");
	device_watch(NULL);
	rc = svc_serve(&service);
	return rc ? rc : svc_run();
}

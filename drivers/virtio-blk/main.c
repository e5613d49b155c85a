/*
 * main.c - virtio-blk: one disk, for its one client storage
 *
 * Objects     slots[]: one for each request in the device's hands, with its header and status byte in DMA
 *             memory.  regions[]: data regions of storage's clients, mapped for the device.
 * Lifecycle   device set up in main() before the loop; regions come and go with storage's calls.
 * Invariants  B1 a region is unmapped only when no slot uses it.  B2 at most BLK_DEPTH requests are out:
 *             one more is a breach and costs the client its connection.
 * Source      Virtual I/O Device 1.1, 5.2 (block device).
 */
#include <stdio.h>
#include <string.h>

#include "caps/caps.h"
#include "dma/dma.h"
#include "proto/blk.h"
#include "request.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "virtio/virtio.h"

enum {
	DEVICE_INDEX = 0,
	IRQ_BIT = 23, /* channels count from 0 */
	REGIONS_MAX = 128,
	QUEUE_SIZE = 256, /* three descriptors a request: BLK_DEPTH fit */
	F_SIZE_MAX = 1 << 1,
	F_RO = 1 << 5,
	F_FLUSH = 1 << 9,
	CONFIG_CAPACITY = 0,
	CONFIG_SIZE_MAX = 8,
	TYPE_IN = 0,
	TYPE_OUT = 1,
	TYPE_FLUSH = 4,
	MAX_BYTES = 4 << 20,
};

struct dma_request { /* seen by the device: header, then the status byte */
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t status;
	uint8_t pad[15];
};

struct slot {
	struct blk_req q;
	bool busy;
	bool waiting;  /* for descriptors: a small queue is full */
	bool flushing; /* a write with BLK_FUA whose data are written, now flushed */
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
static struct region regions[REGIONS_MAX];
static struct svc_conn *client, *closing;
static uint32_t n_busy, n_waiting;

static int respond(const struct blk_req *q, int status, uint32_t flags, uint64_t result)
{
	struct blk_rsp rsp = { q->id, status, flags, result };

	return svc_send(client, false, &rsp, sizeof(rsp));
}

static struct slot *slot_free_find(void)
{
	for (unsigned int i = 0; i < BLK_DEPTH; i++)
		if (!slots[i].busy)
			return &slots[i];
	return NULL;
}

static bool moves_data(const struct blk_req *q)
{
	return q->op == BLK_READ || q->op == BLK_WRITE;
}

/* Hand the slot's request, or its flush, to the device, or let it wait until descriptors come free. */
static void slot_submit(struct slot *s)
{
	unsigned int i = (unsigned int)(s - slots), n = 0;
	uint64_t at = dma_reqs_addr + i * sizeof(struct dma_request);
	bool data = moves_data(&s->q) && !s->flushing;
	struct virtq_buf bufs[3];

	dma_reqs[i].type = data ? s->q.op == BLK_READ ? TYPE_IN : TYPE_OUT : TYPE_FLUSH;
	dma_reqs[i].reserved = 0;
	dma_reqs[i].sector = data ? s->q.sector : 0;
	dma_reqs[i].status = 0xff;
	bufs[n++] = (struct virtq_buf){ at, 16, false };
	if (data)
		bufs[n++] = (struct virtq_buf){ regions[s->q.region].map.addr + s->q.offset,
			(uint32_t)s->q.length, s->q.op == BLK_READ };
	bufs[n++] = (struct virtq_buf){ at + 16, 1, true };
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
	return number < REGIONS_MAX && regions[number].used ? regions[number].size : 0;
}

static int request_serve(const struct blk_req *q)
{
	struct slot *s;
	int rc = blk_req_check(&disk, q, region_size(q->region));

	if (rc)
		return respond(q, rc, 0, 0);
	if (q->op == BLK_INFO)
		return respond(
			q, 0, disk.read_only * BLK_READ_ONLY | BLK_HAS_FLUSH, disk.sectors);
	if (q->op == BLK_FLUSH && !disk.flush) /* the device writes through */
		return respond(q, 0, 0, 0);
	s = slot_free_find();
	if (!s)
		return -SK_E_PEER; /* B2 */
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
	int rc;

	while ((rc = ring_get(&c->req, &q, sizeof(q))) >= 0) {
		rc = rc == sizeof(q) ? request_serve(&q) : -SK_E_PEER;
		if (rc)
			break;
	}
	virtio_queue_kick(&queue);
	return rc == -SK_E_AGAIN ? 0 : -SK_E_PEER;
}

static void slot_finish(struct slot *s)
{
	unsigned int i = (unsigned int)(s - slots);
	uint8_t status = *(volatile uint8_t *)&dma_reqs[i].status;

	if (status == 0 && s->q.op == BLK_WRITE && s->q.flags & BLK_FUA && disk.flush &&
		!s->flushing) {
		s->flushing = true;
		slot_submit(s);
		return;
	}
	if (moves_data(&s->q))
		regions[s->q.region].in_flight--;
	s->busy = false;
	n_busy--;
	/* The ring holds BLK_DEPTH responses: it has room unless the client broke its credit. */
	if (client && respond(&s->q, status == 0 ? 0 : -SK_E_IO, 0, 0))
		conn_kill(client, "responses not taken");
	if (closing && n_busy == 0) {
		struct svc_conn *c = closing;

		closing = NULL;
		svc_closed(c, 0);
	}
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
			printf("the device returned a request that it does not have\n");
			break;
		}
		waiting_submit();
	} while (virtq_idle(&queue.q));
	virtio_queue_kick(&queue);
}

static int region_add(const uint64_t *mr, struct svc_caps *caps, uint64_t *number)
{
	struct sk_cap_info info;
	struct region *r = NULL;
	int rc;

	for (unsigned int i = 0; i < REGIONS_MAX && !r; i++)
		if (!regions[i].used)
			r = &regions[i];
	if (!r)
		return -SK_E_LIMIT;
	if (caps->n_in != 1)
		return -SK_E_CAP;
	rc = (int)sk_cap_info(SK_CAP_CNODE, caps->in[0], &info);
	if (rc)
		return rc;
	if (info.type != SK_OBJ_FRAME || mr[0] > info.size)
		return -SK_E_INVAL;
	rc = dma_map(dev.io_space, caps->in[0], 0, info.order, SK_R | SK_W, &r->map);
	cap_drop(caps->in[0]); /* dma_map keeps a copy of its own */
	if (rc)
		return rc;
	r->size = mr[0];
	r->in_flight = 0;
	r->used = true;
	*number = (uint64_t)(r - regions);
	return 0;
}

static int region_del(uint64_t number)
{
	if (number >= REGIONS_MAX || !regions[number].used)
		return -SK_E_NOT_FOUND;
	if (regions[number].in_flight) /* B1 */
		return -SK_E_BUSY;
	dma_unmap(&regions[number].map);
	regions[number].used = false;
	return 0;
}

static int driver_call(
	uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps)
{
	(void)badge;
	*n_mr = 2;
	switch (label) {
	case BLK_REGION_ADD:
		return region_add(mr, caps, &mr[1]);
	case BLK_REGION_DEL:
		return region_del(mr[0]);
	default:
		return -SK_E_NO_SYS;
	}
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
	if (n_busy == 0)
		return 0;
	closing = c;
	return -SK_E_AGAIN;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_BLK,
	.version = 1,
	.open = client_open,
	.event = client_event,
	.close = client_close,
	.call = driver_call,
};

static int device_start(void)
{
	const uint64_t want = F_SIZE_MAX | F_RO | F_FLUSH | VIRTIO_F_EVENT_IDX;
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
	disk.sectors = virtio_config_read(&dev, CONFIG_CAPACITY, 8);
	disk.read_only = dev.features & F_RO;
	disk.flush = dev.features & F_FLUSH;
	disk.max_bytes = dev.features & F_SIZE_MAX
				 ? (uint32_t)virtio_config_read(&dev, CONFIG_SIZE_MAX, 4)
				 : MAX_BYTES;
	if (disk.max_bytes > MAX_BYTES)
		disk.max_bytes = MAX_BYTES;
	virtio_start(&dev);
	(void)virtq_idle(&queue.q); /* ask for the first interrupt; nothing is queued yet */
	return 0;
}
_Static_assert(sizeof(struct dma_request) * BLK_DEPTH <= SK_PAGE_SIZE, "fit one page");

int main(void)
{
	int rc = device_start();

	if (rc) {
		printf("cannot start the disk: error %d\n", -rc);
		return 1;
	}
	printf("%llu MiB%s\n", (unsigned long long)(disk.sectors >> 11),
		disk.read_only ? ", read-only" : "");
	rc = svc_serve(&service);
	return rc ? rc : svc_run();
}

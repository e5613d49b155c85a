/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - virtio-net: one network card, for its one client network
 *
 * Objects     tx, rx: one slot for each buffer that the device has or is about to get, with its
 *             header in DMA memory. A device with a small queue takes the buffers in order, as
 *             descriptors become free.
 * Lifecycle   main() sets up the device; the client's data region is mapped for DMA from open
 *             to close.
 * Invariants  VIRTIO_NET1 at most NET_DEPTH buffers each way; one more is a breach.
 *             VIRTIO_NET2 a closed connection's region is unmapped only after the device was
 *                         reset, because posted buffers do not come back by themselves.
 *             VIRTIO_NET3 a request is taken only when the ring has room for the answers to it
 *                         and to all buffers in flight.
 * Source      Virtual I/O Device 1.1, 5.1 (network device).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "caps/caps.h"
#include "dma/dma.h"
#include "frame.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "virtio/virtio.h"

enum {
	DEVICE_INDEX = 0,
	/* The highest own bit, because the bits of channels count from 0. */
	IRQ_BIT = 21,
	QUEUE_RX = 0,
	QUEUE_TX = 1,
	/* A buffer needs two descriptors. */
	QUEUE_SIZE = 256,
	/* How often the driver looks after its device, and how long that may be silent. */
	WATCH_MS = 1000,
	SILENT_S = 30,
	F_CSUM = 1 << 0,
	F_GUEST_CSUM = 1 << 1,
	F_MAC = 1 << 5,
	F_HOST_TSO4 = 1 << 11,
	F_HOST_TSO6 = 1 << 12,
	F_STATUS = 1 << 16,
	CONFIG_MAC = 0,
	CONFIG_STATUS = 6,
	HEADER_ROOM = 16,
	/* Sent frames that are taken back at once, without an interrupt for each. */
	TX_BATCH = NET_DEPTH / 2,
	/* With fewer buffers for frames, the card wants to have each new one at once. */
	RX_FEW = NET_DEPTH / 4,
};

struct slot {
	struct net_desc d;
};
struct side {
	struct virtio_queue queue;
	struct slot slot[NET_DEPTH];
	/* The headers are HEADER_ROOM bytes apart. */
	struct frame_header *header;
	uint64_t header_addr;
	uint32_t n_busy;
	/* Numbers of the free slots: the last NET_DEPTH - n_busy. */
	uint8_t free[NET_DEPTH];
	/* Slots that wait for descriptors, in order. */
	struct slot *waiting[NET_DEPTH];
	uint32_t wait_head, n_waiting;
};

static struct virtio dev;
static struct side rx, tx;
static struct svc_conn *client;
static struct dma_map region;
static uint16_t offloads;
static uint64_t mac;
static void device_watch(void *ctx);
static struct svc_timer watch = { .fn = device_watch };
/* Seconds for which the card has had frames to send, and sent none. */
static uint32_t quiet;

static struct frame_header *header_of(struct side *s, unsigned int i)
{
	return (struct frame_header *)((uint8_t *)s->header + i * HEADER_ROOM);
}

static struct slot *slot_take(struct side *s, const struct net_desc *d)
{
	struct slot *slot;

	if (s->n_busy == NET_DEPTH)
		return NULL;
	slot = &s->slot[s->free[s->n_busy++]];
	slot->d = *d;
	return slot;
}

static void slot_done(struct side *s, struct slot *slot)
{
	s->free[--s->n_busy] = (uint8_t)(slot - s->slot);
}

static void side_empty(struct side *s)
{
	for (uint32_t i = 0; i < NET_DEPTH; i++)
		s->free[i] = (uint8_t)i;
	s->n_busy = s->n_waiting = 0;
}
_Static_assert(NET_DEPTH <= 256, "the number of a slot fits a byte");

/* -SK_E_AGAIN: no descriptors are free. */
static int slot_submit(struct side *s, struct slot *slot)
{
	const struct net_desc *d = &slot->d;
	bool device_writes = s == &rx;
	unsigned int i = (unsigned int)(slot - s->slot);
	struct virtq_buf bufs[2];

	*header_of(s, i) = device_writes ? (struct frame_header){ 0 } : frame_to_device(d);
	bufs[0] = (struct virtq_buf){ s->header_addr + i * HEADER_ROOM,
		sizeof(struct frame_header), device_writes };
	bufs[1] = (struct virtq_buf){ region.addr + d->offset, d->length, device_writes };
	return virtq_add(&s->queue.q, bufs, 2, slot);
}

static void waiting_submit(struct side *s)
{
	while (s->n_waiting && slot_submit(s, s->waiting[s->wait_head]) == 0) {
		s->wait_head = (s->wait_head + 1) % NET_DEPTH;
		s->n_waiting--;
	}
}

/* -SK_E_PEER: more buffers than the credit allows (VIRTIO_NET1). */
static int buffer_give(struct side *s, const struct net_desc *d)
{
	struct slot *slot = slot_take(s, d);

	if (!slot)
		return -SK_E_PEER;
	s->waiting[(s->wait_head + s->n_waiting++) % NET_DEPTH] = slot;
	waiting_submit(s);
	return 0;
}

static void answered(int rc)
{
	if (rc)
		svc_conn_kill(client, "writes nonsense into its ring");
}

static void respond(const struct net_desc *d)
{
	if (client)
		answered(ring_put(&client->rsp, d, sizeof(*d)));
}

/* Give the buffer back unused, with an error. */
static void refuse(const struct net_desc *d)
{
	const struct net_desc no = {
		.op = d->op == NET_TX ? NET_TX_DONE : NET_RX, .id = d->id, .flags = SK_E_INVAL
	};

	respond(&no);
}

static int request_serve(const struct net_desc *d, uint64_t data_size)
{
	int rc = frame_check(d, data_size, offloads);

	if (rc == 0)
		return buffer_give(d->op == NET_TX ? &tx : &rx, d);
	if (rc == -SK_E_INVAL)
		refuse(d);
	return rc == -SK_E_INVAL ? 0 : rc;
}

static void tx_finish(struct slot *s, uint32_t len)
{
	struct net_desc d = { .op = NET_TX_DONE, .id = s->d.id };

	(void)len;
	quiet = 0;
	slot_done(&tx, s);
	if (client)
		answered(ring_put_quiet(&client->rsp, &d, sizeof(d)));
}

static void rx_finish(struct slot *s, uint32_t len)
{
	struct net_desc d = { .op = NET_RX, .id = s->d.id, .offset = s->d.offset };
	struct frame_header h = *header_of(&rx, (unsigned int)(s - rx.slot));
	uint32_t length = len > sizeof(h) ? len - (uint32_t)sizeof(h) : 0;

	slot_done(&rx, s);
	if (frame_from_device(&h, length, &d)) {
		if (buffer_give(&rx, &s->d)) /* the buffer goes back to the device */
			printf("receive buffer lost\n");
		return;
	}
	respond(&d);
}

/*
 * A frame that was sent only gives its buffer back, which can wait until there are many, if no
 * other frame waits for its descriptors.
 */
static uint16_t idle_after(const struct side *s)
{
	return s == &tx && !s->n_waiting ? TX_BATCH : 1;
}

static void patience_set(void)
{
	bool patient = rx.n_busy >= RX_FEW;

	if (client && client->patient && !patient)
		svc_resume(client); /* some may have come quietly */
	if (client)
		client->patient = patient;
}

static void side_finished(struct side *s, void (*finish)(struct slot *s, uint32_t len))
{
	uint32_t len;
	void *token;
	int rc;

	do {
		while ((rc = virtq_get(&s->queue.q, &token, &len)) == 0)
			finish(token, len);
		if (rc == -SK_E_IO) {
			/* nothing that it says can be trusted before it is reset */
			printf("the device returned a buffer that it does not have\n");
			exit(1);
		}
		waiting_submit(s);
	} while (virtq_idle_after(&s->queue.q, idle_after(s)));
	virtio_queue_kick(&s->queue);
}

static int client_event(struct svc_conn *c)
{
	struct net_desc d;
	int rc = 0;

	while (rc == 0 && svc_room(c, sizeof(d), tx.n_busy + rx.n_busy + 1)) { /* VIRTIO_NET3 */
		rc = svc_get(c, &d, sizeof(d));
		if (rc >= 0)
			rc = rc == sizeof(d) ? request_serve(&d, c->data_size) : -SK_E_PEER;
	}
	virtio_queue_kick(&rx.queue);
	side_finished(&tx, tx_finish);
	patience_set();
	return rc;
}

static void irq_event(void *ctx)
{
	(void)ctx;
	side_finished(&tx, tx_finish);
	side_finished(&rx, rx_finish);
	patience_set();
	if (client)
		svc_settle(client);
}

/* The device is gone, says that it has failed, or has not done anything for too long. */
static void device_watch(void *ctx)
{
	(void)ctx;
	side_finished(&tx, tx_finish);
	if (client)
		svc_settle(client);
	quiet = tx.n_busy ? quiet + 1 : 0;
	if (virtio_failed(&dev) || quiet > SILENT_S) {
		printf("the device %s\n", quiet > SILENT_S ? "does not answer" : "has failed");
		exit(1);
	}
	svc_timer_set(&watch, svc_in_ms(WATCH_MS));
}

static int side_init(struct side *s, uint16_t index)
{
	void *mem;

	_Static_assert(NET_DEPTH * HEADER_ROOM <= SK_PAGE_SIZE, "headers fit one page");
	if (!s->header) {
		int rc = dma_alloc(dev.io_space, SK_PAGE_ORDER, &mem, &s->header_addr);

		if (rc)
			return rc;
		s->header = mem;
	}
	return virtio_queue_make(&dev, &s->queue, index, QUEUE_SIZE, 0);
}

static int device_start(void)
{
	const uint64_t want = F_CSUM | F_GUEST_CSUM | F_MAC | F_HOST_TSO4 | F_HOST_TSO6 |
			      F_STATUS | VIRTIO_F_EVENT_IDX;
	int rc = virtio_init(&dev, DEVICE_INDEX, want);

	if (rc)
		return rc;
	rc = side_init(&rx, QUEUE_RX);
	if (rc)
		return rc;
	rc = side_init(&tx, QUEUE_TX);
	if (rc)
		return rc;
	offloads = (uint16_t)((dev.features & F_CSUM ? NET_CSUM_BLANK : 0) |
			      (dev.features & F_HOST_TSO4 ? NET_GSO_TCPV4 : 0) |
			      (dev.features & F_HOST_TSO6 ? NET_GSO_TCPV6 : 0));
	mac = 0;
	for (uint32_t i = 0; i < 6 && dev.features & F_MAC; i++)
		mac |= virtio_config_read(&dev, CONFIG_MAC + i, 1) << 8 * i;
	virtio_start(&dev);
	(void)virtq_idle(&rx.queue.q);
	(void)virtq_idle_after(&tx.queue.q, TX_BATCH);
	return 0;
}

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	struct sk_cap_info info;
	int rc;

	(void)params;
	(void)params_len;
	if (client)
		return -SK_E_BUSY;
	rc = (int)sk_cap_info(SK_CAP_CNODE, c->data_frame, &info);
	if (rc)
		return rc;
	rc = dma_map(dev.io_space, c->data_frame, 0, info.order, SK_R | SK_W, &region);
	if (rc)
		return rc;
	client = c;
	result[0] = mac;
	result[1] = offloads;
	return 0;
}

static int client_close(struct svc_conn *c)
{
	if (client != c)
		return 0;
	client = NULL;
	side_empty(&tx);
	side_empty(&rx);
	/* VIRTIO_NET2: resetting takes all buffers back before the region goes. */
	if (device_start()) {
		printf("the device cannot be reset by its own registers\n");
		exit(1); /* init resets it by other means before it takes the region back */
	}
	dma_unmap(&region);
	return 0;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_NET,
	.min_data = 4096,
	.data_unmapped = true, /* the card reads and writes them, not we */
	.open = client_open,
	.event = client_event,
	.close = client_close,
};

int main(void)
{
	int rc = svc_on_irq(DEVICE_INDEX, 0, IRQ_BIT, irq_event);

	side_empty(&rx);
	side_empty(&tx);
	if (rc == 0)
		rc = device_start();
	if (rc) {
		printf("cannot start the network card: %s\n", sk_error_text(rc));
		return 1;
	}
	printf("%02x:%02x:%02x:%02x:%02x:%02x\n", (int)(mac & 255), (int)(mac >> 8 & 255),
		(int)(mac >> 16 & 255), (int)(mac >> 24 & 255), (int)(mac >> 32 & 255),
		(int)(mac >> 40 & 255));
	device_watch(NULL);
	rc = svc_serve(&service);
	return rc ? rc : svc_run();
}

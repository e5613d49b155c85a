/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback.c - disks: made from the configuration, shown on xenbus, connected to a front end's
 * rings
 *
 * Locks       none: I/O thread.
 * Lifecycle   A disk first asks storage for its size, then shows itself on xenbus. Rings come
 *             and go with front ends. A cdrom drive may be empty: its size is 0 then. With each
 *             change of the medium, the back end writes the size, and its own state once more,
 *             upon which the front end reads the size.
 */
#include "backend/blkback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/xen_domain.h"

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

#include "backend/blk_disk.h"
#include "edge.h"
#include "xen/evtchn_backend.h"

static struct disk *disk_of(struct xb_dev *dev)
{
	return (struct disk *)dev; /* first member */
}

/* ---- what the front end may use ---------------------------------------------------- */

static void medium_write(struct disk *d)
{
	xb_write(&d->dev, "sectors", "%llu", (unsigned long long)d->sectors);
	/* Requests must be multiples of this, but still count in 512-byte sectors. */
	xb_write(&d->dev, "sector-size", "%u", d->block);
	xb_write(&d->dev, "physical-sector-size", "%u", d->block);
}

static void features_write(struct xb_dev *dev)
{
	struct disk *d = disk_of(dev);
	bool read_only = disk_read_only(d);
	bool flush = d->flags & BLK_HAS_FLUSH && !read_only;

	xb_write(dev, "max-ring-page-order", "%u", DISK_RING_ORDER);
	xb_write(dev, "multi-queue-max-queues", "%u",
		xen_dom.p.n_vcpus < DISK_QUEUES ? xen_dom.p.n_vcpus : DISK_QUEUES);
	xb_write(dev, "feature-max-indirect-segments", "%u", BLKIF_SEGMENTS);
	xb_write(dev, "feature-flush-cache", "%u", flush);
	xb_write(dev, "feature-barrier", "%u", flush);
	xb_write(dev, "feature-persistent", "0");
	medium_write(d);
	xb_write(dev, "info", "%u",
		(read_only ? VDISK_READONLY : 0) | (d->cfg.cdrom ? VDISK_CDROM : 0));
}

/* ---- connecting: three steps ------------------------------------------------------- */

/* The first step reads the values on which the names of the others depend. */
static int connect_ask(struct disk *d)
{
	struct disk_offers *o = &d->offers;

	xb_read(&d->dev, &o->protocol, "protocol");
	xb_read(&d->dev, &o->queues, "multi-queue-num-queues");
	xb_read(&d->dev, &o->order, "ring-page-order");
	xb_read(&d->dev, &o->single_ref, "ring-ref");
	return 1;
}

static void queue_ask(struct disk *d, uint32_t i, const char *prefix)
{
	struct disk_offers *o = &d->offers;

	xb_read(&d->dev, &o->queue[i].port, "%sevent-channel", prefix);
	if (!o->order.present) {
		xb_read(&d->dev, &o->queue[i].ref[0], "%sring-ref", prefix);
		return;
	}
	for (uint32_t p = 0; p < d->n_ring_pages; p++)
		xb_read(&d->dev, &o->queue[i].ref[p], "%sring-ref%u", prefix, p);
}

static int layout_choose(struct disk *d)
{
	const struct xb_value *v = &d->offers.protocol;
	const char *protocol = v->present ? v->text : XEN_IO_PROTO_ABI_NATIVE;

	if (strcmp(protocol, XEN_IO_PROTO_ABI_X86_64) == 0)
		d->layout = &blkif_layout_64;
	else if (strcmp(protocol, XEN_IO_PROTO_ABI_X86_32) == 0)
		d->layout = &blkif_layout_32;
	else
		return -SK_E_INVAL;
	return 0;
}

/* Choose the number of rings and of pages per ring. */
static int queues_choose(struct disk *d)
{
	const struct disk_offers *o = &d->offers;
	uint32_t n = 1, order = 0;

	if (o->queues.present && (!xb_number(&o->queues, DISK_QUEUES, &n) || !n))
		return -SK_E_INVAL;
	if (o->order.present && !xb_number(&o->order, DISK_RING_ORDER, &order))
		return -SK_E_INVAL;
	d->n_queues = n;
	d->n_ring_pages = 1u << order;
	return 0;
}

/* The second step reads where each ring is. */
static int connect_offers(struct disk *d)
{
	const struct disk_offers *o = &d->offers;
	bool in_queue_0 = o->queues.present && !o->single_ref.present && !o->order.present;
	char prefix[24];
	int rc = layout_choose(d);

	if (rc)
		return rc;
	rc = queues_choose(d);
	if (rc)
		return rc;
	if (d->n_queues == 1) {
		queue_ask(d, 0, in_queue_0 ? "queue-0/" : "");
		return 1;
	}
	for (uint32_t i = 0; i < d->n_queues; i++) {
		snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		queue_ask(d, i, prefix);
	}
	return 1;
}

static void queue_event(void *ctx)
{
	struct disk_queue *q = ctx;

	poll_heard(&q->disk->poll);
	disk_queues_serve(q->disk);
}

static void rings_serve(void *ctx) { disk_queues_serve(ctx); }

static int queue_open(struct disk *d, uint32_t i)
{
	struct disk_queue *q = &d->queue[i];
	uint32_t refs[1 << DISK_RING_ORDER], port;
	int rc;

	if (!xb_number(&d->offers.queue[i].port, EVTCHN_PORTS - 1, &port))
		return -SK_E_INVAL;
	for (uint32_t p = 0; p < d->n_ring_pages; p++)
		if (!xb_number(&d->offers.queue[i].ref[p], UINT32_MAX, &refs[p]))
			return -SK_E_INVAL;
	rc = gring_map(&q->ring, refs, d->n_ring_pages, d->layout->entry);
	if (rc)
		return rc;
	rc = evtchn_backend_bind(port, queue_event, q, &q->port);
	if (rc) {
		q->port = NO_BACKEND;
		gring_unmap(&q->ring);
	}
	return rc;
}

/* The third step maps the rings. */
static int connect_rings(struct disk *d)
{
	for (uint32_t i = 0; i < d->n_queues; i++) {
		int rc = queue_open(d, i);

		if (rc)
			return rc;
	}
	for (uint32_t i = 0; i < d->n_queues; i++)
		evtchn_backend_wake(d->queue[i].port); /* requests may already be waiting */
	return 0;
}

static int disk_connect(struct xb_dev *dev, unsigned int step)
{
	struct disk *d = disk_of(dev);

	switch (step) {
	case 0:
		return connect_ask(d);
	case 1:
		return connect_offers(d);
	default:
		return connect_rings(d);
	}
}

static void disk_disconnect(struct xb_dev *dev)
{
	struct disk *d = disk_of(dev);

	disk_requests_orphan(d);
	poll_end(&d->poll);
	for (uint32_t i = 0; i < DISK_QUEUES; i++) {
		struct disk_queue *q = &d->queue[i];

		if (q->port != NO_BACKEND)
			evtchn_backend_unbind(q->port);
		q->port = NO_BACKEND;
		gring_unmap(&q->ring);
	}
	d->n_queues = 0;
}

static bool disk_busy(struct xb_dev *dev) { return disk_of(dev)->in_flight != 0; }

static void disk_refuse(struct xb_dev *dev) { disk_requests_refuse(disk_of(dev)); }

static void disk_free(struct xb_dev *dev)
{
	poll_end(&disk_of(dev)->poll);
	if (disk_of(dev)->conn)
		svc_channel_drop(disk_of(dev)->conn);
	free(disk_of(dev));
}

static const struct xb_driver disk_driver = {
	.type = "vbd",
	.features_write = features_write,
	.connect = disk_connect,
	.disconnect = disk_disconnect,
	.busy = disk_busy,
	.refuse = disk_refuse,
	.free = disk_free,
};

/* ---- the disk ---------------------------------------------------------------------- */

static void disk_show(struct disk *d)
{
	if (xb_add(&d->dev, &disk_driver, d->cfg.vdev))
		vm_log("%s: not shown to the guest", d->dev.be);
}

static void medium_show(struct disk *d)
{
	if (!d->dev.state || d->dev.removing)
		return;
	medium_write(d);
	xb_look_again(&d->dev);
}

static bool medium_may_go(const struct disk *d)
{
	return d->medium == MEDIUM_GOES && !d->in_flight;
}

static void disk_event(void *ctx)
{
	struct disk *d = ctx;
	bool coming = d->medium == MEDIUM_COMES;

	disk_answers_take(d);
	if (!d->dev.added && d->sectors && !d->dev.removing)
		disk_show(d);
	if (coming && d->medium == MEDIUM_THERE)
		medium_show(d);
	if ((coming && d->medium != MEDIUM_COMES) || medium_may_go(d))
		edge_devices_changed();
	xb_idle(&d->dev);
}

static void disk_epoch(void *ctx) { disk_restarted(ctx); }

static void disk_end(void *ctx)
{
	struct disk *d = ctx;

	disk_lose(d, svc_end_text(svc_end(d->conn)));
	disk_event(d);
}

/* Have the events of the disk's connection handled. */
static int disk_events_set(struct disk *d)
{
	int rc = svc_on_epoch(d->conn, disk_epoch, d);

	if (!rc)
		rc = svc_on_end(d->conn, disk_end, d);
	return rc ? rc : svc_on_channel(d->conn, disk_event, d);
}

/* The connection is there: its events are handled, and storage is asked for the volume. */
static int medium_ask(struct disk *d)
{
	int rc = disk_events_set(d);

	if (!rc)
		rc = disk_info_request(d);
	if (!rc)
		svc_settle(d->conn);
	return rc;
}

int blkback_add(const struct vm_disk *cfg, struct svc_conn *conn, struct xb_dev **out)
{
	struct disk *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return -SK_E_NO_MEM;
	d->cfg = *cfg;
	d->block = BLK_SECTOR;
	d->conn = conn;
	d->medium = conn ? MEDIUM_THERE : MEDIUM_NONE;
	d->link = conn ? LINK_CHECKING : LINK_UP;
	d->dev.drv = &disk_driver;
	disk_requests_init(d);
	poll_init(&d->poll, rings_serve, d);
	for (uint32_t i = 0; i < DISK_QUEUES; i++) {
		d->queue[i].disk = d;
		d->queue[i].port = NO_BACKEND;
	}
	/* its name in the log until it is shown on xenbus */
	snprintf(d->dev.be, sizeof(d->dev.be), "disk %u", cfg->vdev);
	rc = conn ? medium_ask(d) : 0;
	if (rc) {
		free(d);
		return rc;
	}
	if (!conn)
		disk_show(d);
	*out = &d->dev;
	return 0;
}

/* ---- a drive's medium ---------------------------------------------------------------- */

int blkback_insert(struct xb_dev *dev, struct svc_conn *conn)
{
	struct disk *d = disk_of(dev);
	int rc;

	if (d->medium != MEDIUM_NONE)
		return -SK_E_STATE;
	d->conn = conn;
	disk_requests_init(d);
	rc = medium_ask(d);
	if (rc) {
		d->conn = NULL;
		disk_requests_init(d);
		return rc;
	}
	d->medium = MEDIUM_COMES;
	d->link = LINK_CHECKING;
	return 0;
}

void blkback_eject(struct xb_dev *dev)
{
	struct disk *d = disk_of(dev);

	if (d->medium != MEDIUM_NONE)
		d->medium = MEDIUM_GOES;
}

enum drive_state blkback_settle(struct xb_dev *dev)
{
	struct disk *d = disk_of(dev);

	if (medium_may_go(d)) {
		svc_channel_drop(d->conn);
		d->conn = NULL;
		d->sectors = 0;
		d->flags = 0;
		d->medium = MEDIUM_NONE;
		d->link = LINK_UP;
		disk_requests_init(d);
		medium_show(d);
		if (d->stalled)
			disk_queues_serve(d);
	}
	if (d->medium == MEDIUM_THERE)
		return DRIVE_FULL;
	return d->medium == MEDIUM_NONE ? DRIVE_EMPTY : DRIVE_CHANGING;
}

void blkback_stats(const struct xb_dev *dev, struct vmctl_disk_stats *s)
{
	*s = ((const struct disk *)dev)->stats;
}

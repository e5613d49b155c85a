/*
 * blkback.c - disks: the guest's blkif rings, joined to a volume by the BLK protocol
 *
 * Objects     struct disk: one virtual disk, its connection and rings. struct request: one of the guest's
 *             requests, from its ring slot to its response.
 * Locks       none: I/O thread.
 * Lifecycle   the disk asks for its size first, then shows itself on xenbus. Rings come and go with front
 *             ends; requests in flight outlive a ring and are then answered to nobody.
 * Invariants  K1 requests in flight <= depth, so both native rings hold them; each with pages of the data region of its own
 *             K2 data move between granted pages and the region only; storage never sees a guest page
 *             K3 nothing is taken from a ring while a barrier is on its way, and a barrier waits until
 *                nothing else is in flight
 *             K4 a request is answered exactly once, or its ring is gone
 */
#include "backend/backend.h"

#include <stdio.h>
#include <stdlib.h>

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

#include "backend/blkif_abi.h"
#include "proto/blk.h"

enum {
	QUEUES = 4,
	RING_ORDER = 2,   /* up to four pages for a ring */
	DATA_PAGES = 512, /* of the data region that are used at most */
	TURN = 256,       /* requests taken before others get their turn */
	SECTORS_PER_PAGE = PAGE / 512,
};

enum step { STEP_FREE, STEP_PLAIN, STEP_FLUSH_FIRST, STEP_INFO };

struct disk;
struct queue {
	struct disk *disk;
	struct gring ring;
	unsigned port; /* back end's number of the event channel */
};
struct request {
	enum step step;
	struct queue *queue; /* NULL: its ring is gone */
	uint32_t page, n_pages;
	struct blkif_op op;
};
struct queue_values {
	struct xb_value port, ref[1 << RING_ORDER];
};
struct disk {
	struct xb_dev dev;
	struct vm_disk cfg;
	struct svc_conn *conn;
	uint64_t sectors;
	uint32_t flags; /* BLK_* of INFO */
	uint32_t block; /* bytes */
	const struct blkif_layout *layout;
	uint32_t n_queues, n_ring_pages;
	struct queue queue[QUEUES];
	struct request request[BLK_DEPTH];
	uint32_t depth; /* K1: of BLK_DEPTH, what both native rings hold */
	uint32_t in_flight;
	struct request *fence;          /* K3: the barrier that runs, or waits to */
	uint64_t used[DATA_PAGES / 64]; /* pages of the region */
	uint32_t n_pages;
	bool stalled; /* something waits in a ring for credit, room or a barrier's end */
	struct {
		struct xb_value protocol, queues, order, single;
		struct queue_values queue[QUEUES];
	} v;
};

/* ---- pages of the region ---------------------------------------------------------- */

static bool page_used(const struct disk *d, uint32_t i)
{
	return d->used[i / 64] >> (i % 64) & 1;
}

static void pages_mark(struct disk *d, uint32_t first, uint32_t n, bool used)
{
	for (; n; n--, first++)
		if (used)
			d->used[first / 64] |= 1ull << (first % 64);
		else
			d->used[first / 64] &= ~(1ull << (first % 64));
}

static bool pages_take(struct disk *d, uint32_t n, uint32_t *first)
{
	uint32_t i, run = 0;

	for (i = 0; i < d->n_pages && run < n; i++)
		run = page_used(d, i) ? 0 : run + 1;
	if (run < n)
		return false;
	*first = i - n;
	pages_mark(d, *first, n, true);
	return true;
}

static uint8_t *request_data(const struct disk *d, const struct request *r)
{
	return d->conn->data + (uint64_t)r->page * PAGE;
}

/* ---- requests --------------------------------------------------------------------- */

/* Of an indirect request the front end expects back the operation that it wrapped. */
static void respond(struct queue *q, const struct blkif_op *op, int16_t status)
{
	uint8_t bytes[BLKIF_ENTRY_MAX];

	if (!q || !q->ring.n_pages)
		return;
	blkif_response(q->disk->layout, op->id, op->op, status, bytes);
	gring_put(&q->ring, bytes, q->disk->layout->response);
}

/* K2. Between the granted pages and the request's part of the region. */
static int segments_copy(struct disk *d, struct request *r, bool to_guest)
{
	uint8_t *data = request_data(d, r);
	uint32_t i;

	for (i = 0; i < r->op.n_segments; i++) {
		const struct blkif_segment *s = &r->op.segment[i];
		uint32_t len = (s->last - s->first + 1u) * 512;
		int rc;

		if (to_guest)
			rc = grant_write(s->ref, s->first * 512u, data, len);
		else
			rc = grant_read(s->ref, s->first * 512u, data, len);
		if (rc)
			return rc;
		data += len;
	}
	return 0;
}

static void request_free(struct disk *d, struct request *r)
{
	pages_mark(d, r->page, r->n_pages, false);
	if (d->fence == r)
		d->fence = NULL;
	r->step = STEP_FREE;
}

/* The native request for what the step wants. It fits: K1. */
static int submit(struct disk *d, struct request *r, uint16_t op, uint16_t flags)
{
	struct blk_req q = { .op = op,
		.flags = flags,
		.id = (uint64_t)(r - d->request),
		.sector = r->op.sector };
	const struct blk_target t = { .sectors = d->sectors,
		.region_size = d->conn->data_size,
		.block = d->block,
		.read_only = d->cfg.read_only || d->flags & BLK_READ_ONLY };
	int rc;

	if (op == BLK_READ || op == BLK_WRITE) {
		q.offset = (uint64_t)r->page * PAGE;
		q.length = r->op.sectors * 512ull;
	} else if (op == BLK_DISCARD) {
		q.length = r->op.count;
	} else {
		q.sector = 0;
	}
	rc = blk_req_check(&q, &t);
	if (rc)
		return rc;
	rc = ring_put(&d->conn->req, &q, sizeof(q));
	if (rc)
		edge_log("%s: storage's ring is unusable: %d", d->dev.be, rc);
	else
		d->in_flight++;
	return rc;
}

static int start(struct disk *d, struct request *r)
{
	switch (r->op.op) {
	case BLKIF_OP_READ:
		return submit(d, r, BLK_READ, 0);
	case BLKIF_OP_WRITE:
		return submit(d, r, BLK_WRITE, 0);
	case BLKIF_OP_DISCARD:
		return submit(d, r, BLK_DISCARD, 0);
	default: /* flush and barrier; their data, if any, follow */
		if (r->op.n_segments)
			r->step = STEP_FLUSH_FIRST;
		return submit(d, r, BLK_FLUSH, 0);
	}
}

/* May this disk do it? 0 or BLKIF_RSP_*. */
static int allowed(const struct disk *d, const struct blkif_op *op)
{
	bool writes = op->op != BLKIF_OP_READ && op->op != BLKIF_OP_FLUSH_DISKCACHE;

	if (op->op == BLKIF_OP_DISCARD && !(d->flags & BLK_HAS_DISCARD))
		return BLKIF_RSP_EOPNOTSUPP;
	if ((writes || op->n_segments) && op->op != BLKIF_OP_READ &&
		(d->cfg.read_only || d->flags & BLK_READ_ONLY))
		return BLKIF_RSP_ERROR;
	return blkif_in_range(op, d->sectors) || (!op->n_segments && op->op != BLKIF_OP_DISCARD)
		       ? 0
		       : BLKIF_RSP_ERROR;
}

/* Decode one slot completely. 0 or BLKIF_RSP_*. */
static int request_read(struct disk *d, const uint8_t *entry, struct blkif_op *op)
{
	uint8_t bytes[BLKIF_SEGMENTS * BLKIF_SEGMENT_SIZE];
	int rc = blkif_decode(d->layout, entry, op);

	if (rc)
		return rc;
	if (op->indirect) {
		if (grant_read(op->indirect_ref, 0, bytes,
			    op->n_segments * (uint32_t)BLKIF_SEGMENT_SIZE))
			return BLKIF_RSP_ERROR;
		rc = blkif_segments(bytes, op);
		if (rc)
			return rc;
	}
	return allowed(d, op);
}

static struct request *request_slot(struct disk *d)
{
	uint32_t i;

	for (i = 0; i < d->depth; i++)
		if (d->request[i].step == STEP_FREE)
			return &d->request[i];
	return NULL;
}

static bool fences(const struct blkif_op *op)
{
	return op->op == BLKIF_OP_WRITE_BARRIER ||
	       (op->op == BLKIF_OP_FLUSH_DISKCACHE && op->n_segments);
}

/*
 * Take one request off the ring: 1 done (answered or on its way), 0 it has to wait, and stays in the ring.
 * K1: a slot and pages are taken before anything is sent.
 */
static int request_take(struct queue *q, const uint8_t *entry)
{
	struct disk *d = q->disk;
	struct request *r = request_slot(d);
	uint32_t pages;
	int rc;

	if (!r || d->fence) /* K3 */
		return 0;
	rc = request_read(d, entry, &r->op);
	if (rc) {
		respond(q, &r->op, (int16_t)rc);
		return 1;
	}
	pages = (r->op.sectors + SECTORS_PER_PAGE - 1) / SECTORS_PER_PAGE;
	if (pages > d->n_pages) {
		respond(q, &r->op, BLKIF_RSP_ERROR);
		return 1;
	}
	if ((fences(&r->op) && d->in_flight) || !pages_take(d, pages, &r->page))
		return 0;
	r->n_pages = pages;
	r->step = STEP_PLAIN;
	r->queue = q;
	if (r->op.op != BLKIF_OP_READ && segments_copy(d, r, false)) {
		respond(q, &r->op, BLKIF_RSP_ERROR);
		request_free(d, r);
		return 1;
	}
	if (fences(&r->op))
		d->fence = r;
	if (start(d, r)) {
		respond(q, &r->op, BLKIF_RSP_ERROR);
		request_free(d, r);
	}
	return 1;
}

/* False: the front end broke the rules. */
static bool queue_serve(struct queue *q)
{
	struct disk *d = q->disk;
	uint8_t entry[BLKIF_ENTRY_MAX];
	int n, done = 0;

	do {
		n = gring_requests(&q->ring);
		if (n < 0)
			return false;
		for (; n; n--, done++) {
			gring_get(&q->ring, q->ring.req_cons, entry, d->layout->entry);
			if (!request_take(q, entry)) {
				d->stalled = true;
				return true;
			}
			q->ring.req_cons++;
		}
		if (done >= TURN) {
			evtchn_backend_again(q->port);
			return true;
		}
	} while (gring_final_check(&q->ring));
	return true;
}

static void queues_push(struct disk *d)
{
	uint32_t i;

	for (i = 0; i < d->n_queues; i++)
		if (d->queue[i].ring.n_pages && gring_push(&d->queue[i].ring))
			evtchn_backend_notify(d->queue[i].port);
}

static void queues_serve(struct disk *d)
{
	uint32_t i;

	d->stalled = false;
	for (i = 0; i < d->n_queues; i++)
		if (d->queue[i].ring.n_pages && !queue_serve(&d->queue[i])) {
			queues_push(d);
			xb_fail(&d->dev, "impossible ring index");
			return;
		}
	queues_push(d);
	conn_settle(d->conn);
}

static void queue_event(void *ctx)
{
	struct queue *q = ctx;

	queues_serve(q->disk);
}

/* ---- answers of storage ----------------------------------------------------------- */

static int16_t status_of(const struct request *r, int32_t status)
{
	if (status == -SK_E_NO_SYS || status == -SK_E_INVAL)
		return r->op.op == BLKIF_OP_READ || r->op.op == BLKIF_OP_WRITE
			       ? BLKIF_RSP_ERROR
			       : BLKIF_RSP_EOPNOTSUPP;
	return status ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY;
}

static void info_done(struct disk *d, const struct blk_rsp *rsp)
{
	if (rsp->status) {
		edge_log("%s: no volume: %d", d->dev.be, rsp->status);
		return;
	}
	d->sectors = rsp->result;
	d->flags = rsp->flags;
	d->block = blk_info_block(rsp->flags);
}

static void response(struct disk *d, const struct blk_rsp *rsp)
{
	struct request *r = rsp->id < BLK_DEPTH ? &d->request[rsp->id] : NULL;
	int16_t status;

	if (!r || r->step == STEP_FREE) {
		edge_log("%s: answer to nothing", d->dev.be);
		return;
	}
	d->in_flight--;
	if (r->step == STEP_INFO) {
		info_done(d, rsp);
		request_free(d, r);
		return;
	}
	status = status_of(r, rsp->status);
	if (r->step == STEP_FLUSH_FIRST && status == BLKIF_RSP_OKAY && r->queue) {
		r->step = STEP_PLAIN;
		if (submit(d, r, BLK_WRITE, BLK_FUA) == 0)
			return;
		status = BLKIF_RSP_ERROR;
	}
	if (status == BLKIF_RSP_OKAY && r->op.op == BLKIF_OP_READ && r->queue &&
		segments_copy(d, r, true))
		status = BLKIF_RSP_ERROR;
	respond(r->queue, &r->op, status); /* K4 */
	request_free(d, r);
}

static int disk_show(struct disk *d);

static void disk_event(void *ctx)
{
	struct disk *d = ctx;
	struct blk_rsp rsp;
	bool shown = d->sectors != 0;
	int rc;

	do {
		while ((rc = ring_get(&d->conn->rsp, &rsp, sizeof(rsp))) == sizeof(rsp))
			response(d, &rsp);
		if (rc != -SK_E_AGAIN) {
			edge_log("%s: storage broke the protocol: %d", d->dev.be, rc);
			return;
		}
		if (d->stalled)
			queues_serve(d);
		else
			queues_push(d);
		conn_settle(d->conn);
	} while (ring_get_idle(&d->conn->rsp));
	if (!shown && d->sectors && disk_show(d))
		edge_log("%s: not shown to the guest", d->dev.be);
	xb_idle(&d->dev);
}

/* ---- xenbus ----------------------------------------------------------------------- */

static struct disk *disk_of(struct xb_dev *dev)
{
	return (struct disk *)dev; /* first member */
}

static void features(struct xb_dev *dev)
{
	struct disk *d = disk_of(dev);
	bool ro = d->cfg.read_only || d->flags & BLK_READ_ONLY;

	xb_write(dev, "max-ring-page-order", "%u", RING_ORDER);
	xb_write(dev, "multi-queue-max-queues", "%u",
		xd.p.n_vcpus < QUEUES ? xd.p.n_vcpus : QUEUES);
	xb_write(dev, "feature-max-indirect-segments", "%u", BLKIF_SEGMENTS);
	xb_write(dev, "feature-flush-cache", "%u", d->flags & BLK_HAS_FLUSH && !ro ? 1 : 0);
	xb_write(dev, "feature-barrier", "%u", d->flags & BLK_HAS_FLUSH && !ro ? 1 : 0);
	xb_write(dev, "feature-persistent", "0");
	if (d->flags & BLK_HAS_DISCARD && !ro) {
		xb_write(dev, "feature-discard", "1");
		xb_write(dev, "discard-granularity", "%u", d->block);
		xb_write(dev, "discard-alignment", "0");
		xb_write(dev, "discard-secure", "0");
	}
	xb_write(dev, "sectors", "%llu", (unsigned long long)d->sectors);
	xb_write(dev, "sector-size", "%u",
		d->block); /* of requests; they count 512 bytes all the same */
	xb_write(dev, "physical-sector-size", "%u", d->block);
	xb_write(dev, "info", "%u",
		(ro ? VDISK_READONLY : 0) | (d->cfg.cdrom ? VDISK_CDROM : 0));
}

/* Phase 0: what decides about the others. */
static int connect_ask(struct disk *d)
{
	xb_read(&d->dev, &d->v.protocol, "protocol");
	xb_read(&d->dev, &d->v.queues, "multi-queue-num-queues");
	xb_read(&d->dev, &d->v.order, "ring-page-order");
	xb_read(&d->dev, &d->v.single, "ring-ref");
	return 1;
}

static void queue_ask(struct disk *d, uint32_t i, const char *prefix)
{
	struct queue_values *v = &d->v.queue[i];
	uint32_t p;

	xb_read(&d->dev, &v->port, "%sevent-channel", prefix);
	if (!d->v.order.present)
		xb_read(&d->dev, &v->ref[0], "%sring-ref", prefix);
	for (p = 0; d->v.order.present && p < d->n_ring_pages; p++)
		xb_read(&d->dev, &v->ref[p], "%sring-ref%u", prefix, p);
}

/* Phase 1. */
static int connect_offers(struct disk *d)
{
	const char *protocol = d->v.protocol.present ? d->v.protocol.text
						     : XEN_IO_PROTO_ABI_NATIVE;
	uint32_t order = 0, i;
	char prefix[24];

	d->n_queues = 1;
	if (strcmp(protocol, XEN_IO_PROTO_ABI_X86_64) == 0)
		d->layout = &blkif_layout_64;
	else if (strcmp(protocol, XEN_IO_PROTO_ABI_X86_32) == 0)
		d->layout = &blkif_layout_32;
	else
		return -SK_E_INVAL;
	if (d->v.queues.present &&
		(!xb_number(&d->v.queues, QUEUES, &d->n_queues) || !d->n_queues)) {
		d->n_queues = 0;
		return -SK_E_INVAL;
	}
	if (d->v.order.present && !xb_number(&d->v.order, RING_ORDER, &order))
		return -SK_E_INVAL;
	d->n_ring_pages = 1u << order;
	if (!d->v.queues.present || d->n_queues == 1) {
		if (!d->v.single.present && !d->v.order.present && d->v.queues.present)
			queue_ask(d, 0, "queue-0/");
		else
			queue_ask(d, 0, "");
		return 1;
	}
	for (i = 0; i < d->n_queues; i++) {
		snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		queue_ask(d, i, prefix);
	}
	return 1;
}

static int queue_open(struct disk *d, uint32_t i)
{
	struct queue_values *v = &d->v.queue[i];
	struct queue *q = &d->queue[i];
	uint32_t refs[1 << RING_ORDER], port, p;
	int rc;

	if (!xb_number(&v->port, EVTCHN_PORTS - 1, &port))
		return -SK_E_INVAL;
	for (p = 0; p < d->n_ring_pages; p++)
		if (!xb_number(&v->ref[p], UINT32_MAX, &refs[p]))
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

/* Phase 2. */
static int connect_rings(struct disk *d)
{
	uint32_t i;
	int rc;

	for (i = 0; i < d->n_queues; i++) {
		rc = queue_open(d, i);
		if (rc)
			return rc;
	}
	for (i = 0; i < d->n_queues; i++)
		evtchn_backend_again(d->queue[i].port); /* requests may wait already */
	return 0;
}

static int connect(struct xb_dev *dev, unsigned phase)
{
	struct disk *d = disk_of(dev);

	switch (phase) {
	case 0:
		return connect_ask(d);
	case 1:
		return connect_offers(d);
	default:
		return connect_rings(d);
	}
}

static void disconnect(struct xb_dev *dev)
{
	struct disk *d = disk_of(dev);
	uint32_t i;

	for (i = 0; i < BLK_DEPTH; i++)
		d->request[i].queue = NULL;
	for (i = 0; i < QUEUES; i++) {
		struct queue *q = &d->queue[i];

		if (q->port != NO_BACKEND)
			evtchn_backend_unbind(q->port);
		q->port = NO_BACKEND;
		gring_unmap(&q->ring);
	}
	d->n_queues = 0;
}

static bool busy(struct xb_dev *dev) { return disk_of(dev)->in_flight != 0; }

static const struct xb_driver driver = { "vbd", features, connect, disconnect, busy };

static int disk_show(struct disk *d) { return xb_add(&d->dev, &driver, d->cfg.vdev); }

static uint32_t ring_depth(const struct svc_conn *c)
{
	uint32_t n = c->req.size / ((4 + (uint32_t)sizeof(struct blk_req) + 7) / 8 * 8);
	uint32_t m = c->rsp.size / ((4 + (uint32_t)sizeof(struct blk_rsp) + 7) / 8 * 8);

	n = n < m ? n : m;
	return n < BLK_DEPTH ? n : BLK_DEPTH;
}

int blkback_add(const struct vm_disk *cfg)
{
	struct disk *d = calloc(1, sizeof(*d));
	uint32_t i;
	int rc;

	if (!d)
		return -SK_E_NO_MEM;
	d->cfg = *cfg;
	d->block = BLK_SECTOR;
	d->conn = svc_channel(cfg->channel);
	if (!d->conn) {
		free(d);
		return -SK_E_NOT_FOUND;
	}
	d->depth = ring_depth(d->conn);
	d->n_pages = d->conn->data_size / PAGE < DATA_PAGES
			     ? (uint32_t)(d->conn->data_size / PAGE)
			     : DATA_PAGES;
	for (i = 0; i < QUEUES; i++) {
		d->queue[i].disk = d;
		d->queue[i].port = NO_BACKEND;
	}
	snprintf(d->dev.be, sizeof(d->dev.be), "disk %u",
		cfg->vdev); /* its name in the log until it is shown */
	rc = svc_on_channel(d->conn, disk_event, d);
	if (rc)
		return rc;
	d->request[0].step = STEP_INFO;
	rc = submit(d, &d->request[0], BLK_INFO, 0);
	conn_settle(d->conn);
	return rc;
}

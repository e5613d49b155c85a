/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk_request.c - a block request of the guest, from its ring slot to its response
 *
 * The walk of a request:
 *     disk_queues_serve()   a slot is copied out of the ring
 *     request_decode()      the copy is decoded and checked: nothing has changed so far
 *     request_take()        it gets a struct disk_request and pages of the data region; data of
 *                           a write are copied there
 *     request_start()       one request to storage; a barrier with data begins with a flush
 *     storage_answered()    the answer of storage; data of a read are copied to the guest
 *     guest_respond()       the response goes into the guest's ring
 *
 * Locks       none: I/O thread.
 * Lifecycle   A request in flight outlives its ring; its answer is then dropped. It also
 *             outlives a storage that ends: its pages stay as they are until it is answered, so
 *             it is sent to the next storage.
 * Invariants  BLK1 requests in flight <= depth, so both native rings hold them; each has pages
 *                  of the data region of its own
 *             BLK2 data move between granted pages and the region only; storage never sees a
 *                  page of the guest
 *             BLK3 nothing is taken from a ring while a barrier is in flight, and a barrier
 *                  waits until nothing else is in flight
 *             BLK4 a request is answered exactly once, or its ring is gone. If its disk is
 *                  taken away by force, that is before storage has answered
 *             BLK5 an id is used for one sending only, so no answer of an earlier storage, and
 *                  no second answer, is taken for the one that is awaited
 */
#include "backend/blk_disk.h"

#include <string.h>

#include "xen/xen_domain.h"

#include <xen/io/blkif.h>

#include "base/error.h"
#include "xen/evtchn_backend.h"
#include "xen/grant.h"

enum {
	SECTORS_PER_PAGE = SK_PAGE_SIZE / BLK_SECTOR,
	/* in an element of disk.page_used */
	PAGES_PER_WORD = 64,
	/* requests taken from a ring before other rings get their turn */
	TURN = 256,
	/* the VMM's own request */
	OWN = BLK_DEPTH,
	/* the low bits of an id are the index in disk.request */
	ID_SHIFT = 8,
};
_Static_assert(OWN < 1 << ID_SHIFT, "an index fits");

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* ---- pages of the data region ----------------------------------------------------- */

/* How many of the pages from `at` on, within their word, are free, or used, as the first is. */
static uint32_t pages_alike(const struct disk *d, uint32_t at, bool *used)
{
	uint64_t rest = d->page_used[at / PAGES_PER_WORD] >> at % PAGES_PER_WORD;
	uint32_t left = PAGES_PER_WORD - at % PAGES_PER_WORD;

	*used = rest & 1;
	rest = *used ? ~rest : rest;
	left = rest ? min_u32((uint32_t)__builtin_ctzll(rest), left) : left;
	return min_u32(left, d->n_pages - at);
}

/* The end of the first n free pages in a row from `at` on; UINT32_MAX: there are none. */
static uint32_t pages_find(const struct disk *d, uint32_t at, uint32_t n)
{
	uint32_t run = 0, alike;
	bool used;

	for (; at < d->n_pages && run < n; at += alike) {
		alike = pages_alike(d, at, &used);
		run = used ? 0 : run + alike;
	}
	return run < n ? UINT32_MAX : at - (run - n);
}

/* Change the state of n pages, all of which are in the other one. */
static void pages_flip(struct disk *d, uint32_t first, uint32_t n)
{
	uint32_t end = first + n, some;

	for (uint32_t at = first; at < end; at += some) {
		uint32_t bit = at % PAGES_PER_WORD;

		some = min_u32(end - at, PAGES_PER_WORD - bit);
		d->page_used[at / PAGES_PER_WORD] ^= ~0ull >> (PAGES_PER_WORD - some) << bit;
	}
}

/*
 * Allocate n consecutive pages; *first is the first of them. Most pages come back in the order
 * in which they were taken, so the free ones follow those that were taken last.
 */
static bool pages_take(struct disk *d, uint32_t n, uint32_t *first)
{
	uint32_t i = pages_find(d, d->page_next, n);

	if (i == UINT32_MAX)
		i = pages_find(d, 0, n);
	if (i == UINT32_MAX)
		return false;
	d->page_next = i;
	*first = i - n;
	pages_flip(d, *first, n);
	return true;
}

static uint8_t *request_data(const struct disk *d, const struct disk_request *r)
{
	return d->conn->data + r->page * SK_PAGE_SIZE;
}

/* BLK2. From the granted pages to the request's pages. 0 or GNTST_*. */
static int data_from_guest(const struct disk *d, const struct disk_request *r)
{
	return grant_read_parts(r->op.segment, r->op.n_segments, request_data(d, r));
}

/* BLK2. From the request's pages to the granted pages. 0 or GNTST_*. */
static int data_to_guest(const struct disk *d, const struct disk_request *r)
{
	return grant_write_parts(r->op.segment, r->op.n_segments, request_data(d, r));
}

/* ---- responses to the guest ------------------------------------------------------- */

/* For an indirect request, op is the operation that it wrapped: the front end expects that. */
static void guest_respond(struct disk_queue *q, const struct blkif_op *op, int16_t status)
{
	uint8_t bytes[BLKIF_ENTRY_MAX];

	if (!q || !q->ring.n_pages)
		return;
	blkif_response(q->disk->layout, op->id, op->op, status, bytes);
	gring_put(&q->ring, bytes, q->disk->layout->response);
}

static void queues_push(struct disk *d)
{
	for (uint32_t i = 0; i < d->n_queues; i++)
		if (d->queue[i].ring.n_pages && gring_push(&d->queue[i].ring))
			evtchn_backend_notify(d->queue[i].port);
}

/* ---- requests to storage ---------------------------------------------------------- */

static struct blk_req storage_request(const struct disk_request *r)
{
	struct blk_req q = { .op = r->storage_op, .flags = r->storage_flags, .id = r->id };

	if (q.op == BLK_READ || q.op == BLK_WRITE) {
		q.sector = r->op.sector;
		q.offset = r->page * SK_PAGE_SIZE;
		q.length = (uint64_t)r->op.sectors * BLK_SECTOR;
	}
	return q;
}

/*
 * BLK1: it fits. If storage has just ended, or broke its ring, the next one gets the request.
 */
static int storage_send(struct disk *d, struct disk_request *r)
{
	const struct blk_target t = { .sectors = d->sectors,
		.region_size = d->conn->data_size,
		.block = d->block,
		.read_only = disk_read_only(d) };
	struct blk_req q;
	int rc;

	r->id = ++d->last_id << ID_SHIFT | (uint64_t)(r - d->request); /* BLK5 */
	q = storage_request(r);
	rc = blk_req_check(&q, &t);
	if (rc)
		return rc;
	rc = svc_checked(d->conn, ring_put(&d->conn->req, &q, sizeof(q)));
	if (!rc || d->conn->broken || ring_behind(&d->conn->rsp))
		return 0;
	vm_log("%s: storage's ring is unusable: %s", d->dev.be, sk_error_text(rc));
	return rc;
}

static int storage_submit(struct disk *d, struct disk_request *r, uint16_t op, uint16_t flags)
{
	int rc;

	r->storage_op = op;
	r->storage_flags = flags;
	r->order = ++d->last_order;
	rc = storage_send(d, r);
	d->in_flight += rc == 0;
	return rc;
}

static int request_start(struct disk *d, struct disk_request *r)
{
	switch (r->op.op) {
	case BLKIF_OP_READ:
		return storage_submit(d, r, BLK_READ, 0);
	case BLKIF_OP_WRITE:
		return storage_submit(d, r, BLK_WRITE, 0);
	default: /* flush and barrier; their data, if any, follow */
		if (r->op.n_segments)
			r->step = REQUEST_FLUSH_FIRST;
		return storage_submit(d, r, BLK_FLUSH, 0);
	}
}

int disk_info_request(struct disk *d)
{
	d->request[OWN].step = REQUEST_INFO;
	return storage_submit(d, &d->request[OWN], BLK_INFO, 0);
}

/* ---- requests of the guest -------------------------------------------------------- */

static bool op_writes(const struct blkif_op *op)
{
	return op->op == BLKIF_OP_WRITE || op->op == BLKIF_OP_WRITE_BARRIER ||
	       (op->op == BLKIF_OP_FLUSH_DISKCACHE && op->n_segments);
}

/* A write that must come after everything that was sent before it. */
static bool op_is_barrier(const struct blkif_op *op)
{
	return op->op == BLKIF_OP_WRITE_BARRIER ||
	       (op->op == BLKIF_OP_FLUSH_DISKCACHE && op->n_segments);
}

/* 0 or BLKIF_RSP_*. */
static int op_permitted(const struct disk *d, const struct blkif_op *op)
{
	if (op_writes(op) && disk_read_only(d))
		return BLKIF_RSP_ERROR;
	if (op->n_segments && !blkif_in_range(op, d->sectors))
		return BLKIF_RSP_ERROR;
	return 0;
}

/* Decode one slot of the ring, including indirect segments. 0 or BLKIF_RSP_*. */
static int request_decode(const struct disk *d, const uint8_t *entry, struct blkif_op *op)
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
	return op_permitted(d, op);
}

static struct disk_request *request_find_free(struct disk *d)
{
	if (d->link == LINK_CHECKING)
		return NULL;
	/* Most requests end in their order, so those after the last one are free first. */
	for (uint32_t i = 0; i < d->depth; i++) {
		struct disk_request *r;

		d->request_last = d->request_last + 1 < d->depth ? d->request_last + 1 : 0;
		r = &d->request[d->request_last];
		if (r->step == REQUEST_FREE)
			return r;
	}
	return NULL;
}

static void request_free(struct disk *d, struct disk_request *r)
{
	pages_flip(d, r->page, r->n_pages);
	if (d->barrier == r)
		d->barrier = NULL;
	r->step = REQUEST_FREE;
}

/* r has its pages. 0, or an error that the guest is told. */
static int request_run(struct disk *d, struct disk_request *r)
{
	if (r->op.op != BLKIF_OP_READ && data_from_guest(d, r))
		return -SK_E_INVAL;
	if (op_is_barrier(&r->op))
		d->barrier = r;
	return request_start(d, r);
}

/* A barrier with data is a write, as for Linux's back end. */
static void request_count(struct vmctl_disk_stats *s, const struct blkif_op *op)
{
	if (op->op == BLKIF_OP_READ) {
		s->reads++;
		s->read_sectors += op->sectors;
	} else if (op->n_segments) {
		s->writes++;
		s->written_sectors += op->sectors;
	} else {
		s->flushes++;
	}
}

enum take {
	/* The request was answered, or is in flight. */
	TAKE_DONE,
	/* The request has to wait, and stays in the ring. */
	TAKE_LATER,
};

static enum take request_refuse(struct disk_queue *q, const uint8_t *entry)
{
	struct blkif_op op;
	int rc = request_decode(q->disk, entry, &op);

	guest_respond(q, &op, (int16_t)(rc ? rc : BLKIF_RSP_ERROR));
	return TAKE_DONE;
}

/* BLK1: a request gets its slot and its pages before anything is sent. */
static enum take request_take(struct disk_queue *q, const uint8_t *entry)
{
	struct disk *d = q->disk;
	struct disk_request *r = request_find_free(d);
	uint32_t pages;
	int rc;

	if (d->dev.forced)
		return request_refuse(q, entry);
	d->stats.no_room += !r && d->link == LINK_UP;
	if (!r || d->barrier) /* BLK3 */
		return TAKE_LATER;
	rc = request_decode(d, entry, &r->op);
	if (!rc && (d->link == LINK_LOST || d->medium != MEDIUM_THERE))
		rc = BLKIF_RSP_ERROR;
	if (rc) {
		guest_respond(q, &r->op, (int16_t)rc);
		return TAKE_DONE;
	}
	pages = (r->op.sectors + SECTORS_PER_PAGE - 1) / SECTORS_PER_PAGE;
	if (pages > d->n_pages) {
		guest_respond(q, &r->op, BLKIF_RSP_ERROR);
		return TAKE_DONE;
	}
	if (op_is_barrier(&r->op) && d->in_flight) /* BLK3 */
		return TAKE_LATER;
	if (!pages_take(d, pages, &r->page)) {
		d->stats.no_room++;
		return TAKE_LATER;
	}
	request_count(&d->stats, &r->op);
	r->n_pages = pages;
	r->step = REQUEST_PLAIN;
	r->queue = q;
	if (request_run(d, r)) {
		guest_respond(q, &r->op, BLKIF_RSP_ERROR);
		request_free(d, r);
	}
	return TAKE_DONE;
}

/* 0, or -SK_E_PEER: the front end broke the rules. */
static int queue_serve(struct disk_queue *q)
{
	struct disk *d = q->disk;
	uint8_t entry[BLKIF_ENTRY_MAX];
	int n, done = 0;

	do {
		n = gring_requests(&q->ring);
		if (n < 0)
			return n;
		for (; n; n--, done++) {
			gring_get(&q->ring, q->ring.req_cons, entry, d->layout->entry);
			if (request_take(q, entry) == TAKE_LATER) {
				d->stalled = true;
				return 0;
			}
			q->ring.req_cons++;
			d->poll.taken++;
		}
		if (done >= TURN) {
			evtchn_backend_wake(q->port);
			return 0;
		}
	} while (poll_more(&d->poll, &q->ring));
	return 0;
}

void disk_queues_serve(struct disk *d)
{
	int rc = 0;

	d->stalled = false;
	for (uint32_t i = 0; !rc && i < d->n_queues; i++)
		if (d->queue[i].ring.n_pages)
			rc = queue_serve(&d->queue[i]);
	queues_push(d);
	if (rc)
		xb_fail(&d->dev, "impossible ring index");
	else if (d->conn)
		svc_settle(d->conn);
}

/* ---- answers of storage ----------------------------------------------------------- */

static int16_t status_of(const struct blkif_op *op, int32_t status)
{
	bool plain = op->op == BLKIF_OP_READ || op->op == BLKIF_OP_WRITE;

	if (!status)
		return BLKIF_RSP_OKAY;
	if (!plain && (status == -SK_E_NO_SYS || status == -SK_E_INVAL))
		return BLKIF_RSP_EOPNOTSUPP;
	return BLKIF_RSP_ERROR;
}

static bool same_volume(const struct disk *d, const struct blk_rsp *info)
{
	return info->result == d->sectors && info->flags == d->flags;
}

static struct disk_request *request_find_next(struct disk *d, uint64_t order)
{
	struct disk_request *next = NULL;

	for (struct disk_request *r = d->request; r < &d->request[OWN]; r++)
		if (r->step != REQUEST_FREE && r->order > order &&
			(!next || r->order < next->order))
			next = r;
	return next;
}

static void requests_send_again(struct disk *d)
{
	struct disk_request *r = NULL;

	while ((r = request_find_next(d, r ? r->order : 0))) {
		if (storage_send(d, r)) {
			disk_lose(d, "its requests cannot be sent again");
			return;
		}
	}
}

/* The front end does not look at the size of blocks again. */
static bool block_fits(const struct disk *d, const struct blk_rsp *rsp)
{
	uint32_t block = blk_info_block(rsp->flags);

	if (d->medium != MEDIUM_COMES || block == d->block ||
		!(d->dev.open || d->dev.connecting))
		return true;
	vm_log("%s: the medium has blocks of %u bytes, and the guest knows of %u", d->dev.be,
		(unsigned int)block, (unsigned int)d->block);
	return false;
}

static void info_answered(struct disk *d, const struct blk_rsp *rsp)
{
	request_free(d, &d->request[OWN]);
	if (d->sectors && (rsp->status || !same_volume(d, rsp))) {
		disk_lose(d, "storage does not have its volume any more");
		return;
	}
	if (rsp->status)
		vm_log("%s: no volume: %s", d->dev.be, sk_error_text(rsp->status));
	if (rsp->status || !block_fits(d, rsp)) {
		d->medium = d->medium == MEDIUM_COMES ? MEDIUM_GOES : d->medium;
		return;
	}
	d->medium = d->medium == MEDIUM_COMES ? MEDIUM_THERE : d->medium;
	d->sectors = rsp->result;
	d->flags = rsp->flags;
	d->block = blk_info_block(rsp->flags);
	d->link = LINK_UP;
	requests_send_again(d);
}

static void storage_answered(struct disk *d, const struct blk_rsp *rsp)
{
	struct disk_request *r = &d->request[rsp->id % (1 << ID_SHIFT) % (OWN + 1)];
	int16_t status;

	if (r->step == REQUEST_FREE || r->id != rsp->id) { /* BLK5 */
		svc_breach(d->conn, "an answer to what it was not asked");
		return;
	}
	d->in_flight--;
	if (r->step == REQUEST_INFO) {
		info_answered(d, rsp);
		return;
	}
	status = status_of(&r->op, rsp->status);
	if (r->step == REQUEST_FLUSH_FIRST && status == BLKIF_RSP_OKAY && r->queue) {
		r->step = REQUEST_PLAIN;
		if (storage_submit(d, r, BLK_WRITE, BLK_FUA) == 0)
			return;
		status = BLKIF_RSP_ERROR;
	}
	if (r->op.op == BLKIF_OP_READ && status == BLKIF_RSP_OKAY && r->queue &&
		data_to_guest(d, r))
		status = BLKIF_RSP_ERROR;
	guest_respond(r->queue, &r->op, status); /* BLK4 */
	request_free(d, r);
}

void disk_answers_take(struct disk *d)
{
	struct blk_rsp rsp;
	int n;

	while (d->link != LINK_LOST && (n = svc_get(d->conn, &rsp, sizeof(rsp))) >= 0) {
		if (n == sizeof(rsp))
			storage_answered(d, &rsp);
		else
			svc_breach(d->conn, "an answer that is too short");
	}
	if (d->stalled)
		disk_queues_serve(d);
	else
		queues_push(d);
	svc_settle(d->conn);
}

/* ---- restart and end of storage --------------------------------------------------- */

void disk_restarted(struct disk *d)
{
	struct disk_request *info = &d->request[OWN];
	int rc = 0;

	vm_log("%s: storage has started again; %u requests had no answer", d->dev.be,
		(unsigned int)d->in_flight);
	d->link = LINK_CHECKING;
	if (info->step == REQUEST_INFO)
		rc = storage_send(d, info);
	else
		rc = disk_info_request(d);
	if (rc)
		disk_lose(d, "storage cannot be asked for the volume");
}

void disk_lose(struct disk *d, const char *why)
{
	vm_log("%s: I/O errors from now on: %s", d->dev.be, why);
	d->link = LINK_LOST;
	d->in_flight = 0;
	d->medium = d->medium == MEDIUM_COMES ? MEDIUM_GOES : d->medium;
	for (struct disk_request *r = d->request; r <= &d->request[OWN]; r++) {
		if (r->step == REQUEST_PLAIN || r->step == REQUEST_FLUSH_FIRST)
			guest_respond(r->queue, &r->op, BLKIF_RSP_ERROR); /* BLK4 */
		if (r->step != REQUEST_FREE)
			request_free(d, r);
	}
}

/* ---- the disk's requests as a whole ----------------------------------------------- */

void disk_requests_init(struct disk *d)
{
	const struct svc_conn *c = d->conn;

	d->depth = BLK_DEPTH;
	d->n_pages = 0;
	if (!c)
		return;
	d->depth = min_u32(ring_records_max(&c->req, sizeof(struct blk_req)),
		ring_records_max(&c->rsp, sizeof(struct blk_rsp)));
	d->depth = min_u32(d->depth, BLK_DEPTH);
	d->n_pages = DISK_DATA_PAGES;
	if (c->data_size / SK_PAGE_SIZE < DISK_DATA_PAGES)
		d->n_pages = (uint32_t)(c->data_size / SK_PAGE_SIZE);
}

void disk_requests_orphan(struct disk *d)
{
	for (uint32_t i = 0; i < OWN; i++)
		d->request[i].queue = NULL;
}

void disk_requests_refuse(struct disk *d)
{
	for (struct disk_request *r = d->request; r < &d->request[OWN]; r++) {
		if (r->step != REQUEST_FREE)
			guest_respond(r->queue, &r->op, BLKIF_RSP_ERROR); /* BLK4 */
		r->queue = NULL;
	}
	disk_queues_serve(d);
	for (uint32_t i = 0; i < d->n_queues; i++)
		if (d->queue[i].port != NO_BACKEND)
			evtchn_backend_notify(d->queue[i].port);
}

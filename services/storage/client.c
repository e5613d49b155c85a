/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.c - attachments: a client's requests on their way to its disk, and the end of an
 * attachment
 *
 * Objects     struct client: in svc_conn.priv from open to close.
 * Lifecycle   SVC_CLOSE waits for requests in flight, flushes written data, and detaches. When
 *             it is answered, all acknowledged writes are on the medium, or the answer says
 *             that the flush failed.
 * Invariants  ATTACH1 only descriptors pass through here, never data.
 *             ATTACH2 a request is taken out of a client's ring only when the disk takes it and
 *                     the ring has room for the answers to all requests of this client, so no
 *                     client loses a request or its connection because something is full.
 *             ATTACH3 clients that wait for a disk are in its list `stalled`, and get one
 *                     request each in turn; the list is empty while the disk is ready.
 *             ATTACH4 attachments that end go before them, and have a flight of their own.
 *             ATTACH5 an attachment that a storage before this one had counts as having
 *                     written.
 */
#include "client.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

struct client {
	struct svc_conn *conn;
	struct disk *disk;
	struct volume *volume;
	bool writable, wrote, stalled, closing;
	/* The number of its data region at the driver. */
	uint32_t region;
	uint32_t in_flight;
	/* The result of the last flush. */
	int result;
	/* Link in the disk's list `stalled`, or in `ending` while it is closing. */
	TAILQ_ENTRY(client) turn;
};

static int respond(struct client *cl, uint64_t id, int status, uint32_t flags, uint64_t result)
{
	struct blk_rsp rsp = { id, status, flags, result };

	return svc_respond(cl->conn, &rsp, sizeof(rsp));
}

static int info_respond(struct client *cl, const struct blk_req *q)
{
	uint32_t flags = blk_block_info(cl->volume->block) | BLK_HAS_FLUSH;

	return respond(
		cl, q->id, 0, flags | (cl->writable ? 0 : BLK_READ_ONLY), cl->volume->sectors);
}

/* Serve one request; the disk has room for it (ATTACH2). */
static int request_serve(struct client *cl, struct blk_req *q)
{
	int rc = volume_translate(cl->volume, cl->writable, cl->conn->data_size, q);

	if (rc)
		return respond(cl, q->id, rc, 0, 0);
	if (q->op == BLK_INFO)
		return info_respond(cl, q);
	q->region = cl->region;
	rc = disk_submit(cl->disk, cl, q, DISK_CLIENT);
	if (rc) /* not the client's fault */
		return respond(cl, q->id, -SK_E_IO, 0, 0);
	cl->in_flight++;
	cl->wrote |= q->op == BLK_WRITE;
	return 0;
}

/* Take one request. -SK_E_AGAIN: there is none, or it has to wait; other errors: a breach. */
static int request_take(struct client *cl)
{
	struct blk_req q;
	int rc;

	if (!svc_room(cl->conn, sizeof(struct blk_rsp), cl->in_flight + 1))
		return -SK_E_AGAIN;
	rc = svc_get(cl->conn, &q, sizeof(q));
	if (rc < 0)
		return rc;
	return rc == sizeof(q) ? request_serve(cl, &q) : -SK_E_PEER;
}

/* ---- waiting for the disk ---- */

static void stall(struct client *cl)
{
	cl->stalled = true;
	TAILQ_INSERT_TAIL(&cl->disk->stalled, cl, turn);
}

static void unstall(struct client *cl)
{
	if (cl->stalled)
		TAILQ_REMOVE(&cl->disk->stalled, cl, turn);
	cl->stalled = false;
}

int client_event(struct svc_conn *c)
{
	struct client *cl = c->priv;
	int rc = 0;

	while (rc == 0 && !cl->stalled) {
		if (!TAILQ_EMPTY(&cl->disk->stalled) || !disk_ready(cl->disk, DISK_CLIENT))
			stall(cl);
		else
			rc = request_take(cl);
	}
	svc_settle(cl->disk->driver);
	return rc;
}

/*
 * ATTACH3. A client that has no more requests, or whose turn is over, goes back to the event
 * loop.
 */
static void stalled_serve(struct disk *d)
{
	while (!TAILQ_EMPTY(&d->stalled) && disk_ready(d, DISK_CLIENT)) {
		struct client *cl = TAILQ_FIRST(&d->stalled);
		int rc;

		unstall(cl);
		if (cl->conn->dead)
			continue;
		svc_work_for(cl->conn);
		rc = request_take(cl);
		svc_settle(cl->conn);
		if (rc == 0)
			stall(cl);
		else if (rc == -SK_E_AGAIN)
			svc_resume(cl->conn);
		else
			svc_conn_kill(cl->conn, "broke the block protocol");
	}
}

/* ---- attaching and detaching ---- */

int client_attach(struct svc_conn *c, struct disk *d, struct volume *v, bool writable)
{
	struct client *cl = calloc(1, sizeof(*cl));
	int rc;

	if (!cl)
		return -SK_E_NO_MEM;
	rc = volume_attach(v, writable);
	if (rc)
		goto free_client;
	rc = disk_region_add(d, c, &cl->region);
	if (rc)
		goto detach;
	cl->conn = c;
	cl->disk = d;
	cl->volume = v;
	cl->writable = writable;
	cl->wrote = writable && c->epoch; /* ATTACH5 */
	c->priv = cl;
	return 0;
detach:
	volume_detach(v, writable);
free_client:
	free(cl);
	return rc;
}

/* Nothing is in flight, and nothing is left to flush. Returns the result for the closer. */
static int client_end(struct client *cl)
{
	int result = cl->result, rc = disk_region_del(cl->disk, cl->region);

	if (rc)
		printf("%s: region %u not unmapped: %s\n", cl->volume->name, cl->region,
			sk_error_text(rc));
	if (result)
		printf("%s: the last flush failed: %s\n", cl->volume->name,
			sk_error_text(result));
	volume_detach(cl->volume, cl->writable);
	cl->conn->priv = NULL;
	free(cl);
	return result;
}

/* Send the last flush; false: the driver cannot be reached any more. */
static bool flush_send(struct client *cl)
{
	const struct blk_req flush = { .op = BLK_FLUSH };

	cl->wrote = false;
	cl->result = disk_submit(cl->disk, cl, &flush, DISK_CLOSING);
	cl->in_flight += cl->result == 0;
	return cl->result == 0;
}

/* ATTACH4. First come, first served, while the driver takes flushes. */
static void endings_serve(struct disk *d)
{
	while (!TAILQ_EMPTY(&d->ending) && disk_ready(d, DISK_CLOSING)) {
		struct client *cl = TAILQ_FIRST(&d->ending);
		struct svc_conn *c = cl->conn;

		TAILQ_REMOVE(&d->ending, cl, turn);
		if (!flush_send(cl))
			svc_closed(c, client_end(cl));
	}
}

int client_close(struct svc_conn *c)
{
	struct client *cl = c->priv;

	unstall(cl);
	cl->closing = true;
	if (cl->in_flight)
		return -SK_E_AGAIN;
	if (!cl->wrote)
		return client_end(cl);
	if (disk_ready(cl->disk, DISK_CLOSING) && TAILQ_EMPTY(&cl->disk->ending))
		return flush_send(cl) ? -SK_E_AGAIN : client_end(cl);
	TAILQ_INSERT_TAIL(&cl->disk->ending, cl, turn);
	return -SK_E_AGAIN;
}

/* ---- the driver's answers ---- */

static void closing_land(struct client *cl, const struct flight *f, const struct blk_rsp *rsp)
{
	struct svc_conn *c = cl->conn;

	if (f->use == DISK_CLOSING)
		cl->result = rsp->status;
	if (cl->in_flight)
		return;
	if (cl->wrote)
		TAILQ_INSERT_TAIL(&cl->disk->ending, cl, turn);
	else
		svc_closed(c, client_end(cl));
}

static void flight_land(const struct flight *f, const struct blk_rsp *rsp)
{
	struct client *cl = f->client;

	svc_work_for(cl->conn);
	cl->in_flight--;
	if (cl->closing)
		closing_land(cl, f, rsp);
	else if (!cl->conn->dead && respond(cl, f->q.id, rsp->status, rsp->flags, rsp->result))
		svc_conn_kill(cl->conn, "writes nonsense into its ring");
}

static void driver_event(void *ctx)
{
	struct disk *d = ctx;
	struct flight f;
	struct blk_rsp rsp;

	disk_recover(d);
	while (disk_finished(d, &f, &rsp) == 0)
		flight_land(&f, &rsp);
	endings_serve(d);
	stalled_serve(d);
}

static void driver_again(void *ctx)
{
	struct disk *d = ctx;

	driver_event(d);
	svc_settle(d->driver);
}

static void driver_restarted(void *ctx)
{
	disk_restarted(ctx);
	driver_event(ctx);
}

static void driver_ended(void *ctx)
{
	struct disk *d = ctx;

	printf("disk %u: the connection with its driver has ended: %s\n", d->number,
		svc_end_text(svc_end(d->driver)));
	if (svc_end(d->driver) == SVC_END_BREACH)
		return; /* init starts this domain again */
	disk_lose(d, "its driver does not come back");
	driver_event(d);
}

int client_disk_start(struct disk *d)
{
	int rc = svc_on_epoch(d->driver, driver_restarted, d);

	if (!rc)
		rc = svc_on_end(d->driver, driver_ended, d);
	if (rc)
		return rc;
	d->again = (struct svc_timer){ .fn = driver_again, .ctx = d };
	return svc_on_channel(d->driver, driver_event, d);
}

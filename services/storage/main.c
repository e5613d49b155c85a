/*
 * main.c - storage: volumes for guests and for files, on the disks of the driver domains
 *
 * Objects     disks[]: one per driver.  volumes[]: GPT partitions, found once at start.  struct client: an
 *             attachment, in svc_conn.priv from open to close.
 * Lifecycle   SVC_OPEN attaches, SVC_CLOSE drains, flushes what was written, and detaches: when it
 *             returns, everything that was acknowledged is on the medium.
 * Invariants  S1 data never pass through here: descriptors do.  S2 a client that cannot be served now
 *             (driver busy) keeps its requests in its ring; `stalled` clients go on in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "disk.h"
#include "sys/sk.h"
#include "volume.h"

struct client {
	struct svc_conn *conn;
	struct volume *volume;
	bool writable, wrote, stalled, closing;
	uint32_t region; /* its data region at the driver */
	uint32_t in_flight;
	int last_flush;           /* its error, once it was tried */
	TAILQ_ENTRY(client) turn; /* while stalled */
};

static struct disk disks[DISKS_MAX];
static uint32_t n_disks;
static struct volume volumes[VOLUMES_MAX];
static uint32_t n_volumes;
static TAILQ_HEAD(, client) stalled = TAILQ_HEAD_INITIALIZER(stalled);

static int respond(struct client *cl, uint64_t id, int status, uint32_t flags, uint64_t result)
{
	struct blk_rsp rsp = { id, status, flags, result };

	return svc_send(cl->conn, false, &rsp, sizeof(rsp));
}

static struct disk *disk_of(const struct client *cl) { return &disks[cl->volume->disk]; }

static int info_respond(struct client *cl, const struct blk_req *q)
{
	return respond(cl, q->id, 0, (cl->writable ? 0 : BLK_READ_ONLY) | BLK_HAS_FLUSH,
		cl->volume->sectors);
}

/* Serve one request. -SK_E_AGAIN: the driver is busy (and q is not taken), -SK_E_PEER: a breach. */
static int request_serve(struct client *cl, struct blk_req *q)
{
	int rc;

	if (cl->in_flight == BLK_DEPTH)
		return -SK_E_PEER;
	if (q->op == BLK_INFO)
		return info_respond(cl, q);
	rc = volume_translate(cl->volume, cl->writable, cl->conn->data_size, q);
	if (rc)
		return respond(cl, q->id, rc, 0, 0);
	q->region = cl->region;
	rc = disk_submit(disk_of(cl), cl, q, false);
	if (rc)
		return rc;
	cl->in_flight++;
	cl->wrote |= q->op == BLK_WRITE;
	return 0;
}

static void client_stall(struct client *cl)
{
	if (cl->stalled)
		return;
	cl->stalled = true;
	TAILQ_INSERT_TAIL(&stalled, cl, turn);
}

/* Take requests while the driver has room. A request is read out of the ring only when it can go on: S2. */
static int client_serve(struct client *cl)
{
	struct disk *d = disk_of(cl);
	struct blk_req q;
	int rc;

	do {
		for (;;) {
			if (d->n_flights == BLK_DEPTH) {
				client_stall(cl);
				return 0;
			}
			rc = ring_get(&cl->conn->req, &q, sizeof(q));
			if (rc < 0)
				break;
			rc = rc == sizeof(q) ? request_serve(cl, &q) : -SK_E_PEER;
			if (rc)
				return -SK_E_PEER;
		}
	} while (rc == -SK_E_AGAIN && ring_get_idle(&cl->conn->req));
	if (ring_get_flush(&cl->conn->req))
		svc_signal(cl->conn);
	return rc == -SK_E_AGAIN ? 0 : -SK_E_PEER;
}

static void stalled_serve(struct disk *d)
{
	while (d->n_flights < BLK_DEPTH && !TAILQ_EMPTY(&stalled)) {
		struct client *cl = TAILQ_FIRST(&stalled);

		TAILQ_REMOVE(&stalled, cl, turn);
		cl->stalled = false;
		if (!cl->conn->dead && !cl->closing && client_serve(cl))
			conn_kill(cl->conn, "broke the block protocol");
	}
}

/* ---- detaching ---- */

static void client_end(struct client *cl)
{
	struct svc_conn *c = cl->conn;
	int rc = disk_region_del(disk_of(cl), cl->region);

	if (rc)
		printf("%s: region %u not unmapped: error %d\n", cl->volume->name, cl->region,
			-rc);
	if (cl->stalled)
		TAILQ_REMOVE(&stalled, cl, turn);
	volume_detach(cl->volume, cl->writable);
	c->priv = NULL;
	free(cl);
}

/* True when the attachment has ended; else the last flight to land ends it. */
static bool client_close_step(struct client *cl, int *result)
{
	struct blk_req flush = { .op = BLK_FLUSH };

	if (cl->in_flight)
		return false;
	if (cl->wrote) {
		cl->last_flush = disk_submit(disk_of(cl), cl, &flush, true);
		if (cl->last_flush ==
			-SK_E_AGAIN) /* no room now: the next landing tries again */
			return false;
		cl->wrote = false;
		cl->in_flight += cl->last_flush == 0;
	}
	if (cl->in_flight)
		return false;
	*result = cl->last_flush;
	client_end(cl);
	return true;
}

/* ---- the driver's answers ---- */

static void closing_retry(struct disk *d)
{
	struct svc_conn *c, *next;

	for (c = svc_next(NULL); c; c = next) {
		struct client *cl = c->priv;
		int result;

		next = svc_next(c);
		if (!cl || !cl->closing || disk_of(cl) != d)
			continue;
		if (client_close_step(cl, &result))
			svc_closed(c, result);
	}
}

static void flight_land(const struct flight *f, const struct blk_rsp *rsp)
{
	struct client *cl = f->client;

	cl->in_flight--;
	if (f->closing && rsp->status) {
		printf("%s: the last flush failed: error %d\n", cl->volume->name, -rsp->status);
		cl->last_flush = rsp->status;
	}
	if (!cl->closing && !cl->conn->dead &&
		respond(cl, f->id, rsp->status, rsp->flags, rsp->result))
		conn_kill(cl->conn, "does not take responses");
}

static void driver_event(void *ctx)
{
	struct disk *d = ctx;
	struct flight f;
	struct blk_rsp rsp;
	int rc;

	while ((rc = disk_finished(d, &f, &rsp)) == 0)
		flight_land(&f, &rsp);
	stalled_serve(d);
	closing_retry(d);
	if (rc == -SK_E_PEER)
		printf("disk %u: the driver broke the protocol\n", (unsigned int)(d - disks));
}

/* ---- the service ---- */

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	const struct blk_params *p = params;
	struct client *cl;
	struct volume *v;
	int rc;

	if (params_len != sizeof(*p) || p->writable > 1 || p->reserved)
		return -SK_E_INVAL;
	v = volume_find(volumes, n_volumes, p->volume, sizeof(p->volume));
	if (!v)
		return -SK_E_NOT_FOUND;
	cl = calloc(1, sizeof(*cl));
	if (!cl)
		return -SK_E_NO_MEM;
	rc = volume_attach(v, p->writable);
	if (rc)
		goto free_client;
	rc = disk_region_add(&disks[v->disk], c, &cl->region);
	if (rc)
		goto detach;
	cl->conn = c;
	cl->volume = v;
	cl->writable = p->writable;
	c->priv = cl;
	result[0] = v->sectors;
	return 0;
detach:
	volume_detach(v, p->writable);
free_client:
	free(cl);
	return rc;
}

static int client_event(struct svc_conn *c)
{
	struct client *cl = c->priv;

	return cl->stalled ? 0 : client_serve(cl);
}

static int client_close(struct svc_conn *c)
{
	struct client *cl = c->priv;
	int result;

	cl->closing = true;
	return client_close_step(cl, &result) ? result : -SK_E_AGAIN;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_BLK,
	.version = 1,
	.min_data = BLK_SECTOR,
	.data_unmapped = true, /* S1 */
	.open = client_open,
	.event = client_event,
	.close = client_close,
};

/* ---- start ---- */

static void gpt_warn(uint32_t entry, const char *what)
{
	printf("partition %u %s: not used\n", entry, what);
}

/* Read and check one of the two headers and its entry array. */
static int table_read(
	struct disk *d, uint64_t lba, struct gpt_header *h, const uint8_t **entries)
{
	const uint8_t *sector;
	uint8_t copy[GPT_SECTOR];
	const char *why;
	int rc = disk_read_now(d, lba, GPT_SECTOR, &sector);

	if (rc)
		return rc;
	memcpy(copy, sector, sizeof(copy));
	rc = gpt_header_decode(copy, lba, d->sectors, h, &why);
	if (rc) {
		printf("disk %u, sector %llu: %s\n", (unsigned int)(d - disks),
			(unsigned long long)lba, why);
		return rc;
	}
	rc = disk_read_now(d, h->entries_lba, (uint32_t)gpt_entries_bytes(h), entries);
	if (rc == 0 && !gpt_entries_valid(h, *entries)) {
		printf("disk %u, sector %llu: wrong checksum of the entries\n",
			(unsigned int)(d - disks), (unsigned long long)lba);
		rc = -SK_E_INVAL;
	}
	return rc;
}

static void partitions_find(struct disk *d)
{
	static struct gpt_partition parts[VOLUMES_MAX];
	struct gpt_header h;
	const uint8_t *entries;
	uint32_t n;

	if (table_read(d, 1, &h, &entries) && table_read(d, d->sectors - 1, &h, &entries)) {
		printf("disk %u: no usable partition table\n", (unsigned int)(d - disks));
		return;
	}
	n = gpt_entries_decode(&h, entries, parts, VOLUMES_MAX - n_volumes, gpt_warn);
	for (uint32_t i = 0; i < n; i++) {
		struct volume *v = &volumes[n_volumes++];

		memcpy(v->name, parts[i].name, sizeof(v->name));
		v->disk = (uint32_t)(d - disks);
		v->first = parts[i].first;
		v->sectors = parts[i].sectors;
		v->read_only = d->read_only;
		printf("volume %s: %llu MiB\n", v->name,
			(unsigned long long)(v->sectors >> 11));
	}
}

/* Channel "blk" or "blk1" .. "blk3", and args "blk=SLOT" ...: the control endpoint of its driver. */
static int disk_attach(const char *name)
{
	struct svc_conn *driver = svc_channel(name);
	char slot[16];
	int rc;

	if (!driver || !svc_arg(name, slot, sizeof(slot)))
		return -SK_E_NOT_FOUND;
	rc = disk_init(&disks[n_disks], driver, (sk_cap_t)strtoul(slot, NULL, 0));
	if (rc) {
		printf("%s: no disk: error %d\n", name, -rc);
		return rc;
	}
	partitions_find(&disks[n_disks]);
	return svc_on_channel(driver, driver_event, &disks[n_disks++]);
}

int main(void)
{
	static const char *const names[DISKS_MAX] = { "blk", "blk1", "blk2", "blk3" };
	int rc;

	for (unsigned int i = 0; i < DISKS_MAX; i++)
		if (disk_attach(names[i]) == -SK_E_NO_MEM)
			printf("%s: out of memory\n", names[i]);
	if (n_disks == 0)
		printf("no disks\n");
	rc = svc_serve(&service);
	return rc ? rc : svc_run();
}

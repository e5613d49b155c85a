/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - a disk behind a driver domain
 *
 * Lifecycle   DISK_UP. After a restart of the driver: regions again (region.c), then
 *             DISK_CHECKING (is it the same disk?), then DISK_REPLAYING, then DISK_UP.
 * Invariants  STORAGE_DISK1 flight[i].sent is true exactly while the driver has the request,
 *                           under a number that no other sending of any request has.
 *             STORAGE_DISK2 clients' requests leave DISK_CLOSING_RESERVE flights free.
 *             STORAGE_DISK4 a request stays in flight[] until it is answered. One that was at a
 *                           driver that ended is at the next driver alone, after those that
 *                           came before it.
 *             STORAGE_DISK5 a driver gets requests of clients only when it has all regions, and
 *                           when it has shown that its disk is the same as before.
 */
#include "disk.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum {
	/* The flight of storage's own requests. */
	OWN = BLK_DEPTH,
	/*
	 * The checks of a driver that started. After one that failed, the next one waits twice
	 * as long as the one before; all together, that is 51 seconds.
	 */
	CHECKS_MAX = 10,
	CHECK_MS = 100,
	/* The low bits of a request's number are its flight. */
	ID_SHIFT = 8,
};
_Static_assert(OWN < 1 << ID_SHIFT, "a flight's index fits");

/* ---- the log of requests ----------------------------------------------------------------- */

/*
 * One of the two broke the protocol. A driver that did is started again, and then gets what has
 * no answer. If it was storage, as the driver says, clients send it to storage's next life.
 */
static bool driver_broken(const struct disk *d)
{
	return d->driver->broken || svc_end(d->driver) == SVC_END_BREACH;
}

/*
 * 0, or an error of the driver. If another driver has started, it gets the request later. Those
 * of a client go in batches: who takes them from it settles the driver's rings.
 */
static int flight_send(struct disk *d, struct flight *f)
{
	struct blk_req out = f->q;
	int rc;

	f->id = ++d->last_id << ID_SHIFT | (uint64_t)(f - d->flight);
	out.id = f->id;
	if (f->use == DISK_CLIENT && d->state == DISK_UP && f != &d->flight[OWN])
		rc = svc_request_put(d->driver, &out, sizeof(out));
	else
		rc = svc_request(d->driver, &out, sizeof(out));
	f->sent = rc == 0;
	if (driver_broken(d) || ring_behind(&d->driver->rsp))
		return 0;
	return rc;
}

static void flight_end(struct disk *d, struct flight *f)
{
	f->used = f->sent = f->failed = false; /* STORAGE_DISK1 */
	d->n_flights -= f != &d->flight[OWN];
}

static int own_send(struct disk *d, const struct blk_req *q)
{
	d->flight[OWN] = (struct flight){ .used = true, .q = *q };
	return flight_send(d, &d->flight[OWN]);
}

/*
 * Get the next answer to a request that the driver has. -SK_E_PEER: it broke the protocol, so
 * there are none until the next driver.
 */
static int answer_get(struct disk *d, struct flight **f, struct blk_rsp *rsp)
{
	int rc = svc_get(d->driver, rsp, sizeof(*rsp));

	if (rc < 0)
		return rc == -SK_E_AGAIN ? rc : -SK_E_PEER;
	*f = &d->flight[rsp->id % (1 << ID_SHIFT) % (OWN + 1)];
	if (rc == sizeof(*rsp) && (*f)->sent && (*f)->id == rsp->id)
		return 0;
	svc_breach(d->driver, "an answer to what it was not asked");
	return -SK_E_PEER;
}

bool disk_ready(struct disk *d, enum disk_use use)
{
	uint32_t max = use == DISK_CLOSING
			       ? BLK_DEPTH
			       : BLK_DEPTH - DISK_CLOSING_RESERVE; /* STORAGE_DISK2 */

	if (d->state == DISK_LOST)
		return true;
	return d->state == DISK_UP && !d->n_owed && !driver_broken(d) && d->n_flights < max &&
	       svc_room(d->driver, sizeof(struct blk_req), 1);
}

static bool request_lost(const struct disk *d, const struct blk_req *q)
{
	bool moves_data = q->op == BLK_READ || q->op == BLK_WRITE;

	return d->state == DISK_LOST ||
	       (moves_data && d->region[q->region].state == REGION_REFUSED);
}

/* Most requests end in their order, so the flights after the last one are free first. */
static struct flight *flight_find(struct disk *d)
{
	for (uint32_t i = 0; i < OWN; i++) {
		struct flight *f = &d->flight[d->flight_next++ % OWN];

		if (!f->used)
			return f;
	}
	return NULL;
}

int disk_submit(struct disk *d, struct client *cl, const struct blk_req *q, enum disk_use use)
{
	struct flight *f;
	int rc;

	if (request_lost(d, q))
		return -SK_E_IO;
	f = flight_find(d);
	if (!f)
		return -SK_E_AGAIN;
	*f = (struct flight){
		.used = true, .use = use, .client = cl, .q = *q, .order = ++d->last_order
	};
	d->n_flights++;
	rc = flight_send(d, f);
	if (rc)
		flight_end(d, f);
	return rc;
}

/* ---- another driver ---------------------------------------------------------------------- */

void disk_lose(struct disk *d, const char *why)
{
	printf("disk %u is lost: %s\n", d->number, why);
	d->state = DISK_LOST;
	d->flight[OWN] = (struct flight){ .used = false };
	for (uint32_t i = 0; i < OWN; i++)
		d->flight[i].failed = d->flight[i].used;
	d->some_failed = true;
}

/* A request without an answer comes back: it may have been what ended the driver. */
static void flight_returned(struct flight *f)
{
	f->deaths += f->sent;
	f->sent = false;
	f->failed = f->deaths >= DISK_DEATHS_MAX;
	if (f->failed)
		printf("a request for sector %llu fails: it was at %u drivers that ended\n",
			(unsigned long long)f->q.sector, DISK_DEATHS_MAX);
}

void disk_restarted(struct disk *d)
{
	printf("disk %u: the driver has been restarted; %u requests had no answer\n", d->number,
		(unsigned int)d->n_flights);
	d->flight[OWN] = (struct flight){ .used = false };
	for (uint32_t i = 0; i < OWN; i++)
		if (d->flight[i].used)
			flight_returned(&d->flight[i]);
	d->some_failed = true;
	disk_regions_owe(d);
	d->state = DISK_CHECKING;
	d->n_checks = 0;
	d->check_at = 0;
}

static void check_send(struct disk *d, const struct blk_req *q)
{
	if (own_send(d, q))
		disk_lose(d, "its driver's ring is unusable");
}

void disk_recover(struct disk *d)
{
	if (d->state != DISK_LOST && d->n_owed)
		disk_regions_pay(d);
	if (d->state != DISK_CHECKING || d->n_owed || d->flight[OWN].used)
		return;
	if (svc_now() < d->check_at)
		svc_timer_set(&d->again, d->check_at);
	else
		check_send(d, &(struct blk_req){ .op = BLK_INFO });
}

/* STORAGE_DISK4: the driver has nothing; send the first of the requests. */
static void replay_next(struct disk *d)
{
	struct flight *first = NULL;

	for (struct flight *f = d->flight; f < &d->flight[OWN]; f++) {
		f->failed |= f->used && request_lost(d, &f->q);
		if (f->used && !f->failed && (!first || f->order < first->order))
			first = f;
	}
	d->some_failed = true;
	d->state = first ? DISK_REPLAYING : DISK_UP;
	if (first && flight_send(d, first))
		disk_lose(d, "its driver's ring is unusable");
}

/* Nothing that an earlier check has read may pass for an answer to this one. */
static void identity_ask(struct disk *d)
{
	memset(d->driver->data, 0, DISK_IDENTITY);
	check_send(d, &(struct blk_req){ .op = BLK_READ,
			      .region = d->own_region,
			      .sector = d->identity_sector,
			      .length = d->block });
}

static bool same_disk(const struct disk *d, const struct blk_rsp *info)
{
	return info->result == d->sectors && blk_info_block(info->flags) == d->block &&
	       !!(info->flags & BLK_READ_ONLY) == d->read_only;
}

/* Perhaps the disk was not ready. Requests wait meanwhile. */
static void check_failed(struct disk *d, const char *why)
{
	if (++d->n_checks == CHECKS_MAX) {
		disk_lose(d, why);
		return;
	}
	if (d->n_checks == 1)
		printf("disk %u: %s; its driver is asked again\n", d->number, why);
	d->check_at = svc_in_ms((uint32_t)CHECK_MS << (d->n_checks - 1));
	disk_recover(d);
}

static void check_passed(struct disk *d)
{
	if (d->n_checks)
		printf("disk %u: it is the same disk; checks that failed before: %u\n",
			d->number, (unsigned int)d->n_checks);
	replay_next(d);
}

/* STORAGE_DISK5: first the size, then what a table that was there must have in it. */
static void check_answered(struct disk *d, uint16_t op, const struct blk_rsp *rsp)
{
	if (rsp->status)
		check_failed(d, sk_error_text(rsp->status));
	else if (op == BLK_INFO && !same_disk(d, rsp))
		check_failed(d, "it has another size");
	else if (op == BLK_INFO && d->identity_sector)
		identity_ask(d);
	else if (op == BLK_READ && memcmp(d->driver->data, d->identity, DISK_IDENTITY) != 0)
		check_failed(d, "it has another partition table");
	else
		check_passed(d);
}

/* ---- answers ----------------------------------------------------------------------------- */

static bool failed_take(struct disk *d, struct flight *out, struct blk_rsp *rsp)
{
	for (struct flight *f = d->flight; d->some_failed && f < &d->flight[OWN]; f++) {
		if (!f->failed)
			continue;
		*out = *f;
		*rsp = (struct blk_rsp){ .status = -SK_E_IO };
		flight_end(d, f);
		return true;
	}
	d->some_failed = false;
	return false;
}

int disk_finished(struct disk *d, struct flight *out, struct blk_rsp *rsp)
{
	struct flight *f;
	int rc;

	for (;;) {
		if (failed_take(d, out, rsp))
			return 0;
		rc = d->state == DISK_LOST ? -SK_E_AGAIN : answer_get(d, &f, rsp);
		if (rc)
			return -SK_E_AGAIN;
		*out = *f;
		flight_end(d, f);
		if (f == &d->flight[OWN]) {
			check_answered(d, out->q.op, rsp);
			continue;
		}
		if (d->state == DISK_REPLAYING)
			replay_next(d);
		return 0;
	}
}

/* ---- start ------------------------------------------------------------------------------- */

/* This driver is of no use any more. -SK_E_RESTARTED: there is another. */
static int another_wait(struct disk *d)
{
	int rc = svc_wait_until(d->driver, svc_in_ms(DISK_START_MS));

	return rc ? rc : -SK_E_PEER;
}

/* Send one request and wait for its answer. Only before the loop. */
static int transact(struct disk *d, const struct blk_req *q, struct blk_rsp *rsp)
{
	sk_time_t deadline = svc_in_ms(DISK_START_MS);
	struct flight *f;
	int rc = own_send(d, q);

	if (rc)
		return rc;
	while ((rc = answer_get(d, &f, rsp)) == -SK_E_AGAIN) {
		d->driver->spent = 0; /* there are no other turns so far */
		svc_settle(d->driver);
		if (svc_more(d->driver))
			continue;
		rc = svc_wait_until(d->driver, deadline);
		if (rc)
			return rc;
	}
	if (rc)
		return another_wait(d);
	flight_end(d, f);
	return rsp->status;
}

int disk_init(struct disk *d, unsigned int number, struct svc_conn *driver, sk_cap_t endpoint)
{
	struct blk_req q = { .op = BLK_INFO };
	struct blk_rsp rsp;
	int rc;

	memset(d, 0, sizeof(*d));
	TAILQ_INIT(&d->stalled);
	TAILQ_INIT(&d->ending);
	d->number = number;
	d->driver = driver;
	d->endpoint = endpoint;
	rc = transact(d, &q, &rsp);
	if (rc)
		return rc;
	d->sectors = rsp.result;
	d->block = blk_info_block(rsp.flags);
	d->read_only = rsp.flags & BLK_READ_ONLY;
	rc = disk_region_add(d, driver, &d->own_region);
	if (rc != -SK_E_IO)
		return rc;
	/* perhaps the driver has just ended, and there will be another */
	rc = svc_wait_until(driver, svc_in_ms(DISK_START_MS));
	return rc ? rc : -SK_E_RESTARTED;
}

int disk_read_now(struct disk *d, uint64_t sector, uint32_t bytes, const uint8_t **data)
{
	struct blk_target t = {
		.sectors = d->sectors, .region_size = d->driver->data_size, .block = d->block
	};
	struct blk_req q = {
		.op = BLK_READ, .region = d->own_region, .sector = sector, .length = bytes
	};
	struct blk_rsp rsp;
	int rc;

	if (bytes > d->driver->data_size)
		return -SK_E_LIMIT;
	rc = blk_req_check(&q, &t);
	if (rc)
		return rc;
	*data = d->driver->data;
	return transact(d, &q, &rsp);
}

void disk_identity_set(struct disk *d, uint64_t sector, const uint8_t header[DISK_IDENTITY])
{
	d->identity_sector = sector;
	memcpy(d->identity, header, DISK_IDENTITY);
}

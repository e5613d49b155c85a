/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - a disk behind a driver domain
 *
 * Invariants  STORAGE_DISK1 flight[i] is used exactly while the driver has the request with id
 *                           i.
 *             STORAGE_DISK2 clients' requests leave DISK_CLOSING_RESERVE flights free.
 *             STORAGE_DISK3 a region's number is used again only after the driver has said that
 *                           it has no region with it.
 */
#include "disk.h"

#include <stdio.h>
#include <string.h>

bool disk_ready(struct disk *d, enum disk_use use)
{
	uint32_t max = use == DISK_CLOSING
			       ? BLK_DEPTH
			       : BLK_DEPTH - DISK_CLOSING_RESERVE; /* STORAGE_DISK2 */

	return d->n_flights < max && svc_room(d->driver, sizeof(struct blk_req), 1);
}

int disk_submit(struct disk *d, struct client *cl, const struct blk_req *q, enum disk_use use)
{
	struct blk_req out = *q;
	uint32_t i;
	int rc;

	for (i = 0; i < BLK_DEPTH && d->flight[i].used; i++)
		continue;
	if (i == BLK_DEPTH)
		return -SK_E_AGAIN;
	out.id = i;
	rc = svc_request(d->driver, &out, sizeof(out));
	if (rc)
		return rc;
	d->flight[i] = (struct flight){ true, use, cl, q->id };
	d->n_flights++;
	return 0;
}

int disk_finished(struct disk *d, struct flight *f, struct blk_rsp *rsp)
{
	int rc;

	while ((rc = svc_get(d->driver, rsp, sizeof(*rsp))) >= 0) {
		if (rc == sizeof(*rsp) && rsp->id < BLK_DEPTH && d->flight[rsp->id].used) {
			*f = d->flight[rsp->id];
			d->flight[rsp->id].used = false; /* STORAGE_DISK1 */
			d->n_flights--;
			return 0;
		}
		if (d->faults++ == 0)
			printf("a disk's driver answers what it was not asked\n");
	}
	return rc == -SK_E_AGAIN ? rc : -SK_E_PEER;
}

/* Send one request and wait for its answer. Only before the loop. */
static int transact(struct disk *d, const struct blk_req *q, struct blk_rsp *rsp)
{
	sk_time_t deadline = svc_in_ms(DISK_START_MS);
	struct flight f;
	int rc = disk_submit(d, NULL, q, DISK_CLIENT);

	if (rc)
		return rc;
	while ((rc = disk_finished(d, &f, rsp)) == -SK_E_AGAIN) {
		d->driver->spent = 0; /* there are no other turns so far */
		svc_settle(d->driver);
		if (svc_more(d->driver))
			continue;
		rc = svc_wait_until(d->driver, deadline);
		if (rc)
			return rc;
	}
	return rc ? rc : rsp->status;
}

/* ---- regions ---- */

static int region_call(struct disk *d, uint32_t label, uint64_t a, uint64_t b, sk_cap_t frame)
{
	struct svc_caps caps = { .out = { frame }, .n_out = frame != SK_NULL_CAP };
	uint64_t mr[64] = { a, b }; /* room for any answer */
	uint32_t n = 2;
	int rc;

	if (svc_now() < d->silent_until)
		return -SK_E_IO;
	rc = svc_call_timed(d->endpoint, label, mr, &n, &caps, DISK_CALL_MS);
	if (rc != -SK_E_TIMEOUT)
		return rc;
	d->silent_until = svc_in_ms(DISK_SILENT_MS);
	printf("a disk's driver does not answer\n");
	return -SK_E_IO;
}

/* STORAGE_DISK3 */
static int number_free(struct disk *d, uint32_t number)
{
	int rc = region_call(d, BLK_REGION_DEL, number, 0, SK_NULL_CAP);
	bool gone = rc == 0 || rc == -SK_E_NOT_FOUND;

	d->region[number] = gone ? REGION_FREE : REGION_STALE;
	return rc;
}

static int number_take(struct disk *d, uint32_t *number)
{
	uint32_t i;
	int rc;

	for (i = 0; i < BLK_REGIONS; i++) {
		if (d->region[i] == REGION_STALE) {
			rc = number_free(d, i);
			if (rc == -SK_E_IO)
				return rc;
		}
		if (d->region[i] == REGION_FREE)
			break;
	}
	*number = i;
	return i < BLK_REGIONS ? 0 : -SK_E_LIMIT;
}

int disk_region_add(struct disk *d, const struct svc_conn *c, uint32_t *region)
{
	int rc = number_take(d, region);

	if (rc)
		return rc;
	rc = region_call(d, BLK_REGION_ADD, c->data_size, *region, c->data_frame);
	d->region[*region] = rc ? REGION_STALE : REGION_USED;
	return rc;
}

int disk_region_del(struct disk *d, uint32_t region) { return number_free(d, region); }

/* ---- start ---- */

int disk_init(struct disk *d, struct svc_conn *driver, sk_cap_t endpoint)
{
	struct blk_req q = { .op = BLK_INFO };
	struct blk_rsp rsp;
	int rc;

	memset(d, 0, sizeof(*d));
	TAILQ_INIT(&d->stalled);
	TAILQ_INIT(&d->ending);
	d->driver = driver;
	d->endpoint = endpoint;
	rc = transact(d, &q, &rsp);
	if (rc)
		return rc;
	d->sectors = rsp.result;
	d->block = blk_info_block(rsp.flags);
	d->read_only = rsp.flags & BLK_READ_ONLY;
	return disk_region_add(d, driver, &d->own_region);
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

/*
 * disk.c - a disk behind a driver domain
 *
 * Invariants  D1 flight[i] is in use exactly while the driver has the request with id i.
 */
#include "disk.h"

#include <string.h>

static struct client *const self = (struct client *)-1; /* our own reads at start */

int disk_submit(struct disk *d, struct client *cl, const struct blk_req *q, bool closing)
{
	struct blk_req out = *q;
	uint32_t i;
	int rc;

	for (i = 0; i < BLK_DEPTH && d->flight[i].client; i++)
		continue;
	if (i == BLK_DEPTH)
		return -SK_E_AGAIN;
	out.id = i;
	rc = svc_send(d->driver, true, &out, sizeof(out));
	if (rc)
		return rc;
	d->flight[i] = (struct flight){ cl, q->id, closing };
	d->n_flights++;
	return 0;
}

int disk_finished(struct disk *d, struct flight *f, struct blk_rsp *rsp)
{
	int rc = ring_get(&d->driver->rsp, rsp, sizeof(*rsp));

	if (rc < 0)
		return rc;
	if (rc != sizeof(*rsp) || rsp->id >= BLK_DEPTH || !d->flight[rsp->id].client) /* D1 */
		return -SK_E_PEER;
	*f = d->flight[rsp->id];
	d->flight[rsp->id].client = NULL;
	d->n_flights--;
	return 0;
}

/* One request and its answer, waiting for nothing else: only before the loop. */
static int transact(struct disk *d, const struct blk_req *q, struct blk_rsp *rsp)
{
	struct flight f;
	int rc = disk_submit(d, self, q, false);

	if (rc)
		return rc;
	while ((rc = disk_finished(d, &f, rsp)) == -SK_E_AGAIN) {
		if (ring_get_idle(&d->driver->rsp))
			continue;
		rc = svc_wait(d->driver);
		if (rc)
			return rc;
	}
	return rc ? rc : rsp->status;
}

static int region_call(struct disk *d, uint32_t label, uint64_t *mr, sk_cap_t frame)
{
	struct svc_caps caps = { .out = { frame }, .n_out = frame != SK_NULL_CAP };
	uint32_t n = 2;

	return svc_call(d->endpoint, label, mr, &n, &caps);
}

int disk_region_add(struct disk *d, const struct svc_conn *c, uint32_t *region)
{
	uint64_t mr[64] = { c->data_size };
	int rc = region_call(d, BLK_REGION_ADD, mr, c->data_frame);

	*region = (uint32_t)mr[1];
	return rc;
}

int disk_region_del(struct disk *d, uint32_t region)
{
	uint64_t mr[64] = { region };

	return region_call(d, BLK_REGION_DEL, mr, SK_NULL_CAP);
}

int disk_init(struct disk *d, struct svc_conn *driver, sk_cap_t endpoint)
{
	struct blk_req q = { .op = BLK_INFO };
	struct blk_rsp rsp;
	int rc;

	memset(d, 0, sizeof(*d));
	d->driver = driver;
	d->endpoint = endpoint;
	rc = transact(d, &q, &rsp);
	if (rc)
		return rc;
	d->sectors = rsp.result;
	d->read_only = rsp.flags & BLK_READ_ONLY;
	return disk_region_add(d, driver, &d->own_region);
}

int disk_read_now(struct disk *d, uint64_t sector, uint32_t bytes, const uint8_t **data)
{
	struct blk_req q = {
		.op = BLK_READ, .region = d->own_region, .sector = sector, .length = bytes
	};
	struct blk_rsp rsp;

	if (bytes > d->driver->data_size)
		return -SK_E_LIMIT;
	if (sector > d->sectors || bytes / BLK_SECTOR > d->sectors - sector)
		return -SK_E_RANGE;
	*data = d->driver->data;
	return transact(d, &q, &rsp);
}

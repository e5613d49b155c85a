/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * region.c - the data regions of clients at a disk's driver
 *
 * Invariants  STORAGE_DISK3 a region's number is used again only after the driver has said that
 *                           it has no region with it.
 *             STORAGE_DISK6 a number belongs to its client from disk_region_add() to
 *                           disk_region_del(), whatever drivers do in between.
 */
#include "disk.h"

#include <stdio.h>

static int region_call(struct disk *d, uint32_t label, uint64_t a, uint64_t b, sk_cap_t frame)
{
	struct svc_caps caps = { .out = { frame }, .n_out = frame != SK_NULL_CAP };
	uint64_t mr[64] = { a, b }; /* room for any answer */
	uint32_t n = 2;
	int rc;

	if (d->state == DISK_LOST || svc_now() < d->silent_until)
		return -SK_E_IO;
	rc = svc_call_timed(d->endpoint, label, mr, &n, &caps, DISK_CALL_MS);
	if (rc != -SK_E_TIMEOUT && rc != -SK_E_DELETED)
		return rc;
	d->silent_until = svc_in_ms(DISK_SILENT_MS);
	printf("disk %u: the driver does not answer\n", d->number);
	return -SK_E_IO;
}

/* STORAGE_DISK3 */
static int number_free(struct disk *d, uint32_t number)
{
	int rc = region_call(d, BLK_REGION_DEL, number, 0, SK_NULL_CAP);
	bool gone = rc == 0 || rc == -SK_E_NOT_FOUND;

	d->region[number] = (struct disk_region){ .state = gone ? REGION_FREE : REGION_STALE };
	return rc;
}

static int number_take(struct disk *d, uint32_t *number)
{
	for (uint32_t i = 0; i < BLK_REGIONS; i++) {
		if (d->region[i].state == REGION_STALE)
			(void)number_free(d, i);
		if (d->region[i].state == REGION_FREE) {
			*number = i;
			return 0;
		}
	}
	return -SK_E_LIMIT;
}

/*
 * A number that is in use at the driver although it is not in use here was left by a call that
 * we gave up, perhaps with another client's frame.
 */
static int region_give(struct disk *d, uint32_t number)
{
	struct disk_region *r = &d->region[number];
	int rc = region_call(d, BLK_REGION_ADD, r->size, number, r->frame);

	if (rc != -SK_E_EXISTS)
		return rc;
	rc = region_call(d, BLK_REGION_DEL, number, 0, SK_NULL_CAP);
	return rc ? rc : region_call(d, BLK_REGION_ADD, r->size, number, r->frame);
}

static void region_owe(struct disk *d, struct disk_region *r)
{
	r->state = REGION_OWED;
	d->n_owed++;
}

int disk_region_add(struct disk *d, const struct svc_conn *c, uint32_t *region)
{
	struct disk_region *r;
	int rc = number_take(d, region);

	if (rc)
		return rc;
	r = &d->region[*region];
	*r = (struct disk_region){ REGION_USED, c->data_frame, c->data_size };
	rc = region_give(d, *region);
	if (rc == -SK_E_IO && d->state != DISK_LOST && !c->channel && c->epoch) {
		region_owe(d, r);
		svc_timer_set(&d->again, d->silent_until);
		return 0;
	}
	if (rc)
		*r = (struct disk_region){ .state = REGION_STALE };
	return rc;
}

int disk_region_del(struct disk *d, uint32_t region)
{
	d->n_owed -= d->region[region].state == REGION_OWED;
	if (d->state != DISK_LOST)
		return number_free(d, region);
	d->region[region] = (struct disk_region){ .state = REGION_STALE };
	return 0;
}

void disk_regions_owe(struct disk *d)
{
	d->silent_until = 0;
	for (uint32_t i = 0; i < BLK_REGIONS; i++) {
		struct disk_region *r = &d->region[i];

		if (r->state == REGION_USED || r->state == REGION_REFUSED)
			region_owe(d, r);
	}
}

/* STORAGE_DISK6: also a number that the driver refuses stays its client's. */
void disk_regions_pay(struct disk *d)
{
	for (uint32_t i = 0; i < BLK_REGIONS && d->n_owed; i++) {
		int rc;

		if (d->region[i].state != REGION_OWED)
			continue;
		rc = region_give(d, i);
		if (rc == -SK_E_IO) {
			svc_timer_set(&d->again, d->silent_until);
			return;
		}
		if (rc)
			printf("disk %u: the driver refuses region %u\n", d->number,
				(unsigned int)i);
		d->region[i].state = rc ? REGION_REFUSED : REGION_USED;
		d->n_owed--;
	}
}

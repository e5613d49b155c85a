/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - storage: volumes for guests and for files, on the disks of the driver domains
 *
 * Objects     disks[]: one per driver. volumes[]: GPT partitions, found once at start.
 * Lifecycle   SVC_OPEN attaches a volume, and SVC_CLOSE detaches it: client.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "base/error.h"

/* So many drivers that end while the disk is read for the first time; then there is no disk. */
enum { DRIVERS_MAX = 8 };

static struct disk disks[DISKS_MAX];
static uint32_t n_disks;
static struct volume volumes[VOLUMES_MAX];
static uint32_t n_volumes;

/* ---- the service ---- */

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	const struct blk_params *p = params;
	struct volume *v;

	if (params_len != sizeof(*p) || p->writable > 1 || p->reserved)
		return -SK_E_INVAL;
	v = volume_find(volumes, n_volumes, p->volume, sizeof(p->volume));
	if (!v)
		return -SK_E_NOT_FOUND;
	result[0] = v->sectors;
	return client_attach(c, &disks[v->disk], v, p->writable);
}

static const struct svc_service service = {
	.proto = SVC_PROTO_BLK,
	.min_data = BLK_SECTOR,
	.data_unmapped = true, /* data go between the client's memory and the disk */
	.open = client_open,
	.event = client_event,
	.close = client_close,
};

/* ---- start ---- */

static void gpt_warn(uint32_t entry, const char *what)
{
	printf("partition %u %s: not used\n", entry, what);
}

/*
 * Read and check one of the two headers and its entry array. An LBA counts the disk's blocks.
 */
static int table_read(
	struct disk *d, uint64_t lba, struct gpt_header *h, const uint8_t **entries)
{
	const uint8_t *sector;
	uint8_t copy[GPT_SECTOR];
	const uint64_t per_block = d->block / BLK_SECTOR;
	const char *why;
	int rc = disk_read_now(d, lba * per_block, d->block, &sector);

	if (rc)
		return rc;
	memcpy(copy, sector, sizeof(copy));
	rc = gpt_header_decode(copy, lba, d->sectors / per_block, d->block, h, &why);
	if (rc) {
		printf("disk %u, block %llu: %s\n", (unsigned int)(d - disks),
			(unsigned long long)lba, why);
		return rc;
	}
	rc = disk_read_now(
		d, h->entries_lba * per_block, (uint32_t)gpt_entries_bytes(h), entries);
	if (rc == 0 && !gpt_entries_valid(h, *entries)) {
		printf("disk %u, block %llu: wrong checksum of the entries\n",
			(unsigned int)(d - disks), (unsigned long long)lba);
		rc = -SK_E_INVAL;
	}
	if (rc == 0)
		disk_identity_set(d, lba * per_block, copy);
	return rc;
}

/*
 * -SK_E_RESTARTED: the driver is another one now; else a disk without a table has no volumes.
 */
static int partitions_find(struct disk *d)
{
	static struct gpt_partition parts[VOLUMES_MAX];
	const uint64_t per_block = d->block / BLK_SECTOR;
	struct gpt_header h;
	const uint8_t *entries;
	uint32_t n;
	int rc = table_read(d, 1, &h, &entries);

	if (rc && rc != -SK_E_RESTARTED)
		rc = table_read(d, d->sectors / per_block - 1, &h, &entries);
	if (rc == -SK_E_RESTARTED)
		return rc;
	if (rc) {
		printf("disk %u: no usable partition table\n", (unsigned int)(d - disks));
		return 0;
	}
	n = gpt_entries_decode(&h, entries, parts, VOLUMES_MAX - n_volumes, gpt_warn);
	for (uint32_t i = 0; i < n; i++) {
		struct volume *v = &volumes[n_volumes++];

		memcpy(v->name, parts[i].name, sizeof(v->name));
		v->disk = (uint32_t)(d - disks);
		v->first = parts[i].first * per_block;
		v->sectors = parts[i].sectors * per_block;
		v->block = d->block;
		v->read_only = d->read_only;
		printf("volume %s: %llu MiB\n", v->name,
			(unsigned long long)(v->sectors >> 11));
	}
	return 0;
}

static int disk_find(struct disk *d, struct svc_conn *driver, sk_cap_t endpoint)
{
	int rc = disk_init(d, (unsigned int)(d - disks), driver, endpoint);

	return rc ? rc : partitions_find(d);
}

/*
 * A disk is a channel "blk" or "blk1" to "blk3"; args "blk=SLOT" and so on name the control
 * endpoint of its driver.
 */
static int disk_attach(const char *name)
{
	struct svc_conn *driver = svc_channel(name);
	char slot[16];
	int rc, n = 0;

	if (!driver || !svc_arg(name, slot, sizeof(slot)))
		return -SK_E_NOT_FOUND;
	do
		rc = disk_find(&disks[n_disks], driver, (sk_cap_t)strtoul(slot, NULL, 0));
	while (rc == -SK_E_RESTARTED && ++n < DRIVERS_MAX);
	if (rc) {
		printf("%s: no disk: %s\n", name, sk_error_text(rc));
		return rc;
	}
	return client_disk_start(&disks[n_disks++]);
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

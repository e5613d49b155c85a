/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drives.c - the drivers of two disks, and clients of storage
 */
#include "drives.h"

#include <stdlib.h>
#include <zlib.h>

/* ---- the drivers ---- */
struct drive drives[2];
static uint32_t n_drives;
struct peer c[CLIENTS];

static void put(uint8_t *p, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* A table with volumes named by letters, 50 blocks each. */
static void table_make(struct drive *d, const char *letters)
{
	uint8_t *header = d->image + d->block, *entries = d->image + 2 * d->block;

	for (uint32_t i = 0; letters[i]; i++) {
		uint8_t *e = entries + i * 128;

		e[0] = 1;
		put(e + 32, FIRST + i * VOLUME, 8);
		put(e + 40, FIRST + i * VOLUME + VOLUME - 1, 8);
		e[56] = (uint8_t)letters[i];
	}
	memcpy(header, "EFI PART", 8);
	put(header + 12, 92, 4);
	put(header + 24, 1, 8);
	put(header + 32, LBAS - 1, 8);
	put(header + 40, FIRST, 8);
	put(header + 48, LBAS - FIRST, 8);
	put(header + 72, 2, 8);
	put(header + 80, 16, 4);
	put(header + 84, 128, 4);
	put(header + 88, crc32(0, entries, 16 * 128), 4);
	put(header + 16, crc32(0, header, 92), 4);
}

static struct drive *drive_of(struct peer *p)
{
	for (uint32_t i = 0; i < n_drives; i++)
		if (&drives[i].peer == p)
			return &drives[i];
	abort();
}

/* Takes the driver's next request; false: none. */
bool asked(struct drive *d, struct blk_req *q) { return peer_take(&d->peer, q, sizeof(*q)); }

void answer_put(struct drive *d, uint64_t id, int status)
{
	struct blk_rsp rsp = { .id = id, .status = status };

	peer_put(&d->peer, &rsp, sizeof(rsp));
}

void answer(struct drive *d, uint64_t id, int status)
{
	answer_put(d, id, status);
	peer_flush(&d->peer);
}

void answer_truly(struct drive *d, const struct blk_req *q)
{
	struct blk_rsp rsp = { .id = q->id, .status = d->status };

	if (q->op == BLK_INFO) {
		rsp.result = d->sectors ? d->sectors : LBAS * (d->block / 512);
		rsp.flags = BLK_HAS_FLUSH | blk_block_info(d->block);
		if (d->read_only)
			rsp.flags |= BLK_READ_ONLY;
	} else {
		assert_int_equal(q->op, BLK_READ);
		assert_int_equal(q->length % d->block, 0);
		memcpy(d->peer.data, d->image + q->sector * 512, q->length);
	}
	peer_put(&d->peer, &rsp, sizeof(rsp));
}

/* Storage waits only at its start, for the partition tables. */
static bool starts(struct peer *p)
{
	struct drive *d = drive_of(p);
	struct blk_req q;
	bool any = d->stray;

	d->stray = false;
	while (!d->silent && !any && asked(d, &q)) {
		if (!d->on_start || !d->on_start(d, &q))
			answer_truly(d, &q);
		any = true;
	}
	(void)ring_get_flush(&p->in);
	(void)ring_put_flush(&p->out);
	return any;
}

static long region_called(struct drive *d, uint32_t label, uint64_t *mr, sk_cap_t frame)
{
	uint64_t number = label == BLK_REGION_ADD ? mr[1] : mr[0];

	assert_true(number < BLK_REGIONS);
	if (label == BLK_REGION_ADD) {
		assert_non_null(world_frame(frame)); /* the data part */
		d->region_size = mr[0];
		mr[0] = d->region[number] ? (uint64_t)-SK_E_EXISTS : 0;
		d->n_regions += !d->region[number];
		if (!d->region[number])
			d->region_data[number] = world_frame(frame);
		d->region[number] = 1;
	} else {
		assert_int_equal(label, BLK_REGION_DEL);
		assert_int_equal(frame, 0);
		mr[0] = d->region[number] ? 0 : (uint64_t)-SK_E_NOT_FOUND;
		d->n_regions -= d->region[number];
		d->region[number] = 0;
	}
	return 0;
}

static long called(sk_cap_t ep, uint32_t label, uint64_t *mr, sk_cap_t frame)
{
	struct drive *d = &drives[ep - ENDPOINT];
	long rc;

	assert_true(world.call_deadline <= world.now + DISK_CALL_MS * (WORLD_HZ / 1000));
	if (d->silent) {
		world.now = world.call_deadline;
		return -SK_E_TIMEOUT;
	}
	rc = d->on_region ? d->on_region(d, label, label == BLK_REGION_ADD ? mr[1] : mr[0]) : 0;
	return rc ? rc : region_called(d, label, mr, frame);
}

void drive_restart(struct drive *d)
{
	memset(d->region, 0, sizeof(d->region));
	d->n_regions = 0;
	world_restart(&d->peer);
}

static void drive_make(const char *name, const char *letters, uint32_t block)
{
	struct drive *d = &drives[n_drives];
	char arg[24];

	d->block = block;
	d->image = calloc(LBAS, block);
	table_make(d, letters);
	world_channel(&d->peer, name, SVC_PROTO_BLK, 256 << 10);
	snprintf(arg, sizeof(arg), "%s=%u", name, ENDPOINT + n_drives++);
	world_arg(arg);
}

void start_with(uint32_t block)
{
	world.on_wait = starts;
	world.on_call = called;
	drive_make("blk", "adef", block);
	drive_make("blk1", "bcgh", 512);
	world_start();
}

void start(void) { start_with(512); }

/* ---- the clients ---- */
int try_attach(struct peer *p, char letter, bool writable)
{
	struct blk_params params = { .writable = writable };

	snprintf(params.volume, sizeof(params.volume), "by-partlabel/%c", letter);
	return world_open(p, SVC_PROTO_BLK, 1, &params, sizeof(params), DATA);
}

void attach(struct peer *p, char letter) { assert_int_equal(try_attach(p, letter, true), 0); }

void ask(struct peer *p, struct blk_req q)
{
	peer_put(p, &q, sizeof(q));
	peer_flush(p);
}

void ask_many(struct peer *p, uint16_t op, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		peer_put(p, &(struct blk_req){ .op = op, .id = i, .length = 512 },
			sizeof(struct blk_req));
	peer_signal(p);
}

/* The status of the next answer; 99: none. */
int answered(struct peer *p)
{
	struct blk_rsp rsp;
	bool got = peer_take(p, &rsp, sizeof(rsp));

	peer_flush(p);
	return got ? rsp.status : 99;
}

uint32_t answers(struct peer *p)
{
	struct blk_rsp rsp;
	uint32_t n = 0;

	while (peer_take(p, &rsp, sizeof(rsp)))
		n++;
	peer_flush(p);
	return n;
}

/* The driver answers all its requests, at most max; returns how many. */
uint32_t land(struct drive *d, uint32_t max)
{
	struct blk_req q;
	uint32_t n = 0;

	for (; n < max && asked(d, &q); n++)
		answer_put(d, q.id, 0);
	peer_flush(&d->peer);
	return n;
}

void land_all(struct drive *d)
{
	while (land(d, UINT32_MAX))
		continue;
}

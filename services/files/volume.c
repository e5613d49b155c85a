/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * volume.c - blocks for libext2fs, read from storage (or from an image in the boot archive)
 *
 * Objects     one volume, one channel; one read at a time goes through the channel's data
 *             region.
 * Waiting     libext2fs reads synchronously, so this file waits for storage, which never waits
 *             for its clients. Meanwhile the clients of files wait, and their events stay
 *             pending.
 * Restart     storage that has started again has forgotten the read, which is sent again if the
 *             volume is as large as before. If storage breaks the protocol, init starts it
 *             again, or this domain, which waits, if it hears that too often.
 */
#include "volume.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include "proto/blk.h"

static struct svc_conn *storage;
static const uint8_t *memory;
static uint64_t volume_size; /* bytes */
/* Bytes of a block; all reads are of whole blocks. */
static uint32_t volume_block = BLK_SECTOR;
/* Storage has another volume than the one that was mounted: all reads fail. */
static bool lost;

/* Until storage has started again, or is gone. What it signals meanwhile says nothing. */
static int next_life_wait(void)
{
	int rc;

	do
		rc = svc_wait_until(storage, SK_NO_DEADLINE);
	while (!rc);
	return rc;
}

/* -SK_E_RESTARTED: storage has started again, and does not have the request. */
static int transact_once(struct blk_req *q, struct blk_rsp *rsp)
{
	static uint64_t next_id = 1;
	int n, rc;

	q->id = next_id++;
	rc = svc_request(storage, q, sizeof(*q));
	if (rc)
		return rc;
	n = svc_wait_record(storage, rsp, sizeof(*rsp), SK_NO_DEADLINE);
	if (n == sizeof(*rsp) && rsp->id == q->id)
		return rsp->status;
	if (n >= 0)
		svc_breach(storage, "an answer to what it was not asked");
	return storage->broken ? next_life_wait() : n;
}

static int info_get(struct blk_rsp *rsp)
{
	struct blk_req q = { .op = BLK_INFO };
	int rc;

	do
		rc = transact_once(&q, rsp);
	while (rc == -SK_E_RESTARTED);
	return rc;
}

int volume_use_channel(struct svc_conn *c)
{
	struct blk_rsp rsp;
	int rc;

	storage = c;
	rc = info_get(&rsp);
	volume_size = rc ? 0 : rsp.result * BLK_SECTOR;
	if (!rc)
		volume_block = blk_info_block(rsp.flags);
	return rc;
}

static bool same_volume(void)
{
	struct blk_rsp rsp;

	return info_get(&rsp) == 0 && rsp.result * BLK_SECTOR == volume_size &&
	       blk_info_block(rsp.flags) == volume_block;
}

static int transact(struct blk_req *q, struct blk_rsp *rsp)
{
	int rc = lost ? -SK_E_IO : transact_once(q, rsp);

	while (rc == -SK_E_RESTARTED) {
		lost = !same_volume();
		rc = lost ? -SK_E_IO : transact_once(q, rsp);
	}
	return rc;
}

void volume_use_memory(const void *image, uint64_t size)
{
	memory = image;
	volume_size = size;
}

/* The data part holds this many bytes at a time. */
static uint32_t window(void)
{
	uint64_t max = storage->data_size < BLK_BYTES_MAX ? storage->data_size : BLK_BYTES_MAX;

	return (uint32_t)max & ~(volume_block - 1);
}

static int channel_read(uint64_t at, uint32_t bytes, uint8_t *out)
{
	while (bytes) {
		uint32_t skip = at % volume_block, max = window();
		uint64_t whole = ((uint64_t)skip + bytes + volume_block - 1) &
				 ~(uint64_t)(volume_block - 1);
		struct blk_req q = { .op = BLK_READ,
			.sector = (at - skip) / BLK_SECTOR,
			.length = whole < max ? whole : max };
		struct blk_rsp rsp;
		uint32_t n;
		int rc = max ? transact(&q, &rsp) : -SK_E_LIMIT;

		if (rc)
			return rc;
		n = (uint32_t)q.length - skip < bytes ? (uint32_t)q.length - skip : bytes;
		memcpy(out, storage->data + skip, n);
		out += n;
		at += n;
		bytes -= n;
	}
	return 0;
}

int volume_read(uint64_t at, uint32_t bytes, void *out)
{
	if (at % BLK_SECTOR || bytes % BLK_SECTOR)
		return -SK_E_ALIGN;
	if (at > volume_size || bytes > volume_size - at)
		return -SK_E_RANGE;
	if (!memory)
		return channel_read(at, bytes, out);
	memcpy(out, memory + at, bytes);
	return 0;
}

/* ---- the io_manager ---- */

static errcode_t io_open(const char *name, int flags, io_channel *out)
{
	io_channel c = calloc(1, sizeof(*c));

	(void)flags;
	if (!c)
		return EXT2_ET_NO_MEMORY;
	c->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	c->manager = &volume_io;
	c->name = strdup(name);
	c->block_size = 1024;
	c->refcount = 1;
	*out = c;
	return 0;
}

static errcode_t io_close(io_channel c)
{
	if (--c->refcount > 0)
		return 0;
	free(c->name);
	free(c);
	return 0;
}

static errcode_t io_set_blksize(io_channel c, int size)
{
	c->block_size = size;
	return 0;
}

/* A negative count is in bytes: the library reads the superblock that way. */
static errcode_t io_read(io_channel c, unsigned long long block, int count, void *data)
{
	uint64_t bytes = count < 0 ? (uint64_t) - (int64_t)count
				   : (uint64_t)count * (unsigned int)c->block_size;

	if (block > UINT64_MAX / (unsigned int)c->block_size || bytes > UINT32_MAX ||
		volume_read(block * (unsigned int)c->block_size, (uint32_t)bytes, data))
		return EXT2_ET_SHORT_READ;
	return 0;
}

static errcode_t io_read32(io_channel c, unsigned long block, int count, void *data)
{
	return io_read(c, block, count, data);
}

static errcode_t io_write(io_channel c, unsigned long long block, int count, const void *data)
{
	(void)c;
	(void)block;
	(void)count;
	(void)data;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t io_write32(io_channel c, unsigned long block, int count, const void *data)
{
	return io_write(c, block, count, data);
}

static errcode_t io_flush(io_channel c)
{
	(void)c;
	return 0;
}

struct struct_io_manager volume_io = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "skerry volume",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_blksize,
	.read_blk = io_read32,
	.write_blk = io_write32,
	.flush = io_flush,
	.read_blk64 = io_read,
	.write_blk64 = io_write,
};

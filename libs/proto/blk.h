/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk.h - block I/O: VMM to storage, storage to driver
 *
 * Transport   requests and responses are records on the rings; data lie in data regions. A
 *             client of storage has one region (the data part of its connection, region 0).
 *             storage forwards descriptors to the driver, which has mapped the clients' regions
 *             for DMA: BLK_REGION_* calls on the driver's control endpoint give a region its
 *             number there.
 * Ownership   the provider owns the bytes that a request names from the request to its
 *             response.
 * Order       requests in flight are not ordered; FLUSH covers every WRITE answered before it
 *             was sent. A write with BLK_FUA is on the medium when answered.
 * Credit      at most BLK_DEPTH requests outstanding. Further ones stay in the ring, and so do
 *             those of a client that does not take its responses.
 * Units       sectors of 512 bytes; offset and length of data in bytes, multiples of 512. A
 *             disk may have larger blocks (INFO): a transfer is of whole blocks.
 * Legal       blk_req_check() defines a legal request, for VMM, storage and driver alike. An
 *             illegal one is answered with the error that it returns.
 */
#ifndef PROTO_BLK_H
#define PROTO_BLK_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#define BLK_DEPTH 64u
#define BLK_SECTOR 512u
/* Largest transfer. */
#define BLK_BYTES_MAX (4u << 20)

#define BLK_OPS(X) \
	X(READ, 1, "provider fills") \
	X(WRITE, 2, "provider drains") \
	X(FLUSH, 3, "no data") \
	X(INFO, 4, "no data; response carries sectors and flags")

#define X(op, num, note) BLK_##op = (num),
enum blk_op { BLK_OPS(X) BLK_OP_END };
#undef X

/* Flags of a request. */
enum blk_flag { BLK_FUA = 1 };
enum blk_info_flag { BLK_READ_ONLY = 1, BLK_HAS_FLUSH = 2 };
/* Three bits of the flags of INFO: a block is BLK_SECTOR << their value. */
#define BLK_INFO_BLOCK_SHIFT 8
#define BLK_BLOCK_MAX (BLK_SECTOR << 7)

static inline uint32_t blk_info_block(uint32_t info_flags)
{
	return BLK_SECTOR << (info_flags >> BLK_INFO_BLOCK_SHIFT & 7);
}

/* The flags for this block size: a power of two from BLK_SECTOR to BLK_BLOCK_MAX. */
static inline uint32_t blk_block_info(uint32_t block)
{
	uint32_t shift = 0;

	while (BLK_SECTOR << shift < block)
		shift++;
	return shift << BLK_INFO_BLOCK_SHIFT;
}

static inline bool blk_block_legal(uint32_t block)
{
	return block >= BLK_SECTOR && block <= BLK_BLOCK_MAX && !(block & (block - 1));
}

struct blk_req {
	uint16_t op;
	uint16_t flags;
	/* 0 for clients of storage; between storage and driver, the driver's number. */
	uint32_t region;
	/* Chosen by the client, returned. */
	uint64_t id;
	/* On the volume, or, towards the driver, on the disk. */
	uint64_t sector;
	/* Where the data are in the region. */
	uint64_t offset;
	uint64_t length; /* bytes */
};
_Static_assert(sizeof(struct blk_req) == 40, "no padding");

struct blk_rsp {
	uint64_t id;
	int32_t status; /* 0 or -SK_E_* */
	/* INFO: enum blk_info_flag. */
	uint32_t flags;
	uint64_t result; /* INFO: sectors */
};
_Static_assert(sizeof(struct blk_rsp) == 24, "no padding");

/*
 * A request is checked against this: a disk, or a volume on it, and the data region that it
 * names.
 */
struct blk_target {
	uint64_t sectors;
	/* 0: there is no such region. */
	uint64_t region_size;
	uint32_t block; /* bytes */
	bool read_only;
};

static inline int blk_range_check(uint64_t sector, uint64_t n, const struct blk_target *t)
{
	if (n == 0 || sector % (t->block / BLK_SECTOR) || n % (t->block / BLK_SECTOR))
		return -SK_E_INVAL;
	return sector > t->sectors || n > t->sectors - sector ? -SK_E_RANGE : 0;
}

static inline int blk_transfer_check(const struct blk_req *q, const struct blk_target *t)
{
	if (q->length > BLK_BYTES_MAX || q->length % BLK_SECTOR || q->offset % BLK_SECTOR)
		return -SK_E_INVAL;
	if (q->offset > t->region_size || q->length > t->region_size - q->offset)
		return -SK_E_RANGE;
	return blk_range_check(q->sector, q->length / BLK_SECTOR, t);
}

/* q is a private copy. 0: the request is legal; else the error to answer it with. */
static inline int blk_req_check(const struct blk_req *q, const struct blk_target *t)
{
	int rc;

	if (q->flags & ~(unsigned int)BLK_FUA)
		return -SK_E_INVAL;
	switch (q->op) {
	case BLK_READ:
		return blk_transfer_check(q, t);
	case BLK_WRITE:
		rc = blk_transfer_check(q, t);
		return rc ? rc : t->read_only ? -SK_E_DENIED : 0;
	case BLK_FLUSH:
	case BLK_INFO:
		return 0;
	default:
		return -SK_E_INVAL;
	}
}

/* Parameters of SVC_OPEN towards storage. */
struct blk_params {
	/* "by-partlabel/NAME" as after /dev/disk/, zero-terminated UTF-8. */
	char volume[64];
	uint32_t writable;
	uint32_t reserved;
};
_Static_assert(sizeof(struct blk_params) == 72, "no padding");
/* Reply of SVC_OPEN: mr2 = sectors. BUSY: attached for writing by another client. */

/* Calls on a block driver's control endpoint, by storage. */
enum blk_driver_call {
	/*
	 * mr0 data size, mr1 number; capability: frame of the data part. The caller chooses the
	 * number, so that it knows what to remove if no answer came in time. RANGE: no such
	 * number, EXISTS: it is in use.
	 */
	BLK_REGION_ADD = 16,
	/* mr0 number. BUSY: a request that uses it is in flight, NOT_FOUND: no such region. */
	BLK_REGION_DEL = 17
};
#define BLK_REGIONS 1024u

#endif

/*
 * blk.h - block I/O: VMM to storage, storage to driver
 *
 * Transport   requests and responses are records on the rings; data lie in data regions. A client of
 *             storage has one region (the data part of its connection, region 0). storage forwards
 *             descriptors to the driver, which has mapped the clients' regions for DMA: BLK_REGION_*
 *             calls on the driver's control endpoint give a region its number there.
 * Ownership   from request to response the provider owns the bytes that the request names.
 * Order       none between requests in flight; FLUSH covers every WRITE answered before it was sent.
 *             A write with BLK_FUA is on the medium when answered.
 * Credit      at most BLK_DEPTH requests outstanding; more is a breach.
 * Units       sectors of 512 bytes; offset and length of data in bytes, multiples of 512.
 * Restart     storage re-issues what a dead driver took with it after the queue was reset.
 */
#ifndef PROTO_BLK_H
#define PROTO_BLK_H

#include <stdint.h>

#define BLK_DEPTH 64u
#define BLK_SECTOR 512u

#define BLK_OPS(X) \
	X(READ, 1, "provider fills") \
	X(WRITE, 2, "provider drains") \
	X(FLUSH, 3, "no data") \
	X(INFO, 4, "no data; response carries sectors and flags") \
	X(DISCARD, 5, "no data; sector and count of sectors in length")

#define X(op, num, note) BLK_##op = (num),
enum blk_op { BLK_OPS(X) BLK_OP_END };
#undef X

enum blk_flag { BLK_FUA = 1 }; /* of a request */
enum blk_info_flag { BLK_READ_ONLY = 1, BLK_HAS_FLUSH = 2, BLK_HAS_DISCARD = 4 };

struct blk_req {
	uint16_t op;
	uint16_t flags;
	uint32_t
		region; /* 0 for clients of storage; the driver's number between storage and driver */
	uint64_t id;     /* chosen by the client, returned */
	uint64_t sector; /* of the volume, or of the disk towards the driver */
	uint64_t offset; /* of the data in the region */
	uint64_t length; /* bytes (DISCARD: sectors) */
};

struct blk_rsp {
	uint64_t id;
	int32_t status;  /* 0 or -SK_E_* */
	uint32_t flags;  /* INFO: enum blk_info_flag */
	uint64_t result; /* INFO: sectors */
};

struct blk_params {      /* of SVC_OPEN towards storage */
	char volume[64]; /* "by-partlabel/NAME" as after /dev/disk/, zero-terminated UTF-8 */
	uint32_t writable;
	uint32_t reserved;
};
/* Reply of SVC_OPEN: mr2 = sectors. BUSY: attached for writing by somebody else. */

/* Calls on a block driver's control endpoint, by storage. */
enum blk_driver_call {
	BLK_REGION_ADD =
		16, /* mr0 data size; capability: frame of the data part. Reply mr1 = number */
	BLK_REGION_DEL = 17 /* mr0 number; returns when nothing in it is in flight */
};

#endif

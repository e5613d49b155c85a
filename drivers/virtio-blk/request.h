/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.h - requests of storage: check them, and cut them into parts that the device takes
 */
#ifndef VIRTIO_BLK_REQUEST_H
#define VIRTIO_BLK_REQUEST_H

#include <stdbool.h>
#include "proto/blk.h"
#include "virtio/virtq.h"

/* Most segments of data in one request to the device. */
enum { SEGMENTS_MAX = 16 };

struct disk {
	uint64_t sectors;
	bool read_only, flush;
	uint32_t block; /* bytes */
	/* Most bytes of one segment, a multiple of block. */
	uint32_t segment_bytes;
	/* Most segments of one request. */
	uint32_t n_segments;
};

/*
 * q is a private copy. region_size: the size of the region that q names, 0 if there is none.
 * Returns 0 to execute the request, else the error to answer it with.
 */
int request_check(
	const struct disk *d, const struct blk_req *q, uint64_t region_size) must_check;
/* How many of the bytes left go into the next request to the device. */
uint32_t request_part(const struct disk *d, uint64_t left);
/* Make segments of that part, which lies at device address addr. Returns their number. */
unsigned int request_segments(const struct disk *d, uint64_t addr, uint32_t len,
	bool device_writes, struct virtq_buf bufs[SEGMENTS_MAX]);

#endif

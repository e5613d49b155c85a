/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.c - requests of storage: check them, and cut them into parts that the device takes
 */
#include "request.h"

int request_check(const struct disk *d, const struct blk_req *q, uint64_t region_size)
{
	const struct blk_target t = { .sectors = d->sectors,
		.region_size = region_size,
		.block = d->block,
		.read_only = d->read_only };

	return blk_req_check(q, &t);
}

uint32_t request_part(const struct disk *d, uint64_t left)
{
	uint64_t max = (uint64_t)d->segment_bytes * d->n_segments;

	return (uint32_t)(left < max ? left : max);
}

unsigned int request_segments(const struct disk *d, uint64_t addr, uint32_t len,
	bool device_writes, struct virtq_buf bufs[SEGMENTS_MAX])
{
	unsigned int n = 0;

	while (len) {
		uint32_t now = len < d->segment_bytes ? len : d->segment_bytes;

		bufs[n++] = (struct virtq_buf){ addr, now, device_writes };
		addr += now;
		len -= now;
	}
	return n;
}

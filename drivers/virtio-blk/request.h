/*
 * request.h - checks what storage asks of the disk before anything is done with it
 */
#ifndef VIRTIO_BLK_REQUEST_H
#define VIRTIO_BLK_REQUEST_H

#include <stdbool.h>
#include "proto/blk.h"
#include <sk/types.h>

struct disk {
	uint64_t sectors;
	bool read_only, flush;
	uint32_t max_bytes; /* of one data transfer */
};

/*
 * q is a private copy. region_size: of the region that q names, 0 if there is none. 0: execute it;
 * -SK_E_INVAL, -SK_E_RANGE, -SK_E_DENIED: answer with that.
 */
int blk_req_check(
	const struct disk *d, const struct blk_req *q, uint64_t region_size) must_check;

#endif

/*
 * request.c - checks what storage asks of the disk before anything is done with it
 *
 * Invariants  sums are never formed before the terms are known to be in range: no overflow.
 */
#include "request.h"

static int transfer_check(const struct disk *d, const struct blk_req *q, uint64_t region_size)
{
	if (q->length == 0 || q->length % BLK_SECTOR || q->length > d->max_bytes)
		return -SK_E_INVAL;
	if (q->offset > region_size || q->length > region_size - q->offset)
		return -SK_E_RANGE;
	if (q->sector > d->sectors || q->length / BLK_SECTOR > d->sectors - q->sector)
		return -SK_E_RANGE;
	return q->op == BLK_WRITE && d->read_only ? -SK_E_DENIED : 0;
}

int blk_req_check(const struct disk *d, const struct blk_req *q, uint64_t region_size)
{
	if (q->flags & ~(unsigned int)BLK_FUA)
		return -SK_E_INVAL;
	switch (q->op) {
	case BLK_READ:
	case BLK_WRITE:
		return transfer_check(d, q, region_size);
	case BLK_FLUSH:
	case BLK_INFO:
		return 0;
	default:
		return -SK_E_INVAL;
	}
}

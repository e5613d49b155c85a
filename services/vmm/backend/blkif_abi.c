/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkif_abi.c - decoding of block requests; pure functions
 *
 * Invariants  BLKIF1 a decoded request has 1 to BLKIF_SEGMENTS segments of 1 to 8 sectors each,
 *                    or is of a kind that has no segments
 */
#include "backend/blkif_abi.h"

#include <stddef.h>
#include <string.h>

#include "xen/layout.h"

#include <xen/io/blkif.h>

#include "base/bytes.h"
#include "guest.h"

enum { SECTOR = 512 };

/* Xen's headers have the 64-bit structures here; 32-bit code aligns 8-byte fields to 4. */
const struct blkif_layout blkif_layout_64 = {
	.entry = sizeof(union blkif_sring_entry),
	.response = sizeof(struct blkif_response),
	.id = offsetof(struct blkif_request, id),
	.sector = offsetof(struct blkif_request, sector_number),
	.segments = offsetof(struct blkif_request, seg),
	.indirect_sector = offsetof(struct blkif_request_indirect, sector_number),
	.indirect_refs = offsetof(struct blkif_request_indirect, indirect_grefs),
	.rsp_op = offsetof(struct blkif_response, operation),
	.rsp_status = offsetof(struct blkif_response, status),
};
const struct blkif_layout blkif_layout_32 = {
	.entry = 108,
	.response = 12,
	.id = 4,
	.sector = 12,
	.segments = 20,
	.indirect_sector = 12,
	.indirect_refs = 24,
	.rsp_op = 8,
	.rsp_status = 10,
};
_Static_assert(sizeof(union blkif_sring_entry) == BLKIF_ENTRY_MAX, "a slot of the 64-bit ring");
_Static_assert(sizeof(struct blkif_request_segment) == BLKIF_SEGMENT_SIZE, "a segment");

int blkif_segments(const uint8_t *bytes, struct blkif_op *q)
{
	uint32_t sectors = 0;

	for (uint32_t i = 0; i < q->n_segments; i++, bytes += BLKIF_SEGMENT_SIZE) {
		uint32_t first = bytes[4], last = bytes[5], n = last - first + 1;

		if (first > last || last >= SK_PAGE_SIZE / SECTOR) /* BLKIF1 */
			return BLKIF_RSP_ERROR;
		q->segment[i] = (struct grant_part){ get_le32(bytes), first * SECTOR,
			n * SECTOR };
		sectors += n;
	}
	q->sectors = sectors;
	return 0;
}

static int read_write_decode(
	const struct blkif_layout *l, const uint8_t *entry, struct blkif_op *q, uint32_t least)
{
	q->n_segments = entry[1];
	q->sector = get_le64(entry + l->sector);
	if (q->n_segments < least || q->n_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		return BLKIF_RSP_ERROR;
	return blkif_segments(entry + l->segments, q);
}

static int indirect_decode(
	const struct blkif_layout *l, const uint8_t *entry, struct blkif_op *q)
{
	uint16_t n;

	q->indirect = true;
	q->op = entry[1];
	n = get_le16(entry + 2);
	q->n_segments = n;
	q->sector = get_le64(entry + l->indirect_sector);
	q->indirect_ref = get_le32(entry + l->indirect_refs);
	if (q->op != BLKIF_OP_READ && q->op != BLKIF_OP_WRITE)
		return BLKIF_RSP_ERROR;
	/* BLKIF1; so the first page holds them all */
	return n && n <= BLKIF_SEGMENTS ? 0 : BLKIF_RSP_ERROR;
}
_Static_assert(BLKIF_SEGMENTS *BLKIF_SEGMENT_SIZE <= SK_PAGE_SIZE, "one page of segments");

int blkif_decode(const struct blkif_layout *l, const uint8_t *entry, struct blkif_op *q)
{
	memset(q, 0, offsetof(struct blkif_op, segment));
	q->op = entry[0];
	q->id = get_le64(entry + l->id);
	switch (q->op) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
		return read_write_decode(l, entry, q, 1);
	case BLKIF_OP_WRITE_BARRIER:
	case BLKIF_OP_FLUSH_DISKCACHE:
		return read_write_decode(l, entry, q, 0);
	case BLKIF_OP_INDIRECT:
		return indirect_decode(l, entry, q);
	default:
		return BLKIF_RSP_EOPNOTSUPP;
	}
}

bool blkif_in_range(const struct blkif_op *q, uint64_t disk_sectors)
{
	return q->sectors <= disk_sectors && q->sector <= disk_sectors - q->sectors;
}

void blkif_response(
	const struct blkif_layout *l, uint64_t id, uint8_t op, int16_t status, uint8_t *out)
{
	memset(out, 0, l->response);
	memcpy(out, &id, 8);
	out[l->rsp_op] = op;
	memcpy(out + l->rsp_status, &status, 2);
}

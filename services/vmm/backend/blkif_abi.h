/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkif_abi.h - requests of the block interface, as 64-bit and 32-bit front ends lay them out
 *
 * Decoding is pure: bytes of one ring slot in, a checked request out.
 */
#ifndef VMM_BLKIF_ABI_H
#define VMM_BLKIF_ABI_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/grant.h"

enum {
	/* in one indirect request, as "feature-max-indirect-segments" says */
	BLKIF_SEGMENTS = 32,
	BLKIF_ENTRY_MAX = 112,
	/* grant, first and last sector, padding: the same in both layouts */
	BLKIF_SEGMENT_SIZE = 8,
};

/* Sizes of a ring slot and of a response, and offsets in them. */
struct blkif_layout {
	uint8_t entry, response;
	uint8_t id, sector, segments;
	uint8_t indirect_sector, indirect_refs;
	uint8_t rsp_op, rsp_status;
};
extern const struct blkif_layout blkif_layout_64, blkif_layout_32;

struct blkif_op {
	/* BLKIF_OP_*; for an indirect request, the operation that it wraps. */
	uint8_t op;
	/* The segments are in the page `indirect_ref`. */
	bool indirect;
	uint16_t n_segments;
	uint32_t indirect_ref;
	uint64_t id, sector;
	/* Total of all segments, once they are known. */
	uint32_t sectors;
	/* The first n_segments are set. */
	struct grant_part segment[BLKIF_SEGMENTS];
};

/* 0, or a BLKIF_RSP_* to answer with. `id` and `op` are valid in any case. */
int blkif_decode(const struct blkif_layout *l, const uint8_t *entry, struct blkif_op *q);
/*
 * Decode q->n_segments segments, check each, and count the sectors. 0 or BLKIF_RSP_*.
 */
int blkif_segments(const uint8_t *bytes, struct blkif_op *q);
/* Does the request lie within a disk of that many sectors? */
bool blkif_in_range(const struct blkif_op *q, uint64_t disk_sectors);
void blkif_response(
	const struct blkif_layout *l, uint64_t id, uint8_t op, int16_t status, uint8_t *out);

#endif

/*
 * blkif_abi.h - requests of the block interface, as 64-bit and 32-bit front ends lay them out
 *
 * Decoding is pure: bytes of one ring slot in, a checked request out.
 */
#ifndef VMM_BLKIF_ABI_H
#define VMM_BLKIF_ABI_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BLKIF_SEGMENTS =
		32, /* in one indirect request: what "feature-max-indirect-segments" says */
	BLKIF_ENTRY_MAX = 112,
	BLKIF_SEGMENT_SIZE = 8, /* grant, first and last sector, padding: the same for all */
};

struct blkif_layout {
	uint8_t entry, response; /* bytes of a ring slot and of a response */
	uint8_t id, sector, segments,
		count; /* read, write, discard: `count` is the discard's */
	uint8_t indirect_sector, indirect_refs;
	uint8_t rsp_op, rsp_status;
};
extern const struct blkif_layout blkif_layout_64, blkif_layout_32;

struct blkif_segment {
	uint32_t ref;
	uint8_t first, last; /* sectors of the page, both included */
};
struct blkif_op {
	uint8_t op;    /* BLKIF_OP_*; an indirect request has its inner one */
	bool indirect; /* segments are in the page `indirect_ref` */
	uint16_t n_segments;
	uint32_t indirect_ref;
	uint64_t id, sector;
	uint64_t count;   /* DISCARD: sectors */
	uint32_t sectors; /* of all segments, once they are known */
	struct blkif_segment segment[BLKIF_SEGMENTS];
};

/* 0, or a BLKIF_RSP_* to answer with. `id` and `op` are valid in any case. */
int blkif_decode(const struct blkif_layout *l, const uint8_t *entry, struct blkif_op *q);
/* n segments from their bytes: checks each and counts the sectors. */
int blkif_segments(const uint8_t *bytes, struct blkif_op *q);
/* Does it lie on a disk of that many sectors? */
bool blkif_in_range(const struct blkif_op *q, uint64_t disk_sectors);
void blkif_response(
	const struct blkif_layout *l, uint64_t id, uint8_t op, int16_t status, uint8_t *out);

#endif

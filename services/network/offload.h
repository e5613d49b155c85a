/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload.h - checksum and TCP segmentation, which a card or a guest left undone
 *
 * Works on private copies. Frames come from guests: headers are parsed with every length
 * checked.
 */
#ifndef NETWORK_OFFLOAD_H
#define NETWORK_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include "proto/net.h"
#include <sk/types.h>

/* A frame in private memory. */
struct frame {
	uint8_t *bytes;
	uint32_t length;
	uint16_t flags; /* enum net_flag */
	uint16_t csum_start, csum_offset, gso_size;
};

/*
 * Fill in the transport checksum of a NET_CSUM_BLANK frame. -SK_E_INVAL: its field is outside
 * the frame.
 */
int frame_checksum(struct frame *f) must_check;

/* How a GSO frame is cut up. */
struct segmenter {
	const struct frame *f;
	/* Offsets of the IP and TCP headers. */
	uint32_t l3, l4;
	/* Bytes before the payload. */
	uint32_t header;
	uint32_t n; /* segments */
	bool v6;
};
/*
 * -SK_E_INVAL: the frame is not TCP over IPv4 or IPv6 as its flags say, or its pieces would not
 * be standard frames.
 */
int segment_init(struct segmenter *s, const struct frame *f) must_check;
/*
 * Segment i, complete with checksums, into out (at least NET_FRAME_STD bytes); returns its
 * length.
 */
uint32_t segment_make(const struct segmenter *s, uint32_t i, uint8_t *out);

#endif

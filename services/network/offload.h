/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload.h - checksum and TCP segmentation, which a card or a guest left undone
 *
 * Frames come from guests: what is parsed is a private copy, with every length checked. What
 * follows the headers stays in the sender's memory until it is copied for a receiver; the
 * sender may change it meanwhile, which spoils its own data and nothing else.
 */
#ifndef NETWORK_OFFLOAD_H
#define NETWORK_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include "proto/net.h"
#include <sk/types.h>

/* Bytes of a frame that are copied before it is examined: its headers, with all options. */
#define FRAME_HEAD 256u

struct frame {
	/* Private: all of it or, if there is a rest, the first FRAME_HEAD bytes. */
	uint8_t *bytes;
	/* NULL: none. Otherwise the frame's other bytes, in the sender's memory. */
	const uint8_t *rest;
	/*
	 * NULL: none. Otherwise the frame was put together (merge.h): behind its `header`
	 * bytes, which are private, follow pieces of piece_size bytes in the sender's memory.
	 * The last one may be shorter.
	 */
	const uint8_t *const *piece;
	uint32_t header, piece_size;
	uint32_t length;
	uint16_t flags; /* enum net_flag */
	uint16_t csum_start, csum_offset, gso_size;
};

/* Copy n bytes of the frame, from byte `at` on. */
void frame_copy(const struct frame *f, uint32_t at, uint8_t *out, uint32_t n);
/*
 * Fill in the transport checksum of a NET_CSUM_BLANK frame that is private as a whole.
 * -SK_E_INVAL: its field is outside the frame.
 */
int frame_checksum(struct frame *f) must_check;
/* The sum of TCP's pseudo-header. tcp_len: bytes from the TCP header on. */
uint64_t tcp_pseudo_sum(const uint8_t *ip, bool v6, uint32_t tcp_len);

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
uint32_t segment_length(const struct segmenter *s, uint32_t i);
/*
 * Segment i, complete with checksums, into out (at least NET_FRAME_STD bytes, which may be the
 * receiver's memory); returns its length.
 */
uint32_t segment_make(const struct segmenter *s, uint32_t i, uint8_t *out);

#endif

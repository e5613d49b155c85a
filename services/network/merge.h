/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge.h - consecutive segments of one TCP connection become one GSO frame
 *
 * A frame from outside costs the switch, the VMM and the guest about the same whether it has
 * 1,500 bytes or 64 KiB, so those that came together go on together. Nothing waits for frames
 * that have not come: what is held goes on when the caller has no more frames.
 *
 * Segments are put together only if cutting up the result gives the same ones again: the
 * headers agree in everything that cutting does not set, the sequence numbers and those of
 * IPv4's packets follow each other, all payloads but the last are of one size, and the
 * checksums are right. A frame overtakes frames of other connections only, and only if both can
 * be put together with others.
 */
#ifndef NETWORK_MERGE_H
#define NETWORK_MERGE_H

#include "offload.h"

/* Connections with held frames; one more makes the oldest of them go on. */
#define MERGE_FLOWS 4u
/* Frames that become one. */
#define MERGE_PIECES 64u

/* The frames of one connection that are held. */
struct merged {
	/* The first of them, with the headers of what it will be. */
	struct frame f;
	uint8_t head[FRAME_HEAD];
	/* Offset of the TCP header. */
	uint32_t l4;
	bool v6;
	/* The last one was short, or asked to be passed on at once. */
	bool complete;
	uint32_t next_seq;
	const uint8_t *piece[MERGE_PIECES];
	uint32_t id[MERGE_PIECES];
	/* 0: free. */
	uint32_t n;
};
struct merge {
	/* Does the receiver with this address take this kind of GSO frame? */
	bool (*wanted)(const uint8_t mac[6], uint16_t gso);
	/*
	 * A frame goes on; it was put together from the n frames that came with these numbers.
	 */
	void (*out)(const struct frame *f, const uint32_t *id, uint32_t n);
	struct merged flow[MERGE_FLOWS];
	uint32_t n_used;
	/* The next to be used: a free one, or the oldest. */
	uint32_t next;
};

/*
 * A frame has come. f->bytes holds its first bytes, a private copy, and `bytes` are all of
 * them, in the sender's memory; these stay as they are until the frame has gone on under its
 * number, `id`, now or later.
 */
void merge_frame(struct merge *m, const struct frame *f, const uint8_t *bytes, uint32_t id);
/* All that is held goes on. */
void merge_flush(struct merge *m);

#endif

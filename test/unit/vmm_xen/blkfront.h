/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront.h - a front end for one disk, with one ring of 64-bit requests
 */
#ifndef BLKFRONT_H
#define BLKFRONT_H

#include "device.h"

#include <xen/io/blkif.h>

enum { SECTORS = 1000 };

extern struct front front;
/* The operation in the response that answer() took. */
extern uint8_t answered_op;

/* Make the guest and its disk, and connect the front end. */
void disk(bool read_only, uint32_t flags);
/* The next slot of the ring, and publishing what is in the slots. */
uint8_t *front_slot(void);
void front_push(void);
/* A request of n segments, which have consecutive references from `ref` on. */
void request(uint8_t op, uint64_t id, uint64_t sector, uint8_t n, uint32_t ref, uint8_t first,
	uint8_t last);
/* Take the next response. Returns its status, or 99 if there is none. */
int answer(uint64_t *id);
int one_answer(void);

#endif

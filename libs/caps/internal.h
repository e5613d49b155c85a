/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * internal.h - state and functions that the allocators of libs/caps share. caps_lock guards all
 * of it.
 */
#ifndef CAPS_INTERNAL_H
#define CAPS_INTERNAL_H

#include <stdbool.h>
#include "caps/caps.h"
#include "sys/mutex.h"

extern struct mutex caps_lock;

enum slot_use {
	SLOT_EMPTY,
	SLOT_USED,
	/* An earlier life of the domain left a capability in it. */
	SLOT_INHERITED,
};
/* The allocators' knowledge of one slot of the own CNode. */
struct slot_meta {
	/*
	 * Slot of the untyped from which object_make() made the object; 0: another call made
	 * it.
	 */
	uint16_t home;
	/* For a free untyped: the next of the same order. */
	uint16_t next;
	/* For an untyped from which small objects are made: how many there are. */
	uint16_t live;
	uint8_t order; /* untyped */
	uint8_t used;  /* enum slot_use */
};
extern struct slot_meta *slot_meta;

void slots_init(uint32_t first, uint32_t n);
sk_cap_t slot_take(uint32_t n);
void slot_put(sk_cap_t slot, uint32_t n);

void memory_add(sk_cap_t untyped, uint32_t order, uint64_t used);
/*
 * Directly from the first memory that fits, for objects that are made before slot_meta exists.
 */
int memory_retype(
	uint32_t type, uint32_t order, uint32_t object_order, sk_cap_t slot) must_check;
int memory_make(uint32_t type, uint32_t order, sk_cap_t *out) must_check;
void memory_drop(sk_cap_t cap);

void vm_init(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps.h - a domain's own resources: free slots, untyped memory, address space
 *
 * All three allocators are per domain (process), set up by caps_init() from the start-up page,
 * and serialized by one lock so that a VMM's threads can use them.
 */
#ifndef CAPS_H
#define CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/object.h>
#include <sk/types.h>

int caps_init(void) must_check; /* called by crt0 before main */

/* Take n consecutive slots; 0: there are too few. */
sk_cap_t slot_alloc(uint32_t n);
void slot_free(sk_cap_t first, uint32_t n); /* the slots must be empty */
/*
 * A domain whose CNode outlives it (DOMAIN_CNODE_KEPT) finds slots in use when it starts. It
 * takes over those that it knows, and drops the others.
 * slot_adopt()      takes one over; false: it is not one of them, or was taken over already.
 * slot_inherited()  the next one behind `after` that was neither taken over nor dropped; 0:
 *                   none.
 */
bool slot_adopt(sk_cap_t slot);
sk_cap_t slot_inherited(sk_cap_t after);

/*
 * An object out of the domain's own untypeds, with its slot in *out. -SK_E_NO_MEM: they are
 * used up.
 */
int object_make(uint32_t type, uint32_t order, sk_cap_t *out) must_check;
/* The same, out of a given untyped into given slots of a given CNode. */
int object_make_in(sk_cap_t untyped, uint32_t type, uint32_t order, sk_cap_t cnode,
	sk_cap_t slot, uint32_t n) must_check;
/*
 * Delete the capability in an own slot and free the slot. Memory from object_make() goes back
 * to the free list of its order.
 */
void cap_drop(sk_cap_t cap);
/* Copy into a new own slot, with these rights only, and with the badge unless it is 0. */
int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out) must_check;

/* Map a frame. Missing tables are made from the domain's untypeds. */
int space_map_at(sk_cap_t space, sk_cap_t frame, uint64_t vaddr, uint64_t offset,
	uint32_t order, uint32_t rights) must_check;
/*
 * Map a frame in this domain, at an address that vm_map() chooses (aligned to the frame's
 * order, but to 2 MiB at most).
 */
int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out) must_check;
void vm_unmap(void *addr, sk_cap_t frame, uint32_t order);
/* Fresh zeroed memory with its frame: for rings and buffers to share. */
int vm_alloc(uint32_t order, sk_cap_t *frame, void **out) must_check;

/*
 * A range of addresses of this domain with page tables in place and nothing mapped (UTCBs, vCPU
 * state pages).
 */
int vm_reserve(uint64_t size, void **out) must_check;
/*
 * Take the largest piece of memory that is left, as an untyped of at least 2^min_order bytes in
 * a slot of its own. It is meant to be moved to another domain (init: the guest pool), and not
 * for cap_drop().
 */
int untyped_take(uint32_t min_order, sk_cap_t *out, uint32_t *order) must_check;

/*
 * An untyped without children, in a slot of the caller, becomes memory of the domain for the
 * rest of its life. There is room for more than a hundred.
 */
void untyped_add(sk_cap_t untyped, uint32_t order);

/*
 * The contents of a CNode. caps_count() examines all its slots; the CNode's capability is in an
 * own slot.
 */
struct caps_count {
	uint32_t slots, used;
	/* Among the used slots; objects: everything except frames and untypeds. */
	uint32_t frames, objects;
};
void caps_count(sk_cap_t cnode, struct caps_count *c);

/* Bytes left in the domain's untypeds. */
uint64_t caps_free_bytes(void);

#endif

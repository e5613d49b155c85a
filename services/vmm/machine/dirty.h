/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirty.h - which pages of RAM were written since the guest's memory was copied while it runs
 *
 * Pages count at their homes. A chunk is tracked from dirty_protect() on: the guest may only
 * read it, its first write to each page is an exit, and the VMM reports what it writes itself.
 */
#ifndef VMM_DIRTY_H
#define VMM_DIRTY_H

#include "machine/chunk.h"

/* ---- I/O thread ---- */

/* Begin: nothing is tracked yet. -SK_E_NO_MEM. */
int dirty_begin(void) must_check;
/* The guest may write everything again. Nothing happens if dirty_begin() was not called. */
void dirty_end(void);
/* Track a chunk from now on, if it is the home of RAM. Once it is tracked, this is cheap. */
void dirty_protect(uint64_t number);

/*
 * Begin a further round of copying. dirty_again(): is this page, which is at home, part of it?
 * With the first question about a chunk, all that has been written there since the last round
 * is taken into this one, and is tracked again.
 */
void dirty_round(void);
bool dirty_again(const struct chunk *c, sk_gpa_t gpa);
/* How many pages were written, and are not part of a round. */
uint64_t dirty_count(void);

/*
 * While all vCPUs are parked: was this page, or what the guest has in its place, changed since
 * its chunk is tracked? True if the chunk is not tracked.
 */
bool dirty_page(const struct chunk *c, sk_gpa_t gpa);
/* The same of a place without a page. False if the chunk is not tracked. */
bool dirty_hole(const struct chunk *c, sk_gpa_t gpa);
/* No page of the chunk was. */
bool dirty_none(const struct chunk *c, uint64_t number);

/* ---- any thread ---- */

/* The VMM has written there, after an address of guest_memory.h. */
void dirty_wrote(const void *at, uint64_t len);

/*
 * The guest may not access a page of RAM as it did. True: now it may, so it is to try again;
 * false: tracking is not the reason.
 */
bool dirty_fault(sk_gpa_t gpa) must_check;

/* ---- physmap.c, with vm.mem_lock ---- */

/* The guest has something else at gpa, or the page at gpa is mapped anew. */
void dirty_changed(const struct chunk *c, sk_gpa_t gpa);
/* The chunk, whole so far, gets a page-by-page view: is it mapped in small pages already? */
bool dirty_split_taken(uint64_t number);

#endif

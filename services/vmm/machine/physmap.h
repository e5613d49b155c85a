/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * physmap.h - changes of the guest's physical map; any thread
 */
#ifndef VMM_PHYSMAP_H
#define VMM_PHYSMAP_H

#include "machine/vm.h"

int physmap_page_alloc(struct guest_page *p) must_check;
/*
 * Show p at gpa (page-aligned). RAM at that place counts as ballooned out; p leaves its
 * previous place.
 */
int physmap_page_show(sk_gpa_t gpa, struct guest_page *p) must_check;
/* Take the page at gpa out of the guest. -SK_E_NOT_FOUND: there is none. */
int physmap_hole_make(sk_gpa_t gpa) must_check;
/*
 * Give the guest a page at gpa. -SK_E_EXISTS: it has one; -SK_E_NO_MEM: nothing is ballooned
 * out.
 */
int physmap_hole_fill(sk_gpa_t gpa) must_check;
/*
 * The same. -SK_E_AGAIN: there is no RAM at that place, and control may have some
 * (physmap_ram_given()).
 */
int physmap_hole_fill_or_ask(sk_gpa_t gpa) must_check;
/*
 * Move the page at `from` to `to` (XENMAPSPACE_gmfn). The page that was at `to` leaves the
 * guest.
 */
int physmap_page_move(sk_gpa_t from, sk_gpa_t to) must_check;

/* Control gave n more pieces of RAM; returns how many of them can be used. */
uint32_t physmap_ram_given(uint32_t n);
/* How many pieces control may still give. */
uint32_t physmap_ram_room(void);
/* Pages that the guest has now. */
uint64_t physmap_pages(void);
/* The highest guest frame number that is the home of RAM. */
uint64_t physmap_max_gfn(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* keep.h - guests in the table that outlives control, and how the next life takes them over */
#ifndef CONTROL_KEEP_H
#define CONTROL_KEEP_H

#include "guest/guest.h"

/*
 * Write down what is known of the guest, now. This happens for all guests at the end of each
 * event.
 */
void guest_keep(const struct guest *g);
void guests_keep(void);

/* As domtab_env.places. */
uint32_t keep_places(uint32_t wanted);

/* Before the pool: find the table. */
int keep_init(void) must_check;
/*
 * When all parts but the services' news are there: take over the guests of an earlier life, and
 * drop what is left of all others. The table of guests then has actions to carry out.
 */
int guests_adopt(void) must_check;
/* How many guests were taken over, and go on. */
uint32_t guests_adopted(void);

#endif

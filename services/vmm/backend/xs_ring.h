/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_ring.h - the guest's xenstore page; on the I/O thread
 */
#ifndef VMM_XS_RING_H
#define VMM_XS_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

int xs_ring_init(void) must_check;
/* Move what can be moved. */
void xs_ring_run(void);
/* Have xs_link_run() called soon. */
void xs_ring_wake(void);
/* Is there room for one more message of any size? */
bool xs_ring_room(void);
/* A reply or an event for the guest. The caller has asked xs_ring_room(). */
void xs_ring_message(const void *msg, uint32_t len);
/* There will be no more replies. */
void xs_ring_end(void);

#endif

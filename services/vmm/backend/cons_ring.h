/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cons_ring.h - the guest's console page; on the I/O thread
 */
#ifndef VMM_CONS_RING_H
#define VMM_CONS_RING_H

#include <sk/types.h>

int cons_ring_init(void) must_check;
/* Move what can be moved. */
void cons_ring_run(void);

#endif

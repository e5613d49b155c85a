/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_fifo.h - the FIFO ABI of event channels
 */
#ifndef VMM_EVTCHN_FIFO_H
#define VMM_EVTCHN_FIFO_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/hypercall.h"

int64_t fifo_init_control(struct hcall *c, uint64_t arg);
int64_t fifo_expand_array(struct hcall *c, uint64_t arg);
void fifo_set_pending(uint32_t port, union port p);
void fifo_unmask(uint32_t port, union port p);
void fifo_clear_pending(uint32_t port);
bool fifo_pending(uint32_t port);
/* Report the control blocks and arrays: they go, or all is to be reported. */
void fifo_wrote(void);
/* evtchn_lock held, all ports closed: back to the 2-level ABI. */
void with_lock(xen_dom.evtchn_lock) fifo_reset(void);

#endif

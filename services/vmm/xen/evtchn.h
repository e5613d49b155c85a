/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn.h - event channels: ports and their pending bits
 */
#ifndef VMM_EVTCHN_H
#define VMM_EVTCHN_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/xen_domain.h"

int evtchn_init(void) must_check;

/* ---- a port's word ---- */

union port port_get(uint32_t port);
void port_set(uint32_t port, union port p);
bool port_valid(uint32_t port);
/* evtchn_lock held. Returns 0 if no port is left. */
uint32_t with_lock(xen_dom.evtchn_lock) port_alloc(union port p);

/* ---- pending ---- */

bool evtchn_fifo_on(void);
void evtchn_set_pending(uint32_t port, union port p);
bool evtchn_pending(uint32_t port);
void evtchn_clear_pending(uint32_t port);
void evtchn_unmask(uint32_t port, union port p);
/* Raise a virtual interrupt of the vCPU, if the guest bound it. */
void evtchn_virq(unsigned int cpu, unsigned int virq);
/*
 * evtchn_lock held. After a change of shared_info's layout: select the pending ports in the new
 * layout, as if they became pending now.
 */
void with_lock(xen_dom.evtchn_lock) evtchn_select_pending(void);

#endif

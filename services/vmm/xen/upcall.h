/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upcall.h - upcalls: how a vCPU learns that events are pending
 */
#ifndef VMM_UPCALL_H
#define VMM_UPCALL_H

#include <stdbool.h>
#include <stdint.h>

/* An event is pending: make the upcall due. */
void upcall_mark(unsigned int cpu);
/* The vcpu_info has moved: make the guest check all events. */
void upcall_mark_all(unsigned int cpu);
bool upcall_pending(unsigned int cpu);

#endif

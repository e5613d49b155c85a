/* SPDX-License-Identifier: BSD-2-Clause */
/* sched.h - where guests run, and which thread goes first */
#ifndef CONTROL_SCHED_H
#define CONTROL_SCHED_H

#include "guest/guest.h"

/* The CPU for a new vCPU: the one with the fewest vCPUs, of those that may be in guest mode. */
uint32_t guest_sched_place_vcpu(void);
/* The CPU for the I/O thread of a new VMM. */
uint32_t guest_sched_place_io(void);
/* Before the first of its contexts is made. */
void guest_sched_init(struct guest *g);
/* The configuration of the context of one of its vCPUs. */
struct proc_sched guest_sched(const struct guest *g, uint32_t cpu);
/* The same for the I/O thread of its VMM. */
struct proc_sched guest_sched_io(const struct guest *g, uint32_t cpu);
/* The weight or the cap of its configuration has changed. */
void guest_sched_changed(struct guest *g);
/*
 * A guest runs: from now on vCPUs are balanced once a second, and I/O threads that run too much
 * lose their priority.
 */
void guest_sched_start(void);

#endif

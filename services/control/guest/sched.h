/* SPDX-License-Identifier: BSD-2-Clause */
/* sched.h - where guests run, and which thread goes first */
#ifndef CONTROL_SCHED_H
#define CONTROL_SCHED_H

#include "guest/guest.h"

/* Guests run on one of these CPUs (bits; 0: any): 0, or -1 with *m. */
int guest_sched_check(uint64_t cpus, struct msg *m);
/* The CPU for a new vCPU: the one with the fewest vCPUs, of those that it should run on. */
uint32_t guest_sched_place_vcpu(const struct guest *g, uint32_t i);
/* The CPU for the I/O thread of a new VMM. */
uint32_t guest_sched_place_io(const struct guest *g);
/* Before the first of its contexts is made. */
void guest_sched_init(struct guest *g);
/* The configuration of the context of one of its vCPUs. */
struct proc_sched guest_sched(const struct guest *g, uint32_t cpu);
/* The same for the I/O thread of its VMM. */
struct proc_sched guest_sched_io(const struct guest *g, uint32_t cpu);
/* The weight or the cap of its configuration has changed. */
void guest_sched_changed(struct guest *g);
/* It is to use another number of vCPUs. */
void guest_sched_divide(struct guest *g);
/* The CPUs of its configuration have changed: a vCPU that should not run where it is moves. */
void guest_sched_pinned(struct guest *g);
/*
 * A guest runs: from now on vCPUs are balanced once a second, and I/O threads that run too much
 * lose their priority.
 */
void guest_sched_start(void);

#endif

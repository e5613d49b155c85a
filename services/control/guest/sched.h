/* sched.h - where guests run, and what goes first */
#ifndef CONTROL_SCHED_H
#define CONTROL_SCHED_H

#include "guest/guest.h"

/* Where a context is to be made: on the CPU with the fewest vCPUs, of those that may be in guest mode if it is one. */
uint32_t guest_sched_place(bool guest_mode);
/* Before the first of its contexts is made. */
void guest_sched_init(struct guest *g);
/* What the context of one of its vCPUs is configured to. */
struct proc_sched guest_sched(const struct guest *g, uint32_t cpu);
/* The same for the I/O thread of its VMM. */
struct proc_sched guest_sched_io(const struct guest *g, uint32_t cpu);
/* A guest runs: look once a second whether one of the vCPUs had better run elsewhere, and whose I/O is too much. */
void guest_sched_start(void);

#endif

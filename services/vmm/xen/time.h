/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.h - the guest's system time, wall clock, runstate and timers
 */
#ifndef VMM_TIME_H
#define VMM_TIME_H

#include <stdint.h>
#include <sk/types.h>

#include "edge.h"

void time_init(void);

/* System time (ns) at a host TSC. */
uint64_t time_ns(uint64_t tsc);
/* Host TSC at a system time, rounded up. */
sk_time_t time_tsc(uint64_t ns);
static inline uint64_t time_now(void) { return time_ns(edge_tsc()); }

/* Write the pvclock pages of the vCPU. */
void time_write(unsigned int cpu);
void time_write_wallclock(void);

/*
 * Report the areas that the guest has registered for its clock and its runstate: it takes them
 * back, or all is to be reported.
 */
void time_areas_wrote(unsigned int cpu);

void time_runstate_set(unsigned int cpu, int state);
/* Update the times of the vCPU's runstate. */
void time_runstate_update(unsigned int cpu);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched_op.h - the wait of a vCPU in SCHEDOP_block and SCHEDOP_poll
 */
#ifndef VMM_SCHED_OP_H
#define VMM_SCHED_OP_H

#include <stdint.h>

/*
 * Let the vCPU wait until it is kicked. A kick that has already arrived ends the wait at once.
 */
void sched_wait_kick(unsigned int cpu);
/* On the vCPU's own thread. */
void sched_wait_end(unsigned int cpu);

#endif

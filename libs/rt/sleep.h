/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleep.h - waiting for a time
 */
#ifndef RT_SLEEP_H
#define RT_SLEEP_H

#include <sk/types.h>

/*
 * Returns at the deadline. For start-up and for work that cannot be cut into events; a
 * service's loop has timers (svc.h).
 */
void rt_sleep_until(sk_time_t deadline);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleep.c - waiting for a time: on a notification that no capability can signal
 */
#include "caps/caps.h"
#include "rt/sleep.h"
#include "sys/sk.h"

void rt_sleep_until(sk_time_t deadline)
{
	sk_cap_t ntfn = SK_NULL_CAP;
	uint64_t word;

	if (object_make(SK_OBJ_NOTIFICATION, 0, &ntfn))
		ntfn = SK_NULL_CAP;
	while (sk_now() < deadline)
		if (!ntfn || sk_wait(ntfn, deadline, &word) != -SK_E_TIMEOUT)
			(void)sk_yield();
	cap_drop(ntfn);
}

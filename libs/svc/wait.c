/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c - waiting for a record of one connection outside the event loop
 */
#include "svc/svc.h"

int svc_wait_record(struct svc_conn *c, void *buf, uint32_t max, sk_time_t deadline)
{
	int n, rc;

	while ((n = svc_next_record(c, buf, max)) == -SK_E_AGAIN) {
		rc = svc_wait_until(c, deadline);
		if (rc)
			return rc;
	}
	svc_settle(c);
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings.c - using the rings of a connection outside the loop's turns
 */
#include "svc/step.h"

void svc_settle(struct svc_conn *c)
{
	bool wake;

	svc_step(SVC_STEP_SETTLE, c);
	wake = ring_put_flush(conn_out(c));
	if (ring_get_flush(conn_in(c)) || wake) {
		svc_step(SVC_STEP_PUBLISHED, c);
		svc_signal(c);
	}
	svc_step(SVC_STEP_SETTLED, c);
}

bool svc_more(struct svc_conn *c) { return ring_get_idle(conn_in(c)); }

int svc_next_record(struct svc_conn *c, void *buf, uint32_t max)
{
	int rc;

	do {
		rc = ring_get(conn_in(c), buf, max);
		if (rc != -SK_E_AGAIN) {
			svc_step(SVC_STEP_TAKEN, c);
			return rc;
		}
		svc_settle(c);
		rc = c->look ? c->look(c) : 0;
		if (rc)
			return rc;
	} while (svc_more(c));
	return -SK_E_AGAIN;
}

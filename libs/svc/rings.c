/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings.c - using the rings of a connection outside the loop's turns, and what the other end
 * does wrong there
 */
#include <stdio.h>
#include "svc/internal.h"
#include "svc/step.h"

/* ---- breaches ---------------------------------------------------------------------------- */
static void (*breach_fn)(struct svc_conn *c);

void svc_on_breach(void (*fn)(struct svc_conn *c)) { breach_fn = fn; }

void svc_breach(struct svc_conn *c, const char *how)
{
	if (c->broken || c->dead)
		return;
	c->broken = true;
	printf("channel %u: the service broke the protocol: %s\n", (unsigned int)c->number,
		how);
	__atomic_store_n(&c->req.sh->end, c->epoch + 1, __ATOMIC_RELEASE);
	if (breach_fn)
		breach_fn(c);
}

int svc_checked(struct svc_conn *c, int rc)
{
	if (c->channel && rc == -SK_E_PEER)
		svc_breach(c, "an impossible index or length");
	else if (c->channel && rc == -SK_E_RANGE)
		svc_breach(c, "a record that is too long");
	return rc;
}

int svc_take(struct svc_conn *c, void *buf, uint32_t max)
{
	int rc = c->broken ? -SK_E_PEER : svc_checked(c, ring_get(conn_in(c), buf, max));

	if (rc >= 0)
		svc_step(SVC_STEP_TAKEN, c);
	return rc;
}

/* ---- records ----------------------------------------------------------------------------- */

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

bool svc_more(struct svc_conn *c)
{
	bool more = c->patient ? ring_get_idle_patient(conn_in(c)) : ring_get_idle(conn_in(c));

	return more && !c->broken;
}

int svc_next_record(struct svc_conn *c, void *buf, uint32_t max)
{
	int rc;

	do {
		rc = svc_take(c, buf, max);
		if (rc != -SK_E_AGAIN && !c->broken)
			return rc;
		svc_settle(c);
		rc = c->look ? c->look(c) : 0;
		if (rc)
			return rc;
	} while (svc_more(c));
	return c->broken ? -SK_E_PEER : -SK_E_AGAIN;
}

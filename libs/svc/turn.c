/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * turn.c - how much a connection gets done before others have their turn
 *
 * Invariants  TURN1 one turn is at most SVC_TURN bytes and one more request; if that request
 *                   costs more, later turns are skipped to pay for it, so that in the long run
 *                   all busy connections get the same share
 *             TURN2 the loop sleeps only if the ring is empty, or if the handler left a record
 *                   that it could see
 */
#include "svc/internal.h"

int svc_get(struct svc_conn *c, void *buf, uint32_t max)
{
	int rc;

	if (turn_over(c))
		return -SK_E_AGAIN;
	rc = svc_take(c, buf, max);
	if (rc >= 0)
		svc_charge(c, SVC_RECORD);
	return rc;
}

void svc_drain(
	struct svc_conn *c, void *buf, uint32_t max, void (*fn)(const void *rec, uint32_t len))
{
	int n;

	while ((n = svc_get(c, buf, max)) >= 0)
		fn(buf, (uint32_t)n);
}

bool svc_room(struct svc_conn *c, uint32_t len, uint32_t n)
{
	struct ring *r = conn_out(c);

	if (ring_room(r, len, n))
		return true;
	(void)ring_room_idle(r, len); /* ask for a signal, then look again */
	return ring_room(r, len, n);
}

void svc_charge(struct svc_conn *c, uint64_t bytes) { c->spent += bytes; }

bool turn_begin(struct svc_conn *c)
{
	c->spent -= c->spent < SVC_TURN ? c->spent : SVC_TURN;
	return !turn_over(c);
}

bool turn_over(const struct svc_conn *c) { return c->spent >= SVC_TURN; }

/*
 * TURN2. A handler that takes nothing is not called again for the records that it leaves. One
 * that left none may have looked before the record came that svc_more() finds: the peer saw no
 * wish for a signal, and gave none.
 */
bool turn_goes_on(struct svc_conn *c, uint32_t before, bool *more)
{
	const struct ring *in = conn_in(c);
	bool none_left;

	svc_settle(c);
	none_left = ring_drained(in);
	*more = svc_more(c);
	none_left &= !ring_drained(in); /* there is more, too, if the index is impossible */
	return *more && !turn_over(c) && (none_left || in->index != before);
}

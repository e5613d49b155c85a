/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rate.c - a token bucket whose level is kept as a time
 *
 * Invariants  RATE1 n <= NET_DEPTH; frames leave in the order in which they came.
 */
#include "rate.h"

#include <stdlib.h>
#include <string.h>

int rate_init(struct rate *r, const struct net_params *p, uint64_t hz)
{
	memset(r, 0, sizeof(*r));
	if (!p->rate_bytes)
		return 0;
	if (!p->rate_us)
		return -SK_E_INVAL;
	r->bytes = p->rate_bytes;
	r->interval = hz / 1000000 * p->rate_us;
	r->held = calloc(NET_DEPTH, sizeof(*r->held));
	return r->held ? 0 : -SK_E_NO_MEM;
}

void rate_end(struct rate *r)
{
	free(r->held);
	memset(r, 0, sizeof(*r));
}

sk_time_t rate_due(const struct rate *r)
{
	return r->paid > r->interval ? r->paid - r->interval : 0;
}

bool rate_waits(const struct rate *r, sk_time_t now)
{
	return r->bytes && (r->n || rate_due(r) > now);
}

/* At most 2^16 bytes times 2^32 us times 2^13 ticks: the product fits. */
void rate_pay(struct rate *r, uint32_t length, sk_time_t now)
{
	if (!r->bytes)
		return;
	if (r->paid < now)
		r->paid = now;
	r->paid += length * r->interval / r->bytes;
}

int rate_hold(struct rate *r, const struct net_desc *d)
{
	if (r->n == NET_DEPTH)
		return -SK_E_PEER;
	r->held[(r->head + r->n++) % NET_DEPTH] = *d;
	return 0;
}

bool rate_next(struct rate *r, sk_time_t now, struct net_desc *d)
{
	if (!r->n || rate_due(r) > now)
		return false;
	*d = r->held[r->head];
	r->head = (r->head + 1) % NET_DEPTH;
	r->n--;
	return true;
}

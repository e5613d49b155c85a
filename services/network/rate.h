/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rate.h - how fast a port may send (rate= of xl-network-configuration(5)): a frame that comes
 * too early is held
 */
#ifndef NETWORK_RATE_H
#define NETWORK_RATE_H

#include "proto/net.h"
#include "sys/sk.h"

struct rate {
	/* The port may send `bytes` in an interval, and as much at once. 0: no limit. */
	uint64_t bytes;
	sk_time_t interval;
	/* What was sent is paid for until then. */
	sk_time_t paid;
	/* A queue of NET_DEPTH requests. */
	struct net_desc *held;
	uint32_t head, n;
};

/* hz: ticks of sk_now() in a second. -SK_E_INVAL: an interval of nothing. -SK_E_NO_MEM. */
int rate_init(struct rate *r, const struct net_params *p, uint64_t hz) must_check;
/* Drops what is held. */
void rate_end(struct rate *r);
/* Must the next frame wait, for its time or behind others? */
bool rate_waits(const struct rate *r, sk_time_t now);
/* A frame of this length is sent now. */
void rate_pay(struct rate *r, uint32_t length, sk_time_t now);
/* -SK_E_PEER: more than NET_DEPTH. */
int rate_hold(struct rate *r, const struct net_desc *d) must_check;
/* Takes the first frame that is held, if its time has come; *d: a copy. */
bool rate_next(struct rate *r, sk_time_t now, struct net_desc *d);
/* When the next frame may be sent. */
sk_time_t rate_due(const struct rate *r);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.h - looking at a ring by the clock while the guest puts one request after the other
 *
 * An event of the guest for each request would cost more than the request: the I/O thread
 * precedes the guest's vCPUs, so it would take them one by one. When events follow each other
 * closely, the ring is looked at every POLL_US, and asks for an event only with POLL_MAX
 * requests, or when it is half full. That ends when there was at most one request in that time. The first requests after
 * a pause are taken at once.
 */
#ifndef VMM_POLL_H
#define VMM_POLL_H

#include "backend/gring.h"
#include "svc/svc.h"

enum {
	POLL_US = 100,
	/* Of two events in this time, the second begins it. */
	POLL_SOON_US = 30,
	POLL_MAX = 64,
};

struct poll {
	struct svc_timer timer;
	bool on;
	/* Requests that were taken since the last look by the clock. */
	uint32_t taken;
	/* An event before this time is close to the last one. */
	sk_time_t soon;
	/* Serve the ring. */
	void (*serve)(void *ctx);
	void *ctx;
};

void poll_init(struct poll *p, void (*serve)(void *ctx), void *ctx);
/* An event of the guest has come. Call it before the ring is served. */
void poll_heard(struct poll *p);
/* The ring is about to go, or the guest is to send events again. */
void poll_end(struct poll *p);
/*
 * Before a ring is left: ask for an event, with the next request or with many. True: they came
 * in the meantime, or an impossible index did.
 */
bool poll_more(const struct poll *p, struct gring *r);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.h - looking at a ring by the clock while the guest puts one request after the other
 *
 * An event of the guest for each request would cost more than the request: the I/O thread
 * precedes the guest's vCPUs, so it would take them one by one. When events follow each other
 * closely, the ring is looked at every POLL_US, and when a vCPU goes idle, so that the guest
 * waits for the clock only while it has something else to do. The ring asks for an event only
 * with POLL_MAX requests, or when it is half full. That ends when a look by the clock finds at
 * most one request, and the guest was not busy since the last. The first requests after a pause
 * are taken at once.
 *
 * A guest that waits for each answer never has two requests in a ring, and would lose time. If
 * the first look of either kind finds at most one, the next POLL_SKIP events begin nothing.
 */
#ifndef VMM_POLL_H
#define VMM_POLL_H

#include "backend/gring.h"
#include "svc/svc.h"

enum {
	POLL_US = 300,
	/* Of two events in this time, the second begins it. */
	POLL_SOON_US = 100,
	POLL_MAX = 64,
	/* Events that begin nothing after a first look that was in vain. */
	POLL_SKIP = 32,
};

struct poll {
	struct svc_timer timer;
	bool on;
	/* There was no look yet since it began. */
	bool fresh;
	/*
	 * Since the last look by the clock the guest has sent an event, or put several requests
	 * before it went idle.
	 */
	bool busy;
	/* Requests that were taken from the ring. */
	uint32_t taken;
	/* So many events begin nothing. */
	uint32_t skip;
	/* An event before this time is close to the last one. */
	sk_time_t soon;
	/* Serve the ring. */
	void (*serve)(void *ctx);
	void *ctx;
	/* Links those that are on. */
	struct poll *next;
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

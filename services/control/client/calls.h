/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.h - calls of services' control endpoints, which are not made by control's own thread
 *
 * Control has a thread for each service that calls it. So a service that is slow, hangs or is
 * dead delays only the guests that need it. An open is made once. A close or a ping waits only
 * a short while and is made again until the service has answered. Other calls have their turn
 * in between, so a guest whose last flush takes minutes does not delay the creation of another
 * guest.
 *
 * When a service has been started again, connections that its earlier life had are opened
 * before new ones (CALL_REOPEN). Both wait until init says that the service runs. A call that
 * the earlier life had received comes back with -SK_E_DELETED; one that it had not received is
 * answered by the next life.
 */
#ifndef CONTROL_CALLS_H
#define CONTROL_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/ctl.h"
#include "svc/svc.h"

enum call_what {
	CALL_OPEN,   /* rc: that of svc_open() */
	CALL_REOPEN, /* the same; it goes before all others */
	CALL_CLOSE,  /* rc: 0, or -SK_E_NOT_FOUND: there is no such connection */
	/*
	 * rc: 0; number: one of its connections with the client, which control may not know of;
	 * 0: there is none
	 */
	CALL_PING,
	CALL_USAGE, /* rc: that of svc_usage() */
};

struct call {
	STAILQ_ENTRY(call) link;
	enum service service;
	enum call_what what;
	sk_cap_t endpoint;
	/* OPEN, REOPEN; its pointers stay valid until fn is called */
	struct svc_open_args open;
	struct svc_open_result opened;
	/*
	 * REOPEN: an earlier attempt had no answer, so the service is asked first whether it
	 * has undone that. If it has not, rc is -SK_E_BUSY
	 */
	bool ping_first;
	uint32_t client; /* PING */
	/*
	 * USAGE: room for SVC_USAGE_MAX entries, n_usage of which were filled; `from` is in and
	 * out
	 */
	struct svc_usage *usage;
	uint32_t n_usage;
	uint64_t from;
	uint32_t number; /* CLOSE; PING */
	/*
	 * CLOSE, if rc is 0: the result of the last thing that the service did for the client
	 */
	int result;
	int rc;
	uint32_t ms;                /* CLOSE, PING: how long this attempt may take */
	uint16_t life;              /* of the service, when it was asked */
	void (*fn)(struct call *c); /* called on control's own thread */
	void *ctx;
};

void calls_init(void);
/*
 * All fields are set except for link, rc, ms and life. The call belongs to this module until fn
 * is called, which never happens before this function returns.
 */
void call_start(struct call *c);
/* Is the service being started again? Its opens wait meanwhile. */
void calls_starting(enum service s, bool starting);
/*
 * The service does not run any more, and nothing is left of it. Its calls, those of later, too,
 * come back by themselves: opens with -SK_E_DELETED, closes with -SK_E_NOT_FOUND, pings with 0.
 */
void calls_give_up(enum service s);

/* ---- caller.c: the threads ---- */

int callers_init(void) must_check;
/* The service's thread makes this call; calls_returned() when it is back. */
void caller_give(struct call *c);
/* The call that the service's thread was given has come back, with rc. */
void calls_returned(enum service s);

#endif

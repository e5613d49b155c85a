/*
 * calls.h - calls of services' control endpoints, which control's own thread does not make
 *
 * Each service has a thread of control's that calls it, so a service that is slow, hangs or is dead keeps nobody waiting
 * but those who want something of it. An open is asked once. A close and a ping are asked for a short while, again and
 * again until the service has answered, and in between the others have their turn: a guest whose last flush takes
 * minutes does not keep another from being made.
 */
#ifndef CONTROL_CALLS_H
#define CONTROL_CALLS_H

#include <stdint.h>
#include <sys/queue.h>

#include "svc/svc.h"

#define SERVICES(X) \
	X(CONSOLE, "console") \
	X(XENSTORE, "xenstore") X(STORAGE, "storage") X(NETWORK, "network") X(FILES, "files")
#define X(sym, name) SERVICE_##sym,
enum service { SERVICES(X) SERVICE_COUNT };
#undef X

enum call_what {
	CALL_OPEN,  /* rc: as svc_open() */
	CALL_CLOSE, /* rc: 0, or -SK_E_NOT_FOUND: there is no such connection */
	CALL_PING   /* rc: 0 */
};

struct call {
	STAILQ_ENTRY(call) link;
	enum service service;
	enum call_what what;
	sk_cap_t endpoint;
	struct svc_open_args open; /* OPEN; what it points to stays until fn is called */
	struct svc_open_result opened;
	uint32_t number; /* CLOSE */
	int result;      /* CLOSE, with rc 0: of the service's last act for the client */
	int rc;
	uint32_t ms;                /* CLOSE, PING: so long is it asked this time */
	void (*fn)(struct call *c); /* on control's own thread */
	void *ctx;
};

void calls_init(void);
/* Its fields but link, rc, ms are set; they and it are not the caller's until fn is called, never before this returns. */
void call_start(struct call *c);

/* ---- caller.c: the threads ---- */

int callers_init(void) must_check;
/* The service's thread makes this call; calls_returned() when it is back. */
void caller_give(struct call *c);
/* The call that the service's thread had has come back, with rc. */
void calls_returned(enum service s);

#endif

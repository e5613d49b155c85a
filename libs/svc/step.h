/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * step.h - the steps at which a domain can be made to fail, in a build for tests
 *
 * A domain acts on others only through this library, so these are all the steps of its
 * protocols that others can tell apart. The build below build/inject/ (SVC_INJECT) has
 * inject.c; in all others a step is nothing.
 */
#ifndef SVC_STEP_H
#define SVC_STEP_H

#include "svc/svc.h"

/* X(name, what happens there) */
#define SVC_STEPS(X) \
	X(CALL, "a call has come") \
	X(OPEN, "a connection is asked for") \
	X(OPENED, "the service has accepted a connection, which is not answered yet") \
	X(EPOCH, "the epoch of a connection has begun, and its client does not know it") \
	X(ANSWER, "a call is carried out and not answered yet") \
	X(ANSWERED, "a call is answered") \
	X(CLOSE, "the end of a connection is asked for") \
	X(CLOSED, "a connection is closed, and its closer does not know it") \
	X(EVENT, "a client has signalled") \
	X(TAKEN, "a record was taken, and its place not given back") \
	X(SETTLE, "records were handled, and nothing is published") \
	X(PUBLISHED, "records are published, and the peer is not signalled") \
	X(SETTLED, "records are published, and the peer is signalled") \
	X(PUT, "a single record is about to be sent") \
	X(CHANNEL, "a service has signalled") \
	X(RESTARTED, "a service has begun an epoch, and nothing is sent again") \
	X(RESENT, "after a service began an epoch, requests were sent again") \
	X(REQUEST, "another domain is about to be called") \
	X(REPLIED, "another domain has answered a call") \
	X(BIT, "an interrupt or a signal of its own") \
	X(TIMER, "a timer is due")

#define X(name, what) SVC_STEP_##name,
enum svc_step { SVC_STEPS(X) SVC_STEP_END };
#undef X

#ifdef SVC_INJECT
/* c: the connection that the step is about, or NULL. */
void svc_step(enum svc_step at, struct svc_conn *c);
#else
static inline void svc_step(enum svc_step at, struct svc_conn *c)
{
	(void)at;
	(void)c;
}
#endif

#endif

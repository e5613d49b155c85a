/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caller.c - the threads that call services, one for each service
 *
 * Objects     struct caller: a thread, with the call that it was given.
 * Locks       none: `given` and `done` are handed over with release and acquire. Between the
 *             two, the call belongs to the thread; before and after, it belongs to control's
 *             own thread.
 * Lifecycle   callers_init() once; the threads live as long as the domain.
 */
#include <stdbool.h>
#include <stddef.h>

#include "caps/caps.h"
#include "client/calls.h"
#include "client/host.h"
#include "event.h"
#include "rt/thread.h"
#include "sys/sk.h"

enum { STACK_ORDER = 14, PING_MS = 1000, USAGE_MS = 1000 };

static struct caller {
	sk_cap_t ntfn;      /* the thread waits for it */
	sk_cap_t wake;      /* signals it */
	struct call *given; /* atomic */
	bool done;          /* atomic */
} callers[SERVICE_COUNT];

/* Signals this domain that a call is back. */
static sk_cap_t calls_signal;

/* Which connections does the service have, beyond those that it is undoing? */
static int ping_make(struct call *c)
{
	int rc = svc_ping(c->endpoint, c->ms);

	return rc ? rc : svc_find(c->endpoint, c->client, c->ms, &c->number);
}

static int reopen_make(struct call *c)
{
	int rc = c->ping_first ? svc_ping(c->endpoint, PING_MS) : 0;

	return rc ? rc : svc_open(c->endpoint, &c->open, &c->opened);
}

static int call_make(struct call *c)
{
	switch (c->what) {
	case CALL_OPEN:
		return svc_open(c->endpoint, &c->open, &c->opened);
	case CALL_REOPEN:
		return reopen_make(c);
	case CALL_CLOSE:
		return svc_close_within(c->endpoint, c->number, c->ms, &c->result);
	case CALL_USAGE:
		return svc_usage(c->endpoint, USAGE_MS, &c->from, c->usage, &c->n_usage);
	case CALL_PING:
	default:
		return ping_make(c);
	}
}

static void caller_run(void *arg)
{
	struct caller *k = arg;
	struct call *c;
	uint64_t word;

	for (;;) {
		(void)sk_wait(k->ntfn, SK_NO_DEADLINE, &word);
		c = __atomic_exchange_n(&k->given, NULL, __ATOMIC_ACQUIRE);
		if (!c)
			continue;
		c->rc = call_make(c);
		__atomic_store_n(&k->done, true, __ATOMIC_RELEASE);
		(void)sk_signal(calls_signal);
	}
}

void caller_give(struct call *c)
{
	struct caller *k = &callers[c->service];

	__atomic_store_n(&k->given, c, __ATOMIC_RELEASE);
	(void)sk_signal(k->wake);
}

static void calls_back(void *ctx)
{
	(void)ctx;
	for (uint32_t s = 0; s < SERVICE_COUNT; s++)
		if (__atomic_exchange_n(&callers[s].done, false, __ATOMIC_ACQUIRE))
			calls_returned((enum service)s);
	event_end();
}

static int caller_start(struct caller *k)
{
	struct thread_spec spec = { .fn = caller_run, .arg = k, .stack_order = STACK_ORDER };
	struct thread *thread;
	int rc;

	rc = object_make(SK_OBJ_NOTIFICATION, 0, &k->ntfn);
	if (!rc)
		rc = cap_copy(k->ntfn, SK_W, 1, &k->wake);
	if (!rc)
		rc = host_thread_sched(0, &spec.sched);
	return rc ? rc : thread_start(&spec, &thread);
}

int callers_init(void)
{
	int rc;

	calls_init();
	if (!host_ctl_sched())
		return 0; /* no guests either */
	rc = svc_ntfn_badged(BIT_CALLS, &calls_signal);
	if (!rc)
		rc = svc_on_bit(BIT_CALLS, calls_back, NULL, "calls");
	for (uint32_t s = 0; !rc && s < SERVICE_COUNT; s++)
		rc = caller_start(&callers[s]);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.c - which call each service's thread makes next
 *
 * Objects     struct call, which belongs to its owner: in one of the two queues of its service,
 *             or given to the thread.
 * Lifecycle   call_start -> (given -> again ->) given -> fn.
 * Invariants  CALL1 a thread has one call at a time
 *             CALL2 new calls go before those that are asked again; these wait at least
 *                   REST_MS, so that new calls find gaps
 *             CALL3 a connection of an earlier life is opened again before new ones are made,
 *                   so that no new one takes what it had
 *             CALL4 while a service is being started again, it is asked to open nothing: a life
 *                   that fails before it runs says nothing about what it was asked
 */
#include "client/calls.h"

#include <stdbool.h>
#include <stddef.h>

#include "client/services.h"
#include "event.h"

enum {
	ASK_MS = 200,    /* a new call waits at most this long for calls that are asked again */
	ASK_MIN_MS = 20, /* but each of these gets at least this long */
	REST_MS = 50,    /* between two rounds of calls that are asked again */
};

STAILQ_HEAD(call_list, call);

static struct queue {
	struct call *given; /* CALL1 */
	struct call_list fresh, again;
	uint32_t n_again;
	uint32_t turn; /* this many of `again` may go now */
	bool resting;  /* the timer is set */
	bool gone;     /* the service does not run any more */
	bool starting; /* it is being started again */
	struct svc_timer timer;
} queues[SERVICE_COUNT];

static bool call_opens(const struct call *c)
{
	return c->what == CALL_OPEN || c->what == CALL_REOPEN;
}

static struct call *fresh_first(const struct queue *q)
{
	struct call *c;

	STAILQ_FOREACH(c, &q->fresh, link)
		if (!q->starting || !call_opens(c)) /* CALL4 */
			return c;
	return NULL;
}

static struct call *call_take(struct queue *q)
{
	struct call *c = fresh_first(q);

	if (c) { /* CALL2 */
		STAILQ_REMOVE(&q->fresh, c, call, link);
		return c;
	}
	c = q->turn ? STAILQ_FIRST(&q->again) : NULL;
	if (c) {
		STAILQ_REMOVE_HEAD(&q->again, link);
		q->n_again--;
		q->turn--;
	}
	return c;
}

/* No thread makes these calls. Their owners may start further ones meanwhile. */
static void queue_answer(struct queue *q)
{
	struct call *c;

	q->turn = UINT32_MAX;
	while ((c = call_take(q))) {
		c->rc = c->what == CALL_PING    ? 0
			: c->what == CALL_CLOSE ? -SK_E_NOT_FOUND
						: -SK_E_DELETED;
		c->fn(c);
	}
}

static void queue_pump(struct queue *q)
{
	struct call *c;

	if (q->gone) {
		svc_timer_set(&q->timer, 0); /* at once, but not now */
		return;
	}
	c = q->given ? NULL : call_take(q);

	if (!c)
		return;
	/* One round of all of them takes ASK_MS, unless there are too many. */
	c->ms = ASK_MS / (q->n_again + 1);
	if (c->ms < ASK_MIN_MS)
		c->ms = ASK_MIN_MS;
	c->life = service_life(c->service);
	q->given = c;
	caller_give(c);
}

static void queue_rested(void *ctx)
{
	struct queue *q = ctx;

	q->resting = false;
	if (q->gone) {
		queue_answer(q);
		event_end();
		return;
	}
	q->turn = q->n_again;
	queue_pump(q);
}

static bool call_answered(const struct call *c)
{
	return call_opens(c) || c->what == CALL_USAGE || c->rc == 0 ||
	       (c->what == CALL_CLOSE && c->rc == -SK_E_NOT_FOUND);
}

static void call_ask_again(struct queue *q, struct call *c)
{
	STAILQ_INSERT_TAIL(&q->again, c, link);
	q->n_again++;
	if (q->gone || q->resting || q->turn)
		return;
	q->resting = true;
	svc_timer_set(&q->timer, svc_in_ms(REST_MS));
}

void calls_returned(enum service s)
{
	struct queue *q = &queues[s];
	struct call *c = q->given;

	if (c->rc == -SK_E_DELETED)
		services_look(); /* CALL4: the news of its end may come after the call */
	q->given = NULL;
	if (call_answered(c))
		c->fn(c);
	else
		call_ask_again(q, c);
	queue_pump(q);
}

void call_start(struct call *c)
{
	struct queue *q = &queues[c->service];

	if (c->what == CALL_REOPEN)
		STAILQ_INSERT_HEAD(&q->fresh, c, link); /* CALL3 */
	else
		STAILQ_INSERT_TAIL(&q->fresh, c, link);
	queue_pump(q);
}

void calls_starting(enum service s, bool starting)
{
	queues[s].starting = starting;
	queue_pump(&queues[s]);
}

void calls_give_up(enum service s)
{
	queues[s].gone = true;
	queues[s].starting = false;
	queue_pump(&queues[s]);
}

void calls_init(void)
{
	for (struct queue *q = queues; q < queues + SERVICE_COUNT; q++) {
		*q = (struct queue){ .timer = { .fn = queue_rested, .ctx = q } };
		STAILQ_INIT(&q->fresh);
		STAILQ_INIT(&q->again);
	}
}

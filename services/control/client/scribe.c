/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scribe.c - requests to the scribe, in their order
 *
 * Objects     struct request: from the call to its answer.
 * Lifecycle   queued -> sent, as the ring has room -> answered and freed. When the scribe is
 *             started again, requests that were sent are queued again.
 * Invariants  REQUEST1 the requests that were sent come first in the list
 */
#include "client/scribe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "event.h"
#include "svc/svc.h"

struct request {
	STAILQ_ENTRY(request) link;
	scribe_fn fn;
	void *ctx;
	uint32_t len; /* of what is sent */
	struct scribe_head head;
	char body[];
};

static STAILQ_HEAD(, request) requests = STAILQ_HEAD_INITIALIZER(requests);
static struct request *next_to_send;
static uint32_t last_id;
static struct svc_conn *chan;

static void requests_pump(void)
{
	while (next_to_send) {
		if (svc_request(chan, &next_to_send->head, next_to_send->len)) {
			if (ring_room_idle(&chan->req, next_to_send->len))
				continue;
			return;
		}
		next_to_send = STAILQ_NEXT(next_to_send, link); /* REQUEST1 */
	}
}

static void request_end(struct request *r, bool failed, const void *data, uint32_t len)
{
	STAILQ_REMOVE(&requests, r, request, link);
	if (r->fn)
		r->fn(r->ctx, failed, data, len);
	free(r);
}

/* Nothing will be answered any more. */
static void requests_fail(void *ctx)
{
	struct request *r;

	(void)ctx;
	next_to_send = NULL;
	while ((r = STAILQ_FIRST(&requests)) != NULL)
		request_end(r, true, NULL, 0);
	event_end();
}

static struct svc_timer failing = { .deadline = SK_NO_DEADLINE, .fn = requests_fail };

static int request_queue(
	const struct scribe_head *h, const void *body, uint32_t len, scribe_fn fn, void *ctx)
{
	struct request *r = malloc(sizeof(*r) + len);

	if (!r)
		return -1;
	*r = (struct request){
		.fn = fn, .ctx = ctx, .len = (uint32_t)sizeof(*h) + len, .head = *h
	};
	r->head.id = ++last_id;
	if (len)
		memcpy(r->body, body, len);
	STAILQ_INSERT_TAIL(&requests, r, link);
	if (svc_end(chan)) {
		svc_timer_set(&failing, svc_now());
		return 0;
	}
	if (!next_to_send)
		next_to_send = r;
	requests_pump();
	return 0;
}

int scribe_ask(enum scribe_op op, uint32_t domid, const void *body, uint32_t len, scribe_fn fn,
	void *ctx)
{
	const struct scribe_head h = { .op = (uint16_t)op, .domid = domid };

	return request_queue(&h, body, len, fn, ctx);
}

int scribe_ask_more(enum scribe_op op, uint32_t domid, const void *body, uint32_t len)
{
	const struct scribe_head h = {
		.op = (uint16_t)op, .domid = domid, .flags = SCRIBE_MORE
	};

	return request_queue(&h, body, len, NULL, NULL);
}

/* The next one that was sent and has an answer; NULL: there is none. */
static struct request *request_due(void)
{
	struct request *r = STAILQ_FIRST(&requests);

	while (r && r != next_to_send && r->head.flags & SCRIBE_MORE)
		r = STAILQ_NEXT(r, link);
	return r == next_to_send ? NULL : r;
}

static void answer_take(const void *rec, uint32_t len)
{
	const struct scribe_head *h = rec;
	struct request *r = request_due();

	if (len < sizeof(*h) || !r || r->head.id != h->id) {
		svc_breach(chan, "it answers what it was not asked");
		return;
	}
	while (STAILQ_FIRST(&requests) != r)
		request_end(STAILQ_FIRST(&requests), false, NULL, 0);
	request_end(r, h->failed, h + 1, len - (uint32_t)sizeof(*h));
}

/* Nodes of a device that a guest has seen are not written once more. */
static bool failed_by_restart(const struct request *r)
{
	return (r->head.op == SCRIBE_DISK || r->head.op == SCRIBE_VIF) &&
	       !(r->head.flags & SCRIBE_MORE);
}

static void scribe_restarted(void *ctx)
{
	struct request *r = STAILQ_FIRST(&requests), *next;

	(void)ctx;
	for (; r && r != next_to_send; r = next) {
		next = STAILQ_NEXT(r, link);
		if (failed_by_restart(r))
			request_end(r, true, NULL, 0);
	}
	next_to_send = STAILQ_FIRST(&requests);
	requests_pump();
}

static void scribe_ended(void *ctx)
{
	(void)ctx;
	printf("the connection with the scribe has ended: %s\n", svc_end_text(svc_end(chan)));
	requests_fail(NULL);
}

static void scribe_event(void *ctx)
{
	static uint64_t rec[SCRIBE_RECORD_MAX / sizeof(uint64_t) + 1];

	(void)ctx;
	svc_drain(chan, rec, SCRIBE_RECORD_MAX, answer_take);
	requests_pump();
	event_end();
}

int scribe_init(void)
{
	int rc;

	chan = svc_channel("scribe");
	if (!chan)
		return -SK_E_NOT_FOUND;
	rc = svc_on_epoch(chan, scribe_restarted, NULL);
	if (!rc)
		rc = svc_on_end(chan, scribe_ended, NULL);
	return rc ? rc : svc_on_channel(chan, scribe_event, NULL);
}

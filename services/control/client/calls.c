/*
 * calls.c - which call each service's thread makes next
 *
 * Objects     struct call, its owner's: in one of the two queues of its service, or given to the thread.
 * Locks       none; control's own thread.
 * Lifecycle   call_start -> (given -> again ->) given -> fn.
 * Invariants  C1 a thread has one call at a time   C2 new calls go before those that are asked again, and these wait
 *             AGAIN_MS in any case, so that there are gaps for the new ones
 */
#include "client/calls.h"

#include <stdbool.h>
#include <stddef.h>

#include "client/host.h"

enum {
	ASK_MS = 200,  /* a new call waits at most so long for one that is asked again */
	AGAIN_MS = 50, /* after that long a call is asked again */
	ASK_LEAST_MS = 20
};

STAILQ_HEAD(call_list, call);

static struct queue {
	struct call *given; /* C1 */
	struct call_list fresh, again;
	uint32_t n_again;
	uint32_t turn; /* so many of them may go now */
	bool rests;    /* the timer is set */
	struct svc_timer timer;
} queues[SERVICE_COUNT];

static struct call *take(struct queue *q)
{
	struct call_list *from = STAILQ_EMPTY(&q->fresh) ? &q->again : &q->fresh; /* C2 */
	struct call *c = STAILQ_FIRST(from);

	if (!c || (from == &q->again && !q->turn))
		return NULL;
	STAILQ_REMOVE_HEAD(from, link);
	if (from == &q->again) {
		q->n_again--;
		q->turn--;
	}
	return c;
}

static void pump(struct queue *q)
{
	struct call *c = q->given ? NULL : take(q);

	if (!c)
		return;
	/* All of them within ASK_MS, if they are not too many. */
	c->ms = ASK_MS / (q->n_again + 1);
	if (c->ms < ASK_LEAST_MS)
		c->ms = ASK_LEAST_MS;
	q->given = c;
	caller_give(c);
}

static void rested(void *ctx)
{
	struct queue *q = ctx;

	q->rests = false;
	q->turn = q->n_again;
	pump(q);
}

static bool answered(const struct call *c)
{
	return c->what == CALL_OPEN || c->rc == 0 ||
	       (c->what == CALL_CLOSE && c->rc == -SK_E_NOT_FOUND);
}

static void ask_again(struct queue *q, struct call *c)
{
	STAILQ_INSERT_TAIL(&q->again, c, link);
	q->n_again++;
	if (q->rests || q->turn)
		return;
	q->rests = true;
	svc_timer_set(&q->timer, deadline_in_ms(AGAIN_MS));
}

void calls_returned(enum service s)
{
	struct queue *q = &queues[s];
	struct call *c = q->given;

	q->given = NULL;
	if (answered(c))
		c->fn(c);
	else
		ask_again(q, c);
	pump(q);
}

void call_start(struct call *c)
{
	struct queue *q = &queues[c->service];

	STAILQ_INSERT_TAIL(&q->fresh, c, link);
	pump(q);
}

void calls_init(void)
{
	for (struct queue *q = queues; q < queues + SERVICE_COUNT; q++) {
		STAILQ_INIT(&q->fresh);
		STAILQ_INIT(&q->again);
		q->timer.fn = rested;
		q->timer.ctx = q;
	}
}

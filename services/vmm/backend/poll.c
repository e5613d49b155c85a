/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c - looking at a ring by the clock while the guest puts one request after the other
 *
 * Locks       none: I/O thread.
 * Invariants  POLL1 `polls` has those that are on, and while there are any, evtchn_on_idle() is
 *                   set
 */
#include "backend/poll.h"

#include "xen/evtchn_backend.h"

static struct poll *polls;

static void polls_look(void);

static void next_look(struct poll *p)
{
	p->busy = false;
	svc_timer_set(&p->timer, svc_in_us(POLL_US));
}

static void poll_begin(struct poll *p)
{
	p->on = p->fresh = true;
	p->next = polls;
	polls = p;
	evtchn_on_idle(polls_look);
	next_look(p);
}

void poll_end(struct poll *p)
{
	struct poll **at = &polls;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	if (!polls)
		evtchn_on_idle(NULL);
	p->on = false;
	svc_timer_set(&p->timer, SK_NO_DEADLINE);
}

static void give_up(struct poll *p)
{
	if (p->fresh)
		p->skip = POLL_SKIP;
	poll_end(p);
	p->serve(p->ctx); /* asks for an event, and looks again */
}

static void look(void *ctx)
{
	struct poll *p = ctx;
	uint32_t before = p->taken;

	p->serve(p->ctx);
	if (!p->on)
		return;
	if (p->taken - before < 2 && !p->busy) {
		give_up(p);
		return;
	}
	p->fresh = false;
	next_look(p);
}

/* A single request, for which the guest waits, is no reason to go on. */
static void idle_look(struct poll *p)
{
	uint32_t before = p->taken;

	p->serve(p->ctx);
	if (p->taken - before >= 2) {
		p->busy = true;
		p->fresh = false;
	} else if (p->on && p->fresh) {
		give_up(p);
	}
}

static void polls_look(void)
{
	struct poll *next;

	for (struct poll *p = polls; p; p = next) {
		next = p->next;
		idle_look(p);
	}
}

void poll_init(struct poll *p, void (*serve)(void *ctx), void *ctx)
{
	*p = (struct poll){ .timer = { .fn = look, .ctx = p }, .serve = serve, .ctx = ctx };
}

void poll_heard(struct poll *p)
{
	bool soon = !p->on && svc_now() < p->soon;

	p->busy = true;
	if (soon && p->skip) {
		p->skip--;
	} else if (soon) {
		poll_begin(p);
	}
	p->soon = svc_in_us(POLL_SOON_US);
}

bool poll_more(const struct poll *p, struct gring *r)
{
	uint32_t many = r->n_entries / 2 < POLL_MAX ? r->n_entries / 2 : POLL_MAX;
	int n;

	if (!p->on)
		return gring_final_check(r);
	gring_want_request(r, r->req_cons + many - 1);
	n = gring_requests(r);
	return n < 0 || (uint32_t)n >= many;
}

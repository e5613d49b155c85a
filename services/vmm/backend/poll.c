/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c - looking at a ring by the clock while the guest puts one request after the other
 *
 * Locks       none: I/O thread.
 */
#include "backend/poll.h"

static void next_look(struct poll *p)
{
	p->on = true;
	p->heard = false;
	svc_timer_set(&p->timer, svc_in_us(POLL_US));
}

void poll_end(struct poll *p)
{
	p->on = false;
	svc_timer_set(&p->timer, SK_NO_DEADLINE);
}

static void look(void *ctx)
{
	struct poll *p = ctx;
	uint32_t before = p->taken;

	p->serve(p->ctx);
	if (p->taken - before >= 2 || p->heard) {
		p->fresh = false;
		next_look(p);
		return;
	}
	if (p->fresh)
		p->skip = POLL_SKIP;
	poll_end(p);
	p->serve(p->ctx); /* asks for an event, and looks again */
}

void poll_init(struct poll *p, void (*serve)(void *ctx), void *ctx)
{
	*p = (struct poll){ .timer = { .fn = look, .ctx = p }, .serve = serve, .ctx = ctx };
}

void poll_heard(struct poll *p)
{
	bool soon = !p->on && svc_now() < p->soon;

	p->heard = true;
	if (soon && p->skip) {
		p->skip--;
	} else if (soon) {
		p->fresh = true;
		next_look(p);
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

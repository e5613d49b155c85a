/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reopen.c - guests' connections with a service that has been started again: each is opened
 * again with the frames, the signal and the number that it had
 *
 * Objects     struct reopener: one for each service, with the one connection that it opens now.
 *             What is to be done is in the connections (guest_conn.life, rest_end), so it is
 *             found again, whatever happens to guests meanwhile.
 * Lifecycle   a connection is open -> stale, when its service has a new life -> open, or lost
 *             after TRIES or DEATHS, or when the service is given up.
 * Invariants  REOPEN1 a connection whose `reopening` is set stays in conn[], and so does its
 *                     guest
 *             REOPEN2 each attempt has an epoch of its own, because an attempt that failed may
 *                     have begun its epoch in the rings
 */
#include "guest/reopen.h"

#include <stdio.h>

#include "base/error.h"
#include "caps/caps.h"
#include "client/host.h"
#include "client/services.h"
#include "guest/connect.h"
#include "guest/keep.h"
#include "guest/life.h"
#include "guest/link.h"
#include "log.h"

enum {
	/*
	 * Within five minutes. A service that has lost its memory is ended by then, because it
	 * refuses clients of init, too.
	 */
	TRIES = 40,
	/* Within half a minute, for the last flush of a guest that somebody ends. */
	TRIES_LEAVING = 10,
	REST_MS = 100,
	REST_MAX_MS = 8000,
	/* Deaths of the service while it opens a connection: the request may be the reason. */
	DEATHS = 3,
};

static struct reopener {
	struct guest_link link;
	struct guest *guest; /* NULL: nothing is under way */
	struct guest_conn *conn;
	uint32_t opened; /* in this life */
	struct svc_timer timer;
} reopeners[SERVICE_COUNT];

bool reopen_stale(const struct guest_conn *c)
{
	return life_after(service_life(c->service), c->life);
}

bool reopen_wanted(const struct guest *g, const struct guest_conn *c)
{
	return reopen_stale(c) && !c->lost && (!g->leaving || link_writes(g, c->step));
}

/* ---- the end of an attempt ---- */

static void conn_lose(const struct guest *g, struct guest_conn *c,
	const struct svc_open_args *a, enum svc_end end)
{
	char text[24];

	c->lost = true;
	guest_log(g->dom->domid, "domain %u (%s): its connection with %s (%s) is lost\n",
		g->dom->domid, g->dom->name, host_service_name(c->service),
		link_subject(g, c->step, text));
	if (svc_abandon(a, end))
		guest_log(g->dom->domid, "domain %u cannot be told: control has no memory\n",
			g->dom->domid);
}

static void conn_rest(struct guest_conn *c)
{
	uint32_t ms = REST_MS;

	for (uint32_t i = 1; i < c->tries && ms < REST_MAX_MS; i++)
		ms *= 2;
	c->rest_end = svc_in_ms(ms < REST_MAX_MS ? ms : REST_MAX_MS);
	c->rest_life = service_life(c->service);
}

/* What one life of the service refused, the next one may not. */
static bool conn_rests(const struct guest_conn *c, sk_time_t now)
{
	return c->rest_end > now && c->rest_life == service_life(c->service);
}

/*
 * A connection that exists already is this one: an earlier attempt was answered by a later life
 * of the service than control knew, or the answer came when control had ended. If there was no
 * answer, the service undoes what it did; it says so (ping_first) before the next attempt.
 */
static bool attempt_succeeded(int rc) { return rc == 0 || rc == -SK_E_EXISTS; }

static void attempt_failed(struct reopener *r, int rc)
{
	struct guest_conn *c = r->conn;
	char text[24];

	c->doubtful = c->doubtful || rc == -SK_E_TIMEOUT;
	c->deaths += rc == -SK_E_DELETED;
	c->tries++;
	if (c->lost)
		return;
	if (c->tries < (r->guest->leaving ? TRIES_LEAVING : TRIES) && c->deaths < DEATHS) {
		conn_rest(c);
		return;
	}
	guest_log(r->guest->dom->domid, "%s does not open %s of domain %u again: %s\n",
		host_service_name(c->service), link_subject(r->guest, c->step, text),
		r->guest->dom->domid, sk_error_text(rc));
	conn_lose(r->guest, c, &r->link.call.open,
		rc == -SK_E_LIMIT || rc == -SK_E_NO_MEM ? SVC_END_LIMIT : SVC_END_CLOSED);
}

static void conn_reopened(struct call *call)
{
	struct reopener *r = call->ctx;
	struct guest *g = guest_of_ctx(r->guest);
	struct guest_conn *c = r->conn;

	if (!call->rc)
		cap_drop(call->opened.signal);
	if (attempt_succeeded(call->rc)) {
		c->life = call->life;
		c->tries = c->deaths = 0;
		c->doubtful = false;
		r->opened++;
	} else {
		attempt_failed(r, call->rc);
	}
	c->reopening = false;
	r->guest = NULL;
	reopen_service(call->service); /* first, so that no other call comes between */
	guest_reopened(g);
}

/* ---- one after the other ---- */

/* What is to be opened next. */
struct choice {
	struct guest *guest;
	struct guest_conn *conn; /* NULL: nothing now */
	uint32_t urgency;
	sk_time_t next; /* when the first of those that rest may be tried */
};

static void guest_offer(struct guest *g, enum service s, sk_time_t now, struct choice *best)
{
	for (struct guest_conn *c = g->conn; c < g->conn + g->n_conns; c++) {
		uint32_t urgency = link_urgency(g, c->step);

		if (c->service != s || !reopen_wanted(g, c))
			continue;
		if (conn_rests(c, now))
			best->next = c->rest_end < best->next ? c->rest_end : best->next;
		else if (!best->conn || urgency > best->urgency)
			*best = (struct choice){ g, c, urgency, best->next };
	}
}

/* The connection with this service that its guest needs most. */
static struct choice conn_choose(enum service s)
{
	struct choice best = { .next = SK_NO_DEADLINE };
	sk_time_t now = svc_now();

	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		if (guest_of(d))
			guest_offer(guest_of(d), s, now, &best);
	return best;
}

/* The parameters are made anew from the configuration, which has not changed. */
static int attempt_begin(struct reopener *r, struct guest *g, struct guest_conn *c)
{
	struct guest_link *l = &r->link;
	struct msg m;
	int rc = link_prepare(g, c->step, l, &m) ? -SK_E_INVAL : 0;

	if (!rc)
		rc = proc_reopen_prepare(
			&l->c, &c->kept, ++c->epoch, &l->call.open); /* REOPEN2 */
	if (rc)
		return rc;
	l->call.what = CALL_REOPEN;
	l->call.fn = conn_reopened;
	l->call.ctx = r;
	r->guest = g;
	r->conn = c;
	c->reopening = true; /* REOPEN1 */
	c->accused = false;  /* of the epoch before */
	l->call.ping_first = c->doubtful;
	guest_keep(g); /* REOPEN2 */
	call_start(&l->call);
	return 0;
}

static void service_complete(enum service s)
{
	if (reopeners[s].opened)
		printf("%s has been started again; connections of guests that are open again: %u\n",
			host_service_name(s), reopeners[s].opened);
	reopeners[s].opened = 0;
}

static void rest_over(void *ctx)
{
	const struct reopener *r = ctx;

	reopen_service((enum service)(r - reopeners));
	guests_run();
}

void reopen_service(enum service s)
{
	struct reopener *r = &reopeners[s];
	struct choice c;

	if (r->guest)
		return;
	while ((c = conn_choose(s)).conn) {
		if (attempt_begin(r, c.guest, c.conn) == 0)
			return;
		dom_touch(c.guest->dom);
		c.conn->lost =
			true; /* it was opened like this before, so this does not happen */
	}
	if (c.next == SK_NO_DEADLINE)
		service_complete(s);
	svc_timer_set(&r->timer, c.next);
}

/* ---- news of services ---- */

static void guest_lose(struct guest *g, enum service s)
{
	for (struct guest_conn *c = g->conn; c < g->conn + g->n_conns; c++) {
		struct guest_link l;
		struct msg m;

		if (c->service == s && !c->lost && link_prepare(g, c->step, &l, &m) == 0 &&
			proc_reopen_prepare(&l.c, &c->kept, ++c->epoch, &l.call.open) == 0)
			conn_lose(g, c, &l.call.open, SVC_END_GIVEN_UP);
	}
	guest_reopened(g); /* its end need not wait */
}

static void service_lose(enum service s)
{
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (guest_of(d))
			guest_lose(guest_of(d), s);
}

static void service_news(enum service s)
{
	if (service_given_up(s))
		service_lose(s);
	else
		reopen_service(s);
}

void reopen_init(void)
{
	for (struct reopener *r = reopeners; r < reopeners + SERVICE_COUNT; r++) {
		r->timer.fn = rest_over;
		r->timer.ctx = r;
	}
	services_listen(service_news);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * charge.c - how long services worked for each guest (SVC_USAGE)
 *
 * Objects     struct meter: one for each service, with the call that is under way.
 * Lifecycle   a round, once a second -> one call for each SVC_USAGE_MAX connections -> the end
 *             of the round. Nothing is charged in the first one of this life of control,
 *             because the counters have what services did in earlier lives.
 * Trust       a service counts its time itself. It can charge one guest for what it did for
 *             another, but all guests together for no more time than has passed (CHARGE1). A
 *             service that does not answer charges later.
 * Invariants  CHARGE1 what a service charges in one round is at most the time since the last
 *             round that came to its end
 */
#include "guest/charge.h"

#include <stddef.h>

#include "client/host.h"
#include "client/services.h"
#include "guest/life.h"

/* Those that have connections with guests. */
static const enum service served_by[] = { SERVICE_CONSOLE, SERVICE_XENSTORE, SERVICE_STORAGE,
	SERVICE_NETWORK };
enum {
	METERS = sizeof(served_by) / sizeof(served_by[0]),
	/* guests that may have come or gone since a round began */
	GUESTS_MORE = 4,
};

static struct meter {
	struct call call;
	bool asking;
	sk_time_t began;  /* this round */
	sk_time_t before; /* when the last one began that came to its end; 0: none did */
	uint64_t left;    /* CHARGE1 */
	uint32_t passed;  /* connections that it has told of in this round */
	struct svc_usage usage[SVC_USAGE_MAX];
} meters[METERS];

static struct guest_conn *conn_find(struct guest *g, enum service s, uint32_t number)
{
	for (struct guest_conn *c = g->conn; c < g->conn + g->n_conns; c++)
		if (c->service == s && c->kept.number == number)
			return c;
	return NULL;
}

/* How much longer the service worked for it. A service that was started again counts from 0. */
static uint64_t conn_growth(struct guest_conn *c, uint64_t worked)
{
	uint64_t more = worked < c->worked ? worked : worked - c->worked;

	c->worked = worked;
	return more;
}

static void usage_charge(struct meter *m, const struct svc_usage *u)
{
	struct guest *g = guest_get(u->client);
	struct guest_conn *c = g ? conn_find(g, m->call.service, u->number) : NULL;
	uint64_t more = c ? conn_growth(c, u->ticks) : 0;

	if (more > m->left)
		more = m->left; /* CHARGE1 */
	m->left -= more;
	if (!more)
		return;
	g->served += more;
	g->served_in_all += more;
}

/* As many connections as a service can have, as far as control knows. */
static uint32_t conns_max(void) { return (guests.n_doms + GUESTS_MORE) * GUEST_CONNS_MAX; }

static void usage_came(struct call *call)
{
	struct meter *m = call->ctx;

	for (uint32_t i = 0; !call->rc && i < call->n_usage; i++)
		usage_charge(m, &m->usage[i]);
	m->passed += SVC_USAGE_MAX;
	m->asking = !call->rc && call->from == m->passed && m->passed < conns_max();
	if (m->asking)
		call_start(call);
	else if (!call->rc)
		m->before = m->began;
}

static void round_begin(struct meter *m, enum service s)
{
	m->began = svc_now();
	m->left = m->before ? m->began - m->before : 0;
	m->passed = 0;
	m->asking = true;
	m->call = (struct call){ .service = s,
		.what = CALL_USAGE,
		.endpoint = host_service(s),
		.usage = m->usage,
		.fn = usage_came,
		.ctx = m };
	call_start(&m->call);
}

static bool serves_guests(enum service s)
{
	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		for (uint32_t i = 0; guest_of(d) && i < guest_of(d)->n_conns; i++)
			if (guest_of(d)->conn[i].service == s)
				return true;
	return false;
}

void charges_ask(void)
{
	for (size_t i = 0; i < METERS; i++)
		if (!meters[i].asking && !service_given_up(served_by[i]) &&
			serves_guests(served_by[i]))
			round_begin(&meters[i], served_by[i]);
}

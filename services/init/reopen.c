/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reopen.c - static connections that a service refuses: after its restart, when each is opened
 * again, and at a start of its client. It is asked until it accepts
 *
 * Objects     struct connection: `refusals`, and `ask_at`, which counts while `refusals` does.
 * Lifecycle   open -> closed, when its service ends -> open, when the service has accepted it.
 *             In between, it rests after each refusal, and its client keeps its requests. The
 *             next life of the service is asked at once. It is abandoned when its service is
 *             given up (supervise.c), and dropped when its client ends (connect.c). One that is
 *             missing rests, too; when the service would accept it, the client is started
 *             again, because it looks for its channels then.
 *             A service that refuses again and again is ended: it has lost something, for
 *             example its memory, that its next life has again. If that refuses, too, it
 *             may have a reason, so it is given twice as much time.
 * Invariants  RESTS1 a connection with `refusals` is not open, and is missing or has its memory
 */
#include <stdio.h>
#include "base/error.h"
#include "init.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	REST_MS = 100,
	/* Twice as long each time, until that would be longer than this. */
	REST_MAX_MS = 8000,
	/* The first time after 6 seconds, and twice as many each time. */
	REFUSALS_MAX = 6,
	REFUSALS_DOUBLINGS = 10,
	/* Of a client, each some time after the one before. */
	STARTS_MAX = 4,
};

/* Is it to be opened by a service that runs? */
static bool connection_waits(const struct connection *c)
{
	return (c->memory || c->missing) && !c->open && domain_runs(&domains[c->client]);
}

static bool connection_rests(const struct connection *c)
{
	return c->refusals && domains[c->service].state == DOMAIN_RUNNING &&
	       connection_waits(c);
}

static void connection_rest(struct connection *c)
{
	uint32_t ms = REST_MS;

	for (uint32_t i = 0; i < c->refusals && ms < REST_MAX_MS; i++)
		ms *= 2;
	c->ask_at = clock_in_ms(ms < REST_MAX_MS ? ms : REST_MAX_MS);
	c->refusals++;
}

static bool service_blame(struct connection *c)
{
	struct domain *service = &domains[c->service];

	if (!domain_runs(service))
		return false;
	c->blamed += c->blamed < REFUSALS_DOUBLINGS;
	printf("%s refuses its connection with %s too often, so it is started again\n",
		service->m->name, domains[c->client].m->name);
	domain_ends(service, DOMAIN_END_REFUSES);
	return true;
}

bool connection_start_refused(struct connection *c)
{
	return ++c->starts_refused % STARTS_MAX == 0 && service_blame(c);
}

void connection_accepted(struct connection *c)
{
	c->refusals = c->starts_refused = c->blamed = 0;
}

/* One line for the first refusal, and one when it is over: there may be many between. */
static void connection_answered(struct connection *c, int rc)
{
	const char *service = domains[c->service].m->name, *client = domains[c->client].m->name;

	if (rc && !c->refusals)
		printf("%s does not open its connection with %s again: %s; it is asked until "
		       "it does\n",
			service, client, sk_error_text(rc));
	else if (!rc && c->refusals)
		printf("%s has opened its connection with %s again; refusals before: %u\n",
			service, client, (unsigned int)c->refusals);
	if (!rc)
		connection_accepted(c);
	else
		connection_rest(c);
	if (c->refusals == (uint32_t)REFUSALS_MAX << c->blamed)
		(void)service_blame(c);
}

void connection_miss(struct connection *c)
{
	c->missing = true;
	connection_rest(c);
}

/* A client that is refused again at its start rests longer than before. */
static bool missing_ask(struct connection *c)
{
	struct domain *service = &domains[c->service], *client = &domains[c->client];
	int rc = connection_try(c);

	if (rc == -SK_E_DELETED)
		return false;
	if (rc) {
		connection_rest(c);
		return true;
	}
	printf("%s: %s opens the connection now, so it is started again\n", client->m->name,
		service->m->name);
	domain_ends(client, DOMAIN_END_ASKED);
	return true;
}

/* False: the service does not answer, or has ended. */
static bool connection_ask(struct connection *c)
{
	int rc;

	if (c->missing)
		return missing_ask(c);
	rc = connection_reopen(c);
	if (rc == -SK_E_TIMEOUT || rc == -SK_E_DELETED)
		return false;
	connection_answered(c, rc);
	return true;
}

bool reopen_all(const struct domain *d)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		struct connection *c = &connections[i];

		if (c->service == d->number && connection_waits(c) && !connection_ask(c))
			return false;
	}
	return true;
}

bool reopen_due(void)
{
	bool changed = false;

	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		struct connection *c = &connections[i];

		if (!connection_rests(c) || sk_now() < c->ask_at)
			continue;
		if (!connection_ask(c))
			domain_ends(&domains[c->service], DOMAIN_END_HANG);
		changed = true;
	}
	return changed;
}

sk_time_t reopen_next(void)
{
	sk_time_t next = SK_NO_DEADLINE;

	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		const struct connection *c = &connections[i];

		if (connection_rests(c) && c->ask_at < next)
			next = c->ask_at;
	}
	return next;
}

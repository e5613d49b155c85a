/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * accuse.c - guests' VMMs say that a service broke the protocol, and control has it started
 * again, at once or later
 *
 * A VMM may have been taken over by its guest, and each restart of a service makes all other
 * guests wait. docs/decisions/0030 says who is believed.
 *
 * Objects     guest_conn.accused: until the service has a new life, or was told to begin one.
 *             clients[]: what is remembered of a guest by its name, because a guest that starts
 *             anew is the same client. Nothing of this outlives control: a VMM accuses again in
 *             control's next life.
 * Invariants  ACCUSE1 what a VMM says concerns one connection in one epoch, so one life of the
 *                     service, and no other service
 *             ACCUSE2 one guest is heard ever more rarely (base/complaint.h)
 *             ACCUSE3 most of the guests that a service has, and at least two, are heard
 *                     TOGETHER_MS after they were heard last
 */
#include "guest/accuse.h"

#include <stdio.h>
#include <string.h>

#include "base/complaint.h"
#include "client/host.h"
#include "guest/life.h"
#include "guest/reopen.h"
#include "log.h"
#include "sys/clock.h"

enum {
	TOGETHER_MS = 10000,
	/* When init does not answer. */
	AGAIN_MS = 1000,
};

static struct client {
	char name[GUEST_NAME_MAX + 1];
	struct complaints complaints;
} clients[DOMTAB_MAX];
/* When most of the guests of a service may be heard. */
static sk_time_t together_at[SERVICE_COUNT];
static struct svc_timer timer;

static bool named(const char *name)
{
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (strcmp(d->config->name, name) == 0)
			return true;
	return false;
}

/* Of a guest that does not exist any more, the one that was heard longest ago is forgotten. */
static struct client *client_of(const struct guest *g)
{
	struct client *oldest = clients; /* there are as many as guests can exist */

	for (struct client *c = clients; c < clients + DOMTAB_MAX; c++) {
		if (strcmp(c->name, g->dom->config->name) == 0)
			return c;
		if ((c->complaints.next_at < oldest->complaints.next_at ||
			    named(oldest->name)) &&
			!named(c->name))
			oldest = c;
	}
	*oldest = (struct client){ 0 };
	strcpy(oldest->name, g->dom->config->name);
	return oldest;
}

/* ---- who accuses a service ---- */

/* The connection that the guest accuses the service of; NULL: none. *uses: it has one. */
static struct guest_conn *conn_accused(struct guest *g, enum service s, bool *uses)
{
	struct guest_conn *found = NULL;

	*uses = false;
	for (struct guest_conn *c = g->conn; c < g->conn + g->n_conns; c++) {
		if (c->service != s || c->lost)
			continue;
		*uses = true;
		if (c->accused)
			found = c;
	}
	return found;
}

struct tally {
	uint32_t users, accusers;
	struct guest *first; /* the one that is heard first */
	sk_time_t at;        /* when it is; 0: now */
};

static void guest_tally(struct tally *t, struct guest *g, enum service s)
{
	bool uses;

	if (conn_accused(g, s, &uses)) {
		const struct complaints *k = &client_of(g)->complaints;
		sk_time_t at = k->n ? k->next_at : 0;

		t->accusers++;
		if (!t->first || at < t->at) {
			t->first = g;
			t->at = at;
		}
	}
	t->users += uses;
}

static struct tally service_tally(enum service s)
{
	struct tally t = { 0 };

	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (guest_of(d) && !guest_of(d)->leaving)
			guest_tally(&t, guest_of(d), s);
	return t;
}

/* ---- what comes of it ---- */

static void accusations_drop(enum service s)
{
	bool uses;
	struct guest_conn *c;

	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		while (guest_of(d) && (c = conn_accused(guest_of(d), s, &uses)) != NULL)
			c->accused = false;
}

/*
 * False: init does not answer now. That it is restarted already, or does not run, is an answer.
 */
static bool service_restart(enum service s, const struct guest *g)
{
	int rc = host_domain_restart(host_service_name(s), INIT_KILL_BREACH);

	if (rc == -SK_E_TIMEOUT)
		return false;
	if (!rc)
		printf("%s is started again: domain %u (%s) says that it broke the protocol\n",
			host_service_name(s), g->dom->domid, g->dom->name);
	accusations_drop(s);
	return true;
}

static bool most(const struct tally *t)
{
	return t->accusers > 1 && t->accusers > t->users / 2;
}

/* When to look again at the accusations of this service. */
static sk_time_t service_judge(enum service s, sk_time_t now)
{
	struct tally t = service_tally(s);
	sk_time_t at = t.at;

	if (!t.accusers)
		return SK_NO_DEADLINE;
	if (most(&t) && together_at[s] < at)
		at = together_at[s];
	if (at > now)
		return at;
	if (!service_restart(s, t.first))
		return svc_in_ms(AGAIN_MS);
	if (t.at <= now) /* ACCUSE2 */
		(void)complaint_heard(
			&client_of(t.first)->complaints, now, clock_ns_to_ticks(1000000000));
	else /* ACCUSE3 */
		together_at[s] = svc_in_ms(TOGETHER_MS);
	return SK_NO_DEADLINE;
}

static void accusations_look(void *ctx)
{
	sk_time_t now = svc_now(), next = SK_NO_DEADLINE;

	(void)ctx;
	for (int s = 0; s < SERVICE_COUNT; s++) {
		sk_time_t at = service_judge((enum service)s, now);

		next = at < next ? at : next;
	}
	svc_timer_set(&timer, next);
}

/* ACCUSE1. While a connection is opened again, the VMM may be in its next epoch already. */
static struct guest_conn *conn_meant(struct guest *g, uint32_t channel, uint32_t epoch)
{
	for (struct guest_conn *c = g->conn; c < g->conn + g->n_conns; c++)
		if (c->kept.channel == channel && c->epoch == epoch && !c->lost &&
			(!reopen_stale(c) || c->reopening))
			return c;
	return NULL;
}

void guest_accuses(struct guest *g, uint32_t channel, uint32_t epoch)
{
	struct guest_conn *c = conn_meant(g, channel, epoch);

	if (!c || c->accused || g->leaving)
		return;
	c->accused = true;
	guest_log(g->dom->domid, "domain %u (%s) says that %s broke the protocol\n",
		g->dom->domid, g->dom->name, host_service_name(c->service));
	accusations_look(NULL);
}

void accuse_init(void) { timer.fn = accusations_look; }

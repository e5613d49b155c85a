/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * account.c - for which client this domain spends its time
 *
 * Objects     svc_conn.claim: the time by the clock since the last report; svc_conn.worked: the
 *             CPU time that was reported for it.
 * Lifecycle   the clock is read where work for one client ends and for another begins. A report
 *             (SVC_USAGE) first makes CPU time of the claims: what interrupts and higher
 *             threads took in between is taken off all of them in proportion. What the loop
 *             itself took (to receive signals, and to sleep) is added in the same way, up to a
 *             quarter of a claim; the rest was for nobody. So an event costs two looks at the
 *             clock, and no system call.
 * Invariants  ACCOUNT1 between two events the time is spent for nobody, so that a connection
 *                      that is freed there is not named here
 *             ACCOUNT2 all that was added to `worked` together is at most the CPU time of this
 *                domain's thread
 */
#include "svc/internal.h"

/* The loop's own work is at most this part of a claim, as a divisor. */
enum { LOOP_SHARE = 4 };

static struct svc_conn *payer; /* ACCOUNT1 */
static sk_time_t since;
/* All claims together, also those of connections that have ended. */
static uint64_t claimed;
/* CPU time of this domain at the last report. */
static uint64_t ran;

void svc_work_for(struct svc_conn *c)
{
	sk_time_t now;

	if (c && c->channel)
		c = NULL;
	if (c == payer)
		return;
	now = edge_now();
	if (payer) {
		payer->claim += now - since;
		claimed += now - since;
	}
	payer = c;
	since = now;
}

/* claim * used / all, where claim is at most `all`, and used at most twice as much. */
static uint64_t share(uint64_t claim, uint64_t used, uint64_t all)
{
	unsigned int shift = 0;

	while (all >> shift >> 31)
		shift++;
	return all ? ((claim >> shift) * (used >> shift) / (all >> shift)) << shift : 0;
}

/* ACCOUNT2 */
static void claims_settle(void)
{
	uint64_t now = edge_ran(), used = now - ran, most = claimed + claimed / LOOP_SHARE;

	ran = now;
	if (used > most)
		used = most;
	for (struct svc_conn *c = svc_conn_next(NULL); c; c = svc_conn_next(c)) {
		c->worked += share(c->claim, used, claimed);
		c->claim = 0;
	}
	claimed = 0;
}

uint32_t account_report(uint32_t badge, uint64_t *mr)
{
	struct svc_usage *u = (struct svc_usage *)&mr[SVC_USAGE_WORD];
	uint64_t pass = mr[0], at = 0;
	uint32_t n = 0;

	if (!pass)
		claims_settle();
	mr[1] = 0;
	for (struct svc_conn *c = svc_conn_next(NULL); c && !mr[1]; c = svc_conn_next(c)) {
		if (c->badge != badge || at++ < pass)
			continue;
		if (n < SVC_USAGE_MAX)
			u[n++] = (struct svc_usage){ c->number, c->client, c->worked };
		else
			mr[1] = pass + n;
	}
	return n;
}

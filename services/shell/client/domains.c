/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domains.c - calls of init about the host's own domains
 *
 * Objects     the table of domains, and the request for its next row.
 * Invariants  DOMAINS1 texts of the table are terminated, and its numbers are in their ranges
 */
#include "client/domains.h"

#include <stddef.h>
#include <string.h>

#include "sys/clock.h"

struct host_domains services;

/* Words of INIT_DOMAIN_STATS. */
enum { STATS_NAME = 3, STATS_WORDS = 13 };

static struct {
	uint32_t id;
	bool counted;
	void (*fn)(int status, const char *text);
} rows;

static uint32_t call_send(enum ctl_op op, const struct ctl_call *c, ask_fn fn)
{
	return ask_send(&(struct ask){ .op = op, .body = c, .len = sizeof(*c), .fn = fn });
}

static uint32_t low(uint64_t word) { return (uint32_t)word; }

static uint32_t high(uint64_t word) { return (uint32_t)(word >> 32); }

/* DOMAINS1 */
static void row_take(struct host_domain *r, const uint64_t *mr)
{
	*r = (struct host_domain){ .memory = mr[1],
		.cpu_ns = clock_ticks_to_ns(mr[2]),
		.has = { low(mr[8]), high(mr[8]), low(mr[9]), high(mr[9]) },
		.state = low(mr[10]) < DOMAIN_STATE_END ? (enum domain_state)low(mr[10])
							: DOMAIN_ABSENT,
		.end = high(mr[10]) < DOMAIN_ENDS_END ? (enum domain_end)high(mr[10])
						      : DOMAIN_END_NONE,
		.restarts = low(mr[11]),
		.epoch = high(mr[11]),
		.up_ns = mr[12] * 1000000 };
	memcpy(r->name, &mr[STATS_NAME], sizeof(r->name) - 1);
}

static void row_ask(void);

static void row_answered(void *ctx, int status, const void *body, uint32_t len)
{
	const struct ctl_words *w = body;

	(void)ctx;
	rows.id = 0;
	if (!status && len < STATS_WORDS * sizeof(w->mr[0]))
		status = -SK_E_PEER;
	if (status) {
		rows.fn(status == -SK_E_NOT_FOUND ? 0 : status,
			status == -SK_E_PEER ? "" : body);
		return;
	}
	row_take(&services.row[services.n++], w->mr);
	if (services.n < HOST_DOMAINS_MAX)
		row_ask();
	else
		rows.fn(0, "");
}

static void row_ask(void)
{
	const struct ctl_call c = { INIT_DOMAIN_STATS, { services.n, rows.counted } };

	rows.id = call_send(CTL_HOST_LOOK, &c, row_answered);
	if (!rows.id)
		rows.fn(-SK_E_NO_MEM, "");
}

void host_domains_leave(void)
{
	ask_leave(rows.id);
	rows.id = 0;
}

void host_domains_ask(bool counted, void (*fn)(int status, const char *text))
{
	host_domains_leave();
	services.n = 0;
	rows.counted = counted;
	rows.fn = fn;
	row_ask();
}

uint32_t host_caps_ask(const char name[DOMAIN_NAME_MAX], uint64_t at, ask_fn fn)
{
	struct ctl_call c = { INIT_CAPS, { [4] = at } };

	memcpy(c.mr, name, DOMAIN_NAME_MAX);
	return call_send(CTL_HOST_LOOK, &c, fn);
}

uint32_t host_restart_ask(const char name[DOMAIN_NAME_MAX], enum init_kill how, ask_fn fn)
{
	struct ctl_call c = { INIT_RESTART, { [4] = how } };

	memcpy(c.mr, name, DOMAIN_NAME_MAX);
	return call_send(CTL_HOST_CHANGE, &c, fn);
}

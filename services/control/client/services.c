/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * services.c - the lives of services, as init tells them
 *
 * Objects     known[]: what init said last.
 * Invariants  SERVICES1 a service that was given up has no life after that
 */
#include "client/services.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client/host.h"
#include "event.h"

/* init did not answer, so its news are fetched again after this time. */
enum { AGAIN_MS = 100 };

static struct {
	uint16_t life;
	bool given_up;
} known[SERVICE_COUNT];
static void (*listener)(enum service s);
static struct svc_timer again;

void services_listen(void (*fn)(enum service s)) { listener = fn; }

uint16_t service_life(enum service s) { return known[s].life; }

bool service_given_up(enum service s) { return known[s].given_up; }

static void life_take(enum service s, const struct host_row *r)
{
	if (known[s].given_up)
		return; /* SERVICES1 */
	calls_starting(s, r->state == DOMAIN_RESTARTING);
	if (r->state == DOMAIN_GIVEN_UP) {
		known[s].given_up = true;
		printf("%s is not started again; guests lose their connections with it\n",
			r->name);
		calls_give_up(s);
	} else if (life_after((uint16_t)r->epoch, known[s].life)) {
		known[s].life = (uint16_t)r->epoch;
	} else {
		return;
	}
	if (listener)
		listener(s);
}

static void row_take(const struct host_row *r)
{
	for (int s = 0; s < SERVICE_COUNT; s++)
		if (strcmp(r->name, host_service_name((enum service)s)) == 0)
			life_take((enum service)s, r);
}

void services_look(void)
{
	struct host_row r;
	int rc = 0;

	for (uint32_t i = 0; !rc; i++) {
		rc = host_domain_read(i, &r);
		if (!rc)
			row_take(&r);
	}
	svc_timer_set(&again, rc == -SK_E_NOT_FOUND ? SK_NO_DEADLINE : svc_in_ms(AGAIN_MS));
}

static void news(void *ctx)
{
	(void)ctx;
	services_look();
	event_end();
}

int services_init(void)
{
	again.fn = news;
	services_look();
	return svc_on_bit(DOMAIN_BIT_NEWS, news, NULL, "news");
}

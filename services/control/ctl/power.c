/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c - requests to stop the host
 *
 * Lifecycle   GENTLY: guests are asked; NOW, or after STOP_WAIT_S: destroyed; AT_ONCE, or after
 *             CLOSE_WAIT_S: not waited for any more. A tool that goes away stops nothing of
 *             this.
 */
#include <string.h>

#include "base/error.h"
#include "client/host.h"
#include "ctl/ctl.h"
#include "guest/life.h"

enum { STOP_WAIT_S = 60, CLOSE_WAIT_S = 120 };
static struct svc_timer stop_timer;

/* For all who wait for the end. */
#define note_all(...) \
	do \
		for (struct request *w = ctl_next(CTL_POWER, NULL); w; \
			w = ctl_next(CTL_POWER, w)) \
			ctl_note_text(w, __VA_ARGS__); \
	while (0)

/* Guests were destroyed, and some service has not closed their connections in time. */
static void close_late(void *ctx)
{
	(void)ctx;
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		note_all("Domain %u (%s) is not closed; what it wrote last may be lost.",
			d->domid, d->name);
	domtab_stop_waiting(&guests);
	guests_run();
}

static void destroy_all(void)
{
	stop_timer.fn = close_late;
	svc_timer_set(&stop_timer, svc_in_ms(CLOSE_WAIT_S * 1000));
	domtab_stop_host_now(&guests, guests.stopping);
	guests_run();
}

static void stop_late(void *ctx)
{
	(void)ctx;
	note_all("Some guests did not shut down in %d seconds; they are destroyed.",
		STOP_WAIT_S);
	destroy_all();
}

void ctl_power_begins(void) { svc_timer_set(&stop_timer, SK_NO_DEADLINE); }

void ctl_power_failed(int rc)
{
	for (struct request *q = ctl_next(CTL_POWER, NULL); q; q = ctl_next(CTL_POWER, q))
		ctl_refuse(q, rc ? rc : -SK_E_STATE, "The host did not go down: %s",
			sk_error_text(rc));
}

static void stop_ask(enum host_stop how)
{
	stop_timer.fn = stop_late;
	svc_timer_set(&stop_timer, svc_in_ms(STOP_WAIT_S * 1000));
	domtab_stop_host(&guests, how);
}

/* Does another request wait for the same? */
static bool is_second(const struct request *q)
{
	for (struct request *w = ctl_next(CTL_POWER, NULL); w; w = ctl_next(CTL_POWER, w))
		if (w != q)
			return true;
	return false;
}

void ctl_do_POWER(struct request *q)
{
	const struct ctl_power *p = q->body;
	bool goes = guests.stopping != HOST_UP;

	if (p->reboot > 1 || p->how >= CTL_POWER_END) {
		ctl_refuse(q, -SK_E_INVAL, "there is no such way to stop the host");
		return;
	}
	if (is_second(q))
		ctl_answer(q, NULL, 0);
	if (!goes)
		guests.stopping = p->reboot ? HOST_REBOOT : HOST_POWEROFF;
	if (p->how == CTL_POWER_GENTLY && !goes)
		stop_ask(guests.stopping);
	else if (p->how == CTL_POWER_NOW)
		destroy_all();
	else if (p->how == CTL_POWER_AT_ONCE)
		close_late(NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - init's own output
 *
 * Objects     own: init's connection with console, in which it is a client like any other.
 * Invariants  INIT_LOG1 while console does not run, or refuses, lines go to the kernel's log,
 *                       which console shows when it starts
 */
#include <stdio.h>
#include "base/error.h"
#include "caps/caps.h"
#include "init.h"
#include "proto/console.h"
#include "rt/program.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	RING_ORDER = 13,
	/* From a refusal to the next question; twice as long each time. */
	REST_MS = 500,
	REST_DOUBLINGS = 4,
};

static struct {
	/* Where its output goes; NULL: console has not accepted the connection so far. */
	const struct domain *console;
	struct svc_open_args args;
	struct svc_open_result result;
	void *view;
	sk_cap_t frame, ntfn;
	/* How often in a row console refused, and when it is asked next. */
	uint32_t refusals;
	sk_time_t ask_at;
} own;

static const struct console_params params = { .kind = CONSOLE_LOG, .name = "init" };

/* What the connection consists of. What was made at an attempt that failed stays. */
static int log_prepare(void)
{
	const struct svc_proto_info *info = svc_proto_info(SVC_PROTO_LOG);
	struct svc_open_args *a = &own.args;
	int rc = 0;

	a->proto = SVC_PROTO_LOG;
	a->client = SVC_STATIC | 0xffff;
	a->req_size = info->req_size;
	a->rsp_size = info->rsp_size;
	a->params = &params;
	a->params_len = sizeof(params);
	if (!own.view)
		rc = vm_alloc(RING_ORDER, &own.frame, &own.view);
	if (!rc && !own.ntfn)
		rc = object_make(SK_OBJ_NOTIFICATION, 0, &own.ntfn);
	if (!rc && !a->rings) /* one capability maps in one space only */
		rc = cap_copy(own.frame, SK_R | SK_W, 0, &a->rings);
	/* init ignores everything that comes back, but a signal without a badge is refused. */
	if (!rc && !a->client_signal)
		rc = cap_copy(own.ntfn, SK_W | SK_GRANT, 1, &a->client_signal);
	return rc;
}

static int log_open(const struct domain *console)
{
	int rc = log_prepare();

	if (!rc)
		rc = svc_open(console->connector, &own.args, &own.result);
	if (!rc)
		own.console = console;
	return rc;
}

static int log_reopen(void)
{
	struct svc_open_result r;
	int rc;

	own.args.number = own.result.number;
	own.args.epoch++;
	rc = svc_open(own.console->connector, &own.args, &r);
	if (!rc)
		cap_drop(r.signal); /* the first one is as good */
	return rc;
}

/* Its next life is asked at once. */
static void log_ask(const struct domain *console)
{
	int rc = own.console ? log_reopen() : log_open(console);

	if (!rc)
		rc = rt_log_attach(own.view, own.args.req_size, own.result.signal);
	if (!rc) {
		own.refusals = 0;
		return;
	}
	own.ask_at = clock_in_ms((uint32_t)REST_MS << own.refusals);
	if (!own.refusals)
		printf("no connection to %s: %s; my lines stay in the kernel's log, and it is "
		       "asked again\n",
			console->m->name, sk_error_text(rc));
	own.refusals += own.refusals < REST_DOUBLINGS;
}

void log_connect(void)
{
	for (uint32_t i = 0; !own.console && i < manifest.header->n_domains; i++)
		if (domains[i].state == DOMAIN_RUNNING &&
			domains[i].m->serves == SVC_PROTO_CONSOLE &&
			(!own.refusals || sk_now() >= own.ask_at))
			log_ask(&domains[i]);
}

void log_again(void)
{
	if (!own.console)
		log_connect();
	else if (own.refusals && own.console->state == DOMAIN_RUNNING && sk_now() >= own.ask_at)
		log_ask(own.console);
}

void log_leave(const struct domain *ended)
{
	if (ended == own.console)
		rt_log_detach(); /* INIT_LOG1 */
}

void log_return(const struct domain *restarted)
{
	if (restarted->m->serves != SVC_PROTO_CONSOLE)
		return;
	own.refusals = 0;
	log_ask(restarted);
}

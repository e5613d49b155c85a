/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - init's own output
 *
 * Objects     own: init's connection with console, in which it is a client like any other.
 * Invariants  INIT_LOG1 while console does not run, lines go to the kernel's log, which console
 *                       shows when it starts
 */
#include <stdio.h>
#include "base/error.h"
#include "caps/caps.h"
#include "init.h"
#include "proto/console.h"
#include "rt/program.h"
#include "svc/svc.h"
#include "sys/sk.h"

enum { RING_ORDER = 13 };

static struct {
	/* Where its output goes; NULL: console has not started so far, or refused. */
	const struct domain *console;
	struct svc_open_args args;
	struct svc_open_result result;
	void *view;
} own;

static const struct console_params params = { .kind = CONSOLE_LOG, .name = "init" };

/* What the connection consists of; made once. */
static int log_prepare(void)
{
	const struct svc_proto_info *info = svc_proto_info(SVC_PROTO_LOG);
	struct svc_open_args *a = &own.args;
	sk_cap_t frame, ntfn;
	int rc;

	*a = (struct svc_open_args){ .proto = SVC_PROTO_LOG,
		.client = SVC_STATIC | 0xffff,
		.req_size = info->req_size,
		.rsp_size = info->rsp_size,
		.params = &params,
		.params_len = sizeof(params) };
	rc = vm_alloc(RING_ORDER, &frame, &own.view);
	if (!rc)
		rc = object_make(SK_OBJ_NOTIFICATION, 0, &ntfn);
	if (!rc) /* one capability maps in one space only */
		rc = cap_copy(frame, SK_R | SK_W, 0, &a->rings);
	/* init ignores everything that comes back, but a signal without a badge is refused. */
	if (!rc)
		rc = cap_copy(ntfn, SK_W | SK_GRANT, 1, &a->client_signal);
	return rc;
}

static int log_open(const struct domain *console)
{
	struct svc_open_args *a = &own.args;
	int rc = own.view ? 0 : log_prepare();

	if (!rc)
		rc = svc_open(console->connector, a, &own.result);
	if (!rc)
		rc = rt_log_attach(own.view, a->req_size, own.result.signal);
	if (!rc)
		own.console = console;
	return rc;
}

void log_connect(void)
{
	static bool done;

	for (uint32_t i = 0; !done && i < manifest.header->n_domains; i++) {
		int rc;

		if (domains[i].state != DOMAIN_RUNNING ||
			domains[i].m->serves != SVC_PROTO_CONSOLE)
			continue;
		rc = log_open(&domains[i]);
		done = rc != -SK_E_DELETED; /* its next life is asked again */
		if (rc)
			printf("no connection to %s: my lines stay in the kernel's log\n",
				domains[i].m->name);
	}
}

void log_leave(const struct domain *ended)
{
	if (ended == own.console)
		rt_log_detach(); /* INIT_LOG1 */
}

void log_return(const struct domain *restarted)
{
	struct svc_open_result r;
	int rc;

	if (!own.console) {
		log_connect();
		return;
	}
	if (restarted != own.console)
		return;
	own.args.number = own.result.number;
	own.args.epoch++;
	rc = svc_open(restarted->connector, &own.args, &r);
	if (!rc) {
		cap_drop(r.signal); /* the first one is as good */
		rc = rt_log_attach(own.view, own.args.req_size, own.result.signal);
	}
	if (rc)
		printf("no connection to %s: %s\n", restarted->m->name, sk_error_text(rc));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.c - the connections of a guest's VMM with services: made one after the other, closed
 * in the opposite order. Services that have been started again: reopen.c
 *
 * Objects     struct guest_link: the connection that is being made or closed; struct
 *             guest_conn: those that are there.
 * Lifecycle   guest_connect -> one open at a time -> creation_passed, or creation_failed at the
 *             first that cannot be made; guest_disconnect at any time -> one close at a time ->
 *             guest_disconnected.
 * Invariants  CONNECT1 a guest has one call under way at a time
 *             CONNECT2 a connection is in conn[] from the moment on at which its service has
 *                      made it until the service says that it has closed it. A service that may
 *                      have made a connection without control knowing is in `doubt` until it
 *                      says that it has not. All memory that services may use stays until both
 *                      are empty
 *             CONNECT3 no new disk takes the volume of one that storage's earlier life had open
 *             CONNECT4 the table that outlives control says that a service may have made a
 *                      connection before it is asked to, and names no slot of one that is gone
 */
#include "guest/connect.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "caps/caps.h"
#include "client/host.h"
#include "client/services.h"
#include "guest/creation.h"
#include "guest/keep.h"
#include "guest/life.h"
#include "guest/link.h"
#include "guest/listen.h"
#include "guest/plug.h"
#include "guest/reopen.h"
#include "guest/vmctl.h"
#include "log.h"

/* When closing takes longer, a command that waits for the guest is told why. */
enum { LATE_MS = 10000 };

/* ---- making them ---- */

static void link_opened(struct call *call);

/* The connection of g->step. 0, or -1 with *m. */
static int connection_next(struct guest *g, struct msg *m)
{
	struct guest_link *l = &g->link;
	char text[24];
	int rc;

	if (link_prepare(g, g->step, l, m))
		return -1;
	if (!l->c.endpoint || service_given_up(l->call.service))
		return msg_fail(m, "%s: the service %s does not run",
			link_subject(g, g->step, text), host_service_name(l->call.service));
	rc = proc_connect_prepare(&g->proc, &l->c, &l->call.open, &l->made);
	if (rc)
		return msg_fail(m, "%s: cannot prepare the connection: %s",
			link_subject(g, g->step, text), sk_error_text(rc));
	l->call.what = CALL_OPEN;
	l->call.fn = link_opened;
	l->call.ctx = g;
	l->again = false;
	l->under_way = true; /* CONNECT1 */
	guest_keep(g);       /* CONNECT4 */
	call_start(&l->call);
	return 0;
}

static void connection_close_next(struct guest *g);

/* The life of a service in which it chose this number for a connection: proto/svc.h. */
static uint16_t number_life(uint32_t number) { return (uint16_t)(number >> 16); }

/* The client has the signal to the service, which stays the same. */
struct guest_conn *guest_conn_add(struct guest *g, enum service service, uint32_t step,
	const struct proc_connection *made)
{
	struct guest_conn *c = &g->conn[g->n_conns++];

	*c = (struct guest_conn){ .service = service,
		.step = step,
		.kept = *made,
		.life = number_life(made->number) };
	cap_drop(c->kept.service_signal);
	c->kept.service_signal = 0;
	return c;
}

/* The connection is gone, or was never made. */
static void kept_drop(const struct proc_connection *k)
{
	cap_drop(k->client_signal);
	cap_drop(k->rings);
	cap_drop(k->data);
	cap_drop(k->own);
}

bool answer_doubtful(int rc)
{
	return rc == -SK_E_TIMEOUT || rc == -SK_E_DELETED || rc == -SK_E_PEER;
}

static void connection_made(struct guest *g)
{
	struct msg m;

	g->step = link_next(g, g->step + 1);
	g->link.undone = false;
	if (g->step == link_next(g, LINK_CONSOLE + 1))
		guest_listener()->console(g->dom->domid);
	if (g->step == LINK_STEPS)
		creation_passed(g, CREATION_CONNECT);
	else if (connection_next(g, &m))
		creation_failed(g, m.text);
}

/*
 * The service has died, so it has nothing of the connection; its next life is asked for the
 * same. If that dies, too, the request itself may be the reason.
 */
static bool link_ask_again(struct guest *g)
{
	struct guest_link *l = &g->link;

	if (l->call.rc != -SK_E_DELETED || l->again || g->leaving ||
		service_given_up(l->call.service))
		return false;
	l->again = true;
	call_start(&l->call);
	return true;
}

static void link_undone(struct call *call)
{
	struct guest *g = guest_of_ctx(call->ctx);
	struct guest_link *l = &g->link;
	struct msg m;

	l->under_way = false;
	l->undone = true;
	kept_drop(&l->made);
	if (g->leaving)
		connection_close_next(g);
	else if (connection_next(g, &m))
		creation_failed(g, m.text);
}

/*
 * CONNECT3. The next life of storage got this request before control knew of it, so that the
 * disks of other guests are not open again so far, and one of them may be this one.
 */
bool opened_too_early(const struct call *call)
{
	return !call->rc && call->service == SERVICE_STORAGE &&
	       life_after(number_life(call->opened.number), service_life(call->service));
}

static bool link_undo(struct guest *g)
{
	struct call *call = &g->link.call;

	if (g->link.undone || !opened_too_early(call))
		return false;
	cap_drop(call->opened.signal);
	call->what = CALL_CLOSE;
	call->number = call->opened.number;
	call->fn = link_undone;
	call_start(call);
	services_look(); /* after it, so the disks of the others come after the close */
	return true;
}

static void link_opened(struct call *call)
{
	struct guest *g = guest_of_ctx(call->ctx);
	struct guest_link *l = &g->link;
	struct msg m;
	int rc;

	if (link_ask_again(g) || link_undo(g))
		return;
	rc = proc_connect_finish(
		&g->proc, &l->c, &call->open, call->rc, &call->opened, &l->made);
	l->under_way = false;
	if (l->made.number) /* CONNECT2 */
		(void)guest_conn_add(g, call->service, g->step, &l->made);
	else if (answer_doubtful(call->rc))
		g->doubt |= 1u << call->service;
	if (g->leaving) {
		connection_close_next(g);
	} else if (rc) {
		link_refused(g, g->step, rc, &m);
		creation_failed(g, m.text);
	} else {
		connection_made(g);
	}
}

bool guest_has_console(const struct guest *g) { return g->leaving || g->step > LINK_CONSOLE; }

int guest_connect(struct guest *g, struct msg *m)
{
	int rc = vmctl_connect(g);

	if (rc)
		return msg_fail(m, "cannot connect to the VMM: %s", sk_error_text(rc));
	return connection_next(g, m);
}

/* ---- closing them ---- */

static void flush_failed(const struct guest *g, const struct guest_conn *c, const char *why)
{
	char text[24];
	struct msg m;

	msg_fail(&m,
		"domain %u (%s): %s: the last flush failed: %s; what it wrote last may be lost",
		g->dom->domid, g->dom->name, link_subject(g, c->step, text), why);
	guest_trouble(g->dom, m.text);
}

/*
 * The service does not know the connection. If it has been started again meanwhile, this is no
 * surprise. But then a disk may lack its last flush: what its life acknowledged may be in the
 * device's cache. So the disk is opened again first, for the sake of the flush. False: there is
 * nothing to wait for.
 */
static bool close_in_next_life(struct guest *g, const struct guest_conn *c)
{
	if (!reopen_stale(c))
		services_look();
	if (reopen_wanted(g, c))
		reopen_service(c->service);
	if (reopen_wanted(g, c))
		return true;
	if (c->lost && link_writes(g, c->step))
		flush_failed(g, c, "its service has failed");
	else if (!c->lost && !reopen_stale(c))
		guest_log(g->dom->domid,
			"%s does not know connection %u of domain %u any more\n",
			host_service_name(c->service), c->kept.number, g->dom->domid);
	return false;
}

static void link_closed(struct call *call)
{
	struct guest *g = guest_of_ctx(call->ctx);
	const struct guest_conn *c = &g->conn[g->n_conns - 1];
	bool wait = call->rc && close_in_next_life(g, c);
	struct proc_connection kept = c->kept;

	g->link.under_way = false;
	if (!call->rc && call->result && c->step == LINK_SEAT + GUEST_SEAT_IMAGE)
		msg_fail(
			&g->plug.why, "the last flush failed: %s", sk_error_text(call->result));
	else if (!call->rc && call->result)
		flush_failed(g, c, sk_error_text(call->result));
	/* The answer may be an old one, and the next life may be opening the connection now. */
	if (wait || c->reopening)
		return; /* reopen.c goes on */
	g->n_conns--;   /* CONNECT2 */
	guest_keep(g);  /* CONNECT4 */
	kept_drop(&kept);
	if (g->leaving)
		connection_close_next(g);
	else
		plug_closed(g);
}

/*
 * All connections that control knows of are closed, so one that the service has is closed, too.
 */
static void link_pinged(struct call *call)
{
	struct guest *g = guest_of_ctx(call->ctx);

	g->link.under_way = false;
	if (call->number)
		g->conn[g->n_conns++] = (struct guest_conn){ .service = call->service,
			.kept = { .number = call->number },
			.life = service_life(call->service) };
	else
		g->doubt &= ~(1u << call->service);
	connection_close_next(g);
}

/* CONNECT1. One that is being opened again is closed when that has ended: guest_reopened(). */
static void connection_close_next(struct guest *g)
{
	struct call *call = &g->link.call;
	const struct guest_conn *c = g->n_conns ? &g->conn[g->n_conns - 1] : NULL;

	if (!c && !g->doubt) {
		svc_timer_set(&g->late_timer, SK_NO_DEADLINE);
		guest_disconnected(g);
		return;
	}
	if (c && reopen_wanted(g, c))
		reopen_service(c->service);
	if (c && (c->reopening || reopen_wanted(g, c)))
		return;
	*call = (struct call){ .what = c ? CALL_CLOSE : CALL_PING,
		.service = c ? c->service : (enum service)__builtin_ctz(g->doubt),
		.number = c ? c->kept.number : 0,
		.client = g->dom->domid,
		.fn = c ? link_closed : link_pinged,
		.ctx = g };
	call->endpoint = host_service(call->service);
	g->link.under_way = true; /* CONNECT1 */
	call_start(call);
}

void guest_reopened(struct guest *g)
{
	if (g->link.under_way)
		return;
	if (g->leaving)
		connection_close_next(g);
	else
		plug_close(g);
}

void guest_disconnect_more(struct guest *g) { connection_close_next(g); }

/* It is closed as the last one: none of the two may be where reopen.c finds it. */
void guest_disconnect_one(struct guest *g, struct guest_conn *c)
{
	struct guest_conn *last = &g->conn[g->n_conns - 1], was = *c;

	if (c->reopening || last->reopening)
		return; /* guest_reopened() */
	*c = *last;
	*last = was;
	connection_close_next(g);
}

/* This is reported once; closing goes on. */
static void disconnect_late(void *ctx)
{
	struct guest *g = guest_of_ctx(ctx);
	const struct guest_conn *c = g->n_conns ? &g->conn[g->n_conns - 1] : NULL;
	char text[24];
	struct msg m;

	msg_fail(&m,
		"domain %u (%s): the service %s has not finished with its %s yet; what it may still use is kept until it has",
		g->dom->domid, g->dom->name, host_service_name(g->link.call.service),
		link_subject(g, c ? c->step : g->step, text));
	guest_late(g, m.text);
}

void guest_disconnect(struct guest *g)
{
	g->leaving = true;
	plug_over(g);
	g->late_timer.fn = disconnect_late;
	g->late_timer.ctx = g;
	svc_timer_set(&g->late_timer, svc_in_ms(LATE_MS));
	if (!g->link.under_way)
		connection_close_next(g);
}

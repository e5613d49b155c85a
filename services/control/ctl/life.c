/* SPDX-License-Identifier: BSD-2-Clause */
/* life.c - requests about the lives of guests: create, pause, shut down, destroy, wait */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/scribe.h"
#include "ctl/ctl.h"
#include "guest/config_check.h"
#include "guest/connect.h"
#include "guest/creation.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/sched.h"
#include "guest/vmctl.h"

static const char no_memory[] = "control has no memory for the request; try again";

/* ---- create ---- */

static void created(void *ctx, uint32_t domid, const char *text)
{
	struct request *q = ctl_waits(ctx);

	if (q && text)
		ctl_refuse(q, -SK_E_STATE, "%s", text);
	else if (q)
		ctl_answer(q, &domid, sizeof(domid));
}

/* The first n files of those that start with the host are dealt with. */
static void files_dealt_with(uint32_t n)
{
	if (n > kept_head()->n_auto)
		kept_head()->n_auto = n;
}

static void in_table(void *ctx)
{
	const struct request *q = ctl_waits(ctx);

	if (q)
		files_dealt_with((uint32_t)q->number);
}

/* 0, or -1: the request was refused. */
static int cpus_check(struct request *q, const struct guest_config *c)
{
	struct msg why;

	for (uint32_t i = 0; i < c->maxvcpus; i++)
		if (guest_sched_check(c->cpus[i], &why))
			return ctl_refuse(q, -SK_E_RANGE, "cpus of vCPU %u: %s", i, why.text);
	return 0;
}

/* A copy of a configuration that a guest may have. NULL: the request was answered. */
static struct guest_config *config_take(struct request *q, const struct guest_config *c)
{
	const char *wrong = guest_config_check(c);
	struct guest_config *copy = NULL;

	if (wrong)
		ctl_refuse(q, -SK_E_INVAL, "the %s of the configuration is not valid", wrong);
	else if (cpus_check(q, c))
		return NULL;
	else if ((copy = malloc(sizeof(*copy))) == NULL)
		ctl_refuse(q, -SK_E_NO_MEM, "control has no memory for another guest");
	else
		*copy = *c;
	return copy;
}

void ctl_do_CREATE(struct request *q)
{
	const struct ctl_create *c = q->body;
	struct creation_request r = { .paused = c->flags & CTL_CREATE_PAUSED,
		.image = c->image.label[0] ? c->image.label : NULL,
		.again = c->flags & CTL_CREATE_AUTO,
		.in_table = in_table,
		.fn = created,
		.ctx = ctl_ticket(q) };
	struct msg m;

	if (r.image && (r.again || !guest_label_ok(r.image))) {
		ctl_refuse(q, -SK_E_INVAL, "the %s is not valid",
			r.again ? "restoration at start" : "name of the partition");
		return;
	}
	r.config = config_take(q, &c->config);
	if (!r.config)
		return;
	q->number = r.again ? c->n_auto : 0;
	if (creation_begin(&r, &m) == 0)
		return;
	free(r.config);
	ctl_refuse(q, -SK_E_STATE, "%s", m.text);
}

void ctl_do_UPDATE(struct request *q)
{
	const struct ctl_update *u = q->body;
	struct guest_config *config = config_take(q, &u->config);

	if (!config)
		return;
	dom_update(q->dom, config);
	ctl_answer(q, NULL, 0);
}

void ctl_do_AUTO(struct request *q)
{
	const struct ctl_auto *a = q->body;

	files_dealt_with(a->n);
	if (a->over)
		kept_head()->auto_over = true;
	ctl_answer(q, NULL, 0);
}

/* ---- pause, shut down, destroy ---- */

void ctl_do_PAUSE(struct request *q)
{
	guest_pause(q->dom);
	ctl_answer(q, NULL, 0);
}

void ctl_do_UNPAUSE(struct request *q)
{
	guest_unpause(q->dom);
	ctl_answer(q, NULL, 0);
}

void ctl_do_SHUTDOWN(struct request *q)
{
	guest_ask(q->dom, "poweroff");
	ctl_answer(q, NULL, 0);
}

void ctl_do_REBOOT(struct request *q)
{
	guest_ask(q->dom, "reboot");
	ctl_answer(q, NULL, 0);
}

void ctl_do_DESTROY(struct request *q)
{
	dom_destroy(&guests, q->dom);
	ctl_answer(q, NULL, 0);
}

/* ---- keys and buttons ---- */

void ctl_do_SYSRQ(struct request *q)
{
	const struct ctl_number *n = q->body;
	const struct scribe_word key = { { (char)n->value } };

	if (scribe_ask(SCRIBE_SYSRQ, q->dom->domid, &key, sizeof(key), NULL, NULL))
		ctl_refuse(q, -SK_E_NO_MEM, no_memory);
	else
		ctl_answer(q, NULL, 0);
}

void ctl_do_NMI(struct request *q)
{
	const struct ctl_number *n = q->body;
	struct dom *d = q->dom;

	if (n->value >= d->config->maxvcpus)
		ctl_refuse(q, -SK_E_RANGE, "domain %u has no vCPU %llu", d->domid,
			(unsigned long long)n->value);
	else if (vmctl_send(guest_of(d), VMCTL_NMI, (uint32_t)n->value))
		ctl_refuse(q, -SK_E_BUSY, "the VMM of domain %u does not listen; try again",
			d->domid);
	else
		ctl_answer(q, NULL, 0);
}

/* ---- wait ---- */

static void note_news(struct request *q, enum ctl_kind kind, uint32_t domid, uint32_t reason)
{
	const struct ctl_news n = { .domid = domid, .reason = reason };

	ctl_note(q, kind, &n, sizeof(n));
}

void ctl_do_WAIT(struct request *q)
{
	const struct ctl_wait *w = q->body;
	struct dom_wait *wait = calloc(1, sizeof(*wait));

	q->own = wait;
	if (!wait) {
		ctl_refuse(q, -SK_E_NO_MEM, no_memory);
		return;
	}
	wait->gone_only = w->gone_only;
	for (uint32_t i = 0; i < w->n && i < CTL_GUESTS_MAX; i++) {
		if (!domtab_get(&guests, w->domid[i]))
			note_news(q, CTL_NOTE_GONE, w->domid[i], 0);
		else if (!wait_has(wait, w->domid[i]))
			wait_add(wait, w->domid[i]);
	}
	if (!wait->n)
		ctl_answer(q, NULL, 0);
}

static void wait_news(struct request *q, const struct dom_action *a, const struct dom *d)
{
	struct dom_wait *wait = q->own;
	enum wait_news news = wait_note(wait, a, d && d->state == DOM_DOWN);

	if (news == WAIT_GONE)
		note_news(q, CTL_NOTE_GONE, a->domid, 0);
	else if (news == WAIT_DOWN && d)
		note_news(q, CTL_NOTE_DOWN, a->domid, d->reason);
	if (!wait->n)
		ctl_answer(q, NULL, 0);
}

void ctl_life_note(const struct dom_action *a)
{
	const struct dom *d = domtab_get(&guests, a->domid);

	if (a->what == DO_NOTE_GONE)
		ctl_end_all(CTL_CONSOLE, a->domid, -SK_E_NOT_FOUND, "the guest has ended");
	for (struct request *q = ctl_next(CTL_WAIT, NULL); q; q = ctl_next(CTL_WAIT, q))
		wait_news(q, a, d);
}

void ctl_life_trouble(uint32_t domid, const char *text)
{
	for (struct request *q = ctl_next(CTL_WAIT, NULL); q; q = ctl_next(CTL_WAIT, q))
		if (wait_has(q->own, domid))
			ctl_note_text(q, "%s", text);
}

/* ---- consoles ---- */

void ctl_do_CONSOLE(struct request *q)
{
	struct dom *d = q->dom;

	q->number = d->domid;
	if (d->state == DOM_RESTING)
		ctl_refuse(q, -SK_E_STATE, "domain %u does not run", d->domid);
	else if (guest_has_console(guest_of(d)))
		ctl_answer(q, NULL, 0);
}

void ctl_life_console(uint32_t domid) { ctl_end_all(CTL_CONSOLE, domid, 0, NULL); }

void ctl_do_ATTACHED(struct request *q)
{
	kept_head()->attached = *(const uint32_t *)q->body;
	ctl_answer(q, NULL, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill.c - ending a domain on request (INIT_RESTART), also in the ways in which a domain ends
 * by its own mistakes, so that tests can see what others make of it
 */
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "ring/ring.h"
#include "svc/svc.h"
#include "sys/sk.h"

static bool kill_allowed(void) { return boot_option("init.kill", 0) == 1; }

/* ---- garbage ----------------------------------------------------------------------------- */
static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void bytes_fill(uint8_t *p, uint32_t size, uint32_t *state)
{
	for (uint32_t i = 0; i < size; i++)
		p[i] = (uint8_t)random_next(state);
}

/* An index word keeps its epoch, because the domain knows that. */
static uint64_t word_with(uint64_t word, uint32_t index)
{
	return (word & ~(uint64_t)UINT32_MAX) | index;
}

/* As the producer: records without sense. */
static void ring_spoil_records(struct ring_shared *r, uint32_t size, uint32_t *state)
{
	bytes_fill(r->data, size - (uint32_t)sizeof(*r), state);
	r->prod = word_with(r->prod, (uint32_t)r->cons + 64);
	r->want_room = 1;
}

/* As the consumer: more was taken than there is. */
static void ring_spoil_index(struct ring_shared *r, uint32_t *state)
{
	r->cons = word_with(r->cons, (uint32_t)r->prod + 8 + (random_next(state) & ~7u));
	r->want_data = 1;
}

static void connection_spoil(struct connection *c, const struct domain *d)
{
	const struct manifest_channel *ch = &manifest.channel[c - connections];
	const struct svc_proto_info *info = svc_proto_info(ch->proto);
	struct ring_shared *req = c->view,
			   *rsp = (struct ring_shared *)((uint8_t *)c->view + info->req_size);
	uint32_t state = 1;

	if (c->client == d->number) {
		ring_spoil_records(req, info->req_size, &state);
		ring_spoil_index(rsp, &state);
	} else {
		ring_spoil_records(rsp, info->rsp_size, &state);
		ring_spoil_index(req, &state);
	}
	(void)sk_signal(c->client == d->number ? c->c.service_signal : c->c.client_signal);
}

static int kill_garbage(struct domain *d)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		struct connection *c = &connections[i];

		if (c->view && (c->client == d->number || c->service == d->number))
			connection_spoil(c, d);
	}
	return 0;
}

/* ---- the other ways ---------------------------------------------------------------------- */
static int kill_fault(struct domain *d)
{
	struct sk_regs r;
	long rc = sk_thread_suspend(d->proc.thread);

	if (!rc)
		rc = sk_thread_read(d->proc.thread, &r);
	r.rip = 0;
	if (!rc)
		rc = sk_thread_write(d->proc.thread, &r);
	return rc ? (int)rc : (int)sk_thread_resume(d->proc.thread);
}

int domain_kill(struct domain *d, uint64_t how)
{
	switch (how) {
	case INIT_KILL_RESTART:
		domain_ends(d, DOMAIN_END_ASKED);
		return 0;
	case INIT_KILL_BREACH:
		domain_ends(d, DOMAIN_END_BREACH);
		return 0;
	case INIT_KILL_FAULT:
		return kill_allowed() ? kill_fault(d) : -SK_E_DENIED;
	case INIT_KILL_HANG:
		return kill_allowed() ? (int)sk_thread_suspend(d->proc.thread) : -SK_E_DENIED;
	case INIT_KILL_EXIT:
		if (!kill_allowed())
			return -SK_E_DENIED;
		domain_exit(d, 0);
		return 0;
	case INIT_KILL_GARBAGE:
		return kill_allowed() ? kill_garbage(d) : -SK_E_DENIED;
	default:
		return -SK_E_INVAL;
	}
}

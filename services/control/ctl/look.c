/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.c - requests that look: guests, the host, xenstore
 *
 * Objects     the question to VMMs that REFRESH waits for.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "base/array.h"
#include "base/error.h"
#include "client/host.h"
#include "client/scribe.h"
#include "client/services.h"
#include "ctl/ctl.h"
#include "guest/build.h"
#include "guest/caps.h"
#include "guest/guest_pool.h"
#include "guest/images.h"
#include "guest/keep.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/vmctl.h"
#include "sys/clock.h"
#include "sys/sk.h"

/* An answer that is too large for a stack. */
static union {
	struct ctl_list list;
	struct ctl_guest guest;
	struct ctl_caps caps;
	struct {
		struct ctl_stored head;
		char data[CTL_STORE_MAX];
	} stored;
} large;

/* ---- control itself ---- */

/* Why this domain ended the last time. */
static uint32_t end_of_self(void)
{
	struct host_row r;

	for (uint32_t i = 0; host_domain(i, &r); i++)
		if (strcmp(r.name, svc_info()->name) == 0)
			return r.end;
	return DOMAIN_END_NONE;
}

void ctl_do_HELLO(struct request *q)
{
	const struct ctl_hello h = { .rights = ctl_rights(q),
		.resumed = kept_resumed(),
		.adopted = guests_adopted(),
		.end = kept_resumed() ? end_of_self() : DOMAIN_END_NONE,
		.n_auto = kept_head()->n_auto,
		.auto_over = kept_head()->auto_over,
		.attached = kept_head()->attached };

	ctl_answer(q, &h, sizeof(h));
}

/* ---- guests ---- */

static uint64_t vcpu_ns(const struct guest *g, uint32_t i)
{
	uint64_t ticks = 0, waited;
	uint32_t cpu;

	if (!g->sched[i]) /* it does not run any more, or never did */
		ticks = g->ran[i];
	else if (sk_sched_stats(g->sched[i], &ticks, &waited, &cpu))
		return 0;
	return clock_ticks_to_ns(ticks);
}

static void vcpus_fill(struct ctl_dom *r, const struct guest *g)
{
	r->n_vcpus = g->stats.n_vcpus;
	for (uint32_t i = 0; i < GUEST_VCPUS_MAX; i++)
		r->vcpu[i] = (struct ctl_vcpu){ .state = g->stats.vcpu[i].state,
			.cpu = g->stats.vcpu[i].cpu,
			.ran_ns = vcpu_ns(g, i) };
}

static void dom_fill(struct ctl_dom *r, const struct dom *d)
{
	const struct guest *g = guest_of(d);
	uint64_t now = clock_ns();

	*r = (struct ctl_dom){ .domid = d->domid,
		.state = d->state,
		.flags = (d->paused ? CTL_DOM_PAUSED : 0) | (g ? CTL_DOM_THERE : 0),
		.reason = d->reason,
		.vcpus = d->config->vcpus,
		.maxvcpus = d->config->maxvcpus,
		.short_lives = d->short_lives,
		.weight = d->config->weight,
		.cap = d->config->cap };
	memcpy(r->cpus, d->config->cpus, sizeof(r->cpus));
	memcpy(r->cpus_soft, d->config->cpus_soft, sizeof(r->cpus_soft));
	strcpy(r->name, d->name);
	memcpy(r->uuid, d->uuid, UUID_SIZE);
	if (d->state == DOM_RESTING && d->due_ns > now)
		r->rest_ns = d->due_ns - now;
	if (!g)
		return;
	r->memory = guest_holds(g);
	r->up_ns = now - g->start_ns;
	vcpus_fill(r, g);
}

/* FNV-1a over what NEWS watches. */
static uint64_t bytes_sum(uint64_t sum, const void *data, size_t size)
{
	for (const uint8_t *p = data; size--; p++)
		sum = (sum ^ *p) * 0x100000001b3ull;
	return sum;
}

static uint64_t table_sum(void)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid)) {
		sum = bytes_sum(sum, &d->domid, sizeof(d->domid));
		sum = bytes_sum(sum, &d->state, sizeof(d->state));
		sum = bytes_sum(sum, &d->paused, sizeof(d->paused));
		sum = bytes_sum(sum, d->name, strlen(d->name) + 1);
	}
	return sum;
}

void ctl_do_LIST(struct request *q)
{
	struct ctl_list *l = &large.list;
	struct dom *d = domtab_look(&guests, *(const uint32_t *)q->body);

	l->sum = table_sum();
	for (l->n = 0; d && l->n < CTL_LIST_MAX; d = domtab_look(&guests, d->domid))
		dom_fill(&l->dom[l->n++], d);
	l->more = d != NULL;
	ctl_answer(q, l, (uint32_t)(offsetof(struct ctl_list, dom) + l->n * sizeof(l->dom[0])));
}

void ctl_do_NEWS(struct request *q)
{
	q->number = *(const uint64_t *)q->body;
	if (q->number != table_sum())
		ctl_answer(q, NULL, 0);
}

void ctl_look_changed(void)
{
	struct request *q = ctl_next(CTL_NEWS, NULL);
	uint64_t sum = q ? table_sum() : 0;

	for (; q; q = ctl_next(CTL_NEWS, q))
		if (q->number != sum)
			ctl_answer(q, NULL, 0);
}

void ctl_do_DESCRIBE(struct request *q)
{
	const struct dom *d = q->dom;
	struct ctl_guest *r = &large.guest;

	memset(r, 0, sizeof(*r));
	r->config = *d->config;
	if (guest_of(d))
		guest_facts(guest_of(d), r);
	ctl_answer(q, r, sizeof(*r));
}

/* ---- new figures ---- */

static bool asking; /* VMMs, for all who wait */

static void stats_known(void)
{
	asking = false;
	ctl_end_all(CTL_REFRESH, 0, 0, NULL);
}

void ctl_do_REFRESH(struct request *q)
{
	(void)q;
	if (asking)
		return;
	asking = true;
	vmctl_stats_ask(stats_known);
}

/* ---- the host ---- */

void ctl_do_SYSTEM(struct request *q)
{
	struct ctl_system s;

	host_system(&s);
	s.guest_memory = guest_pool.total;
	s.free_memory = guest_memory_free();
	s.image_memory = images_idle() + images_busy();
	for (int i = 0; i < SERVICE_COUNT; i++)
		s.given_up |= service_given_up((enum service)i) ? 1u << i : 0;
	ctl_answer(q, &s, sizeof(s));
}

/* A call of init that a tool may make: one of `labels`. */
static void init_ask(struct request *q, uint32_t labels)
{
	const struct ctl_call *c = q->body;
	uint64_t mr[SK_MR_MAX] = { 0 };
	uint32_t n = ARRAY_SIZE(c->mr);
	int rc = -SK_E_INVAL;

	_Static_assert(SK_MR_MAX <= CTL_WORDS_MAX, "the answer has room");
	memcpy(mr, c->mr, sizeof(c->mr));
	if (c->label < INIT_CALL_END && labels >> c->label & 1)
		rc = host_call((enum init_call)c->label, mr, &n);
	if (rc)
		ctl_refuse(q, rc, "%s", ""); /* the tool knows what it has asked */
	else
		ctl_answer(q, mr, n * (uint32_t)sizeof(mr[0]));
}

void ctl_do_HOST_LOOK(struct request *q)
{
	init_ask(q, 1u << INIT_DOMAIN_STATS | 1u << INIT_CAPS);
}

void ctl_do_HOST_CHANGE(struct request *q)
{
	const struct ctl_call *c = q->body;

	if (c->mr[4] > INIT_KILL_GARBAGE)
		ctl_refuse(q, -SK_E_INVAL, "there is no such way to end a domain");
	else
		init_ask(q, 1u << INIT_RESTART);
}

/* ---- capabilities ---- */

void ctl_do_CAPS(struct request *q)
{
	const struct ctl_caps_of *of = q->body;
	const struct guest *g = guest_of(q->dom);
	struct ctl_caps *c = &large.caps;
	uint64_t at = of->at;
	bool more = true;

	memset(c, 0, sizeof(*c));
	if (!g) {
		ctl_refuse(q, -SK_E_STATE, "%s", sk_error_text(-SK_E_STATE));
		return;
	}
	while (c->n < CTL_CAPS_MAX && (more = guest_cap_next(g, &at, &c->cap[c->n])))
		c->n++;
	c->next = more ? at : 0;
	ctl_answer(q, c, (uint32_t)(offsetof(struct ctl_caps, cap) + c->n * sizeof(c->cap[0])));
}

/* ---- xenstore ---- */

static void stored(void *ctx, bool failed, const void *data, uint32_t len)
{
	struct request *q = ctl_waits(ctx);

	if (!q)
		return;
	large.stored.head.failed = failed;
	if (len > CTL_STORE_MAX)
		len = CTL_STORE_MAX;
	if (len)
		memcpy(large.stored.data, data, len);
	ctl_answer(q, &large.stored, (uint32_t)sizeof(large.stored.head) + len);
}

static void scribe_pass(
	struct request *q, enum scribe_op op, uint32_t domid, const void *body, uint32_t len)
{
	if (scribe_ask(op, domid, body, len, stored, ctl_ticket(q)))
		ctl_refuse(q, -SK_E_NO_MEM, "control has no memory for the request; try again");
}

static void store_ask(struct request *q, const uint32_t *types, size_t n)
{
	const struct ctl_store *s = q->body;
	size_t i = 0;

	while (i < n && types[i] != s->type)
		i++;
	if (i < n)
		scribe_pass(q, SCRIBE_ASK, 0, q->body, q->len);
	else
		ctl_refuse(q, -SK_E_INVAL, "xenstore has no such request here");
}

void ctl_do_QUOTA(struct request *q) { scribe_pass(q, SCRIBE_REFUSED, q->dom->domid, NULL, 0); }

void ctl_do_STORE_LOOK(struct request *q)
{
	static const uint32_t types[] = { XS_READ, XS_DIRECTORY, XS_GET_PERMS };

	store_ask(q, types, ARRAY_SIZE(types));
}

void ctl_do_STORE_CHANGE(struct request *q)
{
	static const uint32_t types[] = { XS_WRITE, XS_RM };

	store_ask(q, types, ARRAY_SIZE(types));
}

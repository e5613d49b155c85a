/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_services.c - the control endpoints of the services, which control's threads call, and
 * the lives of services
 *
 * Objects     struct made: all connections that were ever made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "caps/caps.h"
#include "client/calls.h"
#include "fake_parts.h"
#include "guest/life.h"
#include "proto/blk.h"
#include "proto/domain.h"
#include "proto/files.h"

enum { OPENED_MAX = 4096 };

struct made {
	struct svc_open_args args; /* of the last open */
	enum service service;
	bool open;
	char volume[sizeof(((struct blk_params *)NULL)->volume)]; /* of storage */
	sk_cap_t memory, data_memory;                             /* untypeds */
};
static struct services {
	struct made all[OPENED_MAX];
	size_t n;
} * services;
#define conns (services->all)
#define n_conns (services->n)

static void __attribute__((constructor)) services_make(void)
{
	services = shared_alloc(sizeof(*services));
}

static struct call *given[SERVICE_COUNT];
static bool answered[SERVICE_COUNT]; /* what was given has its result */
static bool news;

static struct made *opened_find(enum service s, uint32_t number)
{
	for (struct made *o = conns; o < conns + n_conns; o++)
		if (o->service == s && o->args.number == number)
			return o;
	return NULL;
}

static uint32_t client_find(enum service s, uint32_t client)
{
	for (struct made *o = conns; o < conns + n_conns; o++)
		if (o->service == s && o->open && o->args.client == client)
			return o->args.number;
	return 0;
}

/* Files are told apart by the length of their paths. */
static uint64_t file_number(const struct files_params *p) { return strlen(p->path); }

static int open_answer(struct call *c)
{
	struct made *o = &conns[n_conns];

	world.pings += c->ping_first;
	if (world.fail_rc && (int)c->service == world.fail_service)
		return world.fail_rc;
	if (c->open.number) {
		o = opened_find(c->service, c->open.number);
		assert_non_null(o);
		assert_int_equal(c->what, CALL_REOPEN);
		if (o->open)
			return -SK_E_EXISTS;
		/* the same region for the same client, and an epoch that was never used */
		assert_int_equal(c->open.rings, o->args.rings);
		assert_int_equal(c->open.client, o->args.client);
		assert_int_equal(c->open.params_len, o->args.params_len);
		assert_true(c->open.epoch > o->args.epoch);
	} else {
		assert_true(++n_conns < OPENED_MAX);
		assert_int_equal(c->open.epoch, 0);
		o->service = c->service;
	}
	o->args = c->open;
	if (c->service == SERVICE_STORAGE)
		memcpy(o->volume, c->open.params, sizeof(o->volume));
	if (!o->args.number)
		o->args.number = (uint32_t)world.life[c->service] << 16 | (uint32_t)n_conns;
	o->open = true;
	if (!c->open.number) {
		o->memory = cap_parent(c->open.rings);
		o->data_memory = cap_parent(c->open.data);
	}
	world.opened++;
	world.last_client = c->open.client;
	c->opened = (struct svc_open_result){ .number = o->args.number,
		.signal = cap_new(SK_OBJ_NOTIFICATION, 0) };
	if (c->service == SERVICE_FILES)
		c->opened.word[1] = file_number(c->open.params);
	return 0;
}

static int close_answer(struct call *c)
{
	bool failing = (int)c->service == world.fail_service;
	struct made *o;

	if (failing && world.hang) {
		world.unheard++;
		return -SK_E_TIMEOUT;
	}
	if (c->what == CALL_PING) {
		world.pings++;
		c->number = client_find(c->service, c->client);
		return 0;
	}
	o = opened_find(c->service, c->number);
	if (!o || !o->open)
		return -SK_E_NOT_FOUND;
	c->result = failing ? world.result : 0;
	o->open = false;
	world.closed++;
	world.flushes += c->service == SERVICE_STORAGE;
	return 0;
}

void service_dies(enum service s)
{
	for (struct made *o = conns; o < conns + n_conns; o++) {
		if (o->service == s && o->open) {
			o->open = false;
			world.closed++;
		}
	}
	world.life[s]++;
	news = true;
}

void service_given_up_by_init(enum service s)
{
	service_dies(s);
	world.given_up[s] = true;
}

void init_tells(void)
{
	bit_fn[DOMAIN_BIT_NEWS](NULL);
	world_run();
}

void services_revoked(sk_cap_t untyped)
{
	for (struct made *o = conns; o < conns + n_conns; o++) {
		if (!o->open)
			continue;
		if (!(o->memory && cap_below(o->memory, untyped)) &&
			!(o->data_memory && cap_below(o->data_memory, untyped)))
			continue;
		assert_true(world.damaged);
		service_dies(o->service);
	}
}

uint32_t asked_for(enum service s)
{
	assert_non_null(given[s]);
	return given[s]->open.client;
}

uint32_t connections_of(uint32_t domid)
{
	uint32_t n = 0;

	for (struct made *o = conns; o < conns + n_conns; o++)
		n += o->open && o->args.client == domid;
	return n;
}

bool volume_is_open(uint32_t domid, const char *volume)
{
	for (struct made *o = conns; o < conns + n_conns; o++)
		if (o->open && o->args.client == domid && strcmp(o->volume, volume) == 0)
			return true;
	return false;
}

uint32_t connections_open(enum service s)
{
	uint32_t n = 0;

	for (struct made *o = conns; o < conns + n_conns; o++)
		n += o->service == s && o->open;
	return n;
}

static int usage_answer(struct call *c)
{
	world.usages++;
	c->n_usage = 0;
	if (!world.worked_ns[c->service])
		return -SK_E_TIMEOUT;
	for (struct made *o = conns; o < conns + n_conns && c->n_usage < SVC_USAGE_MAX; o++)
		if (o->service == c->service && o->open)
			c->usage[c->n_usage++] = (struct svc_usage){ o->args.number,
				o->args.client, world.worked_ns[c->service] };
	c->from = world.worked_endless ? c->from + SVC_USAGE_MAX : 0;
	return 0;
}

static int call_answer(struct call *c)
{
	cut_here();
	if ((int)c->service == world.dying && world.dies_in && --world.dies_in == 0) {
		service_dies(c->service);
		return -SK_E_DELETED;
	}
	if (c->what == CALL_USAGE)
		return usage_answer(c);
	return c->what == CALL_OPEN || c->what == CALL_REOPEN ? open_answer(c)
							      : close_answer(c);
}

void caller_give(struct call *c)
{
	assert_null(given[c->service]);
	assert_int_equal(c->endpoint, 10 + c->service);
	assert_true(c->what == CALL_OPEN || c->what == CALL_REOPEN || c->what == CALL_USAGE ||
		    (c->ms >= 20 && c->ms <= 200));
	given[c->service] = c;
	if (!world.eager)
		return;
	c->rc = call_answer(c);
	answered[c->service] = true;
	cut_here();
}

bool calls_serve(void)
{
	bool any = false;

	for (int s = 0; s < SERVICE_COUNT; s++) {
		struct call *c = given[s];

		if (!c || (world.hold && s == world.fail_service))
			continue;
		if (!answered[s])
			c->rc = call_answer(c);
		answered[s] = world.late && s == world.fail_service;
		if (answered[s])
			continue;
		given[s] = NULL;
		cut_here();
		calls_returned((enum service)s);
		guests_run();
		any = true;
	}
	if (news && !world.no_news) {
		news = false;
		bit_fn[DOMAIN_BIT_NEWS](NULL);
		any = true;
	}
	return any;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_services.c - the control endpoints of the services, which control's threads call, and
 * the lives of services
 *
 * Objects     opened[]: all connections that were ever made.
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
#include "proto/domain.h"

static struct opened {
	struct svc_open_args args; /* of the last open */
	enum service service;
	bool open;
} opened[4096];
static size_t n_opened;
static struct call *given[SERVICE_COUNT];
static bool answered[SERVICE_COUNT]; /* what was given has its result */
static bool news;

void caller_give(struct call *c)
{
	assert_null(given[c->service]);
	assert_int_equal(c->endpoint, 10 + c->service);
	assert_true(c->what == CALL_OPEN || c->what == CALL_REOPEN ||
		    (c->ms >= 20 && c->ms <= 200));
	given[c->service] = c;
}

static struct opened *opened_find(enum service s, uint32_t number)
{
	for (struct opened *o = opened; o < opened + n_opened; o++)
		if (o->service == s && o->args.number == number)
			return o;
	return NULL;
}

static uint32_t client_find(enum service s, uint32_t client)
{
	for (struct opened *o = opened; o < opened + n_opened; o++)
		if (o->service == s && o->open && o->args.client == client)
			return o->args.number;
	return 0;
}

static int open_answer(struct call *c)
{
	struct opened *o = &opened[n_opened];

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
		assert_true(++n_opened < ARRAY_SIZE(opened));
		assert_int_equal(c->open.epoch, 0);
		o->service = c->service;
	}
	o->args = c->open;
	if (!o->args.number)
		o->args.number = (uint32_t)world.life[c->service] << 16 | (uint32_t)n_opened;
	o->open = true;
	world.opened++;
	world.last_client = c->open.client;
	c->opened = (struct svc_open_result){ .number = o->args.number,
		.signal = slot_alloc(1) };
	return 0;
}

static int close_answer(struct call *c)
{
	bool failing = (int)c->service == world.fail_service;
	struct opened *o;

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
	for (struct opened *o = opened; o < opened + n_opened; o++) {
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

uint32_t connections_open(enum service s)
{
	uint32_t n = 0;

	for (struct opened *o = opened; o < opened + n_opened; o++)
		n += o->service == s && o->open;
	return n;
}

static int call_answer(struct call *c)
{
	if ((int)c->service == world.dying && world.dies_in && --world.dies_in == 0) {
		service_dies(c->service);
		return -SK_E_DELETED;
	}
	return c->what == CALL_OPEN || c->what == CALL_REOPEN ? open_answer(c)
							      : close_answer(c);
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_svc.c - libs/svc for the control domain, and init and the services behind its calls */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "caps/caps.h"
#include "client/calls.h"
#include "client/host.h"
#include "fake_parts.h"
#include "guest/life.h"
#include "proto/init.h"
#include "svc/svc.h"

struct chan console_chan, xs_chan, files_chan;
svc_handler_fn bit_fn[24];
uint64_t raised;

/* ---- libs/svc ---- */

static struct chan *chan_named(const char *name)
{
	if (strcmp(name, "console") == 0)
		return &console_chan;
	if (strcmp(name, "xs") == 0)
		return &xs_chan;
	return strcmp(name, "files") == 0 ? &files_chan : NULL;
}

struct svc_conn *svc_channel(const char *name)
{
	struct chan *k = chan_named(name);

	assert_non_null(k);
	assert_int_equal(ring_init(&k->c.req, k->mem, CHAN_RING, RING_CLIENT_PUTS, 0), 0);
	assert_int_equal(
		ring_init(&k->c.rsp, k->mem + CHAN_RING, CHAN_RING, RING_CLIENT_GETS, 0), 0);
	assert_int_equal(ring_init(&k->req, k->mem, CHAN_RING, RING_SERVICE_GETS, 0), 0);
	assert_int_equal(
		ring_init(&k->rsp, k->mem + CHAN_RING, CHAN_RING, RING_SERVICE_PUTS, 0), 0);
	k->c.data = k->data;
	k->c.data_size = CHAN_DATA;
	k->c.channel = true;
	return &k->c;
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	struct chan *k = (struct chan *)c;

	k->fn = fn;
	k->ctx = ctx;
	return 0;
}

int svc_on_epoch(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	struct chan *k = (struct chan *)c;

	k->on_epoch = fn;
	k->epoch_ctx = ctx;
	return 0;
}

int svc_on_end(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	struct chan *k = (struct chan *)c;

	k->on_end = fn;
	k->end_ctx = ctx;
	return 0;
}

void chan_restart(struct chan *k)
{
	uint32_t epoch = ++k->c.epoch;

	ring_restart(&k->req, epoch);
	ring_restart(&k->rsp, epoch);
	ring_restart(&k->c.req, epoch);
	ring_restart(&k->c.rsp, epoch);
	if (k->on_epoch)
		k->on_epoch(k->epoch_ctx);
}

void chan_end(struct chan *k)
{
	k->c.dead = true;
	if (k->on_end)
		k->on_end(k->end_ctx);
}

void svc_signal(struct svc_conn *c) { (void)c; }

static int send(struct ring *r, const void *rec, uint32_t len)
{
	int rc = ring_put(r, rec, len);

	(void)ring_put_flush(r);
	return rc;
}

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	return c->dead ? -SK_E_PEER : send(&c->req, rec, len);
}

int svc_respond(struct svc_conn *c, const void *rec, uint32_t len)
{
	return send(&c->rsp, rec, len);
}

int svc_raise(uint32_t bit)
{
	raised |= 1ull << bit;
	return 0;
}

int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	assert_true(bit < 24);
	bit_fn[bit] = fn;
	return 0;
}

int svc_ntfn_badged(uint32_t bit, sk_cap_t *out)
{
	(void)bit;
	*out = slot_alloc(1);
	return 0;
}

bool svc_arg(const char *key, char *buf, size_t size)
{
	static const char *const args[][2] = { { "vcpu-priority", "8" },
		{ "vmm-priority", "12" }, { "priority", "20" } };

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		if (strcmp(args[i][0], key) == 0)
			return snprintf(buf, size, "%s", args[i][1]) < (int)size;
	return false;
}

sk_cap_t svc_cap(const char *name, uint32_t *count)
{
	if (count)
		*count = 1;
	return strcmp(name, "pool") == 0 ? POOL_SLOT : CTL_SLOT;
}

void caps_count(sk_cap_t cnode, struct caps_count *c)
{
	assert_true(cnode >= 1000);
	*c = (struct caps_count){ 408, 100, 40, 50 };
}

int svc_call_timed(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n,
	struct svc_caps *caps, uint32_t ms)
{
	assert_true(ms && ms <= 30000);
	return svc_call(ep, label, mr, n, caps);
}

int svc_call(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	(void)ep;
	(void)n;
	switch (label) {
	case INIT_SERVICE:
		caps->n_in = 1;
		caps->in[0] = 0;
		for (int s = 0; s < SERVICE_COUNT; s++)
			if (strcmp((const char *)mr, host_service_name((enum service)s)) == 0)
				caps->in[0] = 10 + (sk_cap_t)s;
		assert_true(caps->in[0] != 0);
		mr[0] = 0;
		return 0;
	case INIT_DOMAIN_STATS:
		if (mr[0] > 1)
			return -SK_E_NOT_FOUND;
		mr[8] = mr[1] ? 408 | 300ull << 32 : 0;
		mr[0] = 0;
		mr[1] = 32 << 20;
		mr[2] = 1000000000;
		memcpy(&mr[3], "console", 8);
		mr[7] = 1;
		mr[9] = 120 | 130ull << 32;
		return 0;
	case INIT_POWER:
		world.powered = mr[0] ? 2 : 1;
		return 0;
	default:
		return -SK_E_NO_SYS;
	}
}

/* ---- control endpoints of the services, which control's threads call ---- */

static struct call *given[SERVICE_COUNT];

void caller_give(struct call *c)
{
	assert_null(given[c->service]);
	assert_int_equal(c->endpoint, 10 + c->service);
	assert_true(c->what == CALL_OPEN || (c->ms >= 20 && c->ms <= 200));
	given[c->service] = c;
}

static int open_answer(struct call *c)
{
	if (world.fail_rc && (int)c->service == world.fail_service)
		return world.fail_rc;
	c->opened = (struct svc_open_result){ .number = ++world.opened };
	return 0;
}

static int close_answer(struct call *c)
{
	bool failing = (int)c->service == world.fail_service;

	if (failing && world.hang) {
		world.unheard++;
		return -SK_E_TIMEOUT;
	}
	if (c->what == CALL_PING) {
		world.pings++;
		return 0;
	}
	assert_true(c->number);
	c->result = failing ? world.result : 0;
	world.closed++;
	return 0;
}

bool calls_serve(void)
{
	bool any = false;

	for (int s = 0; s < SERVICE_COUNT; s++) {
		struct call *c = given[s];

		if (!c || (world.hold && s == world.fail_service))
			continue;
		given[s] = NULL;
		c->rc = c->what == CALL_OPEN ? open_answer(c) : close_answer(c);
		calls_returned((enum service)s);
		guests_run();
		any = true;
	}
	return any;
}

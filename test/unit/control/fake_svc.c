/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_svc.c - libs/svc for the control domain, and init behind its calls */
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

struct chan console_chan, xs_chan, files_chan, ctl_chan, scribe_chan;
svc_handler_fn bit_fn[24];
void *bit_ctx[24];
uint64_t raised;

/* ---- libs/svc ---- */

static struct chan *chan_named(const char *name)
{
	if (strcmp(name, "console") == 0)
		return &console_chan;
	if (strcmp(name, "xs") == 0)
		return &xs_chan;
	if (strcmp(name, "shell") == 0)
		return &ctl_chan;
	if (strcmp(name, "scribe") == 0)
		return &scribe_chan;
	return strcmp(name, "files") == 0 ? &files_chan : NULL;
}

struct svc_conn *svc_channel(const char *name)
{
	struct chan *k = chan_named(name);

	assert_non_null(k);
	memset(k->mem, 0, sizeof(k->mem)); /* a new connection for each life of control */
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

static void ctl_raised(void *ctx)
{
	(void)ctx;
	(void)chan_event(&ctl_chan);
}

static void console_raised(void *ctx)
{
	(void)ctx;
	(void)chan_event(&console_chan);
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	struct chan *k = (struct chan *)c;

	k->fn = fn;
	k->ctx = ctx;
	if (k == &ctl_chan)
		bit_fn[BIT_CTL] = ctl_raised;
	if (k == &console_chan)
		bit_fn[BIT_CONSOLE] = console_raised;
	return 0;
}

bool chan_event(struct chan *k)
{
	k->c.spent = 0;
	k->fn(k->ctx);
	svc_settle(&k->c);
	return k->c.spent >= SVC_TURN;
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

	k->c.broken = false;

	ring_restart(&k->req, epoch);
	ring_restart(&k->rsp, epoch);
	ring_restart(&k->c.req, epoch);
	ring_restart(&k->c.rsp, epoch);
	if (k->on_epoch)
		k->on_epoch(k->epoch_ctx);
}

static int send(struct ring *r, const void *rec, uint32_t len)
{
	int rc = ring_put(r, rec, len);

	(void)ring_put_flush(r);
	return rc;
}

/* ---- the shell's and the scribe's ends of their connections with control ---- */

static const struct svc_service *tool_service, *scribe_service;
static struct svc_conn tool, scribe;

int svc_serve(const struct svc_service *s)
{
	assert_true(s->proto == SVC_PROTO_CTL || s->proto == SVC_PROTO_SCRIBE);
	*(s->proto == SVC_PROTO_CTL ? &tool_service : &scribe_service) = s;
	return 0;
}

static void tool_open(void)
{
	uint64_t result[2];

	tool = (struct svc_conn){ .req = ctl_chan.req, .rsp = ctl_chan.rsp };
	assert_int_equal(tool_service->open(&tool, NULL, 0, result), 0);
}

static void scribe_open(void)
{
	uint64_t result[2];

	scribe = (struct svc_conn){
		.req = scribe_chan.req, .rsp = scribe_chan.rsp, .badge = SVC_BADGE_INIT
	};
	assert_int_equal(scribe_service->open(&scribe, NULL, 0, result), 0);
}

void tool_connect(void)
{
	memset(&tool, 0, sizeof(tool));
	tool_open();
	scribe_open();
}

/* The loop gives the scribe a turn for each signal, and for what it left. */
void svc_resume(struct svc_conn *c)
{
	if (c == &scribe)
		return;
	assert_ptr_equal(c, &console_chan.c);
	raised |= 1ull << BIT_CONSOLE;
}

/* Answers of the scribe since it lost one, and whether it has just lost another one. */
static uint32_t scribe_answers;
static bool scribe_dying;

static int scribe_answer(const void *rec, uint32_t len)
{
	if (!world.scribe_dies || ++scribe_answers % 2)
		return send(&scribe.rsp, rec, len);
	scribe_dying = true;
	return 0;
}

void scribe_loses_the_next(void) { scribe_answers = 1; }

static void scribe_renew(void)
{
	scribe_dying = false;
	assert_int_equal(scribe_service->close(&scribe), 0);
	chan_restart(&scribe_chan);
	scribe_open();
}

bool scribe_serve(void)
{
	if (scribe_dying) {
		world.scribe_deaths++;
		scribe_renew();
		return true;
	}
	scribe.spent = 0;
	if (!scribe.dead && scribe_service->event(&scribe))
		scribe.dead = true;
	svc_settle(&scribe);
	return scribe.spent != 0;
}

void scribe_restart(void)
{
	scribe_renew();
	world_run();
}

void scribe_says(const void *rec, uint32_t len)
{
	assert_int_equal(send(&scribe.rsp, rec, len), 0);
	world_run();
}

void tool_says(const void *rec, uint32_t len)
{
	assert_int_equal(svc_respond(&tool, rec, len), 0);
	world_run();
}

bool tool_event(void)
{
	tool.spent = 0;
	assert_int_equal(tool_service->event(&tool), 0);
	svc_settle(&tool);
	return tool.spent != 0;
}

void control_restarts(void)
{
	assert_int_equal(tool_service->close(&tool), 0);
	chan_restart(&ctl_chan);
	tool_open();
	world_run();
}

enum svc_end svc_end(const struct svc_conn *c) { return c->end; }

const char *svc_end_text(enum svc_end why)
{
	(void)why;
	return "it has ended";
}

void chan_end(struct chan *k)
{
	k->c.dead = true;
	k->c.end = SVC_END_GIVEN_UP;
	if (k->on_end)
		k->on_end(k->end_ctx);
}

int svc_abandon(const struct svc_open_args *a, enum svc_end end)
{
	assert_true(a->rings && a->client_signal && a->number);
	world.abandoned++;
	world.end = end;
	return 0;
}

void svc_signal(struct svc_conn *c) { (void)c; }

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	return c->dead ? -SK_E_PEER : send(&c->req, rec, len);
}

int svc_respond(struct svc_conn *c, const void *rec, uint32_t len)
{
	return c == &scribe ? scribe_answer(rec, len) : send(&c->rsp, rec, len);
}

int svc_raise(uint32_t bit)
{
	raised |= 1ull << bit;
	return 0;
}

int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name)
{
	(void)name;
	assert_true(bit < 24);
	bit_fn[bit] = fn;
	bit_ctx[bit] = ctx;
	return 0;
}

int svc_ntfn_badged(uint32_t bit, sk_cap_t *out)
{
	(void)bit;
	*out = cap_new(SK_OBJ_NOTIFICATION, 0);
	return 0;
}

bool svc_arg(const char *key, char *buf, size_t size)
{
	static const char *const args[][2] = { { "vcpu-priority", "8" },
		{ "vmm-priority", "12" }, { "priority", "20" } };

	if (strcmp(key, "rights.shell") == 0)
		return snprintf(buf, size, "%s",
			       world.rights ? world.rights
					    : "look,console,life,configure,host") < (int)size;
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
	if (world.no_slots)
		return -SK_E_SLOT;
	return svc_call(ep, label, mr, n, caps);
}

/* init itself, and the services. */
static int stats_answer(uint64_t *mr)
{
	uint32_t i = (uint32_t)mr[0];
	const char *name = "init";
	bool count = mr[1];

	if (world.init_silent)
		return -SK_E_TIMEOUT;
	if (i > SERVICE_COUNT)
		return -SK_E_NOT_FOUND;
	if (i)
		name = host_service_name((enum service)(i - 1));
	memset(mr, 0, 13 * sizeof(*mr));
	memcpy(&mr[3], name, strlen(name));
	mr[8] = count ? 408 | 300ull << 32 : 0;
	mr[9] = 120 | 130ull << 32;
	mr[10] = DOMAIN_RUNNING;
	if (i < 2) {
		mr[1] = 32 << 20;
		mr[2] = 1000000000;
		mr[7] = 1;
	}
	if (i) {
		mr[10] = world.given_up[i - 1]   ? DOMAIN_GIVEN_UP
			 : world.starting[i - 1] ? DOMAIN_RESTARTING
						 : DOMAIN_RUNNING;
		mr[10] |= (uint64_t)(world.life[i - 1] ? DOMAIN_END_FAULT : DOMAIN_END_NONE)
			  << 32;
		mr[11] = world.life[i - 1] | (uint64_t)world.life[i - 1] << 32;
		mr[12] = 3723000;
	}
	return 0;
}

/* Two pages, the first of which is full. */
static int caps_answer(uint64_t *mr)
{
	static const struct init_cap caps[INIT_CAPS_MAX + 3] = {
		{ 4, SK_OBJ_SCHED, SK_ALL, 8, 0, 0, "its CPU time" },
		{ 16, SK_OBJ_ENDPOINT, SK_W | SK_GRANT, 7, 0, 0x10, "endpoint of its builder" },
		{ 128, SK_OBJ_IOPORT, SK_R | SK_W, 0, 0, 0x3f8 | 0x3ffull << 16,
			"ports of uart" },
		{ 192, SK_OBJ_UNTYPED, SK_ALL, 18, 0, 4096, "its memory" },
		{ 300, SK_OBJ_FRAME, SK_R | SK_W, 12, 0, 0, "" },
		{ 301, SK_OBJ_FRAME, SK_R | SK_W, 13, 0, 0, "" },
		{ 302, 99, SK_EXEC, 0, 0, 0, "" },
		{ 303, SK_OBJ_FRAME, SK_R | SK_W, 12, INIT_CAP_MAPPED, 0, "" },
		{ 304, SK_OBJ_FRAME, SK_R | SK_W, 12, 0, 0, "" },
		{ 305, SK_OBJ_REPLY, SK_R | SK_W, 7, 0, 0, "" },
	};
	uint64_t at = mr[4];

	if (strcmp((const char *)mr, "files") == 0)
		return -SK_E_STATE;
	if (strcmp((const char *)mr, "storage") != 0)
		return -SK_E_NOT_FOUND;
	mr[0] = 0;
	mr[1] = at ? 0 : 303;
	mr[2] = at ? 3 : INIT_CAPS_MAX;
	assert_true(at == 0 || at == 303);
	memcpy(&mr[3], at ? &caps[INIT_CAPS_MAX] : caps, mr[2] * sizeof(caps[0]));
	if (world.init_silent)
		mr[2] = UINT64_MAX; /* more than there can be */
	return 0;
}

int svc_call(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	(void)ep;
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
		*n = 13;
		return stats_answer(mr);
	case INIT_CAPS:
		*n = SK_MR_MAX;
		return caps_answer(mr);
	case INIT_RESTART:
		memcpy(world.restarted, mr, 32);
		world.fault = (int)mr[4];
		return world.restart_rc;
	case INIT_POWER:
		world.powered = mr[0] ? 2 : 1;
		return 0;
	default:
		return -SK_E_NO_SYS;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the rogue as a domain: it serves whatever its entry of the manifest lets others
 * connect to, so that it has peers
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/array.h"
#include "rogue.h"
#include "rt/program.h"
#include "sys/sk.h"

enum {
	/*
	 * init has seen that it works by then, so that its end is not one of a start that
	 * failed.
	 */
	FIRST_MS = 50,
	/* Its peers have begun to use it by then. */
	ATTACK_MS = 300,
	TICK_MS = 100,
};

/* The linker calls the start of a program so (build.mk). The honest one may be missing. */
int __real_main(void) __attribute__((weak));
int __wrap_main(void);

static struct plan plan;
/* The attack of this life; none: attacks_count(). */
static uint32_t attack;
static struct svc_timer timer;
static struct svc_conn *channels[DOMAIN_CHANNELS_MAX];
static uint32_t n_channels, n_attacked;
static bool attacked[DOMAIN_CHANNELS_MAX];

/* ---- the log ----------------------------------------------------------------------------- */
static void kernel_say(sk_cap_t log, const char *text, size_t len)
{
	for (size_t at = 0; at < len; at += 32) {
		uint64_t w[4] = { 0 };
		size_t n = len - at < sizeof(w) ? len - at : sizeof(w);

		memcpy(w, text + at, n);
		(void)sk_log(log, (uint32_t)n, w);
	}
}

/* The driver of the serial port has no log, but the port. */
static void port_say(const struct domain_device *d, const char *text)
{
	enum { STATUS = 5, EMPTY = 0x20 };
	uint32_t status = 0;

	for (; *text; text++) {
		while (!sk_port_in(DOMAIN_CAP_IOPORT(0), d->io_port + STATUS, 1, &status) &&
			!(status & EMPTY))
			continue;
		(void)sk_port_out(DOMAIN_CAP_IOPORT(0), d->io_port, 1, (uint8_t)*text);
	}
}

void say(const char *fmt, ...)
{
	sk_cap_t log = svc_cap("log", NULL);
	char text[160] = "rogue: ";
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text + 7, sizeof(text) - 8, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	strcat(text, "\n");
	if (log)
		kernel_say(log, text, strlen(text));
	if (svc_info()->n_devices && svc_info()->dev[0].io_ports)
		port_say(&svc_info()->dev[0], text);
	(void)fputs(text, stdout);
	(void)fflush(stdout);
}

void score_add(struct score *s, long rc, uint64_t call, uint64_t slot)
{
	s->tried++;
	if (rc < 0)
		return;
	if (!s->through++) {
		s->call = call;
		s->slot = slot;
	}
}

void score_say(const struct score *s)
{
	if (s->through)
		say("BREACH %s: %u of %u went through, first %llu with slot %#llx", s->what,
			(unsigned int)s->through, (unsigned int)s->tried,
			(unsigned long long)s->call, (unsigned long long)s->slot);
	else
		say("ok %s: %u refused", s->what, (unsigned int)s->tried);
}

uint32_t slot_type(sk_cap_t slot)
{
	struct sk_cap_info info;

	return sk_cap_info(SK_CAP_CNODE, slot, &info) ? SK_OBJ_NULL : info.type;
}

/* ---- as a service ------------------------------------------------------------------------ */
/* Whatever the connector believes of the answer: a size, an address. */
static int rogue_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	(void)c;
	(void)params;
	(void)params_len;
	result[0] = UINT64_MAX;
	result[1] = UINT64_MAX;
	return 0;
}

static int rogue_event(struct svc_conn *c) { return attack_event(attack, c); }

static int rogue_call(
	uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps)
{
	(void)badge;
	return attack_call(attack, label, mr, n_mr, caps);
}

static const struct svc_service service = {
	.proto = SVC_PROTO_END,
	.open = rogue_open,
	.event = rogue_event,
	.call = rogue_call,
};

/* ---- as a client ------------------------------------------------------------------------- */
static void channel_event(void *ctx) { (void)ctx; }

static void channel_open(const struct domain_channel *e)
{
	struct svc_conn *c = svc_channel(e->name);

	if (c && svc_on_channel(c, channel_event, c) == 0)
		channels[n_channels++] = c;
}

/* Control ends a VMM that breaks the rules towards it, so that comes last. */
static void channels_open(void)
{
	const struct domain_info *info = svc_info();

	for (int last = 0; last < 2; last++)
		for (uint32_t i = 0; i < info->n_channels; i++) {
			const struct domain_channel *e = &info->channel[i];

			if (e->req_size && strcmp(e->name, "log") != 0 &&
				(e->proto == SVC_PROTO_VMCTL) == last)
				channel_open(e);
		}
}

/* ---- attacks ----------------------------------------------------------------------------- */
static void attack_conn(struct svc_conn *c)
{
	if (!c->priv) {
		c->priv = c;
		attack_do(attack, c);
		n_attacked++;
	}
	attack_tick(attack, c);
}

static void attack_all(void *ctx)
{
	uint32_t before = n_attacked;

	(void)ctx;
	for (struct svc_conn *c = svc_conn_next(NULL); c; c = svc_conn_next(c))
		if (!c->dead)
			attack_conn(c);
	for (uint32_t i = 0; i < n_channels; i++) {
		if (!attacked[i])
			attack_do(attack, channels[i]);
		n_attacked += !attacked[i];
		attacked[i] = true;
		attack_tick(attack, channels[i]);
	}
	if (n_attacked != before)
		say("attack %s on %u", attack_name(attack), (unsigned int)n_attacked);
	svc_timer_set(&timer, svc_in_ms(TICK_MS));
}

static void life_over(void *ctx)
{
	(void)ctx;
	rt_exit(0);
}

static void tries_now(void *ctx)
{
	(void)ctx;
	if (!own_try_ready()) {
		svc_timer_set(&timer, svc_in_ms(TICK_MS));
		return;
	}
	authority_try();
	calls_try();
	own_try();
	say("attack tries on 1");
	if (plan.life_ms)
		life_over(NULL);
}

static void fault_now(void *ctx)
{
	(void)ctx;
	fault_do(plan.index);
}

static void plan_begin(void)
{
	static struct svc_timer end = { .fn = life_over };
	static const svc_handler_fn work[PLAN_KINDS] = {
		[PLAN_TRIES] = tries_now, [PLAN_FAULT] = fault_now, [PLAN_ATTACK] = attack_all
	};

	attack = plan.kind == PLAN_ATTACK ? plan.index : attacks_count();
	timer.fn = work[plan.kind];
	if (plan.life_ms && plan.kind != PLAN_TRIES)
		svc_timer_set(&end, svc_in_ms(plan.life_ms));
	if (timer.fn)
		svc_timer_set(
			&timer, svc_in_ms(plan.kind == PLAN_ATTACK ? ATTACK_MS : FIRST_MS));
	else
		say("attack none on 0");
}

int __wrap_main(void)
{
	plan = plan_make(__real_main != NULL);
	say("is %s, life %u, %u faults, %u attacks", svc_info()->name,
		(unsigned int)svc_info()->epoch, (unsigned int)faults_count(),
		(unsigned int)attacks_count());
	if (plan.kind == PLAN_HONEST)
		return __real_main();
	channels_open();
	plan_begin();
	return svc_serve(&service) ? 1 : svc_run();
}

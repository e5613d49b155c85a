/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the rogue as a domain: it serves whatever its entry of the manifest lets others
 * connect to, so that it has peers
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "rogue.h"
#include "rt/program.h"
#include "sys/sk.h"

enum {
	/* The life of the first fault. */
	FIRST_FAULT = 2,
	/*
	 * init has seen that it works by then, so that its end is not one of a start that
	 * failed.
	 */
	FIRST_MS = 50,
	/* Its peers have begun to use it by then. */
	ATTACK_MS = 300,
	TICK_MS = 100,
};

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

static const struct svc_service service = {
	.proto = SVC_PROTO_END,
	.open = rogue_open,
	.event = rogue_event,
};

/* ---- as a client ------------------------------------------------------------------------- */
static void channel_event(void *ctx) { (void)ctx; }

static void channels_open(void)
{
	const struct domain_info *info = svc_info();

	for (uint32_t i = 0; i < info->n_channels; i++) {
		const struct domain_channel *e = &info->channel[i];
		struct svc_conn *c = e->req_size && strcmp(e->name, "log") != 0
					     ? svc_channel(e->name)
					     : NULL;

		if (c && svc_on_channel(c, channel_event, c) == 0)
			channels[n_channels++] = c;
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

static void tries_now(void *ctx)
{
	(void)ctx;
	authority_try();
	calls_try();
	say("attack tries on 1");
}

static void fault_now(void *ctx)
{
	(void)ctx;
	fault_do(svc_info()->epoch - FIRST_FAULT);
}

static void life_over(void *ctx)
{
	(void)ctx;
	rt_exit(0);
}

/* In place of console there is no shell to restart it, so it ends each life but the last. */
static void end_plan(bool last)
{
	static struct svc_timer end = { .fn = life_over };
	char ms[12];

	if (!last && svc_arg("life", ms, sizeof(ms)))
		svc_timer_set(&end, svc_in_ms((uint32_t)strtoul(ms, NULL, 10)));
}

/*
 * Lives for each attack: more than one, if others may end a life before its attack. At least 1.
 */
static uint32_t lives_each(void)
{
	char lives[4];
	uint32_t n = 1;

	if (svc_arg("lives", lives, sizeof(lives)))
		n = (uint32_t)strtoul(lives, NULL, 10);
	return n ? n : 1;
}

/* The argument `attack` names the only attack, in every life. */
static bool only_attack(void)
{
	char name[16];

	if (!svc_arg("attack", name, sizeof(name)))
		return false;
	for (attack = 0; attack < attacks_count(); attack++)
		if (strcmp(attack_name(attack), name) == 0)
			break;
	timer.fn = attack_all;
	svc_timer_set(&timer, svc_in_ms(ATTACK_MS));
	return true;
}

/* The first life, in which the machine starts, does nothing. */
static void life_plan(void)
{
	uint32_t n = svc_info()->epoch, first_attack = FIRST_FAULT + faults_count();
	const bool last = n >= first_attack + attacks_count() * lives_each();

	if (only_attack())
		return;
	attack = attacks_count();
	end_plan(last);
	if (n == 0 || last) {
		say("attack none on 0");
		return;
	}
	if (n < FIRST_FAULT) {
		timer.fn = tries_now;
	} else if (n < first_attack) {
		timer.fn = fault_now;
	} else {
		timer.fn = attack_all;
		attack = (n - first_attack) / lives_each();
	}
	svc_timer_set(&timer, svc_in_ms(timer.fn == attack_all ? ATTACK_MS : FIRST_MS));
}

int main(void)
{
	say("is %s, life %u, %u faults, %u attacks", svc_info()->name,
		(unsigned int)svc_info()->epoch, (unsigned int)faults_count(),
		(unsigned int)attacks_count());
	channels_open();
	life_plan();
	return svc_serve(&service) ? 1 : svc_run();
}

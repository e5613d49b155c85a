/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * supervise.c - what happens when a static domain ends: it is started again, and its clients
 * keep their connections
 *
 * Objects     struct life of each domain.
 * Lifecycle   RUNNING -> RESTARTING -> RUNNING. In between: the device is quieted, the main
 *             thread is stopped, the device is reset (ENDING); the services end its
 *             connections; its memory is taken back (ENDED); it is started from its image
 *             (OPENING); its clients' connections are opened again. GIVEN_UP: one that ended
 *             too often, or whose device cannot be reset.
 * Invariants  SUP1 memory of a domain is used again only after its device was reset and its
 *             services have ended its connections
 *             SUP2 a domain that ends waits only for domains before it in the manifest (a
 *                service comes before its clients, and platform before drivers), so that all of
 *                them come to an end
 *             SUP3 init waits for another domain only with a deadline, and not for one that has
 *                ended (post.c). A domain that does not answer in time is ended, too
 */
#include <stdio.h>
#include "base/error.h"
#include "caps/caps.h"
#include "init.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	PULSE_MS = 500,
	/* A domain that has not answered so many hangs. */
	PULSES_MAX = 6,
	/*
	 * The same before its first answer, because it may have much to do before it handles
	 * events.
	 */
	PULSES_FIRST = 60,
	/* From end to start, if ends follow each other; the first start is at once. */
	DELAY_FIRST_MS = 10,
	DELAY_MAX_MS = 10000,
	/*
	 * The first end so long after a recovery does not follow it; the boot option init.calm.
	 */
	CALM_MS = 60000,
	ENDS_MAX = 16,
	RESETS_MAX = 2,
};

sk_cap_t init_ntfn;
static sk_time_t next_pulse;

int supervise_start(void) { return object_make(SK_OBJ_NOTIFICATION, 0, &init_ntfn); }

static sk_time_t ms_to_ticks(uint64_t ms) { return clock_ns_to_ticks(ms * 1000000); }

static bool in_phase(const struct domain *d, enum domain_phase phase)
{
	return d->state == DOMAIN_RESTARTING && d->life.phase == phase;
}

bool domain_runs(const struct domain *d)
{
	return d->state == DOMAIN_RUNNING || in_phase(d, PHASE_OPENING);
}

static struct domain *service_of(const struct domain *d, uint32_t channel)
{
	const struct manifest_channel *ch = &manifest.channel[d->m->first_channel + channel];

	return ch->service == MANIFEST_NONE ? NULL : &domains[ch->service];
}

/* Is a service of d restarted itself? */
static bool waits_for_service(const struct domain *d)
{
	for (uint32_t i = 0; i < d->m->n_channels; i++) {
		const struct domain *s = service_of(d, i);

		if (s && s->state == DOMAIN_RESTARTING)
			return true;
	}
	return device_waits(d);
}

/* control opens guests' connections again. */
static void news(void)
{
	const struct domain *control = domain_of_role(MANIFEST_BUILDER);

	if (control)
		(void)sk_signal(control->news);
}

static const char *end_text(enum domain_end end)
{
	static const char *const texts[] = {
#define X(name, num, text) [num] = (text),
		DOMAIN_ENDS(X)
#undef X
	};

	return texts[end];
}

/* ---- the end ----------------------------------------------------------------------------- */
/* Twice as long each time, until that would be longer than DELAY_MAX_MS. */
static sk_time_t delay_next(struct life *l)
{
	uint32_t n = l->n_quick++;
	uint64_t ms = DELAY_MAX_MS;

	if (n == 0)
		return 0;
	if (n <= 10)
		ms = (uint64_t)DELAY_FIRST_MS << (n - 1);
	return ms_to_ticks(ms);
}

/* Decide when it may start again. */
static void failure_count(struct domain *d, sk_time_t now)
{
	struct life *l = &d->life;

	/* without a recovery since the last end, this one follows it, however late */
	if (!l->n_ends &&
		now - l->recovered_at > ms_to_ticks(boot_option("init.calm", CALM_MS)))
		l->n_quick = 0;
	l->start_at = now + delay_next(l);
	l->n_ends++;
}

void domain_ends(struct domain *d, enum domain_end why)
{
	if (!domain_runs(d))
		return; /* it has ended already */
	d->life.end = why;
	device_quiesce(d);
	if (!domain_runs(d)) /* that was noticed while platform was called */
		return;
	proc_stop(&d->proc);
	log_leave(d);
	d->state = DOMAIN_RESTARTING;
	d->life.phase = PHASE_ENDING;
	d->life.start_at = sk_now();
	if (why != DOMAIN_END_ASKED) /* which is no failure */
		failure_count(d, d->life.start_at);
	news();
}

static void give_up(struct domain *d, const char *why)
{
	printf("%s: %s; it is given up\n", d->m->name, why);
	d->state = DOMAIN_GIVEN_UP;
	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		struct connection *c = &connections[i];

		if (c->memory && c->service == d->number)
			connection_abandon(c);
	}
	news();
}

/*
 * False: a service has ended, or does not answer and ends now, so d has to wait for that
 * (SUP3).
 */
static bool connections_end(struct domain *d)
{
	for (uint32_t i = 0; i < d->m->n_channels; i++) {
		struct connection *c = connection_of(d, i);
		struct domain *s = service_of(d, i);
		int rc = s ? connection_end(c) : 0;

		if (rc == -SK_E_DELETED)
			return false;
		if (rc == -SK_E_TIMEOUT && domain_runs(s)) {
			printf("%s does not end its connection with %s\n", s->m->name,
				d->m->name);
			domain_ends(s, DOMAIN_END_HANG);
			return false;
		}
	}
	return true;
}

/* Its service side is gone with it, and so are its refusals. */
static void connections_forget(const struct domain *d)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		if (connections[i].service != d->number)
			continue;
		connections[i].open = false;
		connections[i].refusals = 0;
	}
}

static bool service_ending(const struct domain *d)
{
	for (uint32_t i = 0; i < d->m->n_channels; i++) {
		const struct domain *s = service_of(d, i);

		if (s && in_phase(s, PHASE_ENDING))
			return true;
	}
	return false;
}

/*
 * True: its device does nothing any more. False: it is given up, or platform has ended, and d
 * has to wait for it. The fault may be platform's, so that its next life tries the same; if the
 * device cannot be reset then, or ends platform again, it is given up with its driver.
 */
static bool device_ends(struct domain *d)
{
	struct domain *platform;
	int rc = device_reset(d);

	if (!rc) {
		d->life.resets_lost = 0;
		return true;
	}
	if (++d->life.resets_lost >= RESETS_MAX) {
		give_up(d, "its device cannot be reset");
		return false;
	}
	platform = device_waits(d) ? NULL : domain_of_role(MANIFEST_PLATFORM);
	if (platform) {
		printf("%s does not reset the device of %s: %s; its next life will try\n",
			platform->m->name, d->m->name, sk_error_text(rc));
		domain_ends(platform, DOMAIN_END_REFUSES);
	}
	return false;
}

/* SUP1. True: something has changed. */
static bool step_ending(struct domain *d)
{
	if (service_ending(d) || (d->claimed && device_waits(d))) /* SUP2 */
		return false;
	if (!device_ends(d))
		return true;
	if (!connections_end(d))
		return true;
	domain_destroy(d);
	connections_forget(d);
	d->life.phase = PHASE_ENDED;
	if (d->life.n_ends >= ENDS_MAX)
		give_up(d, "it has ended too often");
	return true;
}

/* ---- the new start ----------------------------------------------------------------------- */
/* For how long it has waited for its CPU since it was started, in ticks. */
static uint64_t cpu_waited(const struct domain *d)
{
	uint64_t consumed, waited;
	uint32_t cpu;

	return sk_sched_stats(d->proc.sched, &consumed, &waited, &cpu) ? 0 : waited;
}

static void pulse_send(struct domain *d)
{
	if (d->life.pulses++ == 0)
		d->life.waited = cpu_waited(d);
	(void)sk_signal(d->pulse);
}

/* A pulse that the last life answered says nothing about the new one. */
static void answers_forget(struct domain *d)
{
	uint64_t word;

	if (sk_poll(init_ntfn, &word) == 0)
		supervise_answers(word);
	d->life.answered = false;
	d->life.pulses = 0;
}

static void start_failed(struct domain *d, sk_time_t now)
{
	failure_count(d, now);
	if (d->life.n_ends >= ENDS_MAX)
		give_up(d, "it cannot be started");
}

/*
 * The start at boot. It is tried again only if a service has ended meanwhile: everything else,
 * such as a device that is not there, stays as it is.
 */
static bool step_first(struct domain *d, sk_time_t now)
{
	int rc = domain_start(d);

	if (rc == -SK_E_DELETED) {
		start_failed(d, now);
		return true;
	}
	if (rc) {
		d->state = DOMAIN_ABSENT;
		return true;
	}
	d->life.recovered_at = now;
	log_connect();
	if (d->m->flags & MANIFEST_PLATFORM)
		device_wallclock();
	return true;
}

static bool step_ended(struct domain *d, sk_time_t now)
{
	struct life *l = &d->life;

	if (now < l->start_at || waits_for_service(d))
		return false;
	if (!device_ends(d)) /* an attempt to start it has claimed it */
		return true;
	if (!l->started_at)
		return step_first(d, now);
	answers_forget(d);
	dma_refused(); /* what its last life did says nothing about the new one, either */
	d->epoch++;
	if (domain_start(d)) {
		start_failed(d, now);
		return true;
	}
	d->state = DOMAIN_RESTARTING;
	l->phase = PHASE_OPENING;
	pulse_send(d);
	return true;
}

static bool step_opening(struct domain *d)
{
	struct life *l = &d->life;

	if (!l->answered)
		return false;
	if (!reopen_all(d)) {
		domain_ends(d, DOMAIN_END_HANG);
		return true;
	}
	d->state = DOMAIN_RUNNING;
	l->recovered_at = sk_now();
	l->n_ends = 0;
	l->restarts++;
	log_return(d);
	printf("%s: started again (%s), %u in all\n", d->m->name, end_text(l->end),
		(unsigned int)l->restarts);
	news();
	return true;
}

/* ---- pulses ------------------------------------------------------------------------------ */
/* Pulses that it could not answer, because others with a higher priority had its CPU. */
static uint32_t pulses_starved(const struct domain *d)
{
	return (uint32_t)((cpu_waited(d) - d->life.waited) / ms_to_ticks(PULSE_MS));
}

/*
 * A domain may wait for the answer to a call of a service that is being restarted, so it is not
 * taken for hung meanwhile. Nor is one that gets no CPU, which another life would not get
 * either.
 */
static void pulse(struct domain *d)
{
	struct life *l = &d->life;
	uint32_t max = l->answered ? PULSES_MAX : PULSES_FIRST;

	if (!domain_runs(d))
		return;
	if (waits_for_service(d))
		l->pulses = 0;
	if (l->pulses < max || l->pulses - max < pulses_starved(d)) {
		pulse_send(d);
		return;
	}
	domain_ends(d, DOMAIN_END_HANG);
	printf("%s: does not answer\n", d->m->name);
}

void supervise_answers(uint64_t answers)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++) {
		if (!(answers & 1ull << i))
			continue;
		domains[i].life.pulses = 0;
		domains[i].life.answered = true;
	}
}

/* ---- the loop ---------------------------------------------------------------------------- */
static bool step(struct domain *d, sk_time_t now)
{
	if (d->state != DOMAIN_RESTARTING)
		return false;
	switch (d->life.phase) {
	case PHASE_ENDING:
		return step_ending(d);
	case PHASE_ENDED:
		return step_ended(d, now);
	default:
		return step_opening(d);
	}
}

static bool steps(void)
{
	bool changed = false;

	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		changed |= step(&domains[i], sk_now());
	return reopen_due() || changed;
}

void supervise_first(struct domain *d)
{
	d->state = DOMAIN_RESTARTING;
	d->life.phase = PHASE_ENDED;
	ends_look();
	while (steps())
		;
}

sk_time_t supervise(void)
{
	sk_time_t next;

	if (sk_now() >= next_pulse) {
		dma_refused(); /* those that were too many, or whose signal was taken */
		breaches_look();
		log_again();
		for (uint32_t i = 0; i < manifest.header->n_domains; i++)
			pulse(&domains[i]);
		next_pulse = clock_in_ms(PULSE_MS);
	}
	while (steps())
		;
	next = reopen_next();
	if (next_pulse < next)
		next = next_pulse;
	for (uint32_t i = 0; i < manifest.header->n_domains; i++) {
		const struct domain *d = &domains[i];

		if (in_phase(d, PHASE_ENDED) && d->life.start_at < next &&
			!waits_for_service(d))
			next = d->life.start_at;
	}
	return next;
}

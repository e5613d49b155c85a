/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c - the scheduling contexts of guests: how they are configured, and where they run
 *
 * Objects     the contexts in struct guest, of vCPUs and of the VMM's I/O thread, with the
 *             times that they had run and waited at the last balance.
 * Lifecycle   the first guest starts a timer, which runs while there are guests.
 */
#include "guest/sched.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpuid.h"
#include "client/host.h"
#include "guest/charge.h"
#include "guest/life.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	BALANCE_MS = 1000,
	/* for this long the I/O thread of a guest that is being created is not capped */
	BUILD_S = 60,
};
enum { CPUID_1_ECX_HYPERVISOR = 31, CPUID_HYPERVISOR = 0x40000000 };

static struct svc_timer balance_timer;
static bool ticking;
static uint64_t last_tick; /* ticks */

/* All vCPUs at the last balance, those of a guest beside each other. */
static struct balance_vcpu *vcpu;
static struct vcpu_of {
	struct guest *g;
	uint32_t i;
} * vcpu_of;
static size_t n_vcpus, vcpus_room;
/* How long they waited on each CPU. */
static uint64_t waited_on[SK_CPU_MAX];

/* ---- which CPUs ---- */

/*
 * CPUID leaf 0x40000000: all hypervisors have a signature in EBX, ECX and EDX. NULL: there is
 * no hypervisor.
 */
static const char *hypervisor_signature(char signature[12])
{
	struct cpuid_regs r;

	host_cpuid(1, 0, &r);
	if (!(r.ecx >> CPUID_1_ECX_HYPERVISOR & 1))
		return NULL;
	host_cpuid(CPUID_HYPERVISOR, 0, &r);
	memcpy(signature, &r.ebx, 4);
	memcpy(signature + 4, &r.ecx, 4);
	memcpy(signature + 8, &r.edx, 4);
	return signature;
}

/* The first CPU that may be in guest mode. */
static uint32_t first_guest_cpu(void)
{
	char signature[12];

	return balance_first_cpu(hypervisor_signature(signature), sys_info()->n_cpus);
}

/* Those that may be in guest mode. */
static uint64_t guest_cpus(void)
{
	const uint32_t n = sys_info()->n_cpus;

	return (n < SK_CPU_MAX ? (1ull << n) - 1 : UINT64_MAX) &
	       (UINT64_MAX << first_guest_cpu());
}

/* Those that a vCPU may run on. */
static uint64_t cpus_allowed(const struct guest_config *c, uint32_t i)
{
	return c->cpus[i] ? c->cpus[i] & guest_cpus() : guest_cpus();
}

/* Those of them on which it should. */
static uint64_t cpus_preferred(const struct guest_config *c, uint32_t i)
{
	const uint64_t allowed = cpus_allowed(c, i);

	return allowed & c->cpus_soft[i] ? allowed & c->cpus_soft[i] : allowed;
}

int guest_sched_check(uint64_t cpus, struct msg *m)
{
	if (!cpus || cpus & guest_cpus())
		return 0;
	return msg_fail(m, "guests run only on CPUs %u to %u", first_guest_cpu(),
		sys_info()->n_cpus - 1);
}

/* The CPU with the fewest vCPUs, of some. */
static uint32_t cpu_least_used(uint64_t among)
{
	uint32_t load[SK_CPU_MAX] = { 0 }, best = SK_CPU_MAX, i;

	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		for (i = 0; guest_of(d) && i < d->config->maxvcpus; i++)
			if (guest_of(d)->sched[i] && guest_of(d)->on[i] < SK_CPU_MAX)
				load[guest_of(d)->on[i]]++;
	/* The last one of equals, because the host's own domains are on CPU 0. */
	for (i = 0; i < SK_CPU_MAX; i++)
		if (among >> i & 1 && (best == SK_CPU_MAX || load[i] <= load[best]))
			best = i;
	return best;
}

uint32_t guest_sched_place_vcpu(const struct guest *g, uint32_t i)
{
	return cpu_least_used(cpus_preferred(g->dom->config, i));
}

uint32_t guest_sched_place_io(const struct guest *g)
{
	uint64_t cpus = 0;

	/* CPU 0, if no vCPU competes with it there */
	if (first_guest_cpu())
		return 0;
	for (uint32_t i = 0; i < g->dom->config->maxvcpus; i++)
		cpus |= cpus_preferred(g->dom->config, i);
	return cpu_least_used(cpus);
}

/* ---- how they are configured ---- */

void guest_sched_init(struct guest *g)
{
	uint64_t ran, waited;

	balance_cap_init(&g->cap, g->dom->config->cap);
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++)
		if (g->sched[i])
			(void)sk_sched_stats(g->sched[i], &ran, &waited, &g->on[i]);
}

static void budget_set(struct proc_sched *s, uint64_t us)
{
	s->budget_us = us;
	s->period_us = us ? BALANCE_PERIOD_US : 0;
}

/*
 * The vCPUs that share weight and cap: as many as the guest is to use, and those that it uses
 * beyond that.
 */
static uint32_t sharers(const struct guest *g)
{
	const uint32_t n = g->dom->config->vcpus;

	return g->n_ran > n ? g->n_ran : n;
}

struct proc_sched guest_sched(const struct guest *g, uint32_t cpu)
{
	const uint32_t n = sharers(g), weight = g->dom->config->weight;
	struct proc_sched s = { .cpu = cpu,
		.priority = host_priority(PRIORITY_VCPU) | SK_SCHED_GUESTS };

	s.weight = weight / n ? weight / n : 1;
	budget_set(&s, balance_cap_vcpu(&g->cap, n));
	return s;
}

struct proc_sched guest_sched_io(const struct guest *g, uint32_t cpu)
{
	struct proc_sched s = { .cpu = cpu,
		.priority = host_priority(g->io_shares ? PRIORITY_VCPU : PRIORITY_VMM),
		.weight = g->dom->config->weight };

	if (g->io_capped)
		budget_set(&s, balance_cap_io(&g->cap));
	return s;
}

static void sched_configure(sk_cap_t sched, struct proc_sched s)
{
	(void)sk_sched_configure(
		host_ctl_sched(), sched, s.cpu, s.priority, s.weight, s.budget_us, s.period_us);
}

static void vcpus_configure(struct guest *g)
{
	uint64_t ran, waited;
	uint32_t cpu;

	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++)
		if (g->sched[i] && !sk_sched_stats(g->sched[i], &ran, &waited, &cpu))
			sched_configure(g->sched[i], guest_sched(g, cpu));
}

void guest_sched_changed(struct guest *g)
{
	uint64_t ran, waited;
	uint32_t cpu;

	balance_cap_set(&g->cap, g->dom->config->cap);
	vcpus_configure(g);
	if (g->proc.sched && !sk_sched_stats(g->proc.sched, &ran, &waited, &cpu))
		sched_configure(g->proc.sched, guest_sched_io(g, cpu));
}

void guest_sched_divide(struct guest *g) { vcpus_configure(g); }

static void vcpu_place(struct guest *g, uint32_t i, uint32_t cpu)
{
	g->on[i] = cpu;
	sched_configure(g->sched[i], guest_sched(g, cpu));
}

void guest_sched_pinned(struct guest *g)
{
	uint64_t ran, waited;
	uint32_t cpu;

	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++)
		if (g->sched[i] && !sk_sched_stats(g->sched[i], &ran, &waited, &cpu) &&
			!(cpus_preferred(g->dom->config, i) >> cpu & 1))
			vcpu_place(g, i, guest_sched_place_vcpu(g, i));
}

/* ---- once a second ---- */

/* The growth of a counter since the last balance, at most `interval`. */
static uint64_t delta_take(uint64_t *last, uint64_t now, uint64_t interval)
{
	uint64_t d = now - *last;

	*last = now;
	return d < interval ? d : interval; /* the first time it is all of a guest's life */
}

static void vcpu_usage_read(struct guest *g, uint64_t interval)
{
	const uint32_t before = sharers(g);
	uint64_t ran, waited;

	g->used = 0;
	g->n_ran = 0;
	g->first = (uint32_t)n_vcpus;
	for (uint32_t i = 0; i < g->dom->config->maxvcpus && n_vcpus < vcpus_room; i++) {
		if (!g->sched[i] ||
			sk_sched_stats(g->sched[i], &ran, &waited, &vcpu[n_vcpus].cpu))
			continue;
		vcpu[n_vcpus].ran = delta_take(&g->ran[i], ran, interval);
		vcpu[n_vcpus].waited = delta_take(&g->waited[i], waited, interval);
		vcpu[n_vcpus].allowed = cpus_allowed(g->dom->config, i);
		vcpu[n_vcpus].preferred = cpus_preferred(g->dom->config, i);
		if (vcpu[n_vcpus].cpu < SK_CPU_MAX)
			waited_on[vcpu[n_vcpus].cpu] += vcpu[n_vcpus].waited;
		g->used += vcpu[n_vcpus].ran;
		g->n_ran += vcpu[n_vcpus].ran != 0;
		vcpu_of[n_vcpus++] = (struct vcpu_of){ g, i };
	}
	g->n_sched = (uint32_t)n_vcpus - g->first;
	if (sharers(g) != before)
		vcpus_configure(g);
}

static void vcpu_move(uint64_t interval)
{
	uint32_t to;
	size_t i;

	if (balance_pick(vcpu, n_vcpus, sys_info()->n_cpus, interval, &i, &to))
		vcpu_place(vcpu_of[i].g, vcpu_of[i].i, to);
}

/* Without memory, the guests behind those that fit are not looked at. */
static void vcpus_read(uint64_t interval)
{
	uint32_t n = 0;

	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		n += guest_of(d) ? d->config->maxvcpus : 0;
	if (n > vcpus_room) {
		struct balance_vcpu *v = realloc(vcpu, 2 * n * sizeof(*v));
		struct vcpu_of *of = realloc(vcpu_of, 2 * n * sizeof(*of));

		vcpu = v ? v : vcpu;
		vcpu_of = of ? of : vcpu_of;
		vcpus_room = v && of ? 2 * n : vcpus_room;
	}
	n_vcpus = 0;
	memset(waited_on, 0, sizeof(waited_on));
	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		if (guest_of(d))
			vcpu_usage_read(guest_of(d), interval);
}

/*
 * While a guest is being created, its I/O thread does the host's work and is not capped, nor is
 * what services do for it, but only for BUILD_S.
 */
static bool io_is_capped(const struct guest *g)
{
	return g->dom->state != DOM_BUILDING ||
	       clock_ns() - g->start_ns > BUILD_S * 1000000000ull;
}

static uint64_t ticks_per_period(uint64_t ticks, uint64_t interval)
{
	return interval ? ticks * BALANCE_PERIOD_US / interval : 0;
}

/* ---- the host's CPU ---- */

/* What guests want of the CPU where services run (all of them, by the manifest). */
static struct balance_claim claim[DOMTAB_MAX];
static uint64_t claim_waited[DOMTAB_MAX]; /* of its vCPUs, there */
static size_t n_claims;
static uint64_t all_waited;

static void claim_read(struct guest *g, uint32_t host_cpu)
{
	uint64_t ran = 0, waited = 0;

	for (size_t i = g->first; i < g->first + g->n_sched; i++)
		if (vcpu[i].cpu == host_cpu) {
			ran += vcpu[i].ran;
			waited += vcpu[i].waited;
		}
	all_waited += waited;
	g->claim = (uint32_t)n_claims;
	claim_waited[n_claims] = waited;
	claim[n_claims++] = (struct balance_claim){ .weight = g->dom->config->weight,
		.want = ran + waited + g->served };
}

static void claims_read(uint64_t interval)
{
	uint64_t ran, waited;
	uint32_t cpu;

	n_claims = 0;
	all_waited = 0;
	if (sk_sched_stats(SK_CAP_SCHED, &ran, &waited, &cpu))
		return;
	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		if (guest_of(d))
			claim_read(guest_of(d), cpu);
	balance_claims(claim, n_claims, interval);
}

/* What its vCPUs run there is limited by turns. */
static void press(struct guest *g, const struct balance_use *use, uint64_t interval)
{
	uint64_t share = UINT64_MAX;

	if (n_claims && balance_wanted(all_waited - claim_waited[g->claim], interval))
		share = ticks_per_period(claim[g->claim].share, interval);
	balance_cap_press(&g->cap, use, share);
}

/* io_cpu: where the I/O thread is. */
static void cap_apply(struct guest *g, uint64_t io, uint32_t io_cpu, uint64_t interval)
{
	const bool all = io_is_capped(g);
	const struct balance_use use = { .vcpus_us = ticks_per_period(g->used, interval),
		.io_us = all ? ticks_per_period(io, interval) : 0,
		.served_us = all ? ticks_per_period(g->served, interval) : 0 };
	const uint64_t io_before = balance_cap_io(&g->cap);

	press(g, &use, interval);
	g->served = 0;
	if (all && balance_cap_io(&g->cap) != io_before)
		sched_configure(g->proc.sched, guest_sched_io(g, io_cpu));
	if (balance_cap_update(&g->cap, &use))
		vcpus_configure(g);
}

/*
 * Frames and blocks are moved on behalf of a guest. A guest with much I/O must not get its
 * neighbours' time.
 */
static void io_balance(struct guest *g, uint64_t interval)
{
	bool first = !g->io_shares, capped = io_is_capped(g);
	uint64_t ran, waited, others = 0;
	uint32_t cpu;

	if (!g->proc.sched || sk_sched_stats(g->proc.sched, &ran, &waited, &cpu))
		return;
	others = cpu < SK_CPU_MAX ? waited_on[cpu] : 0;
	for (size_t i = g->first; i < g->first + g->n_sched; i++)
		if (vcpu[i].cpu == cpu)
			others -= vcpu[i].waited;
	ran = delta_take(&g->io_ran, ran, interval);
	first = balance_io_first(first, ran, others, interval);
	if (first == g->io_shares || capped != g->io_capped) {
		g->io_shares = !first;
		g->io_capped = capped;
		sched_configure(g->proc.sched, guest_sched_io(g, cpu));
	}
	cap_apply(g, ran, cpu, interval);
}

static void balance_tick(void *ctx)
{
	uint64_t now = clock_ns_to_ticks(clock_ns()), interval = now - last_tick;

	(void)ctx;
	last_tick = now;
	vcpus_read(interval);
	claims_read(interval);
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (guest_of(d))
			io_balance(guest_of(d), interval);
	vcpu_move(interval);
	ticking = n_vcpus != 0;
	if (!ticking)
		return;
	svc_timer_set(&balance_timer, svc_in_ms(BALANCE_MS));
	charges_ask(); /* the answers count in the next second */
}

void guest_sched_start(void)
{
	if (ticking)
		return;
	ticking = true;
	last_tick = clock_ns_to_ticks(clock_ns());
	balance_timer.fn = balance_tick;
	svc_timer_set(&balance_timer, svc_in_ms(BALANCE_MS));
}

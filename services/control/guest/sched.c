/*
 * sched.c - the scheduling contexts of guests: what they are configured to, and where they run
 *
 * Objects     the contexts in struct guest, of vCPUs and of the VMM's I/O thread, with what they had run and waited at
 *             the last look.
 * Locks       none.
 * Lifecycle   the first guest starts a timer, which goes on while there are guests.
 */
#include "guest/sched.h"

#include <cpuid.h>
#include <string.h>

#include "client/host.h"
#include "guest/life.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum { LOOK_MS = 1000, BUILD_S = 60, VCPUS_MAX = DOMTAB_MAX * VM_VCPUS_MAX };
enum { CPUID_1_ECX_HYPERVISOR = 31, CPUID_HYPERVISOR = 0x40000000 };

static struct svc_timer timer;
static bool looking;
static uint64_t last_look; /* ticks */

/* What the last look saw. */
static struct balance_vcpu vcpu[VCPUS_MAX];
static struct vcpu_of {
	struct guest *g;
	uint32_t i;
} vcpu_of[VCPUS_MAX];
static size_t n_vcpus;

/* ---- which CPUs ---- */

/* CPUID leaf 0x40000000: what all hypervisors have in common is the signature in EBX, ECX, EDX. */
static const char *hypervisor(char signature[12])
{
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> CPUID_1_ECX_HYPERVISOR & 1))
		return NULL;
	__cpuid(CPUID_HYPERVISOR, a, b, c, d);
	memcpy(signature, &b, 4);
	memcpy(signature + 4, &c, 4);
	memcpy(signature + 8, &d, 4);
	return signature;
}

/* The CPUs that may be in guest mode: from this one on. */
static uint32_t first_cpu(void)
{
	char signature[12];

	return balance_first_cpu(hypervisor(signature), sys_info()->n_cpus);
}

uint32_t guest_sched_place(bool guest_mode)
{
	uint32_t load[SK_CPU_MAX] = { 0 }, best = first_cpu(), i, cpu;
	uint64_t ticks, waited;

	if (best && !guest_mode)
		return 0; /* where no vCPU is in its way */
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		for (i = 0; guest_of(d) && i < VM_VCPUS_MAX; i++)
			if (guest_of(d)->sched[i] &&
				sk_sched_stats(guest_of(d)->sched[i], &ticks, &waited, &cpu) ==
					0 &&
				cpu < SK_CPU_MAX)
				load[cpu]++;
	/* Of equals the last: the host's own domains are on CPU 0. */
	for (i = best + 1; i < sys_info()->n_cpus && i < SK_CPU_MAX; i++)
		if (load[i] <= load[best])
			best = i;
	return best;
}

/* ---- what they are configured to ---- */

void guest_sched_init(struct guest *g) { balance_cap_init(&g->cap, g->dom->config->cap); }

static void budget_set(struct proc_sched *s, uint64_t us)
{
	s->budget_us = us;
	s->period_us = us ? BALANCE_PERIOD_US : 0;
}

struct proc_sched guest_sched(const struct guest *g, uint32_t cpu)
{
	const struct guest_config *c = g->dom->config;
	struct proc_sched s = { .cpu = cpu,
		.priority = host_priority(PRIORITY_VCPU) | SK_SCHED_GUESTS };

	s.weight = c->weight / c->maxvcpus ? c->weight / c->maxvcpus : 1;
	budget_set(&s, balance_cap_vcpu(&g->cap, c->maxvcpus));
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

static void configure(sk_cap_t sched, struct proc_sched s)
{
	(void)sk_sched_configure(
		host_ctl_sched(), sched, s.cpu, s.priority, s.weight, s.budget_us, s.period_us);
}

/* ---- the look ---- */

static uint64_t since(uint64_t *last, uint64_t now, uint64_t interval)
{
	uint64_t d = now - *last;

	*last = now;
	return d < interval ? d : interval; /* the first look at a guest sees all of its life */
}

static void see_vcpus(struct guest *g, uint64_t interval)
{
	uint64_t ran, waited;

	g->used = 0;
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++) {
		if (!g->sched[i] ||
			sk_sched_stats(g->sched[i], &ran, &waited, &vcpu[n_vcpus].cpu))
			continue;
		vcpu[n_vcpus].ran = since(&g->ran[i], ran, interval);
		vcpu[n_vcpus].waited = since(&g->waited[i], waited, interval);
		g->used += vcpu[n_vcpus].ran;
		vcpu_of[n_vcpus++] = (struct vcpu_of){ g, i };
	}
}

/* balance_pick() counts from the first CPU that guests have. */
static void move_one(uint64_t interval)
{
	uint32_t first = first_cpu(), to;
	size_t i;

	for (i = 0; i < n_vcpus; i++)
		vcpu[i].cpu -= first;
	if (balance_pick(vcpu, n_vcpus, sys_info()->n_cpus - first, interval, &i, &to))
		configure(vcpu_of[i].g->sched[vcpu_of[i].i],
			guest_sched(vcpu_of[i].g, first + to));
}

/* Until a guest is there the I/O thread makes it: that is the host's work, but not for ever. */
static bool io_is_capped(const struct guest *g)
{
	return g->dom->state != DOM_BUILDING ||
	       clock_ns() - g->start_ns > BUILD_S * 1000000000ull;
}

static uint64_t per_period(uint64_t ticks, uint64_t interval)
{
	return interval ? ticks * BALANCE_PERIOD_US / interval : 0;
}

static void see_cap(struct guest *g, uint64_t io, uint64_t interval)
{
	uint64_t used = io_is_capped(g) ? g->used + io : g->used;
	uint64_t ran, waited;
	uint32_t cpu;

	if (!balance_cap_look(&g->cap, per_period(used, interval),
		    per_period(io_is_capped(g) ? io : 0, interval)))
		return;
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++)
		if (g->sched[i] && !sk_sched_stats(g->sched[i], &ran, &waited, &cpu))
			configure(g->sched[i], guest_sched(g, cpu));
}

/* Frames and blocks are moved on behalf of a guest: one that asks for very much of it must not get its neighbours' time. */
static void see_io(struct guest *g, uint64_t interval)
{
	bool first = !g->io_shares, capped = io_is_capped(g);
	uint64_t ran, waited, others = 0;
	uint32_t cpu;

	if (!g->proc.sched || sk_sched_stats(g->proc.sched, &ran, &waited, &cpu))
		return;
	for (size_t i = 0; i < n_vcpus; i++)
		if (vcpu_of[i].g != g && vcpu[i].cpu == cpu)
			others += vcpu[i].waited;
	ran = since(&g->io_ran, ran, interval);
	first = balance_io_first(first, ran, others, interval);
	if (first == g->io_shares || capped != g->io_capped) {
		g->io_shares = !first;
		g->io_capped = capped;
		configure(g->proc.sched, guest_sched_io(g, cpu));
	}
	see_cap(g, ran, interval);
}

static void look(void *ctx)
{
	uint64_t now = clock_ns_to_ticks(clock_ns()), interval = now - last_look;

	(void)ctx;
	last_look = now;
	n_vcpus = 0;
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (guest_of(d))
			see_vcpus(guest_of(d), interval);
	for (struct dom *d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid))
		if (guest_of(d))
			see_io(guest_of(d), interval);
	move_one(interval);
	looking = n_vcpus != 0;
	if (looking)
		svc_timer_set(&timer, svc_in_ms(LOOK_MS));
}

void guest_sched_start(void)
{
	if (looking)
		return;
	looking = true;
	last_look = clock_ns_to_ticks(clock_ns());
	timer.fn = look;
	svc_timer_set(&timer, svc_in_ms(LOOK_MS));
}

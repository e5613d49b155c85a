/*
 * guest_sched.c - the scheduling contexts of guests' vCPUs: what they are configured to, and where they run
 *
 * Objects     the contexts in struct guest, with what they had run and waited at the last look.
 * Locks       none.
 * Lifecycle   the first guest starts a timer, which goes on while there are guests.
 */
#include "balance.h"
#include "control.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum { PERIOD_US = 100000, LOOK_MS = 1000, VCPUS_MAX = DOMTAB_MAX * VM_VCPUS_MAX };

static struct svc_timer timer;
static bool looking;
static uint64_t last_look; /* ticks */

struct proc_sched guest_sched(const struct guest_config *c, uint32_t cpu)
{
	struct proc_sched s = { .cpu = cpu, .priority = host_priority(PRIORITY_VCPU) };

	s.weight = c->weight / c->maxvcpus ? c->weight / c->maxvcpus : 1;
	if (c->cap && c->cap < 100 * c->maxvcpus) {
		s.period_us = PERIOD_US;
		s.budget_us = (uint64_t)c->cap * PERIOD_US / 100 / c->maxvcpus;
	}
	return s;
}

static uint64_t since(uint64_t *last, uint64_t now, uint64_t interval)
{
	uint64_t d = now - *last;

	*last = now;
	return d < interval ? d : interval; /* the first look at a guest sees all of its life */
}

static void move(const struct guest *g, uint32_t i, uint32_t cpu)
{
	struct proc_sched s = guest_sched(g->dom->config, cpu);

	(void)sk_sched_configure(host_ctl_sched(), g->sched[i], s.cpu, s.priority, s.weight,
		s.budget_us, s.period_us);
}

static void look(void *ctx)
{
	static struct balance_vcpu v[VCPUS_MAX];
	static struct {
		const struct guest *g;
		uint32_t i;
	} who[VCPUS_MAX];
	uint64_t now = clock_ns_to_ticks(clock_ns()), interval = now - last_look, ran, waited;
	uint32_t i, to;
	size_t n = 0, which;
	struct guest *g;
	struct dom *d;

	(void)ctx;
	last_look = now;
	for (d = domtab_next(&guests, 0); d; d = domtab_next(&guests, d->domid)) {
		g = guest_of(d);
		for (i = 0; g && i < VM_VCPUS_MAX; i++) {
			if (!g->sched[i] ||
				sk_sched_stats(g->sched[i], &ran, &waited, &v[n].cpu))
				continue;
			v[n].ran = since(&g->ran[i], ran, interval);
			v[n].waited = since(&g->waited[i], waited, interval);
			who[n].g = g;
			who[n++].i = i;
		}
	}
	if (balance_pick(v, n, sys_info()->n_cpus, interval, &which, &to))
		move(who[which].g, who[which].i, to);
	looking = n != 0;
	if (looking)
		svc_timer_set(&timer, deadline_in_ms(LOOK_MS));
}

void guest_sched_start(void)
{
	if (looking || sys_info()->n_cpus < 2)
		return;
	looking = true;
	last_look = clock_ns_to_ticks(clock_ns());
	timer.fn = look;
	svc_timer_set(&timer, deadline_in_ms(LOOK_MS));
}

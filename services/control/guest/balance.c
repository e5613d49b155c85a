/*
 * balance.c - who runs where: moving vCPUs between CPUs by what they ran and waited; I/O threads that take too much
 *
 * What a vCPU wants is what it ran and what it waited for. A move is worth its cost when the busiest CPU, and the one
 * that takes the vCPU, then both have clearly less to do than the busiest had before; so a vCPU that is alone where it
 * is stays, and two that are equal do not change places.
 *
 * Objects     none; pure.
 */
#include "guest/balance.h"

#include <sk/boot.h>
#include <string.h>

enum { WORTH = 8 };                  /* an eighth of a CPU */
enum { IO_MUCH = 4, IO_LITTLE = 8 }; /* a quarter, an eighth */
enum {
	IO_SHARE = 2,
	STEP = 32,
	LEAST = 8,
	DEBT_MOST = 4
}; /* of a cap: a half, a 32nd, an eighth, 4 times */

uint32_t balance_first_cpu(const char *hypervisor, uint32_t n_cpus)
{
	return hypervisor && n_cpus > 1 && !memcmp(hypervisor, "TCGTCGTCGTCG", 12);
}

static uint64_t wish(const struct balance_vcpu *v) { return v->ran + v->waited; }

static uint64_t more(uint64_t a, uint64_t b) { return a > b ? a : b; }

bool balance_pick(const struct balance_vcpu *v, size_t n, uint32_t n_cpus, uint64_t interval,
	size_t *which, uint32_t *to)
{
	uint64_t load[SK_CPU_MAX] = { 0 }, waited[SK_CPU_MAX] = { 0 }, best, then;
	uint32_t busy = 0, idle = 0;
	bool found = false;

	if (n_cpus > SK_CPU_MAX)
		n_cpus = SK_CPU_MAX;
	for (size_t i = 0; i < n; i++) {
		if (v[i].cpu >= n_cpus)
			continue;
		load[v[i].cpu] += wish(&v[i]);
		waited[v[i].cpu] += v[i].waited;
	}
	for (size_t i = 1; i < n_cpus; i++) {
		if (load[i] > load[busy])
			busy = (uint32_t)i;
		if (load[i] < load[idle])
			idle = (uint32_t)i;
	}
	if (interval < WORTH || waited[busy] < interval / WORTH)
		return false; /* nobody would gain */
	best = load[busy] - (load[busy] < interval / WORTH ? load[busy] : interval / WORTH);
	for (size_t i = 0; i < n; i++) {
		then = more(load[busy] - wish(&v[i]), load[idle] + wish(&v[i]));
		if (v[i].cpu != busy || then > best || (found && then == best))
			continue;
		best = then;
		*which = i;
		*to = idle;
		found = true;
	}
	return found;
}

bool balance_io_first(bool before, uint64_t ran, uint64_t others_waited, uint64_t interval)
{
	if (before)
		return ran <= interval / IO_MUCH || others_waited <= interval / WORTH;
	return ran < interval / IO_LITTLE;
}

void balance_cap_init(struct balance_cap *c, uint32_t percent)
{
	c->total_us = (uint64_t)percent * BALANCE_PERIOD_US / 100;
	c->vcpus_us = c->total_us;
	c->debt_us = 0;
}

static uint64_t less(uint64_t a, uint64_t b) { return a < b ? a : b; }

bool balance_cap_look(struct balance_cap *c, uint64_t used_us, uint64_t io_us)
{
	uint64_t taken, want, change;

	if (!c->total_us)
		return false;
	c->debt_us += used_us;
	c->debt_us = c->debt_us > c->total_us ? c->debt_us - c->total_us : 0;
	c->debt_us = less(c->debt_us, DEBT_MOST * c->total_us);
	taken = less(io_us, c->total_us / IO_SHARE) + c->debt_us;
	want = more(c->total_us - less(taken, c->total_us), c->total_us / LEAST);
	change = want > c->vcpus_us ? want - c->vcpus_us : c->vcpus_us - want;
	if (change < c->total_us / STEP && want != c->total_us)
		return false; /* to configure is to begin a new period, with all of its budget */
	c->vcpus_us = want;
	return change != 0;
}

uint64_t balance_cap_vcpu(const struct balance_cap *c, uint32_t n_vcpus)
{
	uint64_t us = c->vcpus_us / n_vcpus;

	if (!c->total_us || us >= BALANCE_PERIOD_US)
		return 0;
	return more(us, 1);
}

uint64_t balance_cap_io(const struct balance_cap *c)
{
	uint64_t us = c->total_us / IO_SHARE;

	if (!c->total_us || us >= BALANCE_PERIOD_US)
		return 0;
	return more(us, 1);
}

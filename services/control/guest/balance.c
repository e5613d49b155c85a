/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.c - where vCPUs run: moving them between CPUs by the time that they ran and waited;
 * I/O threads that take too much
 *
 * The demand of a vCPU is the time that it ran or waited. A move is worth its cost if both the
 * CPU that it leaves and the CPU that takes it have clearly less to do than the first had
 * before. So a vCPU that is alone on its CPU stays, and two equal ones do not change places.
 */
#include "guest/balance.h"

#include <sk/boot.h>
#include <string.h>

/* Shares of a CPU, as divisors. */
enum {
	MIN_GAIN_SHARE = 8, /* a move that gains less is not worth its cost */
	IO_MUCH = 4,        /* an I/O thread that takes more waits its turn */
	IO_LITTLE = 8,      /* until it takes less than this */
};
/* Shares of a cap, as divisors. */
enum {
	IO_SHARE = 2,     /* the I/O thread has at most this */
	MIN_SHARE = 8,    /* vCPUs, with what services do for them, always have this */
	LEAST_SHARE = 64, /* and vCPUs alone have this, whatever services do */
};
enum {
	STEP_SHARE = 32, /* of a budget, which does not change by less */
	/* of what vCPUs may use; services that work less for them work little */
	SERVED_LITTLE = 8,
};
/* Limits of guests that take too much of the host's CPU. */
enum {
	PRESS_SLACK = 8,       /* by so much (as a divisor) it may take more than its share */
	RELAX_SHARE = 4,       /* by so much the limit grows in a second */
	PRESSED_MIN_US = 1000, /* it is not less than a hundredth of a CPU */
};
/* The debt is at most this many caps. */
enum { DEBT_MAX = 4 };

uint32_t balance_first_cpu(const char *hypervisor, uint32_t n_cpus)
{
	return hypervisor && n_cpus > 1 && !memcmp(hypervisor, "TCGTCGTCGTCG", 12);
}

static uint64_t demand(const struct balance_vcpu *v) { return v->ran + v->waited; }

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static bool has(uint64_t cpus, uint32_t cpu) { return cpus >> cpu & 1; }

/* What the busier one of the two CPUs has less to do after the move. */
static uint64_t gain(const uint64_t *load, const struct balance_vcpu *v, uint32_t to)
{
	uint64_t after = max_u64(load[v->cpu] - demand(v), load[to] + demand(v));

	return after < load[v->cpu] ? load[v->cpu] - after : 0;
}

/* What a move to this CPU is worth; 0: nothing. */
static uint64_t worth(const uint64_t *load, const uint64_t *waited,
	const struct balance_vcpu *v, uint32_t to, uint64_t interval)
{
	const uint64_t least = interval / MIN_GAIN_SHARE, gains = gain(load, v, to);

	if (to == v->cpu || !has(v->allowed, to))
		return 0;
	if (waited[v->cpu] >= least && gains >= least)
		return has(v->preferred, to) ? gains + interval : gains;
	/* It goes back to where it should be, if nobody waits then. */
	return has(v->preferred, to) && !has(v->preferred, v->cpu) &&
	       load[to] + demand(v) + least <= interval;
}

bool balance_pick(const struct balance_vcpu *v, size_t n, uint32_t n_cpus, uint64_t interval,
	size_t *which, uint32_t *to)
{
	uint64_t load[SK_CPU_MAX] = { 0 }, waited[SK_CPU_MAX] = { 0 }, best = 0, w;

	if (n_cpus > SK_CPU_MAX)
		n_cpus = SK_CPU_MAX;
	for (size_t i = 0; i < n; i++) {
		if (v[i].cpu >= n_cpus)
			continue;
		load[v[i].cpu] += demand(&v[i]);
		waited[v[i].cpu] += v[i].waited;
	}
	for (size_t i = 0; interval >= MIN_GAIN_SHARE && i < n; i++) {
		for (uint32_t cpu = 0; v[i].cpu < n_cpus && cpu < n_cpus; cpu++) {
			w = worth(load, waited, &v[i], cpu, interval);
			if (w <= best)
				continue;
			best = w;
			*which = i;
			*to = cpu;
		}
	}
	return best != 0;
}

bool balance_wanted(uint64_t others_waited, uint64_t interval)
{
	return others_waited > interval / MIN_GAIN_SHARE;
}

bool balance_io_first(bool before, uint64_t ran, uint64_t others_waited, uint64_t interval)
{
	if (before)
		return ran <= interval / IO_MUCH || !balance_wanted(others_waited, interval);
	return ran < interval / IO_LITTLE;
}

static void total_set(struct balance_cap *c)
{
	c->total_us = c->own_us;
	if (c->pressed_us && (!c->own_us || c->pressed_us < c->own_us))
		c->total_us = c->pressed_us;
}

/* The debt was one to the old cap. */
void balance_cap_set(struct balance_cap *c, uint32_t percent)
{
	c->own_us = (uint64_t)percent * BALANCE_PERIOD_US / 100;
	total_set(c);
	c->vcpus_us = c->total_us;
	c->debt_us = 0;
}

void balance_cap_init(struct balance_cap *c, uint32_t percent)
{
	c->pressed_us = 0;
	balance_cap_set(c, percent);
}

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/*
 * What vCPUs may run, if they and the services that work for them may use `both`. A service
 * that did little may have worked without them (frames came in), and leaves the rest to them.
 * If it did much, it is taken to do as much again for the same time of the vCPUs.
 */
static uint64_t vcpus_alone(
	const struct balance_cap *c, const struct balance_use *u, uint64_t both)
{
	if (u->served_us <= both / SERVED_LITTLE)
		return both - u->served_us;
	return max_u64(
		both * u->vcpus_us / (u->vcpus_us + u->served_us), c->total_us / LEAST_SHARE);
}

static uint64_t use_all(const struct balance_use *u)
{
	return u->vcpus_us + u->io_us + u->served_us;
}

/* The limit of the next second; 0: none. */
static uint64_t press_limit(
	const struct balance_cap *c, const struct balance_use *u, uint64_t share_us)
{
	uint64_t limit = c->pressed_us;

	if (u->served_us - u->served_us / PRESS_SLACK > share_us)
		return max_u64(use_all(u) * share_us / u->served_us, PRESSED_MIN_US);
	limit += share_us == UINT64_MAX ? limit : limit / RELAX_SHARE;
	return limit > 2 * use_all(u) + PRESSED_MIN_US ? 0 : limit;
}

void balance_cap_press(struct balance_cap *c, const struct balance_use *u, uint64_t share_us)
{
	c->pressed_us = press_limit(c, u, share_us);
	total_set(c);
}

void balance_claims(struct balance_claim *c, size_t n, uint64_t interval)
{
	uint64_t left = interval, weights = 0, satisfied;

	for (size_t i = 0; i < n; i++) {
		c[i].content = false;
		weights += c[i].weight;
	}
	do {
		satisfied = 0;
		for (size_t i = 0; i < n; i++) {
			if (c[i].content || c[i].want > left * c[i].weight / weights)
				continue;
			c[i].share = left * c[i].weight / weights;
			c[i].content = true;
			left -= c[i].want;
			weights -= c[i].weight;
			satisfied++;
		}
	} while (satisfied && weights);
	for (size_t i = 0; weights && i < n; i++)
		if (!c[i].content)
			c[i].share = left * c[i].weight / weights;
}

bool balance_cap_update(struct balance_cap *c, const struct balance_use *u)
{
	uint64_t taken, want, change;

	if (!c->total_us) {
		change = c->vcpus_us;
		c->vcpus_us = 0;
		return change != 0;
	}
	c->debt_us += use_all(u);
	c->debt_us = c->debt_us > c->own_us ? c->debt_us - c->own_us : 0;
	c->debt_us = min_u64(c->debt_us, DEBT_MAX * c->own_us);
	taken = min_u64(u->io_us, c->total_us / IO_SHARE) + c->debt_us;
	want = max_u64(c->total_us - min_u64(taken, c->total_us), c->total_us / MIN_SHARE);
	want = vcpus_alone(c, u, want);
	change = want > c->vcpus_us ? want - c->vcpus_us : c->vcpus_us - want;
	if (change < c->vcpus_us / STEP_SHARE && want != c->total_us)
		return false; /* configuring begins a new period, with all of its budget */
	c->vcpus_us = want;
	return change != 0;
}

uint64_t balance_cap_vcpu(const struct balance_cap *c, uint32_t n_vcpus)
{
	uint64_t us = c->vcpus_us / n_vcpus;

	if (!c->total_us || us >= BALANCE_PERIOD_US)
		return 0;
	return max_u64(us, 1);
}

uint64_t balance_cap_io(const struct balance_cap *c)
{
	uint64_t us = c->total_us / IO_SHARE;

	if (!c->total_us || us >= BALANCE_PERIOD_US)
		return 0;
	return max_u64(us, 1);
}

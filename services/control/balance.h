/*
 * balance.h - which vCPU should go to another CPU
 */
#ifndef CONTROL_BALANCE_H
#define CONTROL_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A vCPU since the last look: TSC ticks that it ran, and that it could have run. */
struct balance_vcpu {
	uint32_t cpu;
	uint64_t ran, waited;
};

/*
 * interval: ticks since the last look. True: v[*which] should go to CPU *to, which takes at least an eighth of a CPU
 * off the one that has most to do. One move a look: the next look sees what it did.
 */
bool balance_pick(const struct balance_vcpu *v, size_t n, uint32_t n_cpus, uint64_t interval,
	size_t *which, uint32_t *to);

#endif

/*
 * balance.h - which CPUs guests have, which vCPU should go to another one, whose I/O goes first, how a cap is shared
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
 * The first of n_cpus CPUs that may be in guest mode; those below it are the host domains' own. `hypervisor`: what CPUID
 * leaf 0x40000000 has in EBX, ECX and EDX, 12 bytes; NULL on bare metal.
 *
 * All but QEMU's TCG: 0. Two faults of that emulator, seen in 7.2, can end a guest or the whole machine when each of
 * its CPUs has a thread: FXRSTOR and XRSTOR on any CPU write the word with CPU 0's GIF and nested paging flags without
 * a lock (also in 10.0), and code that one CPU changes while another translates it stays as it was (before 8.1). CPU 0
 * without guests does not have the first; a guest on one CPU, which it is when there are two, not the second.
 */
uint32_t balance_first_cpu(const char *hypervisor, uint32_t n_cpus);

/*
 * interval: ticks since the last look. True: v[*which] should go to CPU *to, which takes at least an eighth of a CPU
 * off the one that has most to do. One move a look: the next look sees what it did.
 */
bool balance_pick(const struct balance_vcpu *v, size_t n, uint32_t n_cpus, uint64_t interval,
	size_t *which, uint32_t *to);

/*
 * May the I/O thread of a VMM still go before vCPUs, which it did (`before`), or has it to take its turn among them? It
 * ran that long; vCPUs of other guests on its CPU waited that long. False for one that takes more than a quarter of a
 * CPU that others want, until it takes less than an eighth.
 */
bool balance_io_first(bool before, uint64_t ran, uint64_t others_waited, uint64_t interval);

/*
 * A cap binds what a guest's vCPUs and the I/O thread of its VMM run together. The kernel has budgets for single threads
 * (so much of each period), so the sum is kept by what the look sees each second: the I/O thread has half of the cap at
 * most, the vCPUs what it left of it the second before, and what all of them ran beyond the cap is taken off the next
 * seconds. So in the long run the sum is the cap, and in one second it is at most half as much again.
 */
enum { BALANCE_PERIOD_US = 100000 };
struct balance_cap {
	uint64_t total_us; /* of a period, for all threads; 0: there is no cap */
	uint64_t vcpus_us; /* of that, for all vCPUs, as they are configured */
	uint64_t debt_us;  /* ran beyond it, per period of a second */
};
/* percent of one CPU; 0: none. */
void balance_cap_init(struct balance_cap *c, uint32_t percent);
/* The last second, per period: what all threads ran, and the I/O thread. True: the vCPUs are to be configured anew. */
bool balance_cap_look(struct balance_cap *c, uint64_t used_us, uint64_t io_us);
/* Budgets of one of n vCPUs, and of the I/O thread; 0: no limit. */
uint64_t balance_cap_vcpu(const struct balance_cap *c, uint32_t n_vcpus);
uint64_t balance_cap_io(const struct balance_cap *c);

#endif

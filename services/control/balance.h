/*
 * balance.h - which CPUs guests have, which vCPU should go to another one, whose I/O goes first
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

#endif

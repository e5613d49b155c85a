/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.h - which CPUs guests have, which vCPU should move to another one, whose I/O goes
 * first, how a cap is shared
 */
#ifndef CONTROL_BALANCE_H
#define CONTROL_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A vCPU since the last balance: TSC ticks that it ran, and that it waited although it could
 * have run.
 */
struct balance_vcpu {
	uint32_t cpu;
	uint64_t ran, waited;
	/* The CPUs that it may run on, and those of them on which it should, as bits. */
	uint64_t allowed, preferred;
};

/*
 * The first of n_cpus CPUs that may be in guest mode; the CPUs below it belong to the host's
 * own domains. `hypervisor`: the 12 bytes of EBX, ECX and EDX of CPUID leaf 0x40000000; NULL on
 * bare metal.
 *
 * The result is 0 everywhere except in QEMU's TCG. Two faults of that emulator, seen in 7.2,
 * can end a guest or the whole machine when each of its CPUs has a thread. First, FXRSTOR and
 * XRSTOR on any CPU write the word with CPU 0's GIF and nested paging flags without a lock
 * (also in 10.0). Second, if one CPU changes code while another one translates it, the old code
 * stays in use (before 8.1). CPU 0 without guests avoids the first fault. Guests on one CPU
 * only, as on a machine with two CPUs, avoid the second.
 */
uint32_t balance_first_cpu(const char *hypervisor, uint32_t n_cpus);

/*
 * interval: ticks since the last balance. True: v[*which] should move to CPU *to, for one of
 * two reasons. It takes at least an eighth of a CPU off a CPU where vCPUs wait; CPUs on which
 * the vCPU should run go before others. Or one of these has room for a vCPU that is elsewhere.
 * There is one move per balance, and the next balance sees its effect.
 */
bool balance_pick(const struct balance_vcpu *v, size_t n, uint32_t n_cpus, uint64_t interval,
	size_t *which, uint32_t *to);

/*
 * Does the I/O thread of a VMM go before vCPUs, or take its turn among them? before: the answer
 * last time. ran: how long the thread ran. others_waited: how long vCPUs of other guests waited
 * on its CPU. False for a thread that takes more than a quarter of a CPU that others want,
 * until it takes less than an eighth.
 */
bool balance_io_first(bool before, uint64_t ran, uint64_t others_waited, uint64_t interval);

/*
 * A cap limits the time that a guest's vCPUs and the I/O thread of its VMM run, and that
 * services work for the guest, together. The kernel has budgets only for single threads (an
 * amount of time per period), so the sum is kept by measuring once a second. The I/O thread has
 * at most half of the cap. The vCPUs have what the I/O thread left of the cap in the second
 * before, and less than that if services work much for the guest: what they do is taken to
 * grow with what the vCPUs do. All time beyond the cap is taken off the next seconds. So in the
 * long run the sum is the cap. In one second it is at most half as much again, and whatever
 * services did for the guest.
 */
enum { BALANCE_PERIOD_US = 100000 };
struct balance_cap {
	uint64_t own_us;     /* of a period, for all threads, as configured; 0: no cap */
	uint64_t pressed_us; /* the same, by balance_cap_press(); 0: no limit */
	uint64_t total_us;   /* the smaller one */
	uint64_t vcpus_us;   /* of these, for all vCPUs, as they are configured */
	/* time beyond the cap that is still to be taken off, per period of one second */
	uint64_t debt_us;
};
/* percent: of one CPU; 0: no cap. */
void balance_cap_init(struct balance_cap *c, uint32_t percent);
/* Another cap for a guest that runs. The vCPUs must be configured again. */
void balance_cap_set(struct balance_cap *c, uint32_t percent);
/* What a guest used in the last second, per period: vCPUs, I/O thread, services for it. */
struct balance_use {
	uint64_t vcpus_us, io_us, served_us;
};
/*
 * Guests on other CPUs take time of the host's CPU by what services do for them there. If
 * others want that time, a guest for which services work longer than its share is limited, as
 * by a cap, to that part of what it used that leaves its share. The limit grows while they work
 * less, and goes when it does not bind.
 *
 * share_us: how long services may work for it, per period; UINT64_MAX: nobody else wants the
 * time.
 */
void balance_cap_press(struct balance_cap *c, const struct balance_use *u, uint64_t share_us);
/* True: the vCPUs must be configured again. */
bool balance_cap_update(struct balance_cap *c, const struct balance_use *u);
/* Do vCPUs of others wait for a CPU so long that it matters who takes it? */
bool balance_wanted(uint64_t others_waited, uint64_t interval);
/* What guests want of one CPU, and what each may take: ticks of an interval. */
struct balance_claim {
	uint32_t weight;
	uint64_t want;
	/* set by balance_claims() */
	uint64_t share;
	bool content; /* it gets what it wants */
};
/* Who wants less than his share by weight leaves the rest to the others. */
void balance_claims(struct balance_claim *c, size_t n, uint64_t interval);

/* Budgets of one of n vCPUs, and of the I/O thread; 0: no limit. */
uint64_t balance_cap_vcpu(const struct balance_cap *c, uint32_t n_vcpus);
uint64_t balance_cap_io(const struct balance_cap *c);

#endif

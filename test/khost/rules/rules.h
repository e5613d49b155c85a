/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.h - examples of what each system call must do, on a machine of four CPUs, each with the
 * first thread of one domain
 *
 * Domain i's first thread runs on CPU i, at priority 10; its second thread is suspended. After
 * each example the walker and the TLB model check everything.
 */
#ifndef KHOST_RULES_H
#define KHOST_RULES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* fake.h has one, too */

#include "fake.h"
#include "thread.h"
#include "world.h"

/* The result of a call that waits or is in a guest. */
#define BLOCKED 1l
/*
 * Make a call of domain d's first thread to its end, on the CPU that it runs on; other CPUs
 * take their interrupts.
 */
#define SYS(d, name, ...) \
	sys(domains[d].thread[0], SK_SYS_##name, (const uint64_t[6]){ __VA_ARGS__ })
/* The same for its second thread. */
#define SYS2(d, name, ...) \
	sys(domains[d].thread[1], SK_SYS_##name, (const uint64_t[6]){ __VA_ARGS__ })
long sys(struct thread *t, unsigned int nr, const uint64_t arg[6]);
/* One entry of that call; sys() repeats it as often as needed. False: it must be made again. */
bool sys_once(struct thread *t, unsigned int nr, const uint64_t arg[6]);
/* The result of a call that was BLOCKED, or that another call ended. */
long result(const struct thread *t);
struct sk_regs *regs(unsigned int d);
struct sk_utcb *utcb(const struct thread *t);
struct slot *slot_in(unsigned int d, unsigned int index);
void *object_of(unsigned int d, unsigned int index);

/* Let all CPUs take the interrupts that were sent. */
void kicks(void);
/* Set the time to `when`, and fire the timers that are due. */
void time_is(sk_time_t when);
/* Make domain d's second thread run, or wait its turn, on this CPU with this priority. */
void second_runs(unsigned int d, unsigned int cpu, unsigned int priority);
void prefer(unsigned int d, unsigned int k, unsigned int cpu, unsigned int priority);
/* Make the thread of this CPU fault; make the guest of this CPU exit. */
void fault(unsigned int cpu, uint64_t vector, uint64_t error, uint64_t addr);
void guest_exit(unsigned int cpu, long reason);
bool always(void);

int world_fresh(void **state);
int world_check(void **state);

#define RULE(f) cmocka_unit_test_setup_teardown(f, world_fresh, world_check)
int rules_caps(void);
int rules_objects(void);
int rules_memory(void);
int rules_ipc(void);
int rules_sched(void);
int rules_vcpu(void);

#endif

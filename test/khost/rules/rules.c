/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.c - the machine for the examples, and main()
 */
#include "rules.h"
#include "check.h"
#include "ipc.h"
#include "sched.h"
#include "vcpu.h"

enum { CALL_RIP = 0x2002, TRIES_MAX = 2000 };

/* --- entries into the kernel -------------------------------------------------------------- */

static struct {
	uint64_t vector, error, addr;
	long reason;
} entry;

static void enter_syscall(void *t) { core_syscall(t); }
static void enter_kick(void *unused_arg)
{
	(void)unused_arg;
	this_cpu()->resched = true;
}
static void enter_timer(void *unused_arg)
{
	(void)unused_arg;
	this_cpu()->timer_armed = SK_NO_DEADLINE;
	core_timer();
}
static void enter_fault(void *t) { core_fault(t, entry.vector, entry.error, entry.addr); }
static void enter_exit(void *arg)
{
	struct thread *t = arg;

	core_vcpu_exit(t->vcpu, t, entry.reason);
}

static void enter(unsigned int cpu, void (*fn)(void *), void *arg)
{
	use_cpu(cpu);
	cpus[cpu]->nested = NULL; /* an entry ends guest mode */
	cpu_enter(fn, arg);
}

/* Repeats, because a CPU that took an interrupt may send one to another. */
void kicks(void)
{
	for (unsigned int i = 0; i < 2 * n_cpus; i++)
		if (cpu_kicked[i % n_cpus]) {
			cpu_kicked[i % n_cpus] = false;
			enter(i % n_cpus, enter_kick, NULL);
		}
}

void time_is(sk_time_t when)
{
	unsigned int fired = 0;

	fake_now = when;
	for (unsigned int i = 0; i < n_cpus; i++)
		while (cpus[i]->timer_armed <= fake_now) {
			assert_true(++fired < TRIES_MAX);
			enter(i, enter_timer, NULL);
		}
	kicks();
}

static bool waits(const struct thread *t) { return t->wait_obj || t->vcpu; }

long result(const struct thread *t) { return waits(t) ? BLOCKED : (long)t->regs.r.rax; }

bool sys_once(struct thread *t, unsigned int nr, const uint64_t arg[6])
{
	struct cpu *c = t->on;

	assert_non_null(c);
	assert_ptr_equal(c->current, t);
	if (call_restarts(t)) /* the same instruction again */
		t->regs.r.rip = CALL_RIP;
	else
		call_set(t, nr, arg);
	enter(c->id, enter_syscall, t);
	return !call_restarts(t);
}

long sys(struct thread *t, unsigned int nr, const uint64_t arg[6])
{
	unsigned int tries = 0;

	t->regs.r.rip = CALL_RIP;
	while (!sys_once(t, nr, arg) && t->on) {
		kicks();
		assert_true(++tries < TRIES_MAX);
	}
	kicks();
	return result(t);
}

void fault(unsigned int cpu, uint64_t vector, uint64_t error, uint64_t addr)
{
	entry.vector = vector;
	entry.error = error;
	entry.addr = addr;
	enter(cpu, enter_fault, cpus[cpu]->current);
	kicks();
}

void guest_exit(unsigned int cpu, long reason)
{
	assert_int_equal(cpu_place[cpu], CPU_GUEST);
	entry.reason = reason;
	enter(cpu, enter_exit, cpus[cpu]->current);
	kicks();
}

bool always(void) { return true; }

/* --- the world ---------------------------------------------------------------------------- */

struct sk_regs *regs(unsigned int d) { return &domains[d].thread[0]->regs.r; }
struct sk_utcb *utcb(const struct thread *t)
{
	return user_memory(virt_to_phys(thread_utcb((struct thread *)(uintptr_t)t)));
}
struct slot *slot_in(unsigned int d, unsigned int index)
{
	return &domains[d].cnode->slots[index];
}
void *object_of(unsigned int d, unsigned int index) { return slot_in(d, index)->obj; }

void prefer(unsigned int d, unsigned int k, unsigned int cpu, unsigned int priority)
{
	assert_int_equal(SYS(d, SCHED_CONFIGURE, AT_CTL_SCHED, k ? AT_SCHED2 : AT_SCHED,
				 cpu | (priority | SK_SCHED_GUESTS) << 16, 256),
		0);
}

void second_runs(unsigned int d, unsigned int cpu, unsigned int priority)
{
	prefer(d, 1, cpu, priority);
	assert_int_equal(SYS(d, THREAD_RESUME, AT_THREAD2), 0);
}

int world_fresh(void **state)
{
	static bool ready;

	(void)state;
	if (!ready) {
		fake_init();
		state_save();
		ready = true;
	}
	state_restore();
	fake_preempt = NULL;
	fake_quiesce = NULL;
	world_make(FAKE_CPUS);
	for (unsigned int i = 0; i < DOMAINS; i++)
		assert_int_equal(call_whole(domains[i].thread[0], SK_SYS_THREAD_SUSPEND,
					 AT_THREAD2, 0, 0, 0, 0, 0),
			0);
	for (unsigned int i = 0; i < n_cpus; i++)
		enter(i, enter_kick, NULL);
	memset(cpu_kicked, 0, sizeof(cpu_kicked));
	for (unsigned int i = 0; i < n_cpus; i++) {
		assert_ptr_equal(cpus[i]->current, domains[i].thread[0]);
		utcb(domains[i].thread[0])->deadline = SK_POLL;
	}
	fake_did = (struct fake_did){ 0 };
	return 0;
}

int world_check(void **state)
{
	(void)state;
	use_cpu(0);
	tlb_check();
	check_all(CHECK_STANDS_STILL);
	return 0;
}

int main(void)
{
	return rules_caps() + rules_objects() + rules_memory() + rules_ipc() + rules_sched() +
	       rules_vcpu();
}

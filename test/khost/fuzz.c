/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.c - random system calls by several domains on one to four CPUs, with the walker and the
 * TLB model after each
 *
 * Half of the runs compare each call with the model, which knows calls as single steps; in the
 * other half calls are preempted and meet half done.
 *
 * Usage: khost_fuzz FIRST_SEED N STEPS [trace]; as a libFuzzer target it takes its decisions
 * from the bytes instead of the seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "check.h"
#include "choice.h"
#include "fake.h"
#include "model.h"
#include "sched.h"
#include "vcpu.h"
#include "world.h"

enum {
	STEPS_PER_RUN = 600,
	IDLE_MAX = 50,
	RUNS = 300,
	HANG_SECONDS = 20,
	TRIES_MAX = 1000,
	WALK_EVERY = 4
};

static bool tracing;
static uint64_t step;
static struct {
	struct thread *t;
	uint64_t vector;
} entry;

/* --- calls that were preempted ------------------------------------------------------------ */

/*
 * Threads whose call must be made again; a thread that is stopped for good before that leaves
 * its work undone.
 */
STATE static struct thread *unfinished[16];
STATE static bool given_up; /* a call found its arguments gone when it was made again */

static void unfinished_set(struct thread *t, bool restarts)
{
	struct thread **free = NULL;

	for (unsigned int i = 0; i < ARRAY_SIZE(unfinished); i++) {
		if (unfinished[i] == t)
			unfinished[i] = NULL;
		if (!unfinished[i])
			free = &unfinished[i];
	}
	if (restarts && free)
		*free = t;
}

static bool unfinished_has(const struct thread *t)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(unfinished); i++)
		if (unfinished[i] == t)
			return true;
	return false;
}

static bool any_unfinished(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(unfinished); i++)
		if (unfinished[i])
			return true;
	return false;
}

/* --- one step: an entry into the kernel of one CPU ---------------------------------------- */

static void enter_syscall(void *t) { core_syscall(t); }

/*
 * A call of t, to the end of its entry into the kernel: not each returns from core_syscall().
 */
static void call_enter(struct thread *t)
{
	bool again = unfinished_has(t);

	cpu_enter(enter_syscall, t);
	given_up |= again && !call_restarts(t) && (long)t->regs.r.rax < 0;
	unfinished_set(t, call_restarts(t));
	if (tracing)
		printf("      = %ld%s\n", (long)t->regs.r.rax,
			call_restarts(t) ? " (preempted)" : "");
}
static void enter_timer(void *arg)
{
	(void)arg;
	this_cpu()->timer_armed = SK_NO_DEADLINE;
	core_timer();
}
static void enter_kick(void *arg)
{
	(void)arg;
	this_cpu()->resched = true;
}
static void enter_fault(void *arg) { core_fault(arg, entry.vector, 0, 0x1234000); }
static void enter_exit(void *arg)
{
	struct thread *t = arg;
	struct vcpu *v = t->vcpu;

	if (v)
		core_vcpu_exit(v, t, SK_EXIT_CPUID);
}

static void no_end(int signal)
{
	(void)signal;
	fail("a system call does not end");
}

static bool preempt_sometimes(void) { return choose(3) == 0; }

static void trace(const char *what, const struct call *c)
{
	if (!tracing)
		return;
	printf("%5lu cpu %u %p %s", step, this_cpu()->id, (void *)this_cpu()->current, what);
	for (unsigned int i = 0; c && i < 6; i++)
		printf(" %lx", c->arg[i]);
	printf("\n");
	fflush(stdout);
}

/*
 * Make a call to its end. Work that it waits for on other CPUs is done at once, because for the
 * model a call is one step.
 */
static void call_to_its_end(struct thread *t, const struct call *c)
{
	unsigned int cpu = this_cpu()->id; /* read now, because the call may change it */

	call_enter(t);
	for (unsigned int tries = 0; any_unfinished(); tries++) {
		for (unsigned int i = 0; i < n_cpus; i++) {
			use_cpu(i);
			cpus[i]->nested = NULL;
			if (cpu_kicked[i])
				cpu_enter(enter_kick, NULL);
			cpu_kicked[i] = false;
		}
		use_cpu(cpu);
		if (cpus[cpu]->current != t) { /* it continues later, between other calls */
			model.on = false;
			return;
		}
		if (tries == TRIES_MAX)
			fail("a call is restarted for ever");
		t->regs.r.rip += 2;
		call_enter(t);
	}
	model_call(t, c);
}

static void step_syscall(struct thread *t)
{
	bool safe = t == domains[0].thread[0];
	struct call c;

	if (call_restarts(t)) {
		trace("again", NULL);
		t->regs.r.rip += 2;
	} else {
		c = call_choose(t, safe, any_unfinished());
		call_set(t, c.nr, c.arg);
		trace(call_name(c.nr), &c);
	}
	if (model.on) {
		model_begin(t);
		call_to_its_end(t, &c);
		return;
	}
	fake_preempt = preempt_sometimes;
	call_enter(t);
	fake_preempt = NULL;
}

/* False if the CPU has nothing to do. */
static bool step_cpu(unsigned int cpu)
{
	struct thread *t;

	use_cpu(cpu);
	t = cpus[cpu]->current;
	cpus[cpu]->nested = NULL; /* an entry ends guest mode */
	if (cpu_kicked[cpu]) {
		cpu_kicked[cpu] = false;
		trace("kick", NULL);
		cpu_enter(enter_kick, NULL);
	} else if (cpus[cpu]->timer_armed <= fake_now && choose(3)) {
		trace("timer", NULL);
		cpu_enter(enter_timer, NULL);
		if (model.on)
			model_timer();
	} else if (cpu_place[cpu] == CPU_IDLE) {
		return false;
	} else if (cpu_place[cpu] == CPU_GUEST) {
		trace("exit", NULL);
		cpu_enter(enter_exit, t);
	} else if (choose(40) == 0 && t != domains[0].thread[0] && !call_restarts(t)) {
		entry.vector = 14;
		trace("fault", NULL);
		cpu_enter(enter_fault, t);
		if (model.on)
			model_fault(t);
	} else {
		step_syscall(t);
	}
	return true;
}

/* --- runs --------------------------------------------------------------------------------- */

static void checks(void)
{
	use_cpu(0);
	tlb_check();
	if (step % WALK_EVERY == 0)
		check_all(given_up || any_unfinished() ? CHECK_CALLS_HALF_DONE
						       : CHECK_STANDS_STILL);
	if (!model.on)
		return;
	model_observe();
	model_compare();
}

/* Machines with and without an IOMMU, with its limits, by the number of their CPUs. */
static const struct io_limits iommus[FAKE_CPUS + 1] = {
	[2] = { .levels = 3, .leaf_level = 2, .end = 1ull << 39 },
	[3] = { .levels = 4, .leaf_level = 3, .end = 1ull << 47, .amd = true },
	[4] = { .levels = 3, .leaf_level = 3, .end = 1ull << 39 },
};

static void run(unsigned int steps)
{
	unsigned int idle = 0, n = 1 + (unsigned int)choose(FAKE_CPUS);

	io_limits = iommus[n];
	world_make(n);
	for (unsigned int i = 0; i < n_cpus; i++) {
		use_cpu(i);
		cpu_enter(enter_kick, NULL);
	}
	if (choose(2))
		model_import(domains[0].cnode);
	for (step = 0; step < steps && idle < IDLE_MAX && !choices_end(); step++) {
		alarm(HANG_SECONDS);
		fake_now += choose(400);
		idle = step_cpu((unsigned int)choose(n_cpus)) ? 0 : idle + 1;
		checks();
	}
}

static void prepare(void)
{
	static bool ready;

	if (!ready) {
		signal(SIGALRM, no_end);
		fake_init();
		state_save();
		ready = true;
	}
	state_restore();
}

#ifdef FUZZING
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	choose_from_bytes(data, size);
	prepare();
	run(STEPS_PER_RUN);
	return 0;
}
#else
static uint64_t seed;

static void say_where(const char *what)
{
	(void)what;
	printf("seed %lu, step %lu:\n", seed, step);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 0) : RUNS, total = 0;
	unsigned int steps = argc > 3 ? (unsigned int)atoi(argv[3]) : STEPS_PER_RUN;

	tracing = argc > 4 && !strcmp(argv[4], "trace");
	fail_hook = say_where;
	for (seed = first; seed < first + n; seed++) {
		choose_from_seed(seed);
		prepare();
		run(steps);
		total += step;
	}
	printf("%lu runs, %lu steps\n[  PASSED  ] 1 test(s).\n", n, total);
	return 0;
}
#endif

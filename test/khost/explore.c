/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore.c - every order in which two or three CPUs can run, up to a number of preemptions
 *
 * A run is repeated from the same state with a list of preemptions ("at point 17 go on with CPU
 * 1"). A point is an access to memory that more than one CPU uses and one of them writes. Each
 * run gives rise to runs with one more preemption, later than its last, up to the bound. Where
 * a CPU cannot go on, another one does, and this does not count as a preemption.
 *
 * Usage: khost_explore BOUND [SCENARIO]
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "explore.h"
#include "fake.h"

enum {
	STACK_SIZE = 256 << 10,
	POINTS_MAX = 1 << 14,
	LIST_MAX = 12,
	PASSES_MAX = 16,
	ADDRESSES = 1 << 16,
	STEPS_MAX = 200000
};
enum { DISTINCT_MAX = 8 };

/* --- virtual CPUs ------------------------------------------------------------------------- */

static struct vcpu_thread {
	void *sp; /* stack pointer where it stopped */
	char *stack;
	bool paused;  /* goes on only after news, */
	bool yielded; /* or when no other CPU can go on */
	bool waiting; /* outside the kernel: goes on only when there is work */
	bool news;
	const void *at; /* its last point */
} vt[FAKE_CPUS];
static void *main_sp;
static unsigned int now_on;
static bool exploring;
static jmp_buf failed;
static char failure[512];

/* Save the callee-saved registers on this stack, and continue on another stack. */
void stack_change(void **save, void *to);
__asm__(".text\n.globl stack_change\nstack_change:\n"
	"push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsp, (%rdi); mov %rsi, %rsp\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret\n");

static void vt_prepare(unsigned int i)
{
	void **sp = (void **)(vt[i].stack + STACK_SIZE - 64);

	*--sp = NULL; /* cpu_run() does not return */
	*--sp = (void *)cpu_run;
	for (int n = 0; n < 6; n++)
		*--sp = NULL;
	vt[i] = (struct vcpu_thread){ .sp = sp, .stack = vt[i].stack };
}

static bool on_a_stack(const void *p)
{
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		if ((const char *)p >= vt[i].stack &&
			(const char *)p < vt[i].stack + STACK_SIZE)
			return true;
	return false;
}

/* --- what CPUs share ---------------------------------------------------------------------- */

/*
 * Which CPUs have read and written which 8 bytes; `point` is frozen during a pass, so that its
 * points stay the same.
 */
static struct address {
	uint64_t at;           /* 0: free */
	uint8_t read, written; /* one bit per CPU */
	bool point;
} addresses[ADDRESSES];
static bool set_grew;

static struct address *address_of(uint64_t at)
{
	uint64_t h = (at * 0x9e3779b97f4a7c15ull >> 40) % ADDRESSES;

	while (addresses[h].at && addresses[h].at != at)
		h = (h + 1) % ADDRESSES;
	addresses[h].at = at;
	return &addresses[h];
}

/* True if the access is a point of this pass. */
static bool address_note(uint64_t at, bool write)
{
	struct address *a = address_of(at);
	uint8_t bit = (uint8_t)(1u << now_on);

	a->read |= bit;
	if (write)
		a->written |= bit;
	if (!a->point && a->written && __builtin_popcount(a->read | a->written) > 1)
		set_grew = true;
	return a->point;
}

static void points_freeze(void)
{
	for (unsigned int i = 0; i < ADDRESSES; i++)
		addresses[i].point = addresses[i].written &&
				     __builtin_popcount(
					     addresses[i].read | addresses[i].written) > 1;
	set_grew = false;
}

/* --- one run ------------------------------------------------------------------------------ */

/* The access that a CPU is about to make at this point; size 0: it is about to make none. */
struct access {
	uint64_t at;
	size_t size;
	bool write;
};
static struct access access_now;

static bool accesses_conflict(const struct access *a, const struct access *b)
{
	return (a->write || b->write) && a->size && b->size &&
	       (a->at & ~7ull) < b->at + b->size && (b->at & ~7ull) < a->at + a->size;
}

struct choice_made {
	uint32_t point;
	uint8_t cpu;
};
static struct choice_made list[LIST_MAX];
static unsigned int n_list, next_choice;
static struct alternative {
	const void *pc;
	uint8_t others; /* CPUs that could have gone on instead */
	bool free;      /* the CPU could not go on itself */
} points[POINTS_MAX];
static unsigned int n_points, steps;
static const void *choice_pc[LIST_MAX];

/* What came of each preemption of the list. */
static struct preemption {
	struct access access; /* which the CPU was about to make */
	uint8_t cpu;          /* which did not go on */
	bool away;
	/*
	 * another CPU's access meanwhile conflicts with it, or the CPU does more than access
	 * memory
	 */
	bool matters;
	unsigned int back; /* the point at which the CPU went on */
} preemptions[LIST_MAX];
static struct preemption *back_from[FAKE_CPUS]; /* until the CPU's next point */

static void preemptions_note(const struct access *a)
{
	for (unsigned int k = 0; k < next_choice; k++)
		if (preemptions[k].away && preemptions[k].cpu != now_on)
			preemptions[k].matters |= accesses_conflict(&preemptions[k].access, a);
}

void explore_machine(void)
{
	if (back_from[now_on])
		back_from[now_on]->matters = true;
}

static bool can_go_on(unsigned int i)
{
	if (vt[i].waiting)
		return cpu_has_work(i);
	return !vt[i].paused || vt[i].news;
}

static uint8_t who_can(void)
{
	uint8_t mask = 0;

	for (unsigned int i = 0; i < n_cpus; i++)
		if (can_go_on(i))
			mask |= (uint8_t)(1u << i);
	return mask;
}

static bool who_else_can(void) { return who_can() & ~(1u << now_on); }

static void go_to(unsigned int i)
{
	unsigned int was = now_on;

	if (i == was)
		return;
	now_on = i;
	use_cpu(i);
	vt[i].paused = vt[i].waiting = false;
	stack_change(&vt[was].sp, vt[i].sp);
}

/* Go on with another CPU, although this one could. */
static void preempt(unsigned int to, struct preemption *p)
{
	*p = (struct preemption){ .access = access_now,
		.cpu = (uint8_t)now_on,
		.away = true,
		.matters = !access_now.size };
	go_to(to);
	p->away = false;
	p->back = n_points - 1;
	back_from[p->cpu] = p;
}

static void run_ends(void) { stack_change(&vt[now_on].sp, main_sp); }

/* A point: another CPU goes on if the list says so. `free`: this one cannot go on. */
static void point(bool free, const void *pc)
{
	uint8_t others = who_can() & (uint8_t) ~(1u << now_on);
	unsigned int n = n_points++, to;

	if (n >= POINTS_MAX)
		fail("too many points in one run");
	points[n].others = others;
	points[n].free = free;
	points[n].pc = pc;
	vt[now_on].at = pc;
	back_from[now_on] = NULL;
	if (next_choice < n_list && list[next_choice].point == n) {
		to = list[next_choice].cpu;
		choice_pc[next_choice] = pc;
		if (!(others >> to & 1))
			fail("the explorer's runs are not the same twice");
		preempt(to, &preemptions[next_choice++]);
		return;
	} else if (!free) {
		return;
	} else {
		for (to = (now_on + 1) % n_cpus; !(others >> to & 1); to = (to + 1) % n_cpus)
			;
	}
	go_to(to);
}

void explore_news(void)
{
	for (unsigned int i = 0; i < n_cpus; i++)
		if (i != now_on)
			vt[i].news = true;
}

void explore_access(const void *addr, size_t size, bool write, const void *pc)
{
	uint64_t at = (uint64_t)addr;
	bool window = at >= WINDOW_BASE && at < WINDOW_BASE + MEMORY_SIZE, shared = false;

	if (!exploring) {
		return;
	}
	if (on_a_stack(addr))
		return;
	if (at < SK_PAGE_SIZE)
		fail("CPU %u uses a NULL pointer (%lx)", now_on, at);
	if (window && !window_is_open(at - WINDOW_BASE))
		fail("CPU %u uses memory at %lx that is not the kernel's any more", now_on,
			(unsigned long)(at - WINDOW_BASE));
	if (++steps > STEPS_MAX)
		fail("a run has no end; CPU %u is at %p", now_on, pc);
	access_now = (struct access){ at, size, write };
	for (uint64_t a = at & ~7ull; a < at + size; a += 8)
		shared |= address_note(a, write);
	if (shared)
		point(false, pc);
	preemptions_note(&(struct access){ at, size, write });
	if (write) {
		if (window)
			state_dirty(addr, size);
		explore_news();
	}
}

void explore_point(void)
{
	if (!exploring)
		return;
	access_now.size = 0;
	point(false, __builtin_return_address(0));
}

static void stuck(void)
{
	for (unsigned int i = 0; i < n_cpus; i++)
		if (!cpu_outside(i))
			fail("CPU %u waits in the kernel for what nobody does; CPU 0 is %s, CPU 1 %s",
				i, cpu_where(0), cpu_where(1));
	run_ends();
}

static void pause_here(const void *pc)
{
	vt[now_on].paused = true;
	vt[now_on].news = false;
	access_now.size = 0;
	if (who_can())
		point(true, pc);
	vt[now_on].paused = false;
}

/* Called before repeating a step that failed: let other CPUs go first, if there are any. */
void explore_yield(void)
{
	if (!exploring)
		return;
	vt[now_on].yielded = true;
	pause_here(__builtin_return_address(0));
	vt[now_on].yielded = false;
}

/* Switch to a CPU that let others go first; false if there is none. */
static bool go_to_yielded(void)
{
	for (unsigned int i = 0; i < n_cpus; i++)
		if (i != now_on && vt[i].yielded) {
			go_to(i);
			return true;
		}
	return false;
}

/* Called in a spin loop: only another CPU can end it. */
void khost_pause(void);
void khost_pause(void)
{
	if (!exploring)
		return;
	/* news has come since its last check, so it checks again first */
	if (vt[now_on].news) {
		vt[now_on].news = false;
		return;
	}
	if (!who_else_can() && !go_to_yielded())
		stuck();
	pause_here(__builtin_return_address(0));
}

void explore_wait(void)
{
	vt[now_on].waiting = true;
	access_now.size = 0;
	if (cpu_has_work(now_on)) {
		vt[now_on].waiting = false;
		return;
	}
	if (who_can())
		point(true, __builtin_return_address(0));
	else if (!go_to_yielded())
		stuck();
}

/* --- failures ----------------------------------------------------------------------------- */

static const struct scenario *scenario;

static void failure_note(const char *what)
{
	exploring = false;
	snprintf(failure, sizeof(failure), "%s", what);
	longjmp(failed, 1);
}

static void place_print(const void *pc)
{
	char command[256], line[256] = "?";
	FILE *f;

	snprintf(command, sizeof(command), "addr2line -fpse /proc/%d/exe %p 2>/dev/null",
		(int)getpid(), (const char *)pc - 1);
	f = popen(command, "r");
	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		pclose(f);
	printf("%s", line);
}

static void failure_print(void)
{
	printf("%s: %s\n", scenario->name, failure);
	for (unsigned int i = 0; i < next_choice; i++) {
		printf("  at point %u, CPU %u goes on instead of the one at ", list[i].point,
			list[i].cpu);
		place_print(choice_pc[i]);
		printf("\n");
	}
	for (unsigned int i = 0; i < n_cpus; i++) {
		printf("  CPU %u is %s, after ", i, cpu_where(i));
		place_print(vt[i].at);
		printf("\n");
	}
}

/* --- all runs ----------------------------------------------------------------------------- */

static uint64_t n_runs;
static struct {
	char what[DISTINCT_MAX][64];
	unsigned int n;
} seen; /* the beginnings of the messages of this scenario's failures */

/*
 * Report only failures of a new kind, so that all kinds are found.
 */
static void failure_count(void)
{
	char kind[64];
	size_t n = strcspn(failure, "0123456789");

	snprintf(kind, sizeof(kind), "%.*s", (int)(n < 30 ? strlen(failure) : n), failure);
	for (unsigned int i = 0; i < seen.n; i++)
		if (!strcmp(seen.what[i], kind))
			return;
	failure_print();
	if (seen.n < DISTINCT_MAX)
		strcpy(seen.what[seen.n++], kind);
}

void locks_reset(void);

/* One run with the present list. */
static void run(void)
{
	n_runs++;
	state_restore_pages();
	locks_reset();
	n_points = steps = next_choice = 0;
	memset(preemptions, 0, sizeof(preemptions));
	memset(back_from, 0, sizeof(back_from));
	now_on = 0;
	for (unsigned int i = 0; i < n_cpus; i++)
		vt_prepare(i);
	if (setjmp(failed)) {
		use_cpu(0);
		failure_count();
		return;
	}
	use_cpu(0);
	exploring = true;
	stack_change(&main_sp, vt[0].sp);
	exploring = false;
	use_cpu(0);
	check_all(CHECK_STANDS_STILL);
	if (scenario->verify)
		scenario->verify();
}

/*
 * A preemption that does not matter could as well come one access later, where it is tried,
 * too. So a run with one needs no further choices, except those that make a third CPU go on
 * before the CPU is back: they may make it matter.
 */
static bool choice_can_matter(const struct preemption *before, unsigned int n_before,
	unsigned int at, unsigned int cpu)
{
	for (unsigned int k = 0; k < n_before; k++)
		if (!before[k].matters && (at > before[k].back || cpu == before[k].cpu))
			return false;
	return true;
}

/* This run, and all runs with further preemptions after its last. */
static void explore(unsigned int left)
{
	unsigned int n, first = n_list ? list[n_list - 1].point + 1 : 0;
	struct preemption before[LIST_MAX];
	struct alternative *all;

	run();
	memcpy(before, preemptions, sizeof(before));
	n = n_points;
	if (n_list == LIST_MAX || first >= n)
		return;
	all = malloc(n * sizeof(*all));
	memcpy(all, points, n * sizeof(*all));
	for (unsigned int i = first; i < n; i++) {
		/* where only one CPU can go on, there is no choice */
		if (all[i].free ? __builtin_popcount(all[i].others) < 2 : !left)
			continue;
		for (unsigned int c = 0; c < n_cpus; c++) {
			if (!(all[i].others >> c & 1) ||
				!choice_can_matter(before, n_list, i, c))
				continue;
			list[n_list++] = (struct choice_made){ i, (uint8_t)c };
			explore(all[i].free ? left : left - 1);
			n_list--;
		}
	}
	free(all);
}

/*
 * Repeat passes until all shared memory is known: each pass has points for the accesses that
 * earlier passes have seen.
 */
static void explore_scenario(unsigned int bound)
{
	unsigned int b = 0;

	memset(addresses, 0, sizeof(addresses));
	for (unsigned int pass = 0; pass < PASSES_MAX && b <= bound; pass++) {
		points_freeze();
		explore(b);
		if (!set_grew)
			b++;
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool scenario_run(const struct scenario *s, unsigned int bound)
{
	double start = seconds();

	scenario = s;
	n_runs = 0;
	exploring = false;
	state_restore();
	fail_hook = NULL;
	s->make();
	state_save();
	state_restore();
	fail_hook = failure_note;
	seen.n = 0;
	explore_scenario(bound);
	printf("%-32s %s, %lu runs, %.1f s\n", s->name, seen.n ? "FAILED" : "ok", n_runs,
		seconds() - start);
	fflush(stdout);
	return !seen.n;
}

static unsigned int n_passed;

/* Runs in a process of its own, so that each scenario begins with the same machine. */
static bool scenario_passes(const struct scenario *s, unsigned int bound)
{
	pid_t child = fork();
	int status = 1;

	if (!child)
		_exit(scenario_run(s, bound) ? 0 : 1);
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s: ended by signal %d\n", s->name, WTERMSIG(status));
	n_passed += status == 0;
	return status == 0;
}

/* Counts the scenarios that fail; ends at the first one if `at_once`. */
static unsigned int scenarios_run(unsigned int bound, const char *name, bool at_once)
{
	unsigned int failures = 0;

	for (unsigned int i = 0; i < n_scenarios && !(at_once && failures); i++)
		if (strstr(scenarios[i].name, name) && !scenario_passes(&scenarios[i], bound))
			failures++;
	return failures;
}

int main(int argc, char **argv)
{
	unsigned int bound = argc > 1 ? (unsigned int)atoi(argv[1]) : 2, failures = 0;
	const char *name = argc > 2 ? argv[2] : "";
	/* for tools/mutants: one failure is enough, and most come with few preemptions */
	bool at_once = getenv("CMOCKA_TEST_ABORT");

	fake_init();
	state_save();
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		vt[i].stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at_once && bound > 1)
		failures = scenarios_run(1, name, true);
	if (!failures)
		failures = scenarios_run(bound, name, at_once);
	printf("[  PASSED  ] %u test(s).\n", n_passed);
	if (failures)
		printf("[  FAILED  ] %u test(s), listed above\n", failures);
	return failures ? 1 : 0;
}

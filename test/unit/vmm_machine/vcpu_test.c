/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu_test.c - the threads of vCPUs: which ones an event, a request or an NMI wakes, and when
 * the guest is off
 *
 * The real threads run as coroutines on a fake kernel. They can switch at each lock, signal,
 * wait and entry, and the test tries every order with at most PREEMPTIONS switches away from a
 * thread that could go on. The invariants are checked when the guest stops, and when no thread
 * can go on. A guest is a list of functions for each vCPU.
 */
#define SK_SYS_H /* the kernel is here */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <cmocka.h>

#include <sk/syscall.h>

static long sk_signal(sk_cap_t ntfn);
static long sk_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word);
static long sk_vcpu_enter(sk_cap_t cap, sk_time_t deadline, uint32_t *reason);
static long sk_vcpu_inject(sk_cap_t cap, uint8_t vector, uint32_t *pending);
static long sk_vcpu_sync(sk_cap_t cap, uint32_t groups);
static long sk_vcpu_configure(
	sk_cap_t cap, sk_cap_t nested, sk_cap_t space, uint64_t at, uint32_t *level);
static long sk_map_table(sk_cap_t table, sk_cap_t space, uint64_t at, uint32_t level);
static long sk_sched_stats(sk_cap_t s, uint64_t *consumed, uint64_t *waited, uint32_t *cpu);

#include "../../../services/vmm/machine/vcpu.c"

enum { CPUS = 2, KICK = 100, STACK = 128 << 10, STEPS_MAX = 200, PREEMPTIONS = 3, SCRIPT = 6 };
enum where { RUNS, WAITS, IN_GUEST };

typedef void (*action)(struct vcpu *v);

static struct side {
	ucontext_t ctx;
	enum where where;
	bool signal;
	action script[SCRIPT];
	unsigned int at;
} side[CPUS];
static uint8_t stack[CPUS][STACK] __attribute__((aligned(64)));
static ucontext_t scheduler;
static int me = -1;

void save_job_run(struct vcpu *v) { (void)v; }

struct vm vm;
static struct sk_vcpu_state state[CPUS];
static unsigned int ran[CPUS], nmis[CPUS], injected[CPUS], entries[CPUS], enabled_told,
	shutdowns;
static uint8_t injected_vector;
static bool online[CPUS], upcall_pending[CPUS], poll_waits[CPUS];
static bool quiet[CPUS]; /* the exit changes nothing but registers */
static unsigned int looks[CPUS];
static void (*at_shutdown)(void);

static void yield(void)
{
	if (me >= 0)
		swapcontext(&side[me].ctx, &scheduler);
}

/* ---- the kernel ---- */

static long sk_signal(sk_cap_t ntfn)
{
	side[ntfn - KICK].signal = true;
	yield();
	return 0;
}

static long sk_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word)
{
	struct side *s = &side[ntfn - KICK];

	(void)deadline;
	s->where = WAITS;
	yield();
	s->where = RUNS;
	s->signal = false;
	*word = 1;
	return 0;
}

static long sk_vcpu_enter(sk_cap_t cap, sk_time_t deadline, uint32_t *reason)
{
	struct side *s = &side[cap];
	struct sk_vcpu_state *st = &state[cap];

	(void)deadline;
	entries[cap]++;
	if (st->event & SK_EV_VALID && (st->event & 0x700) == SK_EV_NMI)
		nmis[cap]++;
	st->event = 0;
	s->where = IN_GUEST;
	yield();
	s->where = RUNS;
	*reason = s->signal ? SK_EXIT_SIGNAL : SK_EXIT_HYPERCALL;
	s->signal = false;
	return 0;
}

static long sk_vcpu_inject(sk_cap_t cap, uint8_t vector, uint32_t *pending)
{
	*pending = 0;
	injected[cap]++;
	injected_vector = vector;
	return 0;
}

static long sk_vcpu_sync(sk_cap_t cap, uint32_t groups)
{
	(void)cap, (void)groups;
	return 0;
}

static long sk_vcpu_configure(
	sk_cap_t cap, sk_cap_t nested, sk_cap_t space, uint64_t at, uint32_t *level)
{
	(void)cap, (void)nested, (void)space, (void)at, (void)level;
	return 0;
}

static long sk_map_table(sk_cap_t table, sk_cap_t space, uint64_t at, uint32_t level)
{
	(void)table, (void)space, (void)at, (void)level;
	return 0;
}

static long sk_sched_stats(sk_cap_t s, uint64_t *consumed, uint64_t *waited, uint32_t *cpu)
{
	(void)s, (void)consumed, (void)waited, (void)cpu;
	return -SK_E_INVAL;
}

void mutex_lock(struct mutex *m)
{
	yield();
	while (m->word)
		yield();
	m->word = 1;
}

void mutex_unlock(struct mutex *m)
{
	assert_int_equal(m->word, 1);
	m->word = 0;
}

int object_make(uint32_t type, uint32_t order, sk_cap_t *out)
{
	(void)type, (void)order;
	*out = 1;
	return 0;
}

int cap_copy(sk_cap_t src, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)src, (void)rights, (void)badge;
	*out = 1;
	return 0;
}

int vm_reserve(uint64_t size, void **out)
{
	(void)size;
	*out = &state[0];
	return 0;
}

int thread_start(const struct thread_spec *s, struct thread **out)
{
	(void)s, (void)out;
	return 0;
}

sk_cap_t thread_cap(const struct thread *t)
{
	(void)t;
	return 0;
}

/* ---- the rest of the VMM ---- */

void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
{
	(void)number, (void)fmt;
	assert_int_equal(kind, NOTE_CRASH);
}

void io_kick(enum io_bit bit) { (void)bit; }

void msr_reset(struct vcpu *v) { (void)v; }

void vm_shutdown(uint32_t reason)
{
	uint32_t i;

	if (vm.stopped)
		return;
	shutdowns++;
	if (at_shutdown)
		at_shutdown();
	vm.stopped = reason + 1;
	for (i = 0; i < vm.n_vcpus; i++)
		vcpu_kick(&vm.vcpu[i]);
}

enum exit_next exit_dispatch(struct vcpu *v, uint32_t reason)
{
	struct side *s = &side[v->id];

	quiet[v->id] = false;
	if (reason == SK_EXIT_HYPERCALL && s->script[s->at])
		s->script[s->at++](v);
	return quiet[v->id] ? NEXT_ENTER : NEXT_LOOK;
}

bool xen_vcpu_event_pending(unsigned int cpu) { return upcall_pending[cpu]; }
int xen_upcall_vector(unsigned int cpu)
{
	looks[cpu]++;
	return -1;
}
bool xen_vcpu_runnable(unsigned int cpu) { return !poll_waits[cpu]; }
sk_time_t xen_next_deadline(unsigned int cpu)
{
	(void)cpu;
	return SK_NO_DEADLINE;
}
void xen_vcpu_prepare(unsigned int cpu) { (void)cpu; }
void xen_vcpu_sleep(unsigned int cpu) { (void)cpu; }
void xen_vcpu_wake(unsigned int cpu) { poll_waits[cpu] = false; }
void xen_vcpu_look_again(unsigned int cpu) { poll_waits[cpu] = false; }
void xen_vcpu_online(unsigned int cpu, bool is) { online[cpu] = is; }
void xen_apic_enabled(unsigned int cpu)
{
	enabled_told++;
	if (upcall_pending[cpu])
		vcpu_post(&vm.vcpu[cpu], 0x40);
}

/* ---- schedules ---- */

static bool can_go(int i)
{
	const struct side *s = &side[i];

	return s->where == RUNS || s->signal || (s->where == IN_GUEST && s->script[s->at]);
}

static void start(int i) { vcpu_loop(&vm.vcpu[i]); }

static void side_make(int i)
{
	ucontext_t *c = &side[i].ctx;

	getcontext(c);
	c->uc_stack.ss_sp = stack[i];
	c->uc_stack.ss_size = STACK;
	makecontext(c, (void (*)(void))start, 1, i);
}

static void world_make(const action script[CPUS][SCRIPT])
{
	unsigned int i;

	memset(&vm, 0, sizeof(vm));
	memset(side, 0, sizeof(side));
	memset(state, 0, sizeof(state));
	memset(ran, 0, sizeof(ran));
	memset(nmis, 0, sizeof(nmis));
	memset(injected, 0, sizeof(injected));
	memset(entries, 0, sizeof(entries));
	memset(looks, 0, sizeof(looks));
	memset(upcall_pending, 0, sizeof(upcall_pending));
	memset(poll_waits, 0, sizeof(poll_waits));
	enabled_told = shutdowns = 0;
	vm.n_vcpus = CPUS;
	vm.tsc_hz = 1000000000;
	for (i = 0; i < CPUS; i++) {
		struct vcpu *v = &vm.vcpu[i];

		v->id = i;
		v->st = &state[i];
		v->cap = i;
		v->ntfn = v->kick = KICK + i;
		v->down_told = i != 0;
		online[i] = i == 0;
		lapic_power_up(&v->lapic, 2 * i, i == 0);
		memcpy(side[i].script, script[i], sizeof(side[i].script));
		side_make((int)i);
	}
	vm.vcpu[0].run = VCPU_RUNNABLE;
}

static void resume(int i)
{
	me = i;
	swapcontext(&scheduler, &side[i].ctx);
	me = -1;
}

static uint8_t choice[STEPS_MAX], choices[STEPS_MAX];

/* One schedule, choice[] of choices[] at each step; returns the number of steps. */
static unsigned int schedule_run(void)
{
	unsigned int n = 0, preempted = 0;
	int last = 0, i;

	for (;;) {
		int can[CPUS], n_can = 0;

		if (can_go(last))
			can[n_can++] = last;
		for (i = 0; i < CPUS; i++)
			if (i != last && can_go(i))
				can[n_can++] = i;
		if (!n_can)
			return n;
		assert_true(n < STEPS_MAX);
		choices[n] = (uint8_t)(preempted < PREEMPTIONS || can[0] != last ? n_can : 1);
		i = can[choice[n] < choices[n] ? choice[n] : 0];
		preempted += can[0] == last && i != last;
		last = i;
		n++;
		resume(i);
	}
}

/* All schedules: set up, run, check. */
static void every_order(
	const action script[CPUS][SCRIPT], void (*set_up)(void), void (*check)(void))
{
	unsigned int n, orders = 0;

	memset(choice, 0, sizeof(choice));
	do {
		world_make(script);
		if (set_up)
			set_up();
		n = schedule_run();
		check();
		orders++;
		while (n && choice[n - 1] + 1 >= choices[n - 1])
			choice[--n] = 0;
		if (n)
			choice[n - 1]++;
	} while (n);
	assert_true(orders > 5);
}

/* ---- what guests do ---- */

static void hlt_deaf(struct vcpu *v)
{
	v->st->rflags = 2;
	vcpu_halt(v);
}

static void hlt(struct vcpu *v)
{
	v->st->rflags = 0x202;
	vcpu_halt(v);
}

static void mark(struct vcpu *v) { ran[v->id]++; }

static void quietly(struct vcpu *v) { quiet[v->id] = true; }

static void upcall_quietly(struct vcpu *v)
{
	upcall_pending[v->id] = true;
	quiet[v->id] = true;
}

static void ipi_to_1(struct vcpu *v, enum ipi_mode mode)
{
	struct lapic_ipi ipi = { .valid = true, .mode = mode, .dest = 2, .vector = 0x10 };

	vcpu_ipi(v, &ipi);
}

static void init_1(struct vcpu *v) { ipi_to_1(v, IPI_INIT); }
static void sipi_1(struct vcpu *v) { ipi_to_1(v, IPI_STARTUP); }
static void nmi_1(struct vcpu *v) { ipi_to_1(v, IPI_NMI); }

static bool upped, was_down;
static void up_1(struct vcpu *v)
{
	(void)v;
	was_down = !vcpu_is_up(&vm.vcpu[1]);
	upped = !vcpu_up(&vm.vcpu[1]);
}

static void down_self(struct vcpu *v) { vcpu_down(v); }

static void down_1(struct vcpu *v)
{
	(void)v;
	vcpu_down(&vm.vcpu[1]);
	assert_false(vcpu_is_up(&vm.vcpu[1]));
}

static void is_up_again(void)
{
	assert_int_equal(vm.stopped, 0);
	assert_true(was_down && upped && vcpu_is_up(&vm.vcpu[1]));
}

static void both_up(void)
{
	vm.vcpu[1].run = VCPU_RUNNABLE;
	vm.vcpu[1].down_told = 0;
	online[1] = true;
	upped = was_down = false;
}

static void powered_off(void)
{
	assert_int_equal(vm.stopped, 1 + SHUTDOWN_poweroff);
	assert_int_equal(shutdowns, 1);
}

static void runs_on(void) { assert_int_equal(vm.stopped, 0); }

/* ---- tests ---- */

static void halt_of_all_is_power_off(void **s)
{
	static const action one[CPUS][SCRIPT] = { { mark, hlt_deaf } };
	static const action both[CPUS][SCRIPT] = { { mark, hlt_deaf }, { mark, hlt_deaf } };

	(void)s;
	at_shutdown = NULL;
	every_order(one, NULL, powered_off); /* vCPU 1 was never started */
	every_order(both, both_up, powered_off);
}

static void down_of_the_last_is_power_off(void **s)
{
	static const action script[CPUS][SCRIPT] = { { hlt_deaf }, { mark, down_self } };

	(void)s;
	at_shutdown = NULL;
	every_order(script, both_up, powered_off);
}

/* It is down for everybody at once, and up again whether it has noticed or not. */
static void down_and_up_again(void **s)
{
	static const action script[CPUS][SCRIPT] = { { down_1, up_1, mark }, { mark, mark } };

	(void)s;
	at_shutdown = NULL;
	every_order(script, both_up, is_up_again);
}

static void one_that_can_wake_keeps_the_guest(void **s)
{
	static const action halted[CPUS][SCRIPT] = { { hlt_deaf }, { hlt } };
	static const action busy[CPUS][SCRIPT] = { { hlt_deaf }, { mark } };

	(void)s;
	at_shutdown = NULL;
	every_order(halted, both_up, runs_on);
	every_order(busy, both_up, runs_on);
}

static void before_power_off_1_has_run(void) { assert_int_equal(ran[1], 1); }

/* vCPU 0 starts vCPU 1 and halts for good: the guest never looks dead. */
static void a_start_on_its_way_counts(void **s)
{
	static const action script[CPUS][SCRIPT] = { { init_1, sipi_1, hlt_deaf },
		{ mark, hlt_deaf } };

	(void)s;
	at_shutdown = before_power_off_1_has_run;
	every_order(script, NULL, powered_off);
}

static void before_power_off_nmi_came(void) { assert_int_equal(nmis[1], 1); }

static void an_nmi_on_its_way_counts(void **s)
{
	static const action script[CPUS][SCRIPT] = { { nmi_1, hlt_deaf },
		{ hlt_deaf, hlt_deaf } };

	(void)s;
	at_shutdown = before_power_off_nmi_came;
	every_order(script, both_up, powered_off);
}

static void woken_by_up(void)
{
	assert_true(upped || !was_down);
	assert_int_equal(ran[1], upped);
	assert_int_equal(vcpu_is_up(&vm.vcpu[1]), false);
	assert_int_equal(online[1], false);
}

/*
 * VCPUOP_up wakes a vCPU that halted with interrupts off, just as it brings up one that went
 * down.
 */
static void up_wakes_a_deaf_one(void **s)
{
	static const action script[CPUS][SCRIPT] = { { up_1, hlt },
		{ hlt_deaf, mark, hlt_deaf } };

	(void)s;
	at_shutdown = NULL;
	every_order(script, both_up, woken_by_up);
}

static void deaf_is_down(void)
{
	assert_false(vcpu_is_up(&vm.vcpu[0]));
	assert_false(online[0]);
	assert_true(vcpu_is_up(&vm.vcpu[1]));
	assert_true(online[1]);
	assert_int_equal(entries[0], 1);
	runs_on();
}

static void event_waits(void)
{
	both_up();
	upcall_pending[0] = true;
}

/* Only an NMI ends a halt with interrupts off; an event does not. */
static void events_do_not_wake_a_deaf_one(void **s)
{
	static const action script[CPUS][SCRIPT] = { { hlt_deaf }, { hlt } };

	(void)s;
	at_shutdown = NULL;
	every_order(script, event_waits, deaf_is_down);
}

static void write_svr(struct vcpu *v)
{
	struct lapic_ipi ipi;

	lapic_write(&v->lapic, 0xf0, 0x1ff, 0, &ipi);
}

static void upcall_was_posted(void)
{
	assert_int_equal(enabled_told, 1);
	assert_int_equal(injected[0], 1);
	assert_int_equal(injected_vector, 0x40);
}

/* The guest enables its local APIC while an upcall waits: it comes at the next entry. */
static void enabling_the_apic_asks_for_the_upcall(void **s)
{
	static const action script[CPUS][SCRIPT] = { { write_svr, mark }, { hlt } };

	(void)s;
	at_shutdown = NULL;
	every_order(script, event_waits, upcall_was_posted);
}

static void lowest_from_0(struct vcpu *v)
{
	struct lapic_ipi ipi = {
		.valid = true, .mode = IPI_LOWEST, .shorthand = IPI_ALL, .vector = 0x77
	};

	vcpu_ipi(v, &ipi);
}

static void lowest_went_to_1(void)
{
	assert_int_equal(lapic_pending(&vm.vcpu[0].lapic), -1);
	assert_int_equal(injected[1], 1);
	assert_int_equal(injected_vector, 0x77);
}

static void apic_1_enabled(void)
{
	both_up();
	write_svr(&vm.vcpu[1]);
}

/* An interrupt of lowest priority does not go to a disabled APIC, where it would be lost. */
static void lowest_priority_skips_a_disabled_apic(void **s)
{
	static const action script[CPUS][SCRIPT] = { { lowest_from_0 }, { hlt } };

	(void)s;
	at_shutdown = NULL;
	every_order(script, apic_1_enabled, lowest_went_to_1);
}

static void paused_at_first(void)
{
	both_up();
	vm.pause_count = 1;
}

static void nothing_ran(void)
{
	assert_int_equal(entries[0] + entries[1], 0);
	assert_int_equal(vm.n_parked, 2);
	runs_on();
	vm.pause_count = 0;
	vcpu_kick(&vm.vcpu[0]);
	vcpu_kick(&vm.vcpu[1]);
	memset(choice + STEPS_MAX / 2, 0, STEPS_MAX / 2);
	schedule_run();
	powered_off();
}

static void a_paused_guest_halts_after_the_pause(void **s)
{
	static const action script[CPUS][SCRIPT] = { { hlt_deaf }, { hlt_deaf } };

	(void)s;
	at_shutdown = NULL;
	world_make(script);
	paused_at_first();
	memset(choice, 0, sizeof(choice));
	schedule_run();
	nothing_ran();
}

/* An exit that changes nothing costs no look, and hides no event of another vCPU. */
static void quiet_exits_hide_nothing(void **s)
{
	static const action nmi[CPUS][SCRIPT] = { { nmi_1, hlt_deaf },
		{ quietly, quietly, hlt_deaf, hlt_deaf } };
	static const action down[CPUS][SCRIPT] = { { init_1, hlt_deaf },
		{ quietly, quietly, quietly } };

	(void)s;
	at_shutdown = before_power_off_nmi_came;
	every_order(nmi, both_up, powered_off);
	at_shutdown = NULL;
	every_order(down, both_up, powered_off);
}

static unsigned int looks_of(action second, uint64_t hz)
{
	const action script[CPUS][SCRIPT] = { { quietly, second, quietly } };

	world_make(script);
	vm.tsc_hz = hz;
	memset(choice, 0, sizeof(choice));
	schedule_run();
	assert_int_equal(entries[0], 4);
	return looks[0];
}

static void quiet_exits_are_followed_by_few_looks(void **s)
{
	(void)s;
	assert_int_equal(looks_of(quietly, UINT64_MAX / 4), 1);
	assert_int_equal(looks_of(mark, UINT64_MAX / 4), 2);
	assert_int_equal(looks_of(upcall_quietly, UINT64_MAX / 4), 3);
	assert_int_equal(looks_of(quietly, 0), 4); /* time has passed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_exits_hide_nothing),
		cmocka_unit_test(quiet_exits_are_followed_by_few_looks),
		cmocka_unit_test(halt_of_all_is_power_off),
		cmocka_unit_test(down_of_the_last_is_power_off),
		cmocka_unit_test(one_that_can_wake_keeps_the_guest),
		cmocka_unit_test(a_start_on_its_way_counts),
		cmocka_unit_test(an_nmi_on_its_way_counts),
		cmocka_unit_test(up_wakes_a_deaf_one),
		cmocka_unit_test(events_do_not_wake_a_deaf_one),
		cmocka_unit_test(down_and_up_again),
		cmocka_unit_test(enabling_the_apic_asks_for_the_upcall),
		cmocka_unit_test(lowest_priority_skips_a_disabled_apic),
		cmocka_unit_test(a_paused_guest_halts_after_the_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

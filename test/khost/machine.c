/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - the explorer's CPUs: takes the place of the assembly of kernel/arch/x86_64,
 * around the real smp.c, trap.c, svm.c and fpu.c
 *
 * A CPU outside the kernel takes a pending interrupt. If there is none, it makes the next call
 * of the program of its thread; if there is no thread, it waits. Leaving the kernel is a jump
 * to the top of this loop.
 */
#include <string.h>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pte.h"
#include "explore.h"
#include "fake.h"
#include "arch/x86_64/svm.h"
#include "sched.h"
#include "vcpu.h"
#include "world.h"

enum { CALL_RIP = 0x2002, LEAVES_MAX = 60, RESTARTS_MAX = 200 };
#define HOST_PADDR 0x80000ull
enum place { IN_KERNEL, IN_USER, IN_GUEST, IDLE };

STATE struct cpu_arch arch_cpus[FAKE_CPUS];
STATE static enum place place[FAKE_CPUS];
STATE static uint64_t pending[FAKE_CPUS]; /* one bit per interrupt, from VEC_TIMER */
STATE static unsigned int
	leaves[FAKE_CPUS]; /* returns to kernel_exit() since it was last outside */
STATE struct program programs[PROGRAMS_MAX];
STATE unsigned int guest_hypercalls;
static jmp_buf top[FAKE_CPUS];
static bool again[FAKE_CPUS]; /* at the top of the loop, call kernel_exit() */

struct features features = { .nx = true, .svm = true, .asids = 16, .phys_bits = 40 };
uint64_t kernel_root, trampoline_paddr;
bool panicking, gs_ready = true;
const uint8_t trampoline_start[1], trampoline_end[1];
uint64_t boot_pml4[512];
void smp_set_online(uint64_t mask);
void svm_set_available(void);

static unsigned int me(void) { return this_cpu()->id; }

/* Entering and leaving the kernel, as in entry.S. */
static void epoch_step(void)
{
	explore_access(&this_cpu()->epoch, sizeof(uint64_t), true, __builtin_return_address(0));
	this_cpu()->epoch++;
}

static bool is_pending(void)
{
	explore_access(&pending[me()], sizeof(uint64_t), false, __builtin_return_address(0));
	return pending[me()] != 0;
}

/* --- what the kernel's own assembly and other files of the processor do ------------------- */

static void go_out(enum place p)
{
	unsigned int id = me();

	leaves[id] = 0;
	epoch_step();
	explore_machine();
	place[id] = p;
	longjmp(top[id], 1);
}

/* Another CPU may write it. */
static void access_read(const void *word)
{
	explore_access(word, sizeof(uint64_t), false, __builtin_return_address(0));
}

/*
 * sched_switch() gives up the owner of the old thread before it writes `current`, both under
 * the lock of its CPU.
 */
static bool is_switching(const struct cpu *c)
{
	const struct spinlock *l = &((const struct sched_cpu *)c->sched)->lock;

	return load(&l->next) != load(&l->owner);
}

/* This CPU owns the registers of t: no other CPU may. */
static void alone_check(const struct thread *t)
{
	access_read(&t->on);
	if (t->on != this_cpu())
		fail("a thread runs on CPU %u, which does not own it", me());
	for (unsigned int i = 0; i < n_cpus; i++) {
		if (i == me())
			continue;
		access_read(&cpus[i]->current);
		if (cpus[i]->current == t && !is_switching(cpus[i]))
			fail("a thread runs on CPU %u, and CPU %u has not left it", me(), i);
	}
}

static struct program *program_of(const struct thread *t)
{
	for (unsigned int i = 0; i < PROGRAMS_MAX; i++)
		if (programs[i].t == t)
			return &programs[i];
	return NULL;
}

static void call_returns(struct thread *t)
{
	struct program *p = program_of(t);

	if (!p || !p->in_call)
		return;
	p->in_call = false;
	if (t->regs.r.rip == CALL_RIP - 2) {
		if (++p->restarts == RESTARTS_MAX)
			fail("a call is restarted for ever");
		return;
	}
	p->result[p->at] = (long)t->regs.r.rax;
	p->regs[p->at++] = t->regs.r;
}

void user_return(struct user_regs *regs, bool sysret)
{
	struct thread *t = (struct thread *)regs;

	(void)sysret;
	alone_check(t);
	call_returns(t);
	go_out(IN_USER);
	__builtin_unreachable();
}

void arch_idle(void)
{
	go_out(IDLE);
	__builtin_unreachable();
}

void kernel_leave(void)
{
	unsigned int id = me();

	if (++leaves[id] > LEAVES_MAX)
		fail("CPU %u goes round in the kernel for ever, with interrupts off", id);
	explore_machine();
	again[id] = true;
	longjmp(top[id], 1);
}

/*
 * The guest makes the hypercalls that are left to it, unless an interrupt comes first; then it
 * runs until one comes.
 */
void svm_enter(uint64_t guest, uint64_t *gpr, uint64_t host);
void svm_enter(uint64_t guest, uint64_t *gpr, uint64_t host)
{
	struct vmcb *b = phys_to_virt(guest);
	unsigned int id = me();

	(void)gpr, (void)host;
	explore_machine();
	alone_check(this_cpu()->current);
	leaves[id] = 0;
	place[id] = IN_GUEST;
	explore_point();
	b->exit_code = EXIT_INTR;
	if (guest_hypercalls && !is_pending()) {
		guest_hypercalls--;
		b->exit_code = EXIT_VMMCALL;
	}
	while (b->exit_code == EXIT_INTR && !is_pending())
		explore_wait();
	place[id] = IN_KERNEL;
}

static void interrupt(void)
{
	unsigned int id = me(), n = (unsigned int)__builtin_ctzll(pending[id]);

	pending[id] &= pending[id] - 1;
	explore_machine();
	place[id] = IN_KERNEL;
	trap_interrupt(VEC_TIMER + n);
	kernel_exit();
}

void irq_window(void)
{
	epoch_step();
	if (is_pending()) {
		epoch_step();
		interrupt();
	}
	epoch_step();
}

void lapic_send(uint32_t apic_id, uint32_t icr)
{
	explore_access(&pending[apic_id], sizeof(uint64_t), true, __builtin_return_address(0));
	pending[apic_id] |= 1ull << (icr - VEC_TIMER);
	explore_news();
}

bool arch_irq_pending(void)
{
	arch_serve(); /* serves the request, so its interrupt can wait */
	is_pending();
	return pending[me()] & ~(1ull << (VEC_REQUEST - VEC_TIMER));
}
void lapic_eoi(void) {}
void arch_timer_arm(sk_time_t deadline)
{
	explore_machine();
	this_cpu()->timer_armed = deadline;
}
void irq_dispatch(unsigned int vector) { (void)vector; }
void panic_regs(const struct trap_frame *f, const char *what)
{
	(void)f;
	fail("%s in the kernel", what);
}
uint64_t read_cr3(void);
uint64_t read_cr3(void) { return 0; }
void write_cr3(uint64_t v);
void write_cr3(uint64_t v) { (void)v; }
void invlpg(uint64_t va);
void invlpg(uint64_t va) { (void)va; }
void flush_window(uint64_t vaddr, uint64_t size) { (void)vaddr, (void)size; }
void *boot_alloc(size_t size) { fail("boot_alloc(%zu)", size); }
void cpu_setup(struct cpu *c) { (void)c; }
void lapic_setup_cpu(void) {}
bool boot_option(const char *word)
{
	(void)word;
	return false;
}
void delay_us(uint64_t us) { (void)us; }
void boot_map_drop(void) {}

/* --- CPUs --------------------------------------------------------------------------------- */

static void time_passes(sk_time_t until)
{
	fake_now = until;
	explore_machine();
	for (unsigned int i = 0; i < n_cpus; i++)
		if (cpus[i]->timer_armed <= until)
			lapic_send(i, VEC_TIMER);
}

static void op_run(struct thread *t, struct program *p)
{
	const struct op *op = &p->op[p->at];

	explore_machine();
	if (op->nr == OP_TIME) {
		p->at++;
		time_passes(op->arg[0]);
		return;
	}
	if (op->nr == OP_OFF) {
		p->at++;
		access_read(&programs[op->arg[0]].t->on);
		if (programs[op->arg[0]].t->on)
			fail("a thread whose end was waited for is on a CPU");
		return;
	}
	if (t->regs.r.rip == CALL_RIP - 2)
		explore_yield(); /* only another CPU can end the wait */
	else
		call_set(t, op->nr, op->arg);
	t->regs.r.rip = CALL_RIP;
	p->in_call = true;
	epoch_step();
	place[me()] = IN_KERNEL;
	core_syscall(t);
	kernel_exit();
}

static struct program *program_ready(unsigned int id)
{
	struct program *p = place[id] == IN_USER ? program_of(cpus[id]->current) : NULL;

	return p && p->at < p->n ? p : NULL;
}

bool cpu_has_work(unsigned int id) { return pending[id] || program_ready(id); }
bool cpu_outside(unsigned int id) { return place[id] != IN_KERNEL; }
const char *cpu_where(unsigned int id)
{
	static const char *const names[] = { "in the kernel", "in user mode", "in a guest",
		"idle" };

	return names[place[id]];
}

void cpu_run(void)
{
	unsigned int id = me();

	if (setjmp(top[id]) && again[id]) {
		again[id] = false;
		if (leaves[id] > 2)
			explore_yield();
		kernel_exit();
	}
	for (;;) {
		explore_point();
		if (is_pending()) {
			epoch_step();
			interrupt();
		}
		if (program_ready(id))
			op_run(cpus[id]->current, program_ready(id));
		else
			explore_wait();
	}
}

/* No IOMMU: the core asks nothing of it. */
struct io_limits io_limits;
int arch_io_assign(struct space *s, uint32_t rid)
{
	(void)s, (void)rid;
	return -SK_E_NO_SYS;
}
bool arch_io_fault(struct io_fault *f)
{
	(void)f;
	return false;
}
void arch_io_written(const struct space *s, const uint64_t *entries, uint64_t n)
{
	(void)s, (void)entries, (void)n;
}
void arch_io_show(const void *at, uint64_t size) { (void)at, (void)size; }
void arch_io_flush(const struct space *s) { (void)s; }
bool arch_io_settle(const struct space *s)
{
	(void)s;
	return true;
}
bool arch_io_end(struct space *s)
{
	(void)s;
	return true;
}

void machine_init(unsigned int n)
{
	memset(arch_cpus, 0, sizeof(arch_cpus));
	memset(programs, 0, sizeof(programs));
	guest_hypercalls = 0;
	svm_set_available();
	smp_set_online(1);
	for (unsigned int i = 0; i < n; i++) {
		struct cpu *c = &arch_cpus[i].cpu;

		arch_cpus[i].host_paddr = HOST_PADDR + i * 2 * SK_PAGE_SIZE;
		arch_window_open(arch_cpus[i].host_paddr, 2 * SK_PAGE_SIZE);
		*c = (struct cpu){
			.self = c, .id = i, .apic_id = i, .timer_armed = SK_NO_DEADLINE
		};
		cpus[i] = c;
		pending[i] = 0;
		leaves[i] = 0;
		place[i] = IDLE;
	}
}

static void outside_once(unsigned int id)
{
	use_cpu(id);
	if (!setjmp(top[id])) {
		cpus[id]->epoch = 1;
		kernel_exit();
	}
}

void machine_online(void)
{
	smp_set_online((1ull << n_cpus) - 1);
	for (unsigned int i = 0; i < n_cpus; i++) {
		outside_once(i);
		pending[i] = 0;
	}
}

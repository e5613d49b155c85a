/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap_test.c - the return to user mode: bases, address space, predictors, flags, FPU state;
 * and what vectors do
 */
#include "processor.h"
#include "kernel/arch/x86_64/trap.c"

static struct cpu_arch machine;
static struct thread threads[2];
static struct space spaces[2];
static struct vcpu vcpu;
static struct vmcb host_state[2];
uint64_t kernel_root = 0x1000;
bool panicking;
uint32_t spec_on;
static jmp_buf out;
static enum { TO_USER = 1, AGAIN } way;
static bool by_sysret;
static struct {
	unsigned int faults, kicks, timers, irqs, serves, eois, exits, fpu_switches, turned_off;
	uint64_t vector, error, addr;
	long why;
} did;
static uint32_t guest_says;

void user_return(struct user_regs *regs, bool sysret)
{
	(void)regs;
	by_sysret = sysret;
	longjmp(out, TO_USER);
}
void kernel_leave(void) { longjmp(out, AGAIN); }
uint32_t arch_vcpu_run(struct vcpu *v, const struct thread *t)
{
	assert_ptr_equal(v, &vcpu);
	assert_ptr_equal(t, &threads[0]);
	return guest_says;
}
void core_vcpu_exit(struct vcpu *v, const struct thread *t, long why)
{
	assert_ptr_equal(v, &vcpu);
	(void)t;
	did.exits++;
	did.why = why;
}
void core_fault(struct thread *t, uint64_t vector, uint64_t error, uint64_t addr)
{
	(void)t;
	did.faults++;
	did.vector = vector;
	did.error = error;
	did.addr = addr;
}
void core_timer(void) { did.timers++; }
void irq_dispatch(unsigned int vector)
{
	did.irqs++;
	did.vector = vector;
}
void arch_serve(void) { did.serves++; }
void lapic_eoi(void) { did.eois++; }
void fpu_switch(void *area)
{
	machine.cpu.fpu = area;
	did.fpu_switches++;
}
void fpu_turn_off(struct thread *t)
{
	assert_false(t->uses_fpu);
	did.turned_off++;
}
void klog(const char *fmt, ...) { (void)fmt; }
void panic_regs(const struct trap_frame *f, const char *what)
{
	(void)f, (void)what;
	abort();
}

static int set_up(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	memset(host_state, 0, sizeof(host_state));
	machine.host_paddr = (uint64_t)host_state;
	memset(threads, 0, sizeof(threads));
	memset(&did, 0, sizeof(did));
	processor_reset();
	be(&machine.cpu);
	spec_on = 0;
	for (unsigned int i = 0; i < 2; i++) {
		spaces[i].root = 0x10000 * (i + 1);
		threads[i].space = &spaces[i];
		threads[i].regs.r = (struct sk_regs){
			.rip = 0x4000, .fs_base = 0x100 + i, .gs_base = 0x200 + i
		};
		threads[i].regs.vector = ENTRY_SYSCALL;
		threads[i].uses_fpu = true;
	}
	return 0;
}

static void resume(unsigned int i, struct vcpu *v)
{
	way = (unsigned int)setjmp(out);
	if (!way)
		arch_resume(&threads[i], v);
}

static void to_user(unsigned int i)
{
	resume(i, NULL);
	assert_int_equal(way, TO_USER);
	assert_ptr_equal(machine.cpu.space, threads[i].space);
	assert_int_equal(
		processor.cr3, threads[i].space ? threads[i].space->root : kernel_root);
	assert_int_equal(msr_now(MSR_FS_BASE), threads[i].regs.r.fs_base);
	assert_int_equal(msr_now(MSR_KERNEL_GS_BASE), threads[i].regs.r.gs_base);
	assert_ptr_equal(machine.cpu.fpu, threads[i].fpu);
}

/* As sched_switch() does. */
static void turn_to(unsigned int i)
{
	machine.cpu.loaded = false;
	to_user(i);
}

static void each_has_its_own(void **state)
{
	(void)state;
	to_user(0);
	assert_true(by_sysret);
	assert_int_equal(processor.n_writes, 2);
	assert_int_equal(processor.cr3_writes, 1);
	to_user(0); /* nothing has changed */
	assert_int_equal(processor.n_writes, 2);
	assert_int_equal(processor.cr3_writes, 1);
	assert_int_equal(did.fpu_switches, 1);
	turn_to(1);
	turn_to(0);
	threads[0].regs.r.fs_base = 0x300;
	turn_to(0);
	threads[0].regs.r.gs_base = 0x400;
	turn_to(0);
	threads[1].space = NULL;
	turn_to(1);
	threads[1].space = &spaces[0];
	turn_to(1);
	threads[1].regs.vector = 0x30;
	to_user(1);
	assert_false(by_sysret);
}

/* User mode can make a base 0, and nothing else. */
static void bases_are_loaded_again(void **state)
{
	(void)state;
	to_user(0);
	threads[1].regs.r.fs_base = threads[0].regs.r.fs_base;
	threads[1].regs.r.gs_base = 0;
	processor.n_writes = 0;
	turn_to(1);
	assert_int_equal(processor.n_writes, 2);
	threads[0].regs.r.fs_base = threads[0].regs.r.gs_base = 0;
	turn_to(0);
	assert_int_equal(processor.n_writes, 3);
	turn_to(0); /* both were 0 */
	assert_int_equal(processor.n_writes, 3);
	turn_to(1);
}

static void flags_are_users(void **state)
{
	(void)state;
	threads[0].regs.r.rflags = ~0ull;
	to_user(0);
	assert_int_equal(threads[0].regs.r.rflags, 0x240dd5 | 0x202);
	threads[0].regs.r.rflags = 0;
	to_user(0);
	assert_int_equal(threads[0].regs.r.rflags, 0x202);
}

/* SYSRET to the end of user memory or beyond would fault in the kernel. */
static void rip_is_users(void **state)
{
	static const uint64_t bad[] = { USER_END, USER_END + 1, 1ull << 47, 1ull << 63,
		UINT64_MAX };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		threads[0].regs.r.rip = bad[i];
		resume(0, NULL);
		assert_int_equal(way, AGAIN);
		assert_int_equal(did.faults, i + 1);
		assert_int_equal(did.vector, 13);
		assert_int_equal(did.addr, bad[i]);
	}
	threads[0].regs.r.rip = USER_END - 1;
	to_user(0);
}

static void predictors_are_emptied(void **state)
{
	(void)state;
	spec_on = SPEC_IBPB;
	turn_to(0);
	assert_int_equal(msr_now(MSR_PRED_CMD), 1);
	turn_to(1);
	assert_int_equal(msr_writes(MSR_PRED_CMD), 2);
	threads[1].space = NULL; /* the thread is without user mode for a while */
	turn_to(1);
	threads[1].space = &spaces[1];
	turn_to(1);
	assert_int_equal(msr_writes(MSR_PRED_CMD), 2);
	spec_on = 0;
	turn_to(0);
	assert_int_equal(msr_writes(MSR_PRED_CMD), 2);
}

static void guests(void **state)
{
	(void)state;
	guest_says = SK_EXIT_NONE;
	resume(0, &vcpu);
	assert_int_equal(way, AGAIN);
	assert_int_equal(did.exits, 0);
	assert_ptr_equal(machine.cpu.space, &spaces[0]);
	/* VMLOAD after the guest restores the bases */
	assert_int_equal(host_state[1].fs.base, 0x100);
	assert_int_equal(host_state[1].kernel_gs_base, 0x200);
	guest_says = SK_EXIT_HLT;
	machine.cpu.resched = true; /* something has come for the CPU meanwhile */
	resume(0, &vcpu);
	assert_int_equal(way, AGAIN);
	assert_int_equal(did.exits, 1);
	assert_int_equal(did.why, SK_EXIT_HLT);
	assert_int_equal(did.fpu_switches, 0);
	machine.cpu.resched = false;
	resume(0, &vcpu);
	assert_int_equal(way, TO_USER);
	assert_int_equal(did.exits, 2);
}

static void vectors_lead_to(void **state)
{
	(void)state;
	machine.cpu.timer_armed = 5;
	trap_interrupt(VEC_TIMER);
	assert_int_equal(did.timers, 1);
	assert_int_equal(machine.cpu.timer_armed, SK_NO_DEADLINE);
	assert_int_equal(did.eois, 1);
	trap_interrupt(VEC_KICK);
	assert_true(machine.cpu.resched);
	assert_int_equal(did.eois, 2);
	trap_interrupt(VEC_REQUEST);
	assert_int_equal(did.serves, 1);
	assert_int_equal(did.eois, 3);
	trap_interrupt(VEC_ERROR);
	assert_int_equal(did.eois, 4);
	trap_interrupt(VEC_SPURIOUS);
	assert_int_equal(did.eois, 4);
	trap_interrupt(VEC_DEVICE);
	trap_interrupt(VEC_TIMER - 1);
	assert_int_equal(did.irqs, 2);
	trap_interrupt(VEC_DEVICE - 1);
	assert_int_equal(did.irqs, 2);
	assert_int_equal(did.eois, 4); /* irq_dispatch() sends the EOI */
	processor.cr2 = 0x777;
	trap_user(&threads[0], 14, 6);
	assert_int_equal(did.addr, 0x777);
	assert_int_equal(did.error, 6);
	trap_user(&threads[0], 13, 8);
	assert_int_equal(did.addr, 0);
	assert_int_equal(did.faults, 2);
	trap_user(&threads[0], VEC_KICK, 0);
	assert_int_equal(did.eois, 5);
	assert_int_equal(did.faults, 2);
	trap_user(&threads[0], 31, 0);
	assert_int_equal(did.faults, 3);
}

/* The first FPU instruction of a thread, or one that its guest's XCR0 forbids. */
static void first_use_of_the_fpu(void **state)
{
	static const uint64_t vectors[] = { VEC_NM, VEC_UD };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(vectors); i++) {
		set_up(NULL);
		threads[0].uses_fpu = false;
		resume(0, NULL);
		assert_int_equal(did.turned_off, 1);
		trap_user(&threads[0], VEC_PF, 0);
		assert_int_equal(did.faults, 1);
		assert_false(threads[0].uses_fpu);
		trap_user(&threads[0], vectors[i], 0);
		assert_true(threads[0].uses_fpu);
		assert_int_equal(did.faults, 1);
		to_user(0);
		trap_user(&threads[0], vectors[i], 0); /* it is not for that reason */
		assert_int_equal(did.faults, 2);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_has_its_own),
		TEST(bases_are_loaded_again),
		TEST(flags_are_users),
		TEST(rip_is_users),
		TEST(predictors_are_emptied),
		TEST(guests),
		TEST(vectors_lead_to),
		TEST(first_use_of_the_fpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

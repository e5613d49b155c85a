/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c - what each kind of entry leads to, and the way back to user mode
 *
 * Invariants  TRAP1 user mode starts with the FS and GS base, the address space and the FPU
 *             state of its thread
 *             TRAP2 RIP is canonical and in the lower half before SYSRET or IRET sees it
 *             TRAP3 after an exit, t goes on at once unless resched is set: so does whoever
 *                stops t, or has something for this CPU to do
 */
#include "../../space.h"
#include "../../vcpu.h"
#include "cpu.h"
#include "spec.h"
#include "svm.h"

void trap_interrupt(uint64_t vector)
{
	if (vector >= VEC_TIMER && vector < VEC_SPURIOUS)
		lapic_eoi();
	switch (vector) {
	case VEC_TIMER:
		this_cpu()->timer_armed = SK_NO_DEADLINE;
		core_timer();
		break;
	case VEC_KICK:
		this_cpu()->resched = true;
		break;
	case VEC_REQUEST:
		arch_serve();
		break;
	case VEC_ERROR:
		klog("cpu %u: local APIC error\n", this_cpu()->id);
		break;
	default:
		if (vector >= VEC_DEVICE && vector < VEC_TIMER)
			irq_dispatch((unsigned int)vector);
		break; /* spurious: no end of interrupt */
	}
}

void trap_user(struct thread *t, uint64_t vector, uint64_t error)
{
	if (vector >= 32)
		trap_interrupt(vector);
	else if (!t->uses_fpu && (vector == VEC_NM || vector == VEC_UD))
		/* try again: after a guest, not only TS forbids instructions, but its XCR0 */
		t->uses_fpu = true;
	else
		core_fault(t, vector, error, vector == VEC_PF ? read_cr2() : 0);
}

void trap_kernel(struct trap_frame *f)
{
	/* clang-format off */
	static const char *const names[] = { [0] = "divide error", [1] = "debug", [3] = "breakpoint",
		[6] = "invalid opcode", [8] = "double fault", [13] = "general protection",
		[14] = "page fault", [18] = "machine check" };
	/* clang-format on */
	const char *name = f->vector < ARRAY_SIZE(names) ? names[f->vector] : NULL;

	panic_regs(f, name ? name : "exception");
}

/* Only a panicking CPU sends NMIs; all others are ignored. */
void trap_nmi(void)
{
	if (panicking)
		for (;;)
			__asm__ volatile("cli; hlt");
}

/*
 * Equal values do not suffice: another thread may have zeroed the base in user mode, as a
 * selector of 0 does. Nothing but 0 can come of that.
 */
static void base_load(uint32_t msr, uint64_t *loaded, uint64_t value)
{
	if (value | *loaded)
		wrmsr(msr, value);
	*loaded = value;
}

static void space_load(struct cpu *c, struct space *s)
{
	struct cpu_arch *a = arch_of(c);

	if (c->space == s)
		return;
	/* before the walker can see its tables */
	__atomic_store_n(&c->space, s, __ATOMIC_SEQ_CST);
	write_cr3(s ? s->root : kernel_root);
	if (spec_on & SPEC_IBPB && s && a->last_space != s)
		wrmsr(MSR_PRED_CMD, 1);
	if (s)
		a->last_space = s;
}

/* TRAP1, after the CPU has turned to t. */
static hot void thread_load(struct cpu_arch *a, struct thread *t)
{
	struct vmcb *host = phys_to_virt(a->host_paddr + SK_PAGE_SIZE);

	space_load(&a->cpu, load(&t->space));
	base_load(MSR_FS_BASE, &host->fs.base, t->regs.r.fs_base);
	base_load(MSR_KERNEL_GS_BASE, &host->kernel_gs_base, t->regs.r.gs_base);
	a->cpu.loaded = true;
}

void arch_resume(struct thread *t, struct vcpu *v)
{
	struct cpu_arch *a = this_arch();
	struct sk_regs *r = &t->regs.r;
	uint32_t reason;

	if (!a->cpu.loaded)
		thread_load(a, t);
	if (v) {
		reason = arch_vcpu_run(v, t);
		if (reason == SK_EXIT_NONE)
			kernel_leave();
		core_vcpu_exit(v, t, reason);
		if (load(&a->cpu.resched)) /* TRAP3 */
			kernel_leave();
	}
	if (r->rip >= USER_END) { /* TRAP2 */
		core_fault(t, 13, 0, r->rip);
		kernel_leave();
	}
	fpu_user(a, t); /* FPU1 */
	r->rflags = (r->rflags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_IF;
	user_return(&t->regs, t->regs.vector == ENTRY_SYSCALL);
}

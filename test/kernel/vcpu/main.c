/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu - guests in real and long mode: exits, nested faults, injection, signals, deadlines,
 * shoot-down, death
 */
#include "../lib/ktest.h"

#define RAM_SIZE (2u << 20)
#define CODE16 0x1000
#define CODE64 0x2000
#define SPIN64 0x3000
#define TABLES 0x4000 /* PML4, PDPT, PD */
#define GDT 0x8000
#define IDT 0x9000
#define STACK 0x10000
#define FAULT_GPA 0x40000000ull

extern const char guest16[], guest16_end[], guest64[], guest64_end[], guest_handler[], spin64[],
	spin64_end[];

static sk_cap_t nested, ram_frame, vcpu, ntfn;
static uint8_t *ram;
static struct sk_vcpu_state *state;

static uint32_t enter(void)
{
	uint32_t reason = 0;

	CHECK_EQ(sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &reason), 0);
	CHECK_EQ(state->exit_reason, reason);
	return reason;
}

static void advance(unsigned int len)
{
	state->rip += len;
	state->dirty |= SK_VCPU_RIP;
}

/* --- making it ---------------------------------------------------------------------------- */

static void machine(void)
{
	uint64_t at;
	uint32_t level;

	nested = object_new(SK_OBJ_SPACE_NESTED, 0);
	ram = memory_new(21, &ram_frame);
	sk_cap_t copy = slots_new(1);

	CHECK_EQ(sk_copy(ME, copy, ME, ram_frame, SK_ALL), 0);
	CHECK_EQ(map_into(copy, nested, 0, 0, 21, SK_R | SK_W | SK_EXEC), 0);
	__builtin_memcpy(ram + CODE16, guest16, guest16_end - guest16);
	__builtin_memcpy(ram + CODE64, guest64, guest64_end - guest64);
	__builtin_memcpy(ram + SPIN64, spin64, spin64_end - spin64);
	vcpu = object_new(SK_OBJ_VCPU, 0);
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &level), -SK_E_STATE);
	at = range_new(12);
	tables_for(SK_CAP_SPACE, at);
	CHECK_EQ(sk_vcpu_configure(vcpu, SK_CAP_SPACE, SK_CAP_SPACE, at, &level), -SK_E_CAP);
	CHECK_EQ(sk_vcpu_configure(vcpu, nested, SK_CAP_SPACE, 0x123000000000, &level),
		-SK_E_NO_TABLE);
	CHECK_EQ(level, 3);
	CHECK_EQ(sk_vcpu_configure(vcpu, nested, SK_CAP_SPACE, at, &level), 0);
	state = (struct sk_vcpu_state *)at;
}

static void seg_set(unsigned int i, uint16_t selector, uint16_t attr)
{
	state->seg[i] = (struct sk_segment){ selector, attr, attr & 0x800 ? 0xffffffff : 0xffff,
		0 };
}

static void real_mode(uint64_t rip)
{
	unsigned int i;

	CHECK_EQ(sk_vcpu_sync(vcpu, ~0u), 0);
	for (i = SK_ES; i <= SK_GS; i++)
		seg_set(i, 0, 0x93);
	seg_set(SK_CS, 0, 0x9b);
	state->rip = rip;
	state->rflags = 2;
	state->gpr[SK_RSP] = STACK;
	state->dirty = SK_VCPU_SEG | SK_VCPU_RIP | SK_VCPU_GPR;
}

static void long_mode(uint64_t rip)
{
	uint64_t *pml4 = (uint64_t *)(ram + TABLES), *pdpt = pml4 + 512, *pd = pdpt + 512;
	uint64_t handler = CODE64 + (uint64_t)(guest_handler - guest64), i;

	pml4[0] = (TABLES + 0x1000) | 3;
	pdpt[0] = (TABLES + 0x2000) | 3;
	pdpt[1] = FAULT_GPA | 0x83; /* 1 GiB page */
	pd[0] = 0x83;
	((uint64_t *)(ram + GDT))[1] = 0x00af9b000000ffff;
	((uint64_t *)(ram + IDT))[0x80] = (handler & 0xffff) | 8 << 16 | 0x8e00ull << 32 |
					  (handler >> 16) << 48;
	((uint64_t *)(ram + IDT))[0x81] = 0;
	CHECK_EQ(sk_vcpu_sync(vcpu, ~0u), 0);
	for (i = SK_ES; i <= SK_GS; i++)
		seg_set(i, 0, 0xc93);
	seg_set(SK_CS, 8, 0xa9b);
	state->gdtr = (struct sk_segment){ 0, 0, 15, GDT };
	state->idtr = (struct sk_segment){ 0, 0, 0xfff, IDT };
	state->cpl = 0;
	state->cr0 = 0x80000011;
	state->cr3 = TABLES;
	state->cr4 = 0x620; /* PAE, OSFXSR, OSXMMEXCPT */
	state->efer = 0x500;
	state->rip = rip;
	state->rflags = 2;
	state->gpr[SK_RSP] = STACK;
	state->gpr[SK_RSI] = FAULT_GPA + 0x1000;
	state->gpr[SK_R12] = 0;
	state->event = 0; /* from the previous triple fault */
	state->dirty = SK_VCPU_SEG | SK_VCPU_RIP | SK_VCPU_GPR | SK_VCPU_CR | SK_VCPU_EVENT;
}

/* --- cases -------------------------------------------------------------------------------- */

static void exits16(void)
{
	real_mode(CODE16);
	CHECK_EQ(enter(), SK_EXIT_CPUID);
	CHECK_EQ(state->gpr[SK_RAX] & 0xffff, 0x1234);
	CHECK_EQ(state->rip, CODE16 + 3);
	state->gpr[SK_RAX] = 0;
	state->gpr[SK_RBX] = 0;
	state->gpr[SK_RDX] = 0;
	state->dirty = SK_VCPU_GPR;
	advance(2);
	CHECK_EQ(enter(), SK_EXIT_IO);
	CHECK_EQ(state->qual[0], 0x42 | 1 << 16 | 1 << 24);
	state->rip = state->qual[1];
	state->dirty = SK_VCPU_RIP;
	CHECK_EQ(enter(), SK_EXIT_IO);
	CHECK_EQ(state->qual[0], 0x3f8 | 2 << 16);
	CHECK_EQ(state->gpr[SK_RAX] & 0xffff, 0xbeef);
	state->rip = state->qual[1];
	/* not a bit of CR4: the VMM decides about it, not the processor */
	state->gpr[SK_RBX] = 1u << 31;
	state->dirty = SK_VCPU_RIP | SK_VCPU_GPR;
	CHECK_EQ(enter(), SK_EXIT_CR_WRITE);
	CHECK_EQ(state->qual[0], 4);
	CHECK(state->qual[1] == SK_RBX || state->qual[1] == 0xff);
	CHECK_EQ(state->cr4, 0);
	advance(3);
	CHECK_EQ(enter(), SK_EXIT_HYPERCALL);
	advance(3);
	CHECK_EQ(enter(), SK_EXIT_HLT);
	CHECK_EQ(state->rflags & 0x200, 0x200);
	advance(1);
}

static sk_cap_t fault_page;

static void exits64(void)
{
	uint64_t out, host = range_new(12);
	uint32_t level;

	long_mode(CODE64);
	state->cr4 |= 1u << 22; /* protection keys: their register is not switched */
	CHECK_EQ(enter(), SK_EXIT_RDMSR);
	CHECK_EQ(state->cr4, 0x620);
	CHECK_EQ(state->gpr[SK_RCX], 0xc0000080);
	state->gpr[SK_RAX] = 0x500;
	state->gpr[SK_RDX] = 0;
	state->dirty = SK_VCPU_GPR;
	advance(2);
	CHECK_EQ(enter(), SK_EXIT_WRMSR);
	CHECK_EQ(state->gpr[SK_RCX], 0x10);
	CHECK_EQ(state->gpr[SK_RAX], 7);
	CHECK_EQ(state->gpr[SK_RBX], 0x500);
	advance(2);
	CHECK_EQ(enter(), SK_EXIT_NESTED_FAULT);
	CHECK_EQ(state->qual[0], FAULT_GPA + 0x1000);
	CHECK_EQ(state->qual[1] & (SK_NF_WRITE | SK_NF_PRESENT | SK_NF_TABLE), 0);
	fault_page = object_new(SK_OBJ_FRAME, 12);
	sk_cap_t host_copy = slots_new(1);

	CHECK_EQ(sk_copy(ME, host_copy, ME, fault_page, SK_ALL), 0);
	CHECK_EQ(map_into(host_copy, SK_CAP_SPACE, host, 0, 12, SK_R | SK_W), 0);
	*(volatile uint64_t *)host = 4711;
	CHECK_EQ(map_into(fault_page, nested, FAULT_GPA + 0x1000, 0, 12, SK_R), 0);
	/* the guest has its xmm3 and we have ours */
	__asm__ volatile("movq %0, %%xmm3" : : "r"(0x123456789aull) : "memory");
	CHECK_EQ(enter(), SK_EXIT_HYPERCALL);
	__asm__ volatile("movq %%xmm3, %0" : "=r"(out) : : "memory");
	CHECK_EQ(out, 0x123456789a);
	CHECK_EQ(state->gpr[SK_RDI], 4711);
	state->gpr[SK_RDI] = 4712;
	state->dirty = SK_VCPU_GPR;
	advance(3);
	CHECK_EQ(enter(), SK_EXIT_NESTED_FAULT);
	CHECK_EQ(state->qual[1] & (SK_NF_WRITE | SK_NF_PRESENT), SK_NF_WRITE | SK_NF_PRESENT);
	CHECK_EQ(sk_unmap(fault_page, 0, 12), 0);
	CHECK_EQ(sk_map(fault_page, nested, FAULT_GPA + 0x1000, 0, 12, SK_R | SK_W, &out,
			 &level),
		0);
	CHECK_EQ(enter(), SK_EXIT_HYPERCALL);
	CHECK_EQ(*(volatile uint64_t *)host, 4712);
	CHECK_EQ(state->gpr[SK_RAX], 0x1122334455667788);
	advance(3);
}

/* The guest loops, and enables its interrupts now and then. */
static void injection(void)
{
	uint32_t pending = 0, reason;

	CHECK_EQ(sk_vcpu_inject(vcpu, 256, &pending), -SK_E_INVAL);
	CHECK_EQ(sk_vcpu_inject(vcpu, 0x40, &pending), 0);
	CHECK_EQ(sk_vcpu_inject(vcpu, 0x41, &pending), -SK_E_BUSY);
	CHECK_EQ(pending, 0x140);
	CHECK_EQ(enter(), SK_EXIT_HYPERCALL);
	CHECK_EQ(state->rip, CODE64 + (uint64_t)(guest_handler - guest64));
	CHECK_EQ(state->irq_pending, 0);
	advance(3);
	do { /* on a busy machine it may not run at all before a deadline */
		CHECK_EQ(sk_vcpu_enter(vcpu, sk_now() + INFO->tsc_hz / 200, &reason), 0);
		CHECK_EQ(reason, SK_EXIT_DEADLINE);
		CHECK_EQ(state->exit_reason, SK_EXIT_DEADLINE);
	} while (state->gpr[SK_R12] == 0);
	CHECK(state->rip >= CODE64 && state->rip < CODE64 + 0x100);
	/* an event that the VMM queues itself */
	state->event = SK_EV_VALID | SK_EV_INTR | 0x40;
	state->dirty = SK_VCPU_EVENT;
	CHECK_EQ(enter(), SK_EXIT_HYPERCALL);
	CHECK_EQ(state->rip, CODE64 + (uint64_t)(guest_handler - guest64));
	advance(3);
}

static void signaller(void *arg)
{
	sk_cap_t idle = object_new(SK_OBJ_NOTIFICATION, 0);
	uint64_t word;

	sk_wait(idle, sk_now() + INFO->tsc_hz / 200, &word);
	CHECK_EQ(sk_signal((sk_cap_t)(uint64_t)arg), 0);
}

static void signals(void)
{
	sk_cap_t b = mint_new(ntfn, SK_W, 0x55);

	CHECK_EQ(sk_thread_bind(SK_CAP_THREAD, ntfn), 0);
	CHECK_EQ(sk_signal(b), 0);
	CHECK_EQ(enter(), SK_EXIT_SIGNAL); /* signalled before the entry */
	CHECK_EQ(state->qual[0], 0x55);
	kthread_start(signaller, (void *)(uint64_t)b, INFO->n_cpus - 1, 25);
	CHECK_EQ(enter(), SK_EXIT_SIGNAL); /* signalled while the guest ran */
	CHECK_EQ(state->qual[0], 0x55);
	kthread_start(signaller, (void *)(uint64_t)b, 0, 25);
	CHECK_EQ(enter(), SK_EXIT_SIGNAL);
}

static void refused(void)
{
	long_mode(CODE64);
	state->cr0 = 0x80000010; /* paging without protection */
	CHECK_EQ(enter(), SK_EXIT_INVALID_STATE);
	long_mode(SPIN64);
	state->idtr.limit = 0;
	/* its tables map nothing there, and it has no handler: triple fault */
	state->rip = 0x200000;
	CHECK_EQ(enter(), SK_EXIT_SHUTDOWN);
}

/* A scheduling context says whether its time may be spent in guests. */
static void authority(void)
{
	uint32_t reason;

	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, SK_CAP_SCHED, 0, 20, 256, 0, 0), 0);
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &reason), -SK_E_DENIED);
	main_priority(20); /* on CPU 0 */
}

/* --- another CPU runs the guest ----------------------------------------------------------- */

static volatile uint32_t last_reason;
static volatile long last_rc;
static volatile unsigned int n_exits;

static void runner(void *arg)
{
	uint32_t reason;

	(void)arg;
	do {
		reason = 0;
		last_rc = sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &reason);
		last_reason = reason;
		n_exits++;
		if (reason == SK_EXIT_HYPERCALL)
			advance(3);
		if (reason == SK_EXIT_NESTED_FAULT)
			while (last_reason == SK_EXIT_NESTED_FAULT)
				sk_yield();
	} while (last_rc == 0);
}

static void other_cpu(void)
{
	unsigned int i;
	uint64_t out;
	uint32_t level, pending;
	struct kthread *k;

	long_mode(SPIN64);
	k = kthread_start(runner, NULL, INFO->n_cpus - 1, 10);
	if (INFO->n_cpus == 1)
		main_priority(10);
	while (sk_vcpu_sync(vcpu, 0) != -SK_E_BUSY)
		sk_yield();
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_POLL, &level), -SK_E_BUSY);
	for (i = 0; i < 20; i++) {
		/* after UNMAP the guest cannot read it: it must fault, wherever it runs */
		last_reason = 0;
		CHECK_EQ(sk_unmap(fault_page, 0, 12), 0);
		while (last_reason != SK_EXIT_NESTED_FAULT)
			sk_yield();
		CHECK_EQ(state->qual[0], FAULT_GPA + 0x1000);
		CHECK_EQ(sk_map(fault_page, nested, FAULT_GPA + 0x1000, 0, 12, SK_R | SK_W,
				 &out, &level),
			0);
		last_reason = 0;
	}
	CHECK_EQ(sk_vcpu_inject(vcpu, 0x40, &pending),
		0); /* the guest has interrupts off, so it stays pending */
	CHECK_EQ(sk_vcpu_inject(vcpu, 0x40, &pending), -SK_E_BUSY);
	while (sk_vcpu_sync(vcpu, 0) != -SK_E_BUSY)
		sk_yield();
	CHECK_EQ(sk_thread_suspend(k->thread), 0); /* takes the thread out of the guest */
	CHECK_EQ(sk_vcpu_sync(vcpu, ~0u), 0);
	i = n_exits;
	CHECK_EQ(sk_thread_resume(k->thread), 0);
	while (n_exits == i)
		sk_yield();
	CHECK_EQ(last_rc, -SK_E_AGAIN);
	/* the nested space is deleted while the guest runs, then the VCpu */
	k = kthread_start(runner, NULL, INFO->n_cpus - 1, 10);
	while (sk_vcpu_sync(vcpu, 0) != -SK_E_BUSY)
		sk_yield();
	last_rc = 1;
	CHECK_EQ(sk_revoke(ME, nested), 0);
	while (last_rc == 1)
		sk_yield();
	CHECK_EQ(last_rc, -SK_E_DELETED);
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_POLL, &level), -SK_E_STATE);
	CHECK_EQ(sk_delete(ME, nested), 0);
	CHECK_EQ(sk_delete(ME, vcpu), 0);
}

void test_main(void)
{
	if (!(INFO->features & SK_FEAT_SVM)) {
		CHECK_EQ(sk_retype(ram_untyped(), SK_OBJ_VCPU, 0, ME, slots_new(1), 1, 0),
			-SK_E_NO_SYS);
		finish("SKIP");
	}
	ntfn = object_new(SK_OBJ_NOTIFICATION, 0);
	/* no guests run on CPU 0 of TCG; other_cpu() runs one on the last CPU */
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, SK_CAP_SCHED, INFO->n_cpus - 1,
			 20 | SK_SCHED_GUESTS, 256, 0, 0),
		0);
	machine();
	exits16();
	print("16\n");
	exits64();
	print("64\n");
	injection();
	print("inject\n");
	signals();
	print("signals\n");
	refused();
	print("refused\n");
	authority();
	other_cpu();
}

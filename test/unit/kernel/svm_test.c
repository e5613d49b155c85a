/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svm_test.c - contents of a guest's control block: initially, after each group of the state
 * page, at each entry and exit
 */
#include "processor.h"
#include "kernel/arch/x86_64/svm.c"

/* --- the rest of the kernel --------------------------------------------------------------- */

static struct cpu_arch machine[2];
static struct space space, other_space;
static uint8_t hw[4096] __attribute__((aligned(4096)));
static uint8_t state_page[4096] __attribute__((aligned(4096)));
static uint8_t host_pages[2][8192] __attribute__((aligned(4096)));
static uint8_t fpu_page[4096], other_fpu[4096];
static struct vcpu v;
static struct sk_vcpu_state *const s = (struct sk_vcpu_state *)state_page;
static struct vmcb *const b = (struct vmcb *)hw;
static struct thread *const thread = (struct thread *)fpu_page; /* only its address counts */

struct features features;
struct cpu *cpus[SK_CPU_MAX];
uint32_t n_cpus = 2;
static unsigned int entries, puts_of_fpu, windows, inits_of_fpu;
static bool taken_away;
static void (*in_guest)(void);
static struct space *nested_in_guest;
static uint64_t xcr0_in_guest;
static uint32_t dr_intercepts_in_guest;

void klog(const char *fmt, ...) { (void)fmt; }
void panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}
void *boot_alloc(size_t size)
{
	void *p = aligned_alloc(4096, (size + 4095) & ~4095ul);

	return memset(p, 0, size);
}
struct space *vcpu_take(struct vcpu *of, const struct thread *t)
{
	assert_ptr_equal(of, &v);
	assert_ptr_equal(t, thread);
	if (taken_away)
		return NULL;
	this_cpu()->nested = v.nested;
	return v.nested;
}
void arch_fpu_put(void)
{
	puts_of_fpu++;
	if (this_arch()->vcpu)
		vcpu_xcr0_save(this_arch()->vcpu);
	this_arch()->vcpu = NULL;
	this_arch()->cpu.fpu = NULL;
}
void fpu_switch(void *area) { this_arch()->cpu.fpu = area; }
void arch_fpu_init_area(void *area)
{
	assert_ptr_equal(area, v.fpu);
	inits_of_fpu++;
}
void irq_window(void) { windows++; }
bool boot_option(const char *word)
{
	(void)word;
	return false;
}

/* The guest executes in_guest(). */
void svm_enter(uint64_t guest, uint64_t *gpr, uint64_t host)
{
	assert_int_equal(guest, (uint64_t)hw);
	assert_ptr_equal(gpr, s->gpr);
	assert_int_equal(host, this_arch()->host_paddr + 4096);
	assert_ptr_equal(this_arch()->cpu.fpu, v.fpu);
	assert_ptr_equal(this_arch()->vcpu, &v);
	/* the CPU holds no references to kernel objects */
	assert_int_equal(this_cpu()->epoch & 1, 0);
	nested_in_guest = this_cpu()->nested;
	xcr0_in_guest = processor.xcr0;
	dr_intercepts_in_guest = b->intercept[1];
	entries++;
	if (in_guest)
		in_guest();
}

/* --- a vCPU on CPU 0 ---------------------------------------------------------------------- */

static int set_up(void **state)
{
	(void)state;
	memset(machine, 0, sizeof(machine));
	for (unsigned int i = 0; i < 2; i++) {
		machine[i].cpu = (struct cpu){ .self = &machine[i].cpu, .id = i, .epoch = 1 };
		machine[i].host_paddr = (uint64_t)host_pages[i];
		cpus[i] = &machine[i].cpu;
	}
	features = (struct features){ .svm = true,
		.asids = 4,
		.svm_bits = FEATURE_NP | FEATURE_NRIP | FEATURE_PAUSE,
		.xsave = true,
		.xcr0 = 7 };
	processor_reset();
	be(&machine[0].cpu);
	processor.xcr0 = 7;
	vcpu_setup_cpu();
	memset(intercepts, 0, sizeof(intercepts));
	intercepts_make();
	space = (struct space){ .root = 0x5000, .arch_data = { 17 } };
	other_space = (struct space){ .root = 0x6000, .arch_data = { 18 } };
	memset(hw, 0xee, sizeof(hw));
	memset(state_page, 0, sizeof(state_page));
	v = (struct vcpu){ .state = s, .hw = hw, .fpu = fpu_page, .nested = &space };
	arch_vcpu_init(&v);
	entries = puts_of_fpu = windows = inits_of_fpu = 0;
	taken_away = false;
	in_guest = NULL;
	return 0;
}

static void exits_with(uint64_t code, uint64_t info1, uint64_t info2)
{
	b->exit_code = code;
	b->exit_info1 = info1;
	b->exit_info2 = info2;
	b->exit_int_info = 0;
}

static uint32_t run(uint64_t code, uint64_t info1, uint64_t info2)
{
	be(this_cpu());
	exits_with(code, info1, info2);
	return arch_vcpu_run(&v, thread);
}

/* --- the processor is set up -------------------------------------------------------------- */

static bool passes(const uint8_t *map, uint32_t msr)
{
	uint32_t at = msr >= 0xc0000000 ? 0x800 + (msr - 0xc0000000) / 4 : msr / 4;

	return !(map[at] >> msr % 4 * 2 & 3);
}

static void processor_is_ready(void **state)
{
	static const uint32_t pass[] = { 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000081,
		0xc0000082, 0xc0000083, 0xc0000084, 0x174, 0x175, 0x176, 0x277 };
	const uint8_t *map = (const uint8_t *)msrpm_paddr;
	unsigned int n = 0;

	(void)state;
	assert_true(arch_vcpu_available());
	assert_true(msr_now(MSR_EFER) & EFER_SVME);
	assert_int_equal(msr_now(MSR_VM_HSAVE_PA), machine[0].host_paddr);
	assert_int_equal(processor.vmsaves, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(pass); i++)
		assert_true(passes(map, pass[i]));
	for (uint32_t i = 0; i < 0x2000; i++)
		n += passes(map, i) + passes(map, 0xc0000000 + i);
	assert_int_equal(n, ARRAY_SIZE(pass));
	for (unsigned int i = 0; i < IOPM_SIZE; i++)
		assert_int_equal(((const uint8_t *)iopm_paddr)[i], 0xff);
	for (unsigned int i = 0x1000; i < MSRPM_SIZE; i++)
		assert_int_equal(map[i], 0xff);
}

static void processors_without(void **state)
{
	(void)state;
	be(this_cpu());
	wrmsr(MSR_VM_CR, 0x10); /* the firmware has locked it */
	vcpu_setup_cpu();
	assert_false(arch_vcpu_available());
	wrmsr(MSR_VM_CR, 0);
	features.svm_bits &= ~(uint32_t)FEATURE_NP;
	vcpu_setup_cpu();
	assert_false(arch_vcpu_available());
	features.svm_bits |= FEATURE_NP;
	features.asids = 1;
	vcpu_setup_cpu();
	assert_false(arch_vcpu_available());
	features.asids = 2;
	vcpu_setup_cpu();
	assert_true(arch_vcpu_available());
	/* this CPU disagrees with the boot CPU */
	be(&machine[1].cpu);
	wrmsr(MSR_VM_CR, 0x10);
	vcpu_setup_cpu();
	assert_false(arch_vcpu_available());
	be(&machine[0].cpu);
	wrmsr(MSR_VM_CR, 0);
	features.svm = false;
	vcpu_setup_cpu();
	assert_false(arch_vcpu_available());
}

static void guests_begin_as_after_reset(void **state)
{
	(void)state;
	/*
	 * APM volume 2, appendix B: CR4 writes; #DB #AC #MC; all that the kernel or the VMM
	 * must see
	 */
	assert_int_equal(b->intercept[0], 1 << 20);
	assert_int_equal(b->intercept[1], UINT32_MAX);
	assert_int_equal(b->intercept[2], 1 << 1 | 1 << 17 | 1 << 18);
	assert_int_equal(b->intercept[3], 0xbdc4800f);
	assert_int_equal(b->intercept[4], 0x7e7f);
	assert_int_equal(b->intercept[5], 0);
	assert_int_equal(b->iopm, iopm_paddr);
	assert_int_equal(b->msrpm, msrpm_paddr);
	assert_int_equal(b->np_control, 1);
	assert_int_equal(b->v_intr, 1 << 24);
	assert_int_equal(b->efer, 0x1000);
	assert_int_equal(b->cr0, 0x60000010);
	assert_int_equal(b->rip, 0xfff0);
	assert_int_equal(b->rflags, 2);
	assert_int_equal(b->cs.base, 0xffff0000);
	assert_int_equal(b->cs.selector, 0xf000);
	assert_int_equal(b->dr7, 0x400);
	assert_int_equal(b->pat, 0x0007040600070406);
	assert_int_equal(b->tr.attr, 0x8b);
	assert_int_equal(b->ldtr.attr, 0x82);
	assert_int_equal(b->event_inject, 0);
	assert_int_equal(b->pause_count, PAUSE_COUNT);
	features.svm_bits &= ~(uint32_t)FEATURE_PAUSE;
	memset(intercepts, 0, sizeof(intercepts));
	intercepts_make();
	arch_vcpu_init(&v);
	assert_int_equal(b->intercept[3], 0xbd44800f);
}

/* --- state page and control block --------------------------------------------------------- */

static void fill_page(void)
{
	for (unsigned int i = 0; i < SK_N_GPR; i++)
		s->gpr[i] = 0x1000 + i;
	s->rip = 0x2001;
	s->rflags = 0x2002;
	s->cr0 = 0x2003;
	s->cr2 = 0x2004;
	s->cr3 = 0x2005;
	s->cr4 = ~0ull;
	s->cr8 = 0xf5;
	s->efer = 0x501;
	s->pat = 0x2008;
	s->dr6 = 0x2009;
	s->dr7 = 0x200a;
	s->tsc_offset = 0x200b;
	s->xcr0 = 7;
	s->star = 0x200c;
	s->lstar = 0x200d;
	s->cstar = 0x200e;
	s->sfmask = 0x200f;
	s->kernel_gs_base = 0x2010;
	s->sysenter_cs = 0x2011;
	s->sysenter_esp = 0x2012;
	s->sysenter_eip = 0x2013;
	for (unsigned int i = 0; i < SK_N_SEG; i++)
		s->seg[i] = (struct sk_segment){ (uint16_t)(8 * i), 0xffff, 0x100 + i,
			0x3000 + i };
	s->gdtr = (struct sk_segment){ 1, 2, 3, 0x4000 };
	s->idtr = (struct sk_segment){ 1, 2, 4, 0x4001 };
	s->cpl = 7;
	s->int_shadow = 0xff;
	s->event = 0xffffffff;
	s->event_code = 0x77;
}

/* Exactly the groups of the mask are loaded. */
static void groups_are_loaded(void **state)
{
	struct vmcb before;

	(void)state;
	fill_page();
	memcpy(&before, b, sizeof(before));
	arch_vcpu_load(&v);
	assert_memory_equal(&before, b, sizeof(before));
	for (unsigned int group = 0; group < 10; group++) {
		s->dirty = 1u << group;
		set_up(NULL);
		fill_page();
		s->dirty = 1u << group;
		arch_vcpu_load(&v);
		assert_int_equal(s->dirty, 0);
		assert_int_equal(b->rax == 0x1000, 1u << group == SK_VCPU_GPR);
		assert_int_equal(b->rip == 0x2001, 1u << group == SK_VCPU_RIP);
		assert_int_equal(b->rflags == 0x2002, 1u << group == SK_VCPU_RIP);
		assert_int_equal(b->rsp == 0x1000 + SK_RSP, 1u << group == SK_VCPU_RIP);
		assert_int_equal(b->int_shadow == 1, 1u << group == SK_VCPU_RIP);
		assert_int_equal(b->cr0 == 0x2003, 1u << group == SK_VCPU_CR);
		assert_int_equal(b->cr2 == 0x2004, 1u << group == SK_VCPU_CR);
		assert_int_equal(b->cr3 == 0x2005, 1u << group == SK_VCPU_CR);
		assert_int_equal(b->cr4 == ~(0xfull << 22), 1u << group == SK_VCPU_CR);
		assert_int_equal(b->v_intr & 0xff, 1u << group == SK_VCPU_CR ? 5 : 0);
		assert_int_equal(b->pat == 0x2008, 1u << group == SK_VCPU_CR);
		assert_int_equal(b->efer, 1u << group == SK_VCPU_CR ? 0x1501 : 0x1000);
		assert_int_equal(b->dr6 == 0x2009, 1u << group == SK_VCPU_DR);
		assert_int_equal(b->dr7 == 0x200a, 1u << group == SK_VCPU_DR);
		assert_int_equal(b->tsc_offset == 0x200b, 1u << group == SK_VCPU_TSC);
		assert_int_equal(b->star == 0x200c, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->lstar == 0x200d, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->cstar == 0x200e, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->sfmask == 0x200f, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->kernel_gs_base == 0x2010, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->sysenter_cs == 0x2011, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->sysenter_esp == 0x2012, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->sysenter_eip == 0x2013, 1u << group == SK_VCPU_MSR);
		assert_int_equal(b->es.base == 0x3000 + SK_ES, 1u << group == SK_VCPU_SEG);
		assert_int_equal(b->fs.limit == 0x100 + SK_FS, 1u << group == SK_VCPU_SEG);
		assert_int_equal(b->tr.selector == 8 * SK_TR, 1u << group == SK_VCPU_SEG);
		assert_int_equal(b->ldtr.base == 0x3000 + SK_LDTR, 1u << group == SK_VCPU_SEG);
		assert_int_equal(b->gdtr.base == 0x4000, 1u << group == SK_VCPU_SEG);
		assert_int_equal(b->idtr.base == 0x4001, 1u << group == SK_VCPU_SEG);
		assert_int_equal(b->ss.attr == 0xfff, 1u << group == SK_VCPU_SEG);
		assert_int_equal(b->cpl, 1u << group == SK_VCPU_SEG ? 3 : 0);
		assert_int_equal(
			b->event_inject, 1u << group == SK_VCPU_EVENT ? 0x7780000fffull : 0);
		assert_int_equal(s->event == 0, 1u << group == SK_VCPU_EVENT);
		assert_int_equal(inits_of_fpu, 1u << group == SK_VCPU_FPU);
		assert_int_equal(b->intercept[3], 0xbdc4800f);
		assert_int_equal(b->np_control, 1);
	}
	/* a task priority takes the place of the one before */
	s->cr8 = 2;
	s->dirty = SK_VCPU_CR;
	b->v_intr |= 5;
	arch_vcpu_load(&v);
	assert_int_equal(b->v_intr & 0xff, 2);
	/* an event without its valid bit is no event */
	s->event = 0x7fffffff;
	s->dirty = SK_VCPU_EVENT;
	arch_vcpu_load(&v);
	assert_int_equal(b->event_inject, 0);
}

/*
 * Only the requested groups are synced: the rest may hold values that the VMM has not handed
 * over.
 */
static void groups_are_synced(void **state)
{
	(void)state;
	for (unsigned int group = 0; group < 9; group++) {
		set_up(NULL);
		fill_page();
		s->dirty = ~0u;
		arch_vcpu_load(&v);
		b->event_inject = 0;
		memset(state_page, 0xcc, sizeof(state_page));
		v.pending_irq = 0x155;
		arch_vcpu_sync(&v, 1u << group);
		assert_int_equal(s->gpr[SK_RAX] == 0x1000, 1u << group == SK_VCPU_GPR);
		assert_int_equal(s->rip == 0x2001, 1u << group == SK_VCPU_RIP);
		assert_int_equal(s->int_shadow == 1, 1u << group == SK_VCPU_RIP);
		assert_int_equal(s->cr3 == 0x2005, 1u << group == SK_VCPU_CR);
		assert_int_equal(s->cr8 == 5, 1u << group == SK_VCPU_CR);
		assert_int_equal(s->efer == 0x501, 1u << group == SK_VCPU_CR);
		assert_int_equal(s->efer & EFER_SVME, 0);
		assert_int_equal(s->dr7 == 0x200a, 1u << group == SK_VCPU_DR);
		assert_int_equal(s->lstar == 0x200d, 1u << group == SK_VCPU_MSR);
		assert_int_equal(s->tsc_offset == 0x200b, 1u << group == SK_VCPU_TSC);
		assert_int_equal(s->xcr0 == 7, 1u << group == SK_VCPU_XCR0);
		assert_int_equal(
			s->seg[SK_GS].base == 0x3000 + SK_GS, 1u << group == SK_VCPU_SEG);
		assert_int_equal(s->idtr.limit == 4, 1u << group == SK_VCPU_SEG);
		assert_int_equal(s->cpl == 3, 1u << group == SK_VCPU_SEG);
		assert_int_equal(s->event == 0, 1u << group == SK_VCPU_EVENT);
		assert_int_equal(s->irq_pending == 0x155, 1u << group == SK_VCPU_EVENT);
	}
	memset(state_page, 0xcc, sizeof(state_page));
	arch_vcpu_sync(&v, SK_VCPU_HOT);
	assert_int_equal(s->cr0, 0x2003);
	assert_int_equal(s->cr4, ~(0xfull << 22));
	assert_int_equal(s->efer, 0x501);
	assert_int_equal(s->cpl, 3);
	assert_int_equal(s->seg[SK_CS].base, 0x3000 + SK_CS);
	assert_int_equal(s->irq_pending, 0x155);
	assert_int_equal(s->event, 0);
	assert_int_equal(s->lstar, 0xcccccccccccccccc);
}

/*
 * An XCR0 never reaches the processor if it would refuse it, or if the kernel does not switch
 * that state.
 */
static void xcr0_is_checked(void **state)
{
	static const struct {
		uint64_t xcr0;
		bool good;
	} rows[] = { { 1, true }, { 3, true }, { 7, true }, { 0, false }, { 2, false },
		{ 5, false }, { 9, false }, { 0xe7, false }, { 1ull << 62 | 3, false } };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		set_up(NULL);
		s->xcr0 = rows[i].xcr0;
		s->dirty = SK_VCPU_XCR0;
		arch_vcpu_load(&v);
		assert_int_equal(run(EXIT_HLT, 0, 0),
			rows[i].good ? SK_EXIT_HLT : SK_EXIT_INVALID_STATE);
		assert_int_equal(entries, rows[i].good);
		if (rows[i].good)
			assert_int_equal(xcr0_in_guest, rows[i].xcr0);
		arch_fpu_put();
		assert_int_equal(processor.xcr0, 7); /* the kernel's value is back */
	}
	features.xcr0 = 0xe7;
	assert_true(xcr0_valid(0xe7));
	assert_false(xcr0_valid(0xe3));
	assert_false(xcr0_valid(0x67));
	features.xsave = false;
	assert_true(xcr0_valid(1));
	assert_false(xcr0_valid(3));
}

static void xcr0_changes(void) { processor.xcr0 = 1; }

/* XCR0 stays the guest's after an exit, as long as the FPU registers do. */
static void xcr0_goes_with_the_registers(void **state)
{
	(void)state;
	s->xcr0 = 3;
	s->dirty = SK_VCPU_XCR0;
	arch_vcpu_load(&v);
	assert_int_equal(processor.xcr0, 7); /* the registers are another owner's */
	(void)run(EXIT_HLT, 0, 0);
	processor.xcr0_writes = 0;
	(void)run(EXIT_HLT, 0, 0);
	assert_int_equal(processor.xcr0_writes, 0);
	s->xcr0 = 7; /* the VMM executes XSETBV for the guest */
	s->dirty = SK_VCPU_XCR0;
	arch_vcpu_load(&v);
	(void)run(EXIT_HLT, 0, 0);
	assert_int_equal(xcr0_in_guest, 7);
	in_guest = xcr0_changes; /* as in QEMU, without an exit */
	(void)run(EXIT_HLT, 0, 0);
	in_guest = NULL;
	arch_vcpu_sync(&v, SK_VCPU_XCR0);
	assert_int_equal(s->xcr0, 1);
	assert_int_equal(processor.xcr0, 7);
	(void)run(EXIT_HLT, 0, 0);
	assert_int_equal(xcr0_in_guest, 1);
	s->xcr0 = 0;
	s->dirty = SK_VCPU_XCR0;
	arch_vcpu_load(&v);
	puts_of_fpu = 0;
	assert_int_equal(run(EXIT_HLT, 0, 0), SK_EXIT_INVALID_STATE);
	assert_int_equal(puts_of_fpu, 1);
}

/* A reset FPU is not that which the registers hold. */
static void registers_are_reset(void **state)
{
	(void)state;
	(void)run(EXIT_HLT, 0, 0);
	puts_of_fpu = 0;
	s->dirty = SK_VCPU_FPU;
	arch_vcpu_load(&v);
	assert_int_equal(puts_of_fpu, 1);
	assert_null(machine[0].cpu.fpu);
	s->dirty = SK_VCPU_FPU;
	arch_vcpu_load(&v);
	assert_int_equal(puts_of_fpu, 1);
}

/* --- entries ------------------------------------------------------------------------------ */

static void entered(uint32_t asid, bool flush)
{
	assert_int_equal(run(EXIT_HLT, 0, 0), SK_EXIT_HLT);
	assert_int_equal(b->asid, asid);
	assert_int_equal(b->tlb_control, flush);
	assert_int_equal(b->n_cr3, v.nested->root);
	assert_ptr_equal(nested_in_guest, v.nested);
	assert_null(this_cpu()->nested);
	assert_int_equal(this_cpu()->epoch & 1, 1);
}

/* A vCPU keeps its ASID while everything that its translations depend on is unchanged. */
static void asids_are_given_out(void **state)
{
	(void)state;
	entered(1, true);
	entered(1, false);
	space.arch_data[0] = 20; /* memory was unmapped */
	entered(2, false);
	entered(2, false);
	v.nested = &other_space;
	entered(3, false);
	v.nested = &space;
	assert_int_equal(machine[0].asid_epoch, 1);
	entered(1, true); /* all ASIDs are used up */
	assert_int_equal(machine[0].asid_epoch, 2);
	entered(1, false);
	s->cr3 = 0x7000;
	s->dirty = SK_VCPU_CR; /* the VMM changed a base of the translations */
	arch_vcpu_load(&v);
	entered(2, false);
	be(&machine[1].cpu);
	machine[1].cpu.fpu = v.fpu;
	machine[1].vcpu = &v;
	entered(1, true); /* each CPU has its own ASIDs */
	be(&machine[0].cpu);
	entered(3, false);
	be(&machine[1].cpu);
	entered(2, false);
}

/* Both CPUs are in the same epoch. */
static void asids_are_of_one_cpu(void **state)
{
	(void)state;
	entered(1, true);
	be(&machine[1].cpu);
	machine[1].cpu.fpu = v.fpu;
	machine[1].vcpu = &v;
	entered(1, true);
	be(&machine[0].cpu);
	entered(2, false);
}

static void asids_that_others_have_used_up(void **state)
{
	(void)state;
	entered(1, true);
	machine[0].asid_epoch++;
	machine[0].asid = 2;
	entered(3, false);
}

/* A flush that the processor did not execute is still to be done. */
static void refused_at_once(void) { b->exit_code = UINT64_MAX; }

static void flushes_are_not_lost(void **state)
{
	(void)state;
	in_guest = refused_at_once;
	assert_int_equal(arch_vcpu_run(&v, thread), SK_EXIT_INVALID_STATE);
	assert_int_equal(s->qual[0], UINT32_MAX);
	assert_int_equal(s->instr_len, 0);
	assert_int_equal(b->rip, 0xfff0); /* the initial value */
	in_guest = NULL;
	entered(2, true);
	entered(2, false);
}

static void owners_of_registers(void **state)
{
	(void)state;
	machine[0].cpu.fpu = other_fpu;
	entered(1, true);
	assert_int_equal(puts_of_fpu, 1); /* the registers held another state */
	entered(1, false);
	assert_int_equal(puts_of_fpu, 1);
	taken_away = true;
	assert_int_equal(run(EXIT_HLT, 0, 0), SK_EXIT_NONE);
	assert_int_equal(entries, 2);
}

/* VCPU_ENTER has taken the vCPU already, which this CPU still had. */
static void a_vcpu_that_is_taken(void **state)
{
	(void)state;
	entered(1, true);
	taken_away = true; /* vcpu_take() would say */
	machine[0].cpu.nested = &space;
	assert_int_equal(run(EXIT_HLT, 0, 0), SK_EXIT_HLT);
	assert_int_equal(entries, 2);
	assert_null(machine[0].cpu.nested);
}

/* The debug registers hold the guest's values only when it uses them. */
static void guest_uses_dr(void)
{
	processor.dr[0] = 0xd0;
	processor.dr[3] = 0xd3;
}

static void debug_registers(void **state)
{
	(void)state;
	b->dr7 = 0x400;
	entered(1, true);
	assert_int_equal(dr_intercepts_in_guest, UINT32_MAX);
	assert_int_equal(processor.dr_writes + processor.dr_reads, 0);
	assert_int_equal(run(0x23, 0, 0), SK_EXIT_NONE); /* an access to a debug register */
	in_guest = guest_uses_dr;
	entered(1, false);
	assert_int_equal(dr_intercepts_in_guest, 0);
	assert_int_equal(processor.dr_writes, 4);
	assert_int_equal(processor.dr_reads, 4);
	in_guest = NULL;
	processor.dr[0] = processor.dr[3] = 0xbad;
	entered(1, false);
	assert_int_equal(dr_intercepts_in_guest, UINT32_MAX);
	b->dr7 = 0x401; /* the guest sets a breakpoint */
	entered(1, false);
	assert_int_equal(processor.dr_writes, 8);
	assert_int_equal(dr_intercepts_in_guest, 0);
	assert_int_equal(processor.dr[0], 0xd0);
	assert_int_equal(processor.dr[3], 0xd3);
}

/* --- interrupts --------------------------------------------------------------------------- */

static uint32_t v_intr, vector;
static void look(void)
{
	v_intr = b->v_intr;
	vector = b->v_intr_vector;
	b->exit_int_info = 0;
}

/* The processor takes the interrupt. */
static void take(void)
{
	look();
	b->v_intr &= ~(uint32_t)V_IRQ;
}

/* The exit comes while it is being delivered; the processor here has not cleared V_IRQ. */
static void stumble(void)
{
	look();
	b->exit_int_info = EVENT_VALID | SK_EV_INTR | vector;
}

static void stumble_over_another(void)
{
	look();
	b->exit_int_info = EVENT_VALID | SK_EV_INTR | 0x99;
}

static void stumble_over_an_exception(void)
{
	look();
	b->exit_int_info = EVENT_VALID | SK_EV_EXCEPTION | 14;
}

/* There is no exception 64: QEMU means the interrupt. */
static void stumble_as_in_qemu(void)
{
	look();
	b->exit_int_info = EVENT_VALID | SK_EV_EXCEPTION | vector;
}

/* irq: the word that the VMM has posted. It stays until the guest has taken it. */
static void offer(uint32_t irq, void (*guest)(void))
{
	v.pending_irq = irq;
	in_guest = guest;
	assert_int_equal(run(EXIT_HLT, 0, 0), SK_EXIT_HLT);
	assert_int_equal(v_intr & V_IRQ, irq & 0x100 ? V_IRQ : 0);
	if (irq & 0x100)
		assert_int_equal(vector, irq & 0xff);
	assert_int_equal(
		b->intercept[3] & INTERCEPT(0x64), 0); /* there is no window to wait for */
}

static void waits(uint32_t irq)
{
	assert_int_equal(v.pending_irq, irq);
	assert_int_equal(s->irq_pending, irq);
}

static void interrupts_are_taken_by_the_processor(void **state)
{
	(void)state;
	offer(0x140, take);
	waits(0);
	assert_int_equal(v_intr >> 16 & 0xf, 4);
	assert_int_equal(v_intr & V_IGN_TPR, 0);
	offer(0x140, look);
	waits(0x140);
	offer(0x140, take);
	waits(0);
	offer(0, look);
	waits(0);
	/* an APIC sends no vector below 16, so priority does not hold this one back */
	offer(0x108, take);
	waits(0);
	assert_int_equal(v_intr & V_IGN_TPR, V_IGN_TPR);
	offer(0x140, look);
	assert_int_equal(v_intr & V_IGN_TPR, 0);
	offer(0, look); /* what was offered before is not offered any more */
	offer(0x100, take);
	waits(0);
}

static uint32_t posted;
static void post(void)
{
	look();
	v.pending_irq = posted;
}

/* Another CPU posts it while the guest runs: it was not offered. */
static void interrupts_that_come_late_wait(void **state)
{
	(void)state;
	posted = 0x155;
	offer(0, post);
	waits(0x155);
}

static void interrupts_are_delivered_once(void **state)
{
	(void)state;
	b->event_inject = 0;
	offer(0x140, stumble);
	waits(0);
	assert_int_equal(b->event_inject, EVENT_VALID | 0x40);
	/* the same vector again, while the first one is still to be delivered */
	offer(0x140, stumble);
	waits(0x140);
	assert_int_equal(b->event_inject, EVENT_VALID | 0x40);
	b->event_inject = 0;
	offer(0x140, stumble_over_another);
	waits(0x140);
	b->event_inject = 0;
	offer(0x140, stumble_over_an_exception);
	waits(0x140);
	b->event_inject = 0;
	offer(0x10e, stumble_over_an_exception); /* of the same number */
	waits(0x10e);
	b->event_inject = 0;
	offer(0x140, stumble_as_in_qemu);
	waits(0);
	assert_int_equal(b->event_inject, EVENT_VALID | 0x40);
	b->event_inject = 0;
}

/* --- exits -------------------------------------------------------------------------------- */

static void exits_have_reasons(void **state)
{
	static const struct {
		uint32_t code, reason;
		uint8_t length;
	} rows[] = { { 0x81, SK_EXIT_HYPERCALL, 3 }, { 0x7c, SK_EXIT_RDMSR, 2 },
		{ 0x78, SK_EXIT_HLT, 1 }, { 0x72, SK_EXIT_CPUID, 2 },
		{ 0x77, SK_EXIT_PAUSE, 2 }, { 0x8d, SK_EXIT_XSETBV, 3 },
		{ 0x89, SK_EXIT_WBINVD, 2 }, { 0x76, SK_EXIT_WBINVD, 2 },
		{ 0x7f, SK_EXIT_SHUTDOWN, 0 }, { 0x7d, SK_EXIT_TASK_SWITCH, 0 },
		{ 0x6f, SK_EXIT_UNDEFINED, 2 }, { 0x7a, SK_EXIT_UNDEFINED, 3 },
		{ 0x80, SK_EXIT_UNDEFINED, 3 }, { 0x82, SK_EXIT_UNDEFINED, 3 },
		{ 0x83, SK_EXIT_UNDEFINED, 3 }, { 0x84, SK_EXIT_UNDEFINED, 3 },
		{ 0x85, SK_EXIT_UNDEFINED, 3 }, { 0x86, SK_EXIT_UNDEFINED, 3 },
		{ 0x8a, SK_EXIT_UNDEFINED, 3 }, { 0x8b, SK_EXIT_UNDEFINED, 3 },
		{ 0x8c, SK_EXIT_UNDEFINED, 3 }, { 0x8e, SK_EXIT_UNDEFINED, 3 },
		{ 0x66, SK_EXIT_UNKNOWN, 0 }, { 0x401, SK_EXIT_UNKNOWN, 0 },
		{ 0x401 + 0x72, SK_EXIT_UNKNOWN, 0 } };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		b->next_rip = 0;
		assert_int_equal(run(rows[i].code, 0, 0x99), rows[i].reason);
		assert_int_equal(s->instr_len, rows[i].length);
		assert_int_equal(s->n_instr, 0);
		if (!rows[i].length) {
			assert_int_equal(s->qual[0], rows[i].code);
			assert_int_equal(s->qual[2], 0x99);
		}
		b->rip = 0x1000; /* the processor's length has precedence over the table */
		b->next_rip = 0x1005;
		run(rows[i].code, 0, 0x99);
		assert_int_equal(s->instr_len, rows[i].length ? 5 : 0);
		b->next_rip = 0x1010; /* longer than any instruction */
		run(rows[i].code, 0, 0x99);
		assert_int_equal(s->instr_len, rows[i].length);
		b->rip = 0xfff0;
	}
	assert_int_equal(run(0x7c, 1, 0), SK_EXIT_WRMSR);
	b->rip = 0x1000;
	b->next_rip = 0x1004;
	features.svm_bits &= ~(uint32_t)FEATURE_NRIP;
	run(0x72, 0, 0);
	assert_int_equal(s->instr_len, 2);
}

static void records_of_io_faults_and_cr4(void **state)
{
	(void)state;
	b->rip = 0x1000;
	assert_int_equal(run(0x7b, 0x3f8ull << 16 | 2 << 4 | 1, 0x1002), SK_EXIT_IO);
	assert_int_equal(s->qual[0], 0x3f8 | 2 << 16 | 1 << 24);
	assert_int_equal(s->qual[1], 0x1002);
	assert_int_equal(s->instr_len, 2);
	assert_int_equal(
		run(0x7b, 0x60ull << 16 | 4 << 4 | 1 << 2 | 1 << 3, 0x1003), SK_EXIT_IO);
	assert_int_equal(s->qual[0], 0x60 | 4 << 16 | 1 << 25 | 1 << 26);
	b->n_fetched = 3;
	memcpy(b->fetched, "\x8b\x07\x90", 3);
	assert_int_equal(run(0x400, 1 | 2, 0xfee00000), SK_EXIT_NESTED_FAULT);
	assert_int_equal(s->qual[0], 0xfee00000);
	assert_int_equal(s->qual[1], SK_NF_PRESENT | SK_NF_WRITE);
	assert_int_equal(s->n_instr, 3);
	assert_memory_equal(s->instr, "\x8b\x07\x90", 3);
	assert_int_equal(run(0x400, 16 | 1ull << 33, 0), SK_EXIT_NESTED_FAULT);
	assert_int_equal(s->qual[1], SK_NF_EXEC | SK_NF_TABLE);
	b->n_fetched = 16; /* more bytes than the field has */
	run(0x400, 0, 0);
	assert_int_equal(s->n_instr, 0);
	assert_int_equal(s->qual[1], 0);
	b->n_fetched = 15;
	run(0x400, 0, 0);
	assert_int_equal(s->n_instr, 15);
	assert_int_equal(run(0x14, 1ull << 63 | 9, 0), SK_EXIT_CR_WRITE);
	assert_int_equal(s->qual[0], 4);
	assert_int_equal(s->qual[1], 9);
	assert_int_equal(run(0x14, 9, 0), SK_EXIT_CR_WRITE);
	assert_int_equal(s->qual[1], 0xff);
}

/*
 * An event whose delivery was interrupted is injected again, except if the guest repeats it by
 * itself.
 */
static uint64_t interrupted;
static void interrupt_delivery(void) { b->exit_int_info = interrupted; }

static void events_are_not_lost(void **state)
{
	static const struct {
		uint64_t info, again;
	} rows[] = { { EVENT_VALID | 0x41, EVENT_VALID | 0x41 }, { 0x41, 0 },
		{ EVENT_VALID | 0x400 | 0x80, 0 }, /* INT n */
		{ EVENT_VALID | 0x300 | 3, 0 }, { EVENT_VALID | 0x300 | 4, 0 },
		{ EVENT_VALID | 0x300 | 0xf3, EVENT_VALID | 0xf3 }, /* QEMU */
		{ EVENT_VALID | 0x300 | 3 << 16 | 14, EVENT_VALID | 0x300 | 3 << 16 | 14 },
		{ 0x2200000000ull | EVENT_VALID | 0xb0e,
			0x2200000000ull | EVENT_VALID | 0xb0e },
		{ EVENT_VALID | 0x202, EVENT_VALID | 0x202 } };

	(void)state;
	in_guest = interrupt_delivery;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		interrupted = rows[i].info;
		assert_int_equal(run(0x400, 0, 0), SK_EXIT_NESTED_FAULT);
		assert_int_equal(b->event_inject, rows[i].again);
		assert_int_equal(s->event, (uint32_t)rows[i].again);
		assert_int_equal(s->event_code, rows[i].again >> 32);
		assert_int_equal(s->qual[1], 0);
	}
}

static void the_kernels_own_exits(void **state)
{
	(void)state;
	assert_int_equal(run(0x60, 0, 0), SK_EXIT_NONE);
	assert_int_equal(windows, 1); /* the interrupt window is opened */
	for (uint32_t code = 0x61; code <= 0x63; code++)
		assert_int_equal(run(code, 0, 0), SK_EXIT_NONE);
	assert_int_equal(windows, 1);
	assert_int_equal(run(0x20, 0, 0), SK_EXIT_NONE);
	assert_int_equal(run(0x3f, 0, 0), SK_EXIT_NONE);
	/* #DB and #AC go to the guest */
	assert_int_equal(run(0x41, 0, 0), SK_EXIT_NONE);
	assert_int_equal(b->event_inject, EVENT_VALID | 0x301);
	assert_int_equal(run(0x51, 0, 0), SK_EXIT_NONE);
	assert_int_equal(b->event_inject, EVENT_VALID | 0x311 | 1 << 11);
	/* but they do not overwrite an interrupted event */
	in_guest = interrupt_delivery;
	interrupted = EVENT_VALID | 0x41;
	assert_int_equal(run(0x41, 0, 0), SK_EXIT_NONE);
	assert_int_equal(b->event_inject, EVENT_VALID | 0x41);
	/* the state page is up to date after any exit */
	b->rip = 0x9999;
	b->cs.base = 0x8888;
	run(0x64, 0, 0);
	assert_int_equal(s->rip, 0x9999);
	assert_int_equal(s->seg[SK_CS].base, 0x8888);
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(processor_is_ready),
		TEST(processors_without),
		TEST(guests_begin_as_after_reset),
		TEST(groups_are_loaded),
		TEST(groups_are_synced),
		TEST(xcr0_is_checked),
		TEST(xcr0_goes_with_the_registers),
		TEST(registers_are_reset),
		TEST(asids_are_given_out),
		TEST(asids_are_of_one_cpu),
		TEST(asids_that_others_have_used_up),
		TEST(flushes_are_not_lost),
		TEST(owners_of_registers),
		TEST(a_vcpu_that_is_taken),
		TEST(debug_registers),
		TEST(interrupts_are_taken_by_the_processor),
		TEST(interrupts_that_come_late_wait),
		TEST(interrupts_are_delivered_once),
		TEST(exits_have_reasons),
		TEST(records_of_io_faults_and_cr4),
		TEST(events_are_not_lost),
		TEST(the_kernels_own_exits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

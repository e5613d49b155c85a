/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svm.c - guest CPUs on AMD-V with nested paging
 *
 * Objects     vcpu->hw is the VMCB; vcpu->arch_data is struct svm_vcpu. Of the general
 *             registers only RAX and RSP are in the VMCB; the others are in the state page
 *             only.
 * Locks       a vCPU is touched by the CPU that owns it (vcpu->on), or under its lock while no
 *             CPU owns it.
 * Lifecycle   init -> (load -> run ... -> sync)*; there is nothing to undo. After
 *             SK_EXIT_INVALID_STATE the VMCB is as after init.
 * Invariants  SVM1 EFER.SVME is set in every VMCB and never shown
 *             SVM2 since the last flush of all ASIDs, a (CPU, ASID) pair belongs to one vCPU
 *                and one generation of one nested space; no generation comes twice, in any
 *                space
 *             SVM3 cpu->nested is set exactly while the CPU may be in guest mode
 *             SVM4 the state page, which the VMM may write, is read once and never trusted: the
 *                processor checks it at VMRUN, except XCR0 and EFER.SVME, which are checked
 *                here
 */
#include "cpu.h"
#include "svm.h"
#include "tlb_model.h"

enum { IOPM_SIZE = 12288, MSRPM_SIZE = 8192, SEG_ATTR = 0xfff, VM_CR_DISABLED = 0x10 };
enum { FEATURE_NP = 1, FEATURE_NRIP = 8, FEATURE_PAUSE = 0x400 };
enum { VEC_DB = 1, VEC_BP = 3, VEC_OF = 4, VEC_AC = 17, EV_TYPE = 0x700, EV_SOFT_INT = 0x400 };
#define EV_LOADED (0xffu | EV_TYPE | SK_EV_ERROR_CODE | SK_EV_VALID)
enum { PAUSE_COUNT = 3000, PAUSE_THRESHOLD = 128 };
/*
 * Protection keys, shadow stacks, user interrupts: the kernel does not switch their registers.
 */
#define CR4_NOT_SWITCHED (0xfull << 22)
#define PAT_RESET 0x0007040600070406ull

struct svm_vcpu {
	uint64_t dr[4];
	uint64_t xcr0;
	uint64_t space_gen; /* generation that the ASID is valid for: SVM2 */
	uint32_t asid, asid_epoch, cpu;
	struct tlb_vcpu model;
	bool dr_live; /* the guest gets its DR0 to DR3 at the next entry */
	bool bad;     /* the state page asked for an XCR0 that does not exist */
};
_Static_assert(sizeof(struct svm_vcpu) <= sizeof(((struct vcpu *)0)->arch_data), "arch_data");

void svm_enter(uint64_t guest, uint64_t *gpr, uint64_t host);

static uint64_t iopm_paddr, msrpm_paddr;
static uint32_t intercepts[5];
static bool available;

static struct vmcb *vmcb_of(struct vcpu *v) { return (struct vmcb *)v->hw; }
static struct svm_vcpu *svm_of(struct vcpu *v) { return (struct svm_vcpu *)v->arch_data; }

/* --- exits -------------------------------------------------------------------------------- */

/* By exit code. */
static const struct exit_row {
	bool known;
	uint8_t reason, length;
} exit_rows[] = {
#define X(name, code, reason, length) [code] = { true, SK_EXIT_##reason, length },
	SVM_EXITS(X)
#undef X
};

static void intercepts_make(void)
{
	intercepts[EXIT_EXCEPTION / 32] = 1u << VEC_DB | 1u << VEC_AC | 1u << VEC_MC;
	intercepts[EXIT_DR_FIRST / 32] = UINT32_MAX;
	for (unsigned int code = 0; code < ARRAY_SIZE(intercepts) * 32; code++)
		if (exit_rows[code].known)
			intercepts[code / 32] |= INTERCEPT(code);
	if (!(features.svm_bits & FEATURE_PAUSE))
		intercepts[EXIT_PAUSE / 32] &= ~INTERCEPT(EXIT_PAUSE);
}

/* --- set-up ------------------------------------------------------------------------------- */

static void msr_pass(uint8_t *map, uint32_t msr)
{
	uint32_t bit = msr >= 0xc0000000 ? 0x4000 + (msr - 0xc0000000) * 2 : msr * 2;

	map[bit / 8] &= (uint8_t) ~(3u << bit % 8);
}

static void maps_make(void)
{
	static const uint32_t free_msrs[] = { MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
		MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_SYSENTER_CS, MSR_SYSENTER_ESP,
		MSR_SYSENTER_EIP, MSR_PAT };
	uint8_t *iopm = boot_alloc(IOPM_SIZE), *msrpm = boot_alloc(MSRPM_SIZE);

	memset(iopm, 0xff, IOPM_SIZE);
	memset(msrpm, 0xff, MSRPM_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(free_msrs); i++)
		msr_pass(msrpm, free_msrs[i]);
	iopm_paddr = virt_to_phys(iopm);
	msrpm_paddr = virt_to_phys(msrpm);
	intercepts_make();
}

/* First on the boot CPU; the others must agree with it. */
void vcpu_setup_cpu(void)
{
	struct cpu_arch *a = this_arch();
	bool nested = features.svm_bits & FEATURE_NP && features.asids >= 2, disabled;

	if (a->cpu.id == 0)
		available = features.svm;
	if (!available)
		return;
	disabled = rdmsr(MSR_VM_CR) & VM_CR_DISABLED;
	available = nested && !disabled;
	if (!available) {
		klog("guests: %s\n", disabled ? "AMD-V is disabled by the firmware"
					      : "this CPU has no nested paging");
		return;
	}
	if (!iopm_paddr)
		maps_make();
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, a->host_paddr);
	__asm__ volatile("vmsave %0" : : "a"(a->host_paddr + SK_PAGE_SIZE) : "memory");
}

bool arch_vcpu_available(void) { return available; }

void arch_vcpu_init(struct vcpu *v)
{
	struct vmcb *b = vmcb_of(v);
	struct vmcb_seg data = { 0, 0x93, 0xffff, 0 };

	memset(b, 0, sizeof(*b));
	memset(v->arch_data, 0, sizeof(v->arch_data));
	svm_of(v)->xcr0 = 1;
	tlb_model_vcpu(&svm_of(v)->model);
	memcpy(b->intercept, intercepts, sizeof(intercepts));
	if (features.svm_bits & FEATURE_PAUSE) {
		b->pause_count = PAUSE_COUNT;
		b->pause_threshold = PAUSE_THRESHOLD;
	}
	b->iopm = iopm_paddr;
	b->msrpm = msrpm_paddr;
	b->np_control = NP_ENABLE;
	b->v_intr = V_INTR_MASKING;
	b->es = b->ss = b->ds = b->fs = b->gs = b->gdtr = b->ldtr = b->idtr = b->tr = data;
	b->cs = (struct vmcb_seg){ 0xf000, 0x9b, 0xffff, 0xffff0000 };
	b->ldtr.attr = 0x82;
	b->tr.attr = 0x8b;
	b->cr0 = 0x60000010;
	b->efer = EFER_SVME; /* SVM1 */
	b->dr6 = 0xffff0ff0;
	b->dr7 = 0x400;
	b->rflags = RFLAGS_FIXED;
	b->rip = 0xfff0;
	b->pat = PAT_RESET;
}

/* --- state page to VMCB ------------------------------------------------------------------- */

static bool xcr0_valid(uint64_t x)
{
	if (!features.xsave)
		return x == 1;
	if (!(x & 1) || x & ~features.xcr0 || (x & 4 && !(x & 2)))
		return false;
	return !(x & 0xe0) || ((x & 0xe0) == 0xe0 && x & 4);
}

/*
 * 64-bit fields that the state page and the VMCB both have, by group: one table for both
 * directions. What almost every exit touches (GPR, RIP) is copied without it.
 */
#define STATE(name) offsetof(struct sk_vcpu_state, name)
/* clang-format off */
#define FIELD(group, name) { SK_VCPU_##group, offsetof(struct vmcb, name), STATE(name) }
static const struct field {
	uint16_t group, vmcb, state;
} fields[] = {
	FIELD(CR, cr0), FIELD(CR, cr3), FIELD(CR, cr4), FIELD(CR, efer), FIELD(CR, cr2), FIELD(CR, pat),
	FIELD(DR, dr6), FIELD(DR, dr7), FIELD(TSC, tsc_offset), FIELD(MSR, star), FIELD(MSR, lstar),
	FIELD(MSR, cstar), FIELD(MSR, sfmask), FIELD(MSR, kernel_gs_base), FIELD(MSR, sysenter_cs),
	FIELD(MSR, sysenter_esp), FIELD(MSR, sysenter_eip)
};
/* clang-format on */
/* Segments lie in the VMCB in this order from `es` on. */
static const uint16_t segments[] = { STATE(seg[SK_ES]), STATE(seg[SK_CS]), STATE(seg[SK_SS]),
	STATE(seg[SK_DS]), STATE(seg[SK_FS]), STATE(seg[SK_GS]), STATE(gdtr),
	STATE(seg[SK_LDTR]), STATE(idtr), STATE(seg[SK_TR]) };
_Static_assert(sizeof(struct vmcb_seg) == sizeof(struct sk_segment), "the same layout");

/* The field at that offset of a page. */
static volatile uint64_t *field_at(void *page, uint16_t offset)
{
	return (volatile uint64_t *)((uint8_t *)page + offset);
}
static struct vmcb_seg *seg_state(struct vcpu *v, unsigned int i)
{
	return (struct vmcb_seg *)((uint8_t *)v->state + segments[i]);
}

/*
 * Event words of the ABI and of the VMCB agree, except for types that only the processor makes.
 */
static void event_load(struct vmcb *b, volatile struct sk_vcpu_state *s)
{
	uint32_t event = s->event, code = s->event_code;

	b->event_inject = event & SK_EV_VALID ? (uint64_t)code << 32 | (event & EV_LOADED) : 0;
	s->event = 0;
}

static void xcr0_load(struct vcpu *v, uint64_t xcr0)
{
	svm_of(v)->bad = !xcr0_valid(xcr0);
	if (svm_of(v)->bad)
		return;
	svm_of(v)->xcr0 = xcr0;
	if (this_arch()->vcpu == v && features.xsave)
		xsetbv(xcr0);
}

void vcpu_xcr0_save(struct vcpu *v)
{
	svm_of(v)->xcr0 = xgetbv(); /* QEMU runs XSETBV in spite of the intercept */
	xsetbv(features.xcr0);
}

/* The groups that change rarely. */
static void rare_load(struct vcpu *v, volatile struct sk_vcpu_state *s, uint32_t dirty)
{
	struct vmcb *b = vmcb_of(v);

	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
		if (dirty & fields[i].group)
			*field_at(b, fields[i].vmcb) = *field_at(v->state, fields[i].state);
	b->efer |= EFER_SVME; /* SVM1 */
	if (dirty & SK_VCPU_CR) {
		b->cr4 &= ~CR4_NOT_SWITCHED;
		b->v_intr = (b->v_intr & ~V_TPR) | (uint32_t)(s->cr8 & V_TPR);
		if (!tlb_broken("break=registers"))
			svm_of(v)->asid = 0; /* translations by old values must go: SVM2 */
		tlb_model_changed(&svm_of(v)->model);
	}
	if (dirty & SK_VCPU_SEG) {
		for (unsigned int i = 0; i < ARRAY_SIZE(segments); i++) {
			(&b->es)[i] = *(volatile struct vmcb_seg *)seg_state(v, i);
			(&b->es)[i].attr &= SEG_ATTR;
		}
		b->cpl = s->cpl & 3;
	}
	if (dirty & SK_VCPU_XCR0)
		xcr0_load(v, s->xcr0);
	if (dirty & SK_VCPU_EVENT)
		event_load(b, s);
	if (dirty & SK_VCPU_FPU) {
		if (this_arch()->vcpu == v)
			arch_fpu_put();
		arch_fpu_init_area(v->fpu);
	}
}

void arch_vcpu_load(struct vcpu *v)
{
	volatile struct sk_vcpu_state *s = v->state;
	struct vmcb *b = vmcb_of(v);
	uint32_t dirty = s->dirty;

	s->dirty = 0;
	if (dirty & SK_VCPU_GPR)
		b->rax = s->gpr[SK_RAX];
	if (dirty & SK_VCPU_RIP) {
		b->rip = s->rip;
		b->rflags = s->rflags;
		b->rsp = s->gpr[SK_RSP];
		b->int_shadow = s->int_shadow & 1;
	}
	if (dirty & ~SK_VCPU_HOT)
		rare_load(v, s, dirty);
}

/* --- VMCB to state page ------------------------------------------------------------------- */

static hot void event_sync(struct vcpu *v)
{
	uint64_t event = vmcb_of(v)->event_inject;

	v->state->event = (uint32_t)event;
	v->state->event_code = (uint32_t)(event >> 32);
	v->state->irq_pending = load(&v->pending_irq);
}

static hot void rip_sync(const struct vmcb *b, struct sk_vcpu_state *s)
{
	s->rip = b->rip;
	s->rflags = b->rflags;
	s->gpr[SK_RSP] = b->rsp;
	s->int_shadow = b->int_shadow & 1;
}

static hot void hot_sync(struct vcpu *v)
{
	const struct vmcb *b = vmcb_of(v);
	struct sk_vcpu_state *s = v->state;

	s->gpr[SK_RAX] = b->rax;
	rip_sync(b, s);
	s->cr0 = b->cr0;
	s->cr3 = b->cr3;
	s->cr4 = b->cr4;
	s->efer = b->efer & ~EFER_SVME; /* SVM1 */
	s->cpl = b->cpl;
	__builtin_memcpy(&s->seg[SK_CS], &b->cs, sizeof(b->cs));
	event_sync(v);
}

/*
 * Write only the groups asked for, because the VMM may have written others without handing them
 * over so far.
 */
void arch_vcpu_sync(struct vcpu *v, uint32_t groups)
{
	struct vmcb *b = vmcb_of(v);
	struct sk_vcpu_state *s = v->state;

	if ((groups & SK_VCPU_HOT) == SK_VCPU_HOT)
		hot_sync(v);
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].group & groups)
			*field_at(s, fields[i].state) = *field_at(b, fields[i].vmcb);
	s->efer &= ~EFER_SVME; /* SVM1 */
	if (groups & SK_VCPU_GPR)
		s->gpr[SK_RAX] = b->rax;
	if (groups & SK_VCPU_RIP)
		rip_sync(b, s);
	if (groups & SK_VCPU_CR)
		s->cr8 = b->v_intr & V_TPR;
	for (unsigned int i = 0; groups & SK_VCPU_SEG && i < ARRAY_SIZE(segments); i++)
		*seg_state(v, i) = (&b->es)[i];
	if (groups & SK_VCPU_SEG)
		s->cpl = b->cpl;
	if (groups & SK_VCPU_EVENT)
		event_sync(v);
	if (groups & SK_VCPU_XCR0 && this_arch()->vcpu == v)
		arch_fpu_put();
	if (groups & SK_VCPU_XCR0)
		s->xcr0 = svm_of(v)->xcr0;
}

/* --- entry -------------------------------------------------------------------------------- */

/*
 * SVM2; cpu->nested is set already, so a shoot-down after the read of the generation reaches
 * us.
 */
static hot void asid_assign(struct vcpu *v, const struct space *nested, struct cpu_arch *a)
{
	struct svm_vcpu *sv = svm_of(v);
	struct vmcb *b = vmcb_of(v);
	uint64_t gen = __atomic_load_n(&nested->arch_data[0], __ATOMIC_SEQ_CST);

	b->n_cr3 = nested->root;
	if (!sv->asid || sv->cpu != a->cpu.id || sv->asid_epoch != a->asid_epoch ||
		sv->space_gen != gen) {
		if (!a->asid || ++a->asid >= features.asids) {
			a->asid = 1;
			if (!tlb_broken("break=recycle"))
				a->asid_epoch++;
			a->asid_flush = true;
		}
		sv->asid = b->asid = a->asid;
		sv->asid_epoch = a->asid_epoch;
		sv->cpu = a->cpu.id;
		sv->space_gen = gen;
	}
	b->tlb_control = a->asid_flush && !tlb_broken("break=flush") ? TLB_FLUSH_ALL : 0;
	tlb_model_enter(&sv->model, nested, sv->asid, b->tlb_control != 0);
}

/*
 * Offer the pending external interrupt. The processor takes it as soon as the
 * guest's IF, interrupt shadow and task priority allow it: APM vol. 2, 15.21.4.
 * True: no other event is to be delivered first.
 */
static bool irq_offer(struct vmcb *b, uint32_t pending)
{
	uint32_t priority = pending >> 4 & 0xf;

	b->v_intr_vector = pending & 0xff;
	/* Vectors below 16 cannot come from a local APIC: no task priority holds them back. */
	b->v_intr |= V_IRQ | (uint32_t)field_put(V_PRIORITY, priority) |
		     (priority ? 0 : V_IGN_TPR);
	return !(b->event_inject & EVENT_VALID);
}

/* The event that was being delivered. QEMU reports interrupts of V_IRQ as exceptions. */
static uint64_t delivery_of(const struct vmcb *b)
{
	uint64_t info = b->exit_int_info;

	return (info & EV_TYPE) == SK_EV_EXCEPTION && (info & 0xff) >= 32 ? info & ~EV_TYPE
									  : info;
}

/* alone: no other event was to be delivered first. */
static void irq_taken(struct vcpu *v, bool alone)
{
	struct vmcb *b = vmcb_of(v);
	uint64_t info = delivery_of(b);
	/* the exit came while it was being delivered */
	bool delivering = alone && info & EVENT_VALID && (info & EV_TYPE) == SK_EV_INTR &&
			  (info & 0xff) == b->v_intr_vector;

	if (!(b->v_intr & V_IRQ) || delivering)
		__atomic_store_n(&v->pending_irq, 0, __ATOMIC_RELEASE);
	b->v_intr &= ~(V_IRQ | V_IGN_TPR | V_PRIORITY);
}

static void debug_load(struct vcpu *v)
{
	const uint64_t *dr = svm_of(v)->dr;

	vmcb_of(v)->intercept[EXIT_DR_FIRST / 32] = 0;
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
			 :
			 : "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
}

static void debug_save(struct vcpu *v)
{
	uint64_t *dr = svm_of(v)->dr;

	vmcb_of(v)->intercept[EXIT_DR_FIRST / 32] = UINT32_MAX;
	__asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
			 : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
	svm_of(v)->dr_live = false;
}

static hot void guest_enter(struct vcpu *v, struct cpu_arch *a)
{
	bool debug = vmcb_of(v)->dr7 & 0xff || svm_of(v)->dr_live;

	if (debug)
		debug_load(v);
	__atomic_add_fetch(&a->cpu.epoch, 1, __ATOMIC_SEQ_CST);
	svm_enter(virt_to_phys(v->hw), v->state->gpr, a->host_paddr + SK_PAGE_SIZE);
	__atomic_add_fetch(&a->cpu.epoch, 1, __ATOMIC_SEQ_CST);
	if (debug)
		debug_save(v);
}

/* --- exit --------------------------------------------------------------------------------- */

static void exit_record_io(const struct vmcb *b, struct sk_vcpu_state *s)
{
	uint64_t i = b->exit_info1;

	s->qual[0] = field_get(IOIO_PORT, i) | field_get(IOIO_SIZE, i) << 16 |
		     field_get(IOIO_IN, i) << 24 | field_get(IOIO_STRING, i) << 25 |
		     field_get(IOIO_REP, i) << 26;
	s->qual[1] = b->exit_info2;
	s->instr_len = (uint8_t)(b->exit_info2 - b->rip);
}

static void exit_record_fault(const struct vmcb *b, struct sk_vcpu_state *s)
{
	uint64_t i = b->exit_info1;

	s->qual[0] = b->exit_info2;
	s->qual[1] = (i & NPF_WRITE ? SK_NF_WRITE : 0) | (i & NPF_EXEC ? SK_NF_EXEC : 0) |
		     (i & NPF_PRESENT ? SK_NF_PRESENT : 0) | (i & NPF_TABLE ? SK_NF_TABLE : 0);
	s->n_instr = b->n_fetched > sizeof(b->fetched) ? 0 : b->n_fetched;
	memcpy(s->instr, b->fetched, s->n_instr);
}

/* The processor refuses the state. The VMCB may then hold host state, so it is reset. */
static uint32_t vmrun_refused(struct vcpu *v)
{
	arch_fpu_put(); /* with XCR0, which is reset too */
	arch_vcpu_init(v);
	v->state->instr_len = v->state->n_instr = 0;
	v->state->qual[0] = UINT32_MAX;
	return SK_EXIT_INVALID_STATE;
}

/*
 * If the exit interrupted the delivery of an event, deliver it again, unless the guest repeats
 * it.
 */
static void event_requeue(struct vmcb *b)
{
	uint64_t info = delivery_of(b), vector = info & 0xff, type = info & EV_TYPE;

	b->event_inject = 0;
	if (type != EV_SOFT_INT &&
		(type != SK_EV_EXCEPTION || (vector != VEC_BP && vector != VEC_OF)))
		b->event_inject = info;
}

/*
 * #DB and #AC are intercepted because a guest could make the processor deliver them without
 * end.
 */
static uint32_t exception_reinject(struct vmcb *b, uint32_t vector)
{
	if (vector == VEC_MC)
		panic("machine check in a guest");
	if (!(b->event_inject & EVENT_VALID))
		b->event_inject = EVENT_VALID | SK_EV_EXCEPTION | vector |
				  (vector == VEC_AC ? EVENT_ERROR : 0);
	return SK_EXIT_NONE;
}

/* No instruction of known length is the reason. */
static uint32_t exit_other(struct vcpu *v, uint32_t code, const struct exit_row *row)
{
	struct vmcb *b = vmcb_of(v);
	struct sk_vcpu_state *s = v->state;

	if (code == EXIT_INTR)
		irq_window();
	if (code >= EXIT_DR_FIRST && code <= EXIT_DR_LAST) {
		svm_of(v)->dr_live = true;
		return SK_EXIT_NONE;
	}
	if (code >= EXIT_EXCEPTION && code < EXIT_EXCEPTION + 32)
		return exception_reinject(b, code - EXIT_EXCEPTION);
	if (code == EXIT_IOIO) {
		exit_record_io(b, s);
	} else if (code == EXIT_NPF) {
		exit_record_fault(b, s);
	} else {
		s->qual[0] = code;
		s->qual[1] = b->exit_info1;
		s->qual[2] = b->exit_info2;
		s->qual[3] = b->exit_int_info;
	}
	return row->known ? row->reason : SK_EXIT_UNKNOWN;
}

/* Fill in the exit record; the reason. */
static hot uint32_t exit_handle(struct vcpu *v, struct cpu_arch *a)
{
	struct vmcb *b = vmcb_of(v);
	struct sk_vcpu_state *s = v->state;
	uint32_t code = (uint32_t)b->exit_code;
	const struct exit_row *row = &exit_rows[code < ARRAY_SIZE(exit_rows) ? code : 0];
	uint64_t length;

	if (code == UINT32_MAX)
		return vmrun_refused(v);
	a->asid_flush = false; /* VMRUN got far enough to flush */
	b->event_inject = 0;
	if (b->exit_int_info & EVENT_VALID)
		event_requeue(b);
	hot_sync(v);
	s->n_instr = 0;
	s->instr_len = row->length;
	if (!row->length)
		return exit_other(v, code, row);
	length = b->next_rip - b->rip;
	if (b->next_rip && length <= 15 && features.svm_bits & FEATURE_NRIP)
		s->instr_len = (uint8_t)length;
	if (code == EXIT_MSR && b->exit_info1 & 1)
		return SK_EXIT_WRMSR;
	if (code == EXIT_CR4_WRITE) {
		s->qual[0] = 4;
		/* the register of a MOV that the processor decoded: APM vol. 2, 15.8.1 */
		s->qual[1] = b->exit_info1 >> 63 ? b->exit_info1 & 0xf : 0xff;
	}
	return row->reason;
}

/* This CPU becomes the owner of v, and its registers hold the FPU state of v. */
static struct space *vcpu_own(struct cpu_arch *a, struct vcpu *v, const struct thread *t)
{
	struct space *nested;

	if (a->vcpu != v)
		arch_fpu_put();   /* the state of another vCPU goes to its object first */
	nested = vcpu_take(v, t); /* SVM3 */
	if (nested && a->vcpu != v) {
		fpu_get(v->fpu);
		a->vcpu = v;
		if (features.xsave)
			xsetbv(svm_of(v)->xcr0); /* the guest's as long as the registers are */
	}
	return nested;
}

uint32_t arch_vcpu_run(struct vcpu *v, const struct thread *t)
{
	struct cpu_arch *a = this_arch();
	struct space *nested = a->cpu.nested ?: vcpu_own(a, v, t);
	uint32_t irq, reason = SK_EXIT_NONE;
	bool alone = false;

	if (!nested)
		return SK_EXIT_NONE;
	if (svm_of(v)->bad) {
		reason = vmrun_refused(v);
	} else {
		irq = __atomic_load_n(&v->pending_irq, __ATOMIC_ACQUIRE);
		if (irq)
			alone = irq_offer(vmcb_of(v), irq);
		asid_assign(v, nested, a);
		guest_enter(v, a);
		if (irq)
			irq_taken(v, alone);
	}
	tlb_model_leave();
	__atomic_store_n(&a->cpu.nested, NULL, __ATOMIC_SEQ_CST);
	return reason ?: exit_handle(v, a);
}

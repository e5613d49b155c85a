/*
 * exit.c - what a guest did that the kernel could not handle
 *
 * Objects     none of its own; works on the state page of the vCPU that exited.
 * Locks       none: the vCPU's own thread.
 * Invariants  X1 an exit either moves RIP, injects an exception, lets the guest try again after a change, or stops
 *                the guest: no exit repeats for ever by itself
 *             X2 what the guest can cause costs a rate-limited line of the log at most
 */
#include "exits.h"

#include <string.h>
#include <xen/xen.h>
#include <xen/sched.h>

#include "cpuid.h"
#include "gmem.h"
#include "mmio.h"
#include "msr.h"
#include "sys/sk.h"
#include "xen.h"

enum { VEC_UD = 6, VEC_GP = 13 };
enum { FLAG_RF = 1 << 16 };
#define CR4_OSXSAVE (1u << 18)

static void crash(struct vcpu *v, const char *why)
{
	const struct sk_vcpu_state *st = v->st;

	vcpu_sync(v, SK_VCPU_CR | SK_VCPU_SEG);
	vm_log("vCPU %u: %s; exit %u qual %#llx %#llx rip %#llx cr0 %#llx cr3 %#llx efer %#llx",
		v->id, why, st->exit_reason, (unsigned long long)st->qual[0],
		(unsigned long long)st->qual[1], (unsigned long long)st->rip,
		(unsigned long long)st->cr0, (unsigned long long)st->cr3,
		(unsigned long long)st->efer);
	vm_log("vCPU %u: cr2 %#llx cr4 %#llx rsp %#llx rflags %#llx event %#x idt %#llx gdt %#llx tr %#llx gs %#llx",
		v->id, (unsigned long long)st->cr2, (unsigned long long)st->cr4,
		(unsigned long long)st->gpr[SK_RSP], (unsigned long long)st->rflags, st->event,
		(unsigned long long)st->idtr.base, (unsigned long long)st->gdtr.base,
		(unsigned long long)st->seg[SK_TR].base,
		(unsigned long long)st->seg[SK_GS].base);
	vm_shutdown(SHUTDOWN_crash);
}

static void rip_set(struct vcpu *v, uint64_t rip)
{
	struct sk_vcpu_state *st = v->st;

	st->rip = insn_mode(st) == 64 ? rip : (uint32_t)rip;
	st->rflags &= ~(uint64_t)FLAG_RF;
	st->int_shadow = 0;
	vcpu_dirty(v, SK_VCPU_RIP);
}

/* ---- code bytes -------------------------------------------------------------------------------------- */

/* What the guest has at its instruction pointer; as many bytes as can be read. */
static size_t code_fetch(struct vcpu *v, uint8_t code[INSN_MAX])
{
	struct sk_vcpu_state *st = v->st;
	uint64_t at = insn_mode(st) == 64 ? st->rip : (uint32_t)(st->seg[SK_CS].base + st->rip);
	size_t first = VM_PAGE - (at & (VM_PAGE - 1));

	if (st->n_instr) {
		first = st->n_instr < INSN_MAX ? st->n_instr : INSN_MAX;
		memcpy(code, st->instr, first);
		return first;
	}
	if (first >= INSN_MAX)
		return gva_read(v, at, code, INSN_MAX) ? 0 : INSN_MAX;
	if (gva_read(v, at, code, first))
		return 0;
	return gva_read(v, at + first, code + first, INSN_MAX - first) ? first : INSN_MAX;
}

/* Step over the instruction that was intercepted; usual = its length as encoded without prefixes. */
static void skip(struct vcpu *v, uint8_t usual)
{
	uint8_t code[INSN_MAX];
	int n = v->st->instr_len;

	if (!n) {
		v->st->n_instr = 0; /* those bytes are for nested faults */
		n = insn_length(code, code_fetch(v, code), insn_mode(v->st));
	}
	rip_set(v, v->st->rip + (n > 0 ? (uint64_t)n : usual));
}

/* ---- instructions --------------------------------------------------------------------------------------- */

static void host_cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid_regs *r)
{
	__asm__ volatile("cpuid"
			 : "=a"(r->eax), "=b"(r->ebx), "=c"(r->ecx), "=d"(r->edx)
			 : "a"(leaf), "c"(subleaf));
}

/* Some machines carry out XSETBV in spite of the intercept: ask the kernel where it matters. */
static uint64_t xcr0_now(struct vcpu *v, uint32_t leaf)
{
	enum { LEAF_XSAVE = 0xd };

	if (leaf != LEAF_XSAVE)
		return 1;
	vcpu_sync(v, SK_VCPU_XCR0);
	return v->st->xcr0;
}

static void exit_cpuid(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t xcr0 = xcr0_now(v, (uint32_t)st->gpr[SK_RAX]);
	struct cpuid_env env = {
		.host = host_cpuid,
		.vcpu = v->id,
		.n_vcpus = vm.n_vcpus,
		.domid = vm.cfg->domid,
		.xcr0_max = vm.info->xcr0,
		.xcr0 = xcr0,
		.cr4 = st->cr4,
		.tsc_hz = vm.tsc_hz,
		.tsc_offset = v->tsc_offset,
	};
	struct cpuid_regs r;

	cpuid_guest(&env, (uint32_t)st->gpr[SK_RAX], (uint32_t)st->gpr[SK_RCX], &r);
	st->gpr[SK_RAX] = r.eax;
	st->gpr[SK_RBX] = r.ebx;
	st->gpr[SK_RCX] = r.ecx;
	st->gpr[SK_RDX] = r.edx;
	vcpu_dirty(v, SK_VCPU_GPR);
	skip(v, 2);
}

static void exit_rdmsr(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t value;

	if (!msr_read(v, (uint32_t)st->gpr[SK_RCX], &value)) {
		vcpu_exception(v, VEC_GP, 0);
		return;
	}
	st->gpr[SK_RAX] = (uint32_t)value;
	st->gpr[SK_RDX] = value >> 32;
	vcpu_dirty(v, SK_VCPU_GPR);
	skip(v, 2);
}

static void exit_wrmsr(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t value = (uint32_t)st->gpr[SK_RAX] | st->gpr[SK_RDX] << 32;

	if (msr_write(v, (uint32_t)st->gpr[SK_RCX], value))
		skip(v, 2);
	else
		vcpu_exception(v, VEC_GP, 0);
}

static void exit_xsetbv(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t value = (uint32_t)st->gpr[SK_RAX] | st->gpr[SK_RDX] << 32;

	if (st->cpl || (uint32_t)st->gpr[SK_RCX] || !cpuid_xcr0_valid(value, vm.info->xcr0)) {
		vcpu_exception(v, VEC_GP, 0);
		return;
	}
	st->xcr0 = value;
	vcpu_dirty(v, SK_VCPU_XCR0);
	skip(v, 3);
}

static void exit_rdtsc(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t now = guest_tsc(v);
	uint8_t code[INSN_MAX];
	size_t n;

	st->gpr[SK_RAX] = (uint32_t)now;
	st->gpr[SK_RDX] = now >> 32;
	n = code_fetch(v, code);
	if (n >= 3 && code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9)
		st->gpr[SK_RCX] = v->tsc_aux;
	vcpu_dirty(v, SK_VCPU_GPR);
	skip(v, 2);
}

static void exit_hypercall(struct vcpu *v)
{
	/* First step over it, then call: what the call changes is final. */
	skip(v, 3);
	vcpu_dirty(v, SK_VCPU_GPR);
	if (v->st->cpl) {
		v->st->gpr[SK_RAX] = (uint64_t)-1; /* EPERM: kernels only */
		return;
	}
	xen_hypercall(v->id);
}

static void exit_hlt(struct vcpu *v)
{
	skip(v, 1);
	vcpu_halt(v);
}

/* ---- ports ------------------------------------------------------------------------------------------------ */

static void exit_io(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t q = st->qual[0];
	uint16_t port = (uint16_t)q;
	uint8_t size = (uint8_t)(q >> 16);
	uint64_t mask = size == 4 ? UINT32_MAX : (1ull << size * 8) - 1;

	if (size != 1 && size != 2 && size != 4) {
		crash(v, "port access of no size");
		return;
	}
	if (q >> 25 & 1) { /* strings: no device has a use for them */
		if (q >> 26 & 1)
			st->gpr[SK_RCX] = 0;
	} else if (q >> 24 & 1) {
		uint64_t in = port_in(v, port, size);

		st->gpr[SK_RAX] = size == 4 ? in : (st->gpr[SK_RAX] & ~mask) | (in & mask);
	} else {
		port_out(v, port, size, (uint32_t)(st->gpr[SK_RAX] & mask));
	}
	vcpu_dirty(v, SK_VCPU_GPR);
	if (st->qual[1])
		rip_set(v, st->qual[1]);
	else
		skip(v, 1);
}

/* ---- memory that is none ------------------------------------------------------------------------------------ */

struct access {
	struct vcpu *v;
	sk_gpa_t gpa;
	struct lapic_ipi ipi;
};

static bool apic_page(const struct vcpu *v, sk_gpa_t gpa)
{
	return gpa / VM_PAGE == LAPIC_BASE_GPA / VM_PAGE && v->lapic.mode == LAPIC_XAPIC;
}

static uint64_t access_read(void *ctx, uint8_t size)
{
	struct access *a = ctx;
	uint32_t offset = a->gpa % VM_PAGE, word;

	if (!apic_page(a->v, a->gpa))
		return UINT64_MAX;
	word = lapic_read(&a->v->lapic, offset & ~3u, guest_tsc(a->v));
	(void)size;
	return word >> (offset & 3) * 8;
}

static void access_write(void *ctx, uint64_t value, uint8_t size)
{
	struct access *a = ctx;

	if (apic_page(a->v, a->gpa) && size == 4)
		lapic_write(&a->v->lapic, a->gpa % VM_PAGE, (uint32_t)value, guest_tsc(a->v),
			&a->ipi);
}

static void emulate(struct vcpu *v, sk_gpa_t gpa)
{
	struct access a = { .v = v, .gpa = gpa };
	struct mmio_bus bus = { access_read, access_write, &a };
	struct mmio_insn in;
	uint8_t code[INSN_MAX];
	size_t n = code_fetch(v, code);

	if (mmio_decode(code, n, insn_mode(v->st), &in)) {
		vm_log("vCPU %u: access to %#llx by an instruction that is not emulated: %zu bytes %02x %02x %02x %02x at %#llx",
			v->id, (unsigned long long)gpa, n, code[0], code[1], code[2], code[3],
			(unsigned long long)v->st->rip);
		vcpu_exception(v, VEC_GP, 0);
		return;
	}
	mmio_execute(&in, v->st, &bus);
	vcpu_dirty(v, SK_VCPU_GPR);
	rip_set(v, v->st->rip + in.length);
	if (a.ipi.valid)
		vcpu_ipi(v, &a.ipi);
}

static void exit_nested_fault(struct vcpu *v)
{
	sk_gpa_t gpa = v->st->qual[0];
	uint64_t how = v->st->qual[1];

	if (gmem(gpa, 1) && !(how & SK_NF_PRESENT)) /* came back meanwhile: try again */
		return;
	if (how & SK_NF_TABLE)
		crash(v, "page tables where no memory is");
	else if (how & SK_NF_EXEC)
		vcpu_exception(v, VEC_UD, -1);
	else
		emulate(v, gpa);
}

/* ---- control registers ----------------------------------------------------------------------------------------- */

static void exit_cr_write(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t cr = st->qual[0], reg = st->qual[1], value;

	if (reg >= SK_N_GPR) {
		crash(v, "write to a control register from an unknown one");
		return;
	}
	value = st->gpr[reg];
	vcpu_sync(v, SK_VCPU_CR);
	switch (cr) {
	case 0:
		st->cr0 = value;
		break;
	case 3:
		st->cr3 = value;
		break;
	case 4:
		st->cr4 = value;
		break;
	case 8:
		st->cr8 = value & 15;
		break;
	default:
		vcpu_exception(v, VEC_UD, -1);
		return;
	}
	vcpu_dirty(v, SK_VCPU_CR);
	skip(v, 3);
}

bool hypercall_page_write(uint64_t value)
{
	void *page;

	if (value & (VM_PAGE - 1)) { /* the low bits number the page: there is only page 0 */
		vm_log("hypercall page %llu of 1", (unsigned long long)(value & (VM_PAGE - 1)));
		return false;
	}
	page = gmem(value, VM_PAGE);
	if (page)
		xen_hypercall_page(page, vm.amd);
	return page != NULL;
}

void exit_dispatch(struct vcpu *v, uint32_t reason)
{
	switch (reason) {
	case SK_EXIT_SIGNAL:
	case SK_EXIT_DEADLINE:
	case SK_EXIT_NMI_WINDOW:
		break;
	case SK_EXIT_HYPERCALL:
		exit_hypercall(v);
		break;
	case SK_EXIT_CPUID:
		exit_cpuid(v);
		break;
	case SK_EXIT_HLT:
		exit_hlt(v);
		break;
	case SK_EXIT_IO:
		exit_io(v);
		break;
	case SK_EXIT_RDMSR:
		exit_rdmsr(v);
		break;
	case SK_EXIT_WRMSR:
		exit_wrmsr(v);
		break;
	case SK_EXIT_NESTED_FAULT:
		exit_nested_fault(v);
		break;
	case SK_EXIT_XSETBV:
		exit_xsetbv(v);
		break;
	case SK_EXIT_WBINVD:
		skip(v, 2);
		break;
	case SK_EXIT_PAUSE:
		skip(v, 2);
		(void)sk_yield();
		break;
	case SK_EXIT_UNDEFINED:
		vcpu_exception(v, VEC_UD, -1);
		break;
	case SK_EXIT_RDTSC:
		exit_rdtsc(v);
		break;
	case SK_EXIT_CR_WRITE:
		exit_cr_write(v);
		break;
	case SK_EXIT_SHUTDOWN:
		crash(v, "triple fault");
		break;
	case SK_EXIT_INVALID_STATE:
		crash(v, "the processor refuses the state");
		break;
	case SK_EXIT_TASK_SWITCH:
		crash(v, "task switch by hardware");
		break;
	default:
		crash(v, "exit that is not known");
		break;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit.c - handle the exits that the kernel does not handle itself
 *
 * Locks       none: the vCPU's own thread, on the state page of that vCPU.
 * Invariants  EXIT1 an exit moves RIP, injects an exception, lets the guest try again after a
 *                   change, or stops the guest: no exit repeats endlessly by itself
 *             EXIT2 an action of the guest costs at most one line of the log, once
 */
#include "machine/exit.h"

#include <xen/xen.h>
#include <xen/sched.h>

#include "base/array.h"
#include "machine/cpuid.h"
#include "machine/emulate.h"
#include "machine/insn.h"
#include "log.h"
#include "machine/msr.h"
#include "machine/port.h"
#include "machine/vcpu.h"
#include "sys/sk.h"
#include "xen.h"

enum {
	VEC_UD = 6,
	VEC_GP = 13,
};
enum {
	CR4_PAE = 1 << 5,
	CR4_LA57 = 1 << 12,
	CR4_PCIDE = 1 << 17,
	EFER_LMA = 1 << 10,
};
#define CR3_PCID 0xfffull

/* Not inlined: an exit saves no registers for the handlers of others. */
#define apart __attribute__((noinline))

/* ---- instructions ------------------------------------------------------------------------ */

/*
 * Some machines execute XSETBV in spite of the intercept, so where XCR0 matters, ask the
 * kernel.
 */
static uint64_t xcr0_now(struct vcpu *v, uint32_t leaf)
{
	enum { LEAF_XSAVE = 0xd };

	if (leaf != LEAF_XSAVE)
		return 1;
	vcpu_sync(v, SK_VCPU_XCR0);
	return v->st->xcr0;
}

static struct cpuid_env cpuid_env_of(struct vcpu *v, uint32_t leaf)
{
	return (struct cpuid_env){
		.host = host_cpuid,
		.vcpu = v->id,
		.n_vcpus = vm.n_vcpus,
		.domid = vm.cfg->domid,
		.xcr0_max = vm.info->xcr0,
		.xcr0 = xcr0_now(v, leaf),
		.cr4 = v->st->cr4,
		.tsc_hz = vm.tsc_hz,
		.tsc_offset = v->tsc_offset,
	};
}

static apart void exit_cpuid(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	struct cpuid_env env = cpuid_env_of(v, (uint32_t)st->gpr[SK_RAX]);
	struct cpuid_regs r;

	cpuid_guest(&env, (uint32_t)st->gpr[SK_RAX], (uint32_t)st->gpr[SK_RCX], &r);
	st->gpr[SK_RAX] = r.eax;
	st->gpr[SK_RBX] = r.ebx;
	st->gpr[SK_RCX] = r.ecx;
	st->gpr[SK_RDX] = r.edx;
	vcpu_dirty(v, SK_VCPU_GPR);
	exit_skip(v, 2);
}

static apart enum exit_next exit_rdmsr(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t value;

	if (!msr_read(v, (uint32_t)st->gpr[SK_RCX], &value)) {
		vcpu_exception(v, VEC_GP, 0);
		return NEXT_LOOK;
	}
	st->gpr[SK_RAX] = (uint32_t)value;
	st->gpr[SK_RDX] = value >> 32;
	vcpu_dirty(v, SK_VCPU_GPR);
	exit_skip(v, 2);
	return NEXT_ENTER;
}

static apart void exit_wrmsr(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t value = (uint32_t)st->gpr[SK_RAX] | st->gpr[SK_RDX] << 32;

	if (msr_write(v, (uint32_t)st->gpr[SK_RCX], value))
		exit_skip(v, 2);
	else
		vcpu_exception(v, VEC_GP, 0);
}

static apart void exit_xsetbv(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t value = (uint32_t)st->gpr[SK_RAX] | st->gpr[SK_RDX] << 32;

	if (st->cpl || (uint32_t)st->gpr[SK_RCX] || !cpuid_xcr0_valid(value, vm.info->xcr0)) {
		vcpu_exception(v, VEC_GP, 0);
		return;
	}
	st->xcr0 = value;
	vcpu_dirty(v, SK_VCPU_XCR0);
	exit_skip(v, 3);
}

static apart void exit_rdtsc(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t now = guest_tsc(v);
	uint8_t code[INSN_MAX];
	size_t n;

	st->gpr[SK_RAX] = (uint32_t)now;
	st->gpr[SK_RDX] = now >> 32;
	n = exit_code(v, code);
	if (n >= 3 && code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9)
		st->gpr[SK_RCX] = v->tsc_aux;
	vcpu_dirty(v, SK_VCPU_GPR);
	exit_skip(v, 2);
}

static apart enum exit_next exit_hypercall(struct vcpu *v)
{
	/* Step over the instruction first: the registers that the call sets are final. */
	exit_skip(v, 3);
	return xen_hypercall(v->id) ? NEXT_LOOK : NEXT_ENTER;
}

static void exit_hlt(struct vcpu *v)
{
	exit_skip(v, 1);
	vcpu_halt(v);
}

/* ---- ports ------------------------------------------------------------------------------- */

/*
 * Ports of a PC at which kernels probe for devices. Accesses to them are not logged.
 */
static bool port_expected(uint16_t port)
{
	switch (port) {
	case 0x00 ... 0x2f:
	case 0x40 ... 0x4f:
	case 0x60 ... 0x71:
	case 0x80 ... 0xdf:
	case 0xe9 ... 0xed:
	case 0x170 ... 0x177:
	case 0x1f0 ... 0x1f7:
	case 0x278 ... 0x27f:
	case 0x2e9 ... 0x2ef:
	case 0x2f9 ... 0x2ff:
	case 0x370 ... 0x37f:
	case 0x3b0 ... 0x3df:
	case 0x3e9 ... 0x3f7:
	case 0x3f9 ... 0x3ff:
	case 0x4d0 ... 0x4d1:
	case 0xcf8 ... 0xcff:
	case ACPI_SLEEP_PORT ... ACPI_RESET_PORT:
		return true;
	default:
		return false;
	}
}

/*
 * The guest may be waiting for a device that never answers, or be reporting a failure to a
 * serial port.
 */
static void port_note(const struct vcpu *v, uint16_t port, bool in)
{
	if (!port_expected(port))
		vm_note(NOTE_PORT, port, "vCPU %u: %s port %#x at %#llx: no device is there",
			v->id, in ? "reads" : "writes", port, (unsigned long long)v->st->rip);
}

static apart enum exit_next exit_io(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint64_t q = st->qual[0];
	uint16_t port = (uint16_t)q;
	uint8_t size = (uint8_t)(q >> 16);
	uint64_t mask = size == 4 ? UINT32_MAX : (1ull << size * 8) - 1;

	if (size != 1 && size != 2 && size != 4) {
		exit_crash(v, "port access of an impossible size");
		return NEXT_LOOK;
	}
	port_note(v, port, q >> 24 & 1);
	if (q >> 25 & 1) { /* strings: no device supports them */
		if (q >> 26 & 1)
			st->gpr[SK_RCX] = 0;
	} else if (q >> 24 & 1) {
		uint64_t in = port_in(port, size);

		st->gpr[SK_RAX] = size == 4 ? in : (st->gpr[SK_RAX] & ~mask) | (in & mask);
	} else {
		port_out(port, size, (uint32_t)(st->gpr[SK_RAX] & mask));
	}
	vcpu_dirty(v, SK_VCPU_GPR);
	if (st->qual[1])
		exit_rip_set(v, st->qual[1]);
	else
		exit_skip(v, 1);
	/* OUT may end the guest */
	return q >> 24 & 1 ? NEXT_ENTER : NEXT_LOOK;
}

/* ---- control registers ------------------------------------------------------------------- */

/* The checks of MOV to CR4 (SDM vol. 2), in addition to bits that CPUID hides. */
static bool cr4_valid(struct vcpu *v, uint64_t value)
{
	const struct sk_vcpu_state *st = v->st;
	bool pcid_on = value & CR4_PCIDE && !(st->cr4 & CR4_PCIDE);

	if (value & ~vm.cr4_bits)
		return false;
	if (st->efer & EFER_LMA)
		return value & CR4_PAE && !((value ^ st->cr4) & CR4_LA57) &&
		       !(pcid_on && st->cr3 & CR3_PCID);
	return !pcid_on;
}

/* Only CR4 is intercepted. */
static apart void exit_cr_write(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;
	uint8_t cr = (uint8_t)st->qual[0], gpr = (uint8_t)st->qual[1], code[INSN_MAX];
	uint64_t value;
	int n = st->instr_len;

	if (st->qual[1] >= SK_N_GPR) /* the processor does not say which register */
		n = insn_mov_to_cr(code, exit_code(v, code), insn_mode(st), &cr, &gpr);
	if (cr != 4 || n < 0) {
		exit_crash(v, "write to a control register that could not be decoded");
		return;
	}
	value = insn_mode(st) == 64 ? st->gpr[gpr] : (uint32_t)st->gpr[gpr];
	if (!cr4_valid(v, value)) {
		vcpu_exception(v, VEC_GP, 0);
		return;
	}
	vcpu_sync(v, SK_VCPU_CR);
	st->cr4 = value;
	vcpu_dirty(v, SK_VCPU_CR);
	if (n)
		exit_rip_set(v, st->rip + (uint64_t)n);
	else
		exit_skip(v, 3);
}

_Static_assert(SK_EXIT_END <= VMCTL_EXITS, "each reason has its own place");

enum exit_next exit_dispatch(struct vcpu *v, uint32_t reason)
{
	/* no test of its own, because this runs at each exit */
	v->exits[reason % VMCTL_EXITS]++;
	if (reason == SK_EXIT_HYPERCALL)
		return exit_hypercall(v);
	switch (reason) {
	case SK_EXIT_SIGNAL:
	case SK_EXIT_DEADLINE:
	case SK_EXIT_NMI_WINDOW:
		break;
	case SK_EXIT_CPUID:
		exit_cpuid(v);
		return NEXT_ENTER;
	case SK_EXIT_HLT:
		exit_hlt(v);
		break;
	case SK_EXIT_IO:
		return exit_io(v);
	case SK_EXIT_RDMSR:
		return exit_rdmsr(v);
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
		exit_skip(v, 2);
		break;
	case SK_EXIT_PAUSE:
		exit_skip(v, 2);
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
		exit_crash(v, "triple fault");
		break;
	case SK_EXIT_INVALID_STATE:
		exit_crash(v, "the processor refuses the state of the vCPU");
		break;
	case SK_EXIT_TASK_SWITCH:
		exit_crash(v, "task switch by hardware");
		break;
	default:
		exit_crash(v, "unknown exit");
		break;
	}
	return NEXT_LOOK;
}

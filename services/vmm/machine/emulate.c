/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emulate.c - instructions of the guest: their bytes, their length, and their accesses to
 * unbacked addresses
 *
 * Objects     struct access: one instruction being emulated.
 * Locks       none: the vCPU's own thread.
 * Invariants  EMULATE1 an access that the guest's page tables forbid is a page fault, even
 *                      where the processor did not get as far as checking it: emulation never
 *                      gives user code what the guest's kernel denies it
 */
#include "machine/emulate.h"

#include <stdio.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/sched.h>

#include "machine/dirty.h"
#include "machine/guest_memory.h"
#include "log.h"
#include "machine/mmio.h"
#include "machine/vcpu.h"
#include "machine/vmctl.h"

enum { VEC_UD = 6, VEC_GP = 13, VEC_PF = 14 };
/* How many bytes of an instruction the log shows. */
enum { BYTES_SHOWN = 8 };

/* ---- code bytes -------------------------------------------------------------------------- */

/* Read code through the guest's page tables, as many bytes as can be read. */
static size_t code_read(struct vcpu *v, uint8_t code[INSN_MAX])
{
	struct sk_vcpu_state *st = v->st;
	uint64_t at = insn_mode(st) == 64 ? st->rip : (uint32_t)(st->seg[SK_CS].base + st->rip);
	size_t first = SK_PAGE_SIZE - (at & (SK_PAGE_SIZE - 1));

	if (first >= INSN_MAX)
		return gva_read(v, at, code, INSN_MAX) ? 0 : INSN_MAX;
	if (gva_read(v, at, code, first))
		return 0;
	return gva_read(v, at + first, code + first, INSN_MAX - first) ? first : INSN_MAX;
}

size_t exit_code(struct vcpu *v, uint8_t code[INSN_MAX])
{
	size_t n = v->st->n_instr < INSN_MAX ? v->st->n_instr : INSN_MAX;

	if (!n)
		return code_read(v, code);
	memcpy(code, v->st->instr, n);
	return n;
}

void exit_skip_read(struct vcpu *v, uint8_t usual)
{
	uint8_t code[INSN_MAX];
	/* the record has code bytes only for nested faults */
	int n = insn_length(code, code_read(v, code), insn_mode(v->st));

	exit_rip_set(v, v->st->rip + (n > 0 ? (uint64_t)n : usual));
}

/* The bytes at the instruction pointer as text. */
static const char *code_text(struct vcpu *v, char text[3 * BYTES_SHOWN + 1])
{
	uint8_t code[INSN_MAX];
	size_t n = exit_code(v, code), i;

	strcpy(text, n ? "" : "none");
	for (i = 0; i < n && i < BYTES_SHOWN; i++)
		sprintf(text + 3 * i, "%02x ", code[i]);
	return text;
}

/* ---- the end ----------------------------------------------------------------------------- */

void exit_crash(struct vcpu *v, const char *why)
{
	const struct sk_vcpu_state *st = v->st;
	char code[3 * BYTES_SHOWN + 1];

	vcpu_sync(v, SK_VCPU_CR | SK_VCPU_SEG);
	vm_note(NOTE_CRASH, 2 * v->id,
		"vCPU %u: %s at %#llx in %u-bit code, bytes %s%s; exit %u qual %#llx %#llx",
		v->id, why, (unsigned long long)st->rip, insn_mode(st), code_text(v, code),
		st->idtr.limit ? "" : "(its IDT is empty)", st->exit_reason,
		(unsigned long long)st->qual[0], (unsigned long long)st->qual[1]);
	vm_note(NOTE_CRASH, 2 * v->id + 1,
		"vCPU %u: cr0 %#llx cr2 %#llx cr3 %#llx cr4 %#llx efer %#llx rsp %#llx rflags %#llx event %#x idt %#llx "
		"gdt %#llx",
		v->id, (unsigned long long)st->cr0, (unsigned long long)st->cr2,
		(unsigned long long)st->cr3, (unsigned long long)st->cr4,
		(unsigned long long)st->efer, (unsigned long long)st->gpr[SK_RSP],
		(unsigned long long)st->rflags, st->event, (unsigned long long)st->idtr.base,
		(unsigned long long)st->gdtr.base);
	vm_shutdown(SHUTDOWN_crash);
}

/* ---- unbacked addresses ------------------------------------------------------------------ */

struct access {
	struct vcpu *v;
	uint32_t error; /* of the page fault in which it ends */
	uint64_t fault; /* where */
};

/* An operand in one or two pages. */
struct piece {
	uint8_t *ram; /* NULL: not memory */
	sk_gpa_t gpa;
	uint8_t size;
};

static bool apic_page(const struct vcpu *v, sk_gpa_t gpa)
{
	return gpa / SK_PAGE_SIZE == VM_LAPIC_GPA / SK_PAGE_SIZE &&
	       v->lapic.mode == LAPIC_XAPIC;
}

/*
 * The whole operand is translated before any of it is accessed: EMULATE1, and a store is never
 * half done.
 */
static int pieces_of(
	struct access *a, uint64_t linear, uint8_t size, uint32_t access, struct piece p[2])
{
	uint32_t room = SK_PAGE_SIZE - (uint32_t)(linear % SK_PAGE_SIZE), i;

	p[0].size = (uint8_t)(size < room ? size : room);
	p[1].size = (uint8_t)(size - p[0].size);
	for (i = 0; i < 2 && p[i].size; i++) {
		uint64_t at = linear + (i ? p[0].size : 0);

		if (a->v->st->cpl == 3)
			access |= PF_USER;
		a->error = gva_access(a->v, at, access, &p[i].gpa);
		a->fault = at;
		if (a->error)
			return -SK_E_RANGE;
		p[i].ram = gmem(p[i].gpa, p[i].size);
	}
	return 0;
}

/* A register is the low word of 16 bytes; an access lies within one register. */
static uint64_t apic_read(struct vcpu *v, sk_gpa_t gpa)
{
	uint32_t offset = gpa % SK_PAGE_SIZE;

	return lapic_read(&v->lapic, offset & ~3u, guest_tsc(v)) >> (offset & 3) * 8;
}

static void apic_write(struct vcpu *v, sk_gpa_t gpa, uint64_t value, uint8_t size)
{
	uint32_t offset = gpa % SK_PAGE_SIZE, shift = (offset & 3) * 8, mask, word;
	struct lapic_ipi ipi;

	if ((offset & 3) + size > 4)
		return;
	mask = size == 4 ? UINT32_MAX : (1u << size * 8) - 1;
	word = (uint32_t)value;
	if (size < 4)
		word = (lapic_read(&v->lapic, offset & ~3u, guest_tsc(v)) & ~(mask << shift)) |
		       (word & mask) << shift;
	lapic_write(&v->lapic, offset & ~3u, word, guest_tsc(v), &ipi);
	if (ipi.valid)
		vcpu_ipi(v, &ipi);
}

static int access_read(void *ctx, uint64_t linear, uint64_t *value, uint8_t size)
{
	struct access *a = ctx;
	uint8_t bytes[8] = { 0 };
	struct piece p[2];
	uint32_t i, done = 0;
	int rc = pieces_of(a, linear, size, 0, p);

	if (rc)
		return rc;
	for (i = 0; i < 2 && p[i].size; i++) {
		uint64_t none = apic_page(a->v, p[i].gpa) ? apic_read(a->v, p[i].gpa)
							  : UINT64_MAX;

		memcpy(bytes + done, p[i].ram ? p[i].ram : (uint8_t *)&none, p[i].size);
		done += p[i].size;
	}
	memcpy(value, bytes, sizeof(bytes));
	return 0;
}

static int access_write(void *ctx, uint64_t linear, uint64_t value, uint8_t size)
{
	struct access *a = ctx;
	struct piece p[2];
	uint32_t i, shift = 0;
	int rc = pieces_of(a, linear, size, PF_WRITE, p);

	if (rc)
		return rc;
	for (i = 0; i < 2 && p[i].size; i++) {
		uint64_t part = value >> shift;

		if (p[i].ram) {
			memcpy(p[i].ram, &part, p[i].size);
			dirty_wrote(p[i].ram, p[i].size);
		} else if (apic_page(a->v, p[i].gpa)) {
			apic_write(a->v, p[i].gpa, part, p[i].size);
		}
		shift += p[i].size * 8;
	}
	return 0;
}

static bool canonical(uint64_t at) { return (uint64_t)((int64_t)(at << 16) >> 16) == at; }

static void page_fault(struct vcpu *v, const struct access *a)
{
	if (!canonical(a->fault)) {
		vcpu_exception(v, VEC_GP, 0);
		return;
	}
	vcpu_sync(v, SK_VCPU_CR);
	v->st->cr2 = a->fault;
	vcpu_dirty(v, SK_VCPU_CR);
	vcpu_exception(v, VEC_PF, a->error & (PF_PRESENT | PF_WRITE | PF_USER));
}

static void access_emulate(struct vcpu *v, sk_gpa_t gpa)
{
	struct access a = { .v = v };
	struct mmio_bus bus = { access_read, access_write, &a };
	char text[3 * BYTES_SHOWN + 1];
	uint8_t code[INSN_MAX];
	struct mmio_insn in;
	int rc;

	if (mmio_decode(code, exit_code(v, code), insn_mode(v->st), &in)) {
		vm_note(NOTE_INSTRUCTION, v->st->rip,
			"vCPU %u: access to %#llx by an instruction that is not emulated: bytes %sat %#llx",
			v->id, (unsigned long long)gpa, code_text(v, text),
			(unsigned long long)v->st->rip);
		vcpu_exception(v, VEC_GP, 0);
		return;
	}
	if (mmio_needs_segments(&in))
		vcpu_sync(v, SK_VCPU_SEG);
	rc = mmio_execute(&in, v->st, &bus);
	vcpu_dirty(v, SK_VCPU_GPR | SK_VCPU_RIP); /* RIP has the flags */
	if (!rc)
		exit_rip_set(v, v->st->rip + in.length);
	else if (rc != -SK_E_AGAIN)
		page_fault(v, &a);
}

void exit_nested_fault(struct vcpu *v)
{
	sk_gpa_t gpa = v->st->qual[0];
	uint64_t how = v->st->qual[1];

	/* the page has come back in the meantime: try again */
	if ((gmem(gpa, 1) && !(how & SK_NF_PRESENT)) || dirty_fault(gpa))
		return;
	if (how & SK_NF_TABLE)
		exit_crash(v, "page tables at unbacked addresses");
	else if (how & SK_NF_EXEC)
		vcpu_exception(v, VEC_UD, -1);
	else
		access_emulate(v, gpa);
}

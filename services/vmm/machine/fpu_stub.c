/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu_stub.c - a vCPU saves and loads its own FPU registers
 *
 * The kernel keeps the FPU registers of a vCPU where no VMM sees them. So the vCPU runs two
 * instructions of ours in guest mode: XSAVE64 or XRSTOR64 (FXSAVE64 and FXRSTOR64 without
 * XSAVE), then HLT. An area that the processor refuses is a fault of that vCPU, for which the
 * stub has no handler, so the entry ends with a shutdown.
 *
 * Objects     two pages: `tables`, which serves as page table of three levels, and `area`, with
 *             the FPU's state from its beginning and the code behind it.
 * Locks       stub_lock: one vCPU at a time uses the area.
 * Lifecycle   shown while all vCPUs are parked; the guest has no page there before or after.
 */
#include "machine/fpu_stub.h"

#include <string.h>

#include "base/cpuid.h"
#include "base/error.h"
#include "log.h"
#include "machine/cpuid.h"
#include "machine/guest_memory.h"
#include "machine/physmap.h"
#include "machine/vcpu.h"
#include "sys/sk.h"

enum {
	PTE_P = 1,
	PTE_W = 2,
	PTE_PS = 0x80,
	CODE_OFFSET = 4096 - 256,
	LEAF_XSAVE = 0xd,
	FXSAVE_SIZE = 512,
	ALL_GROUPS = (1 << 10) - 1,
};
/* SDM vol. 3, 2.5; EFER: 2.2.1 */
enum { CR4_PAE = 1 << 5, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_OSXSAVE = 1 << 18 };
enum { EFER_LME = 1 << 8, EFER_LMA = 1 << 10 };
#define CR0_LONG_MODE 0x80010033ull /* PG, WP, NE, ET, MP, PE */

static struct mutex stub_lock;
static struct guest_page tables, area;
static bool prepared;
static sk_gpa_t stub_gpa; /* of the two pages; 0: they are not shown */

int fpu_stub_prepare(void)
{
	int rc = 0;

	if (prepared)
		return 0;
	if (!tables.addr)
		rc = physmap_page_alloc(&tables);
	if (!rc && !area.addr)
		rc = physmap_page_alloc(&area);
	prepared = !rc;
	return rc;
}

/* Entries of three levels in one page: at these addresses their indices differ. */
static void tables_fill(void)
{
	uint64_t *t = tables.addr;
	uint32_t pml4 = stub_gpa >> 39 & 511, pdpt = stub_gpa >> 30 & 511,
		 pd = stub_gpa >> 21 & 511;

	memset(t, 0, SK_PAGE_SIZE);
	t[pml4] = stub_gpa | PTE_P | PTE_W;
	t[pdpt] = stub_gpa | PTE_P | PTE_W;
	t[pd] = (stub_gpa & ~(VM_CHUNK - 1)) | PTE_P | PTE_W | PTE_PS;
}

/* What remains is two pages that the guest has no use for. */
static void page_hide(sk_gpa_t gpa)
{
	int rc = gmem(gpa, SK_PAGE_SIZE) ? physmap_hole_make(gpa) : 0;

	if (rc)
		vm_log("a page of the VMM stays in the guest at %#llx: %s",
			(unsigned long long)gpa, sk_error_text(rc));
}

void fpu_stub_hide(void)
{
	if (!stub_gpa)
		return;
	page_hide(stub_gpa);
	page_hide(stub_gpa + SK_PAGE_SIZE);
	stub_gpa = 0;
}

/*
 * In the chunk of the ACPI tables, which has a view already, and whose number fits
 * tables_fill().
 */
int fpu_stub_show(void)
{
	const sk_gpa_t first = VM_ACPI_GPA + VM_ACPI_PAGES * SK_PAGE_SIZE;
	sk_gpa_t at = first;
	int rc;

	while (gmem(at, SK_PAGE_SIZE) || gmem(at + SK_PAGE_SIZE, SK_PAGE_SIZE)) {
		at += SK_PAGE_SIZE;
		if (at + 2 * SK_PAGE_SIZE > VM_ACPI_GPA + VM_CHUNK)
			return -SK_E_LIMIT;
	}
	rc = physmap_page_show(at, &tables);
	if (!rc)
		rc = physmap_page_show(at + SK_PAGE_SIZE, &area);
	stub_gpa = at;
	if (rc)
		fpu_stub_hide();
	else
		tables_fill();
	return rc;
}

uint32_t fpu_area_size(void)
{
	struct cpuid_env env = { .host = host_cpuid,
		.xcr0_max = vm.info->xcr0,
		.xcr0 = vm.info->xcr0,
		.cr4 = CR4_OSXSAVE };
	struct cpuid_regs r;

	if (!(vm.cr4_bits & CR4_OSXSAVE))
		return 0;
	cpuid_guest(&env, LEAF_XSAVE, 0, &r);
	return r.ecx <= FPU_AREA_MAX ? r.ecx : 0;
}

/* ---- running it -------------------------------------------------------------------------- */

static void flat_set(struct sk_vcpu_state *st, unsigned int s, uint16_t attr)
{
	st->seg[s] = (struct sk_segment){ .attr = attr, .limit = 0xffffffff };
}

/* 64-bit mode at the code, with interrupts off and nothing to deliver. */
static void stub_state_set(struct vcpu *v, bool xsave)
{
	enum { ATTR_CODE64 = 0xa9b, ATTR_DATA = 0xc93, ATTR_TSS = 0x8b, ATTR_LDT = 0x82 };
	struct sk_vcpu_state *st = v->st;

	memset(st->gpr, 0, sizeof(st->gpr));
	st->gpr[SK_RDI] = stub_gpa + SK_PAGE_SIZE;
	st->gpr[SK_RAX] = st->gpr[SK_RDX] = 0xffffffff; /* all components of XCR0 */
	st->rip = stub_gpa + SK_PAGE_SIZE + CODE_OFFSET;
	st->rflags = 2;
	st->int_shadow = 0;
	st->cr0 = CR0_LONG_MODE;
	st->cr3 = stub_gpa;
	st->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (xsave ? CR4_OSXSAVE : 0);
	st->cr8 = 0;
	st->efer = EFER_LME | EFER_LMA;
	st->dr7 = 0x400;
	if (xsave)
		st->xcr0 = vm.info->xcr0;
	st->event = 0;
	for (unsigned int s = 0; s < SK_N_SEG; s++)
		flat_set(st, s, ATTR_DATA);
	flat_set(st, SK_CS, ATTR_CODE64);
	flat_set(st, SK_TR, ATTR_TSS);
	flat_set(st, SK_LDTR, ATTR_LDT);
	st->gdtr = st->idtr = (struct sk_segment){ 0 };
	st->cpl = 0;
}

static int stub_enter(struct vcpu *v)
{
	uint32_t reason = SK_EXIT_NONE;
	long rc;

	do
		rc = sk_vcpu_enter(v->cap, SK_NO_DEADLINE, &reason);
	while (rc == -SK_E_TIMEOUT || rc == -SK_E_AGAIN ||
		(!rc && (reason == SK_EXIT_SIGNAL || reason == SK_EXIT_DEADLINE)));
	if (rc)
		return (int)rc;
	return reason == SK_EXIT_HLT ? 0 : -SK_E_INVAL;
}

/* `code`: the last byte of the instruction, after 48 0f ae. */
static int stub_run(struct vcpu *v, uint8_t code, bool xsave)
{
	const uint8_t text[] = { 0x48, 0x0f, 0xae, code, 0xf4 };
	struct sk_vcpu_state was;
	int rc;

	memcpy((uint8_t *)area.addr + CODE_OFFSET, text, sizeof(text));
	vcpu_sync(v, ALL_GROUPS & ~SK_VCPU_FPU);
	was = *v->st;
	stub_state_set(v, xsave);
	vcpu_dirty(v, ALL_GROUPS & ~SK_VCPU_FPU);
	rc = stub_enter(v);
	*v->st = was;
	v->st->dirty = 0;
	vcpu_dirty(v, ALL_GROUPS & ~SK_VCPU_FPU);
	return rc;
}

enum { MODRM_FXSAVE = 0x07, MODRM_FXRSTOR = 0x0f, MODRM_XSAVE = 0x27, MODRM_XRSTOR = 0x2f };

int fpu_stub_save(struct vcpu *v, uint8_t *to, uint32_t size)
{
	bool xsave = size > FXSAVE_SIZE;
	int rc;

	mutex_lock(&stub_lock);
	memset(area.addr, 0, FPU_AREA_MAX);
	rc = stub_run(v, xsave ? MODRM_XSAVE : MODRM_FXSAVE, xsave);
	memcpy(to, area.addr, size);
	mutex_unlock(&stub_lock);
	return rc;
}

int fpu_stub_load(struct vcpu *v, const uint8_t *from, uint32_t size)
{
	bool xsave = size > FXSAVE_SIZE;
	int rc;

	mutex_lock(&stub_lock);
	memset(area.addr, 0, FPU_AREA_MAX);
	memcpy(area.addr, from, size);
	rc = stub_run(v, xsave ? MODRM_XRSTOR : MODRM_FXRSTOR, xsave);
	mutex_unlock(&stub_lock);
	return rc;
}

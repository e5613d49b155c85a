/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu.c - FPU state, switched when the CPU turns to another user of the FPU: a guest, or a
 * thread that has used it once
 *
 * Objects     areas inside threads and vCPUs: an XSAVE (or FXSAVE) image. Bytes 464 to 467 are
 *             free for software: they name the CPU that loaded the image last, as id + 1, or 0.
 *             A CPU touches the area that its registers belong to, and that of the thread or
 *             vCPU that it owns.
 * Invariants  FPU1 while a user of the FPU runs, the registers are those of its area, and of no
 *                other; while another thread runs, CR0.TS is set (cpu_arch.fpu_off), so that
 *                its first FPU instruction makes it a user
 *             FPU2 a thread or vCPU that no CPU owns (`on`) has its whole state in its area
 *             FPU3 after fpu_put() the registers still hold the area's state as long as the
 *                area names this CPU
 */
#include "../../vcpu.h"
#include "cpu.h"

enum { FCW = 0x37f, MXCSR = 0x1f80, OFF_MXCSR = 24, OFF_LOADED = 464 };

static uint32_t *loaded_by(void *area) { return (uint32_t *)((uint8_t *)area + OFF_LOADED); }

static void image_save(void *area)
{
	uint32_t lo = (uint32_t)features.xcr0, hi = 0; /* choices of detect_xsave() */

	if (features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else if (features.xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void image_load(const void *area)
{
	uint32_t lo = (uint32_t)features.xcr0, hi = 0; /* choices of detect_xsave() */

	/*
	 * AMD64 manual volume 2, section 11.4 (FXRSTOR, XRSTOR): without a pending exception in
	 *    the image the addresses of the last x87 instruction and operand keep the last
	 *    owner's values. This makes them the kernel's own.
	 */
	if (features.x87_pointers_stay)
		__asm__ volatile("fnclex; emms; fildl %0" : : "m"(features.asids));
	if (features.xsave)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void fpu_init_cpu(void)
{
	if (features.xsave)
		xsetbv(features.xcr0);
}

void arch_fpu_init_area(void *area)
{
	memset(area, 0, FPU_AREA_SIZE);
	*(uint16_t *)area = FCW;
	*(uint32_t *)((uint8_t *)area + OFF_MXCSR) = MXCSR;
}

static void fpu_turn_on(struct cpu_arch *a)
{
	if (a->fpu_off)
		write_cr0(read_cr0() & ~(uint64_t)CR0_TS);
	a->fpu_off = false;
}

/*
 * A CPU without AMD-V may let user mode see the registers in spite of TS, if only through
 * speculation (CVE-2018-3665): there, all threads are users.
 */
void fpu_turn_off(struct thread *t)
{
	if (!features.svm) {
		t->uses_fpu = true;
		fpu_get(t->fpu);
		return;
	}
	this_arch()->fpu_off = true;
	write_cr0(read_cr0() | CR0_TS);
}

inline void arch_fpu_put(void)
{
	struct cpu_arch *a = this_arch();

	if (!a->cpu.fpu)
		return;
	fpu_turn_on(a);
	if (a->vcpu && features.xsave)
		vcpu_xcr0_save(a->vcpu);
	image_save(a->cpu.fpu);
	a->cpu.fpu = NULL;
	if (a->vcpu) {
		vcpu_put(a->vcpu); /* FPU2 */
		a->vcpu = NULL;
	}
}

void fpu_switch(void *area)
{
	struct cpu_arch *a = this_arch();

	arch_fpu_put();
	fpu_turn_on(a);
	/* FPU3 */
	if (a->fpu_last != area || *loaded_by(area) != a->cpu.id + 1) {
		image_load(area);
		*loaded_by(area) = a->cpu.id + 1;
		a->fpu_last = area;
	}
	a->cpu.fpu = area;
}

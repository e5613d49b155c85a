/*
 * fpu.c - FPU state, switched when somebody else uses the FPU
 *
 * Objects     areas inside threads and vCPUs: an XSAVE (or FXSAVE) image. Its bytes 464 to 467, which
 *             the processor leaves to software, name the CPU whose registers hold it: id + 1, or 0.
 * Locks       none. Only the CPU that holds an area live writes it; others go there by arch_call().
 * Invariants  F1 cpu->fpu_owner == area exactly when the holder word of the area names that CPU
 *             F2 user mode runs with CR0.TS clear only when its thread's area is live
 */
#include "../../thread.h"
#include "../../vcpu.h"
#include "cpu.h"

enum { FCW = 0x37f, MXCSR = 0x1f80, OFF_MXCSR = 24, OFF_HOLDER = 464 };

static uint32_t *holder(void *area) { return (uint32_t *)((uint8_t *)area + OFF_HOLDER); }

void fpu_trap(bool usable)
{
	struct cpu_arch *a = this_arch();
	uint64_t cr0 = usable ? a->cr0 & ~CR0_TS : a->cr0 | CR0_TS;

	if (cr0 == a->cr0)
		return;
	a->cr0 = cr0;
	write_cr0(cr0);
}

static void image_save(void *area)
{
	uint32_t lo = (uint32_t)features.xcr0, hi = (uint32_t)(features.xcr0 >> 32);

	if (features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else if (features.xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void image_load(const void *area)
{
	uint32_t lo = (uint32_t)features.xcr0, hi = (uint32_t)(features.xcr0 >> 32);

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

/* This CPU lets go of what it holds live, saved or not. */
static void release(struct cpu *c, bool save)
{
	void *area = c->fpu_owner;

	if (!area)
		return;
	if (save) {
		fpu_trap(true);
		image_save(area);
	}
	c->fpu_owner = NULL;
	__atomic_store_n(holder(area), 0, __ATOMIC_RELEASE); /* F1 */
	fpu_trap(false);                                     /* F2 */
}

static void flush_here(void *area)
{
	if (this_cpu()->fpu_owner == area)
		release(this_cpu(), true);
}

static void drop_here(void *area)
{
	if (this_cpu()->fpu_owner == area)
		release(this_cpu(), false);
}

void arch_fpu_flush(struct cpu *c, void *area)
{
	if (__atomic_load_n(holder(area), __ATOMIC_ACQUIRE) == c->id + 1)
		arch_call(c, flush_here, area);
}

void arch_fpu_drop(void *area)
{
	uint32_t h = __atomic_load_n(holder(area), __ATOMIC_ACQUIRE);

	if (h)
		arch_call(cpus[h - 1], drop_here, area);
}

void fpu_load(void *area)
{
	struct cpu *c = this_cpu();
	uint32_t h;

	if (c->fpu_owner == area)
		return;
	h = __atomic_load_n(holder(area), __ATOMIC_ACQUIRE);
	if (h)
		arch_call(cpus[h - 1], flush_here, area);
	release(c, true);
	fpu_trap(true);
	image_load(area);
	c->fpu_owner = area;
	__atomic_store_n(holder(area), c->id + 1, __ATOMIC_RELEASE); /* F1 */
}

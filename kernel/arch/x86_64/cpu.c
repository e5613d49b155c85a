/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c - features, and what the registers of each CPU hold before it runs the kernel
 *
 * Objects     struct cpu_arch (with struct cpu first) per CPU, its kernel stack and its IST
 *             stacks. They are written while booting, by one CPU or by the CPU itself.
 * Invariants  CPU1 every CPU has the same CR4, EFER, PAT and XCR0
 *             CPU2 the word on top of an IST stack is its struct cpu, and the page below a
 *                kernel stack is closed
 */
#include "cpu.h"
#include "pte.h"
#include "spec.h"
#include "tlb_model.h"

#define INTEL_EBX 0x756e6547u /* "Genu": CPUID leaf 0 */

struct cpu *cpus[SK_CPU_MAX];
uint32_t n_cpus;
struct features features;

static struct idt_entry {
	uint16_t low, selector;
	uint8_t ist, attr;
	uint16_t mid;
	uint32_t high, reserved;
} idt[256];

struct table_ptr {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

_Static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "asm.h");
_Static_assert(offsetof(struct cpu, kernel_rsp) == CPU_KERNEL_RSP, "asm.h");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "asm.h");
_Static_assert(offsetof(struct cpu, epoch) == CPU_EPOCH, "asm.h");
_Static_assert(offsetof(struct user_regs, r.rip) == R_RIP, "asm.h");
_Static_assert(offsetof(struct user_regs, r.rflags) == R_RFLAGS, "asm.h");
_Static_assert(offsetof(struct user_regs, vector) == R_VECTOR, "asm.h");
_Static_assert(sizeof(struct tss) == 104, "TSS");

static void detect_xsave(void)
{
	/*
	 * x87, SSE, AVX, AVX-512: they fit the area and have no state outside the register
	 * file.
	 */
	static const uint64_t choices[] = { 0xe7, 0x07, 0x03 };
	struct cpuid leaf = cpuid(0xd, 0);
	uint64_t offered = (uint64_t)leaf.d << 32 | leaf.a;

	for (unsigned int i = 0; i < ARRAY_SIZE(choices); i++) {
		if ((offered & choices[i]) != choices[i])
			continue;
		features.xsave_size = 576;
		for (unsigned int bit = 2; bit < 8; bit++) {
			struct cpuid part = cpuid(0xd, bit);

			if (choices[i] >> bit & 1 && part.a + part.b > features.xsave_size)
				features.xsave_size = part.a + part.b;
		}
		if (features.xsave_size > FPU_AREA_SIZE)
			continue;
		features.xcr0 = choices[i];
		features.xsave = true;
		features.xsaveopt = cpuid(0xd, 1).a & 1;
		return;
	}
}

void features_detect(void)
{
	struct cpuid v = cpuid(0, 0), one = cpuid(1, 0), seven = cpuid_leaf(7);
	struct cpuid ext = cpuid(0x80000001, 0), size = cpuid_leaf(0x80000008), svm = { 0 };

	features.nx = ext.d & 1u << 20;
	features.x2apic = one.c & 1u << 21;
	features.tsc_deadline = one.c & 1u << 24;
	features.cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT |
		       (one.d & 1u << 13 ? CR4_PGE : 0) | (seven.b & 1u << 7 ? CR4_SMEP : 0) |
		       (seven.b & 1u << 20 ? CR4_SMAP : 0) | (seven.c & 1u << 2 ? CR4_UMIP : 0);
	features.phys_bits = size.a ? size.a & 0xff : 36;
	features.svm = ext.c & 1u << 2;
	if (features.svm)
		svm = cpuid_leaf(0x8000000a);
	features.asids = tlb_model_asids(svm.b);
	features.svm_bits = svm.d;
	features.xsave_size = 512;
	features.xcr0 = 3;
	if (one.c & 1u << 26 && v.a >= 0xd)
		detect_xsave();
	features.cr4 |= features.xsave ? CR4_OSXSAVE : 0;
	/*
	 * AMD's FXRSTOR and XRSTOR, unless CPUID 8000_0008 EBX says XSaveErPtr; Intel's always
	 * load them
	 */
	features.x87_pointers_stay = v.b != INTEL_EBX && !(size.b & 1u << 2);
	spec_detect();
}

uint32_t arch_phys_bits(void) { return features.phys_bits; }

uint32_t arch_port_in(uint16_t port, unsigned int size)
{
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

void arch_port_out(uint16_t port, unsigned int size, uint32_t value)
{
	if (size == 1)
		outb(port, (uint8_t)value);
	else if (size == 2)
		outw(port, (uint16_t)value);
	else
		outl(port, value);
}

static uint64_t stack_top(size_t size)
{
	char *low = boot_alloc(size + SK_PAGE_SIZE);

	arch_window_close(virt_to_phys(low), SK_PAGE_SIZE); /* CPU2 */
	return (uint64_t)low + SK_PAGE_SIZE + size;
}

void cpu_alloc(uint32_t id, uint32_t apic_id)
{
	struct cpu_arch *a = boot_alloc(sizeof(*a));
	struct cpu *c = &a->cpu;

	c->self = c;
	c->id = id;
	c->apic_id = apic_id;
	c->epoch = 1;
	c->timer_armed = SK_NO_DEADLINE;
	c->kernel_rsp = stack_top(KERNEL_STACK_SIZE);
	a->stack_low = c->kernel_rsp - KERNEL_STACK_SIZE;
	a->tss.rsp[0] = c->kernel_rsp;
	a->tss.io_map = sizeof(a->tss);
	for (int i = 0; i < N_IST; i++) {
		a->tss.ist[i] = stack_top(IST_STACK_SIZE) - 16;
		*(struct cpu **)a->tss.ist[i] = c;
	}
	a->host_paddr = virt_to_phys(boot_alloc(2 * SK_PAGE_SIZE));
	a->gdt[SEL_KCODE / 8] = 0x00af9b000000ffff;
	a->gdt[SEL_KDATA / 8] = 0x00cf93000000ffff;
	a->gdt[SEL_UDATA / 8] = 0x00cff3000000ffff;
	a->gdt[SEL_UCODE / 8] = 0x00affb000000ffff;
	a->gdt[SEL_TSS / 8] = 0x0000890000000000 | (sizeof(a->tss) - 1) |
			      ((uint64_t)&a->tss & 0xffffff) << 16 |
			      ((uint64_t)&a->tss >> 24 & 0xff) << 56;
	a->gdt[SEL_TSS / 8 + 1] = (uint64_t)&a->tss >> 32;
	cpus[id] = c;
}

static void idt_fill(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		uint64_t to = i == VEC_NMI ? (uint64_t)entry_nmi : (uint64_t)entry_stubs[i];
		uint8_t ist = i == VEC_NMI ? 1 : i == VEC_DF ? 2 : i == VEC_MC ? 3 : 0;
		uint8_t dpl = i == 3 || i == 4 ? 3 : 0;

		idt[i] = (struct idt_entry){ (uint16_t)to, SEL_KCODE, ist,
			(uint8_t)(0x8e | dpl << 5), (uint16_t)(to >> 16), (uint32_t)(to >> 32),
			0 };
	}
}

static void tables_load(struct cpu_arch *a)
{
	struct table_ptr gdtr = { sizeof(a->gdt) - 1, (uint64_t)a->gdt };
	struct table_ptr idtr = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lgdt %0" : : "m"(gdtr));
	__asm__ volatile("lidt %0" : : "m"(idtr));
	__asm__ volatile("pushq %0\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:"
			 :
			 : "i"(SEL_KCODE)
			 : "rax", "memory");
	__asm__ volatile(
		"mov %0, %%ss\n\tmov %1, %%ds\n\tmov %1, %%es\n\tmov %1, %%fs\n\tmov %1, %%gs"
		:
		: "r"(SEL_KDATA), "r"(0)
		: "memory");
	__asm__ volatile("lldt %w0" : : "r"(0));
	a->gdt[SEL_TSS / 8] &= ~(1ull << 41);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}

void cpu_setup(struct cpu *c)
{
	struct cpu_arch *a = arch_of(c);

	if (c->id == 0)
		idt_fill();
	tables_load(a);
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	write_cr4(features.cr4);
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
	wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	wrmsr(MSR_PAT, 0x0007010600070106); /* WB, UC-, WC at 1, UC at 3; twice */
	wrmsr(MSR_STAR, (uint64_t)(SEL_UDATA - 8) << 48 | (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)entry_syscall);
	wrmsr(MSR_CSTAR, 0);
	wrmsr(MSR_SFMASK, ~(uint64_t)RFLAGS_FIXED & 0x3fffff);
	wrmsr(MSR_SYSENTER_CS, 0);
	fpu_init_cpu();
	vcpu_setup_cpu();
	spec_setup_cpu();
}

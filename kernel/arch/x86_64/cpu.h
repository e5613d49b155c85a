/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.h - what this architecture keeps per CPU, and the calls between its own files
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <sk/boot.h>

#include "../../../boot/boot_info.h"
#include "../../thread.h"
#include "asm.h"
#include "x86.h"

enum { KERNEL_STACK_SIZE = 16384, IST_STACK_SIZE = 8192, N_IST = 3 };

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));

/* Work that one CPU asks of others: one at a time per asking CPU. */
struct request {
	void (*fn)(void *);
	void *arg;
	uint64_t waiting; /* bit per CPU that has not done it yet */
};

struct cpu_arch {
	struct cpu cpu; /* first: arch_of() */
	uint64_t gdt[8];
	struct tss tss;
	uint64_t stack_low;       /* lowest address of the kernel stack */
	uint64_t requests;        /* a bit for each CPU whose request this CPU must serve */
	struct request request;   /* this CPU's own request */
	void *fpu_last;           /* area that they were loaded from */
	bool fpu_off;             /* CR0.TS is set */
	struct vcpu *vcpu;        /* that this CPU owns; its FPU state is in the registers */
	struct space *last_space; /* for the barrier between spaces */
	/*
	 * two pages: the processor's own for the host's state, and a VMCB for VMLOAD after a
	 * guest, which says what FS and GS base were loaded last; user mode may have zeroed the
	 * registers
	 */
	uint64_t host_paddr;
	uint32_t asid, asid_epoch;      /* last one given out; how often they ran out */
	bool asid_flush;                /* the next VMRUN flushes all */
	struct irq_source *source[256]; /* by vector */
};
static inline struct cpu_arch *arch_of(struct cpu *c) { return (struct cpu_arch *)c; }
static inline struct cpu_arch *this_arch(void) { return (struct cpu_arch *)this_cpu(); }

/* Features of the processor that change the kernel's behaviour. */
extern struct features {
	bool nx, xsave, xsaveopt, x2apic, tsc_deadline, svm, x87_pointers_stay;
	uint32_t phys_bits, asids, svm_bits, xsave_size;
	uint64_t xcr0, cr4;
} features;

/* A trap in the kernel, as entry_panic stores it. */
struct trap_frame {
	uint64_t rax, rcx, rdx, rbx, at, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* entry.S */
extern const uint8_t entry_stubs[256][16];
void entry_syscall(void);
void entry_nmi(void);
void user_return(struct user_regs *regs, bool sysret) __attribute__((noreturn));
void irq_window(void);
void kernel_leave(void) __attribute__((noreturn));
void stack_switch(uint64_t rsp, void (*fn)(void *), void *arg) __attribute__((noreturn));

/* cpu.c */
void features_detect(void);
void cpu_alloc(uint32_t id, uint32_t apic_id);
/* Load every register that this CPU runs the kernel with. GS names the CPU from then on. */
void cpu_setup(struct cpu *c);

/* init.c */
void arch_start(uint32_t multiboot, uint64_t info) __attribute__((noreturn));
extern struct boot_info boot_info;
/* Is this word (name or name=value) on the command line? */
bool boot_option(const char *word);
/*
 * The text after `prefix` in the first word that begins with it (it ends at a blank), or NULL.
 */
const char *boot_option_value(const char *prefix);

/* memory.c */
enum fixmap { FIX_LAPIC, FIX_IOAPIC, FIX_IOMMU = FIX_IOAPIC + 16, FIX_TEMP = FIX_IOMMU + 64 };
void memory_init(void); /* build the kernel's own tables and change to them */
uint64_t boot_page_reserve(void);
void *fixmap_mmio(unsigned int slot, uint64_t paddr);
extern uint64_t kernel_root, trampoline_paddr;
void flush_window(uint64_t vaddr, uint64_t size);
void boot_map_drop(void);

/* apic.c */
void pic_mask(void);
void lapic_init(uint64_t paddr);
void lapic_setup_cpu(void);
void lapic_eoi(void);
void lapic_send(uint32_t apic_id, uint32_t icr);
enum { ICR_NMI = 0x400, ICR_INIT = 0x4500, ICR_STARTUP = 0x4600, ICR_OTHERS = 0xc0000 };

/* time.c */
void time_init(void);
void delay_us(uint64_t us);
extern uint64_t lapic_hz;
/*
 * The timer counts down from there, once, and how far it is; 0: it stands still, as it does
 * always if it has deadlines.
 */
void lapic_count_from(uint32_t count);
uint32_t lapic_count(void);

/* smp.c */
void smp_stop_others(void);

/* irq.c */
extern struct madt madt;
void ioapic_init(void);
void irq_dispatch(unsigned int vector);

/* fpu.c */
void fpu_init_cpu(void);
void fpu_switch(void *area);
/* From here on the registers hold this area's state. */
static inline void fpu_get(void *area)
{
	if (this_cpu()->fpu != area)
		fpu_switch(area);
}

/* Before user mode: the registers are t's, or t cannot use them yet. */
void fpu_turn_off(struct thread *t);
static inline void fpu_user(struct cpu_arch *a, struct thread *t)
{
	if (t->uses_fpu)
		fpu_get(t->fpu);
	else if (!a->fpu_off)
		fpu_turn_off(t);
}

/* trap.c */
void trap_user(struct thread *t, uint64_t vector, uint64_t error);
void trap_interrupt(uint64_t vector);
void trap_kernel(struct trap_frame *f) __attribute__((noreturn));
void trap_nmi(void);

/* uart.c */
void uart_init(void);

/* panic.c */
void panic_regs(const struct trap_frame *f, const char *what) __attribute__((noreturn));
extern bool panicking, gs_ready; /* gs_ready: this_cpu() works */

/* svm.c */
void vcpu_setup_cpu(void);
/* The registers turn from a guest to others: XCR0 does too. */
void vcpu_xcr0_save(struct vcpu *v);

#endif

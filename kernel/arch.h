/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arch.h - the calls between the portable kernel and the processor code, in both directions
 *
 * The kernel runs on one stack per CPU and never blocks in the middle of a call. An entry saves
 * the registers into the current thread, does its bounded work, and leaves through
 * kernel_exit(), which picks a thread and resumes it. A thread that waits is a state in its
 * object, not a stack.
 *
 * Implemented in kernel/arch/x86_64/ unless the comment says "core".
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include "base.h"

struct thread;
struct vcpu;
struct space;
struct boot_info;

/* User registers as an entry saves them: the first member of struct thread. */
struct user_regs {
	struct sk_regs r;
	uint64_t vector; /* how it entered: ENTRY_SYSCALL, or the vector */
};
#define ENTRY_SYSCALL 0x100u

/* Saved FPU state: the arch lays out an XSAVE image in the area that the object reserves. */
#define FPU_AREA_SIZE 2688u

/*
 * One per CPU, found through GS in the kernel (this_cpu()). epoch is odd while the CPU is
 * inside the kernel and may hold pointers to objects, and even otherwise; arch_quiesce() waits
 * for it to change.
 */
struct cpu {
	struct cpu *self;
	/* the thread whose registers an entry saves; its `on` is this CPU; NULL when idle */
	struct thread *current;
	uint64_t kernel_rsp;
	uint64_t user_rsp; /* scratch of the syscall entry */
	uint32_t id, apic_id;
	uint64_t epoch;
	struct space *space;  /* host address space that CR3 holds */
	struct space *nested; /* nested space of the vCPU in guest mode, or NULL */
	bool resched;         /* set by core and by IPI: pick again before leaving the kernel */
	/* address space and base registers are those of `current`; core clears it */
	bool loaded;
	sk_time_t timer_armed; /* deadline that the local timer is set to */
	void *sched;           /* core: struct sched_cpu */
	void *fpu;             /* area whose FPU state the registers hold, or NULL */
};
extern struct cpu *cpus[SK_CPU_MAX];
extern uint32_t n_cpus;
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__("mov %%gs:0, %0" : "=r"(c));
	return c;
}

/* --- entry and exit ---------------------------------------------------------------------- */
/*
 * core: handle one entry of this_cpu()->current; each returns normally, then the arch calls
 * kernel_exit().
 */
void core_syscall(struct thread *t);
void core_fault(struct thread *t, uint64_t vector, uint64_t error, uint64_t addr);
struct irq_source;
void core_irq(struct irq_source *s); /* a source fired */
void core_timer(void);               /* the local timer fired */
/*
 * t leaves v, if it has entered it. why: reason of an exit whose record is written, or -SK_E_*.
 */
void core_vcpu_exit(struct vcpu *v, const struct thread *t, long why);
/* core: choose the next thread, arm the timer, and resume it through arch_resume(). */
void kernel_exit(void) __attribute__((noreturn));
/*
 * Return to user mode with t's registers and space, or into the guest when t has entered a vCPU
 * (else NULL).
 */
void arch_resume(struct thread *t, struct vcpu *v) __attribute__((noreturn));
/* Wait for an interrupt with interrupts on; comes back into the kernel through an entry. */
void arch_idle(void) __attribute__((noreturn));
/*
 * A preemption point: true if an interrupt is pending for which a long operation should stop.
 * Requests of other CPUs are answered at once.
 */
bool arch_irq_pending(void);

/* --- time --------------------------------------------------------------------------------- */
#ifdef arch_now /* the host build has another */
sk_time_t arch_now(void);
#else
static inline sk_time_t arch_now(void) { return __builtin_ia32_rdtsc(); } /* TSC */
#endif
void arch_timer_arm(sk_time_t deadline); /* this CPU; SK_NO_DEADLINE = off */
extern uint64_t tsc_hz;

/* --- other CPUs --------------------------------------------------------------------------- */
/* Make c enter the kernel, from guest mode too, and look at c->resched. */
void arch_kick(struct cpu *c);
/*
 * Drop translations of [vaddr, vaddr + size) of a host or nested space on all CPUs that may
 * hold them; returns when that is done. For a nested space, each of its vCPUs has then left
 * guest mode once. Interrupts may be off, because it serves requests of other CPUs while it
 * waits. space == NULL: the kernel window.
 */
void arch_tlb_shootdown(struct space *space, uint64_t vaddr, uint64_t size);
/*
 * Wait until every other CPU has left the kernel once since the call: true; false when an
 * interrupt came first. Caller holds no lock and no reference.
 */
bool arch_quiesce(void) must_check;
/*
 * Answer the requests above, if another CPU has made one. Called while spinning for the lock
 * under which they are made.
 */
void arch_serve(void);

/* --- memory ------------------------------------------------------------------------------- */
/*
 * Kernel window: kernel objects are visible at phys_to_virt(paddr) while their pages are open.
 * Page tables of the window exist for all RAM from boot on, so opening cannot fail.
 */
#ifndef WINDOW_BASE /* the host build has it elsewhere */
#define WINDOW_BASE 0xffff800000000000ull
#endif
static inline void *phys_to_virt(uint64_t paddr) { return (void *)(WINDOW_BASE + paddr); }
static inline uint64_t virt_to_phys(const void *p) { return (uint64_t)p - WINDOW_BASE; }
void arch_window_open(uint64_t paddr, uint64_t size);  /* map writable, no-execute */
void arch_window_close(uint64_t paddr, uint64_t size); /* unmap where open, with shoot-down */
void arch_zero_page(uint64_t paddr);                   /* through a per-CPU temporary mapping */
/* core calls this for each new host space: copy the kernel half into its root table. */
void arch_space_init_root(uint64_t *root);
/* For each new space of any kind: give it an identity that no space had before. */
void arch_space_init(struct space *space);
/* The space ends and no thread uses it: no CPU has its root table loaded afterwards. */
void arch_space_drop(struct space *space);
/*
 * Width of physical addresses, and what user land must not have of them: interrupt controllers,
 * IOMMUs, and where a write is an interrupt. Each is an address with the order of its size in
 * the lowest bits. Returns how many.
 */
uint32_t arch_phys_bits(void);
uint32_t arch_kernel_mmio(uint64_t *mmio, uint32_t max);

/* --- DMA spaces --------------------------------------------------------------------------- */
/* What all IOMMUs of this machine can do. */
extern struct io_limits {
	uint32_t levels;     /* of the tables: 3 or 4; 0: there is no IOMMU */
	uint32_t leaf_level; /* the highest with pages */
	uint64_t end;        /* of the addresses */
	bool amd;            /* how an entry says that devices may read and write */
} io_limits;
/* An access or an interrupt that an IOMMU has refused. */
struct io_fault {
	uint32_t rid, reason; /* reason: as the hardware has it */
	uint64_t addr;
	bool write,
		irq; /* irq: it was an interrupt, and addr is what the hardware says of it */
};
/* Take the next one; false: there is none. */
bool arch_io_fault(struct io_fault *f) must_check;
/* Let a device use the space; 0, also when it does so already, or -SK_E_*. */
int arch_io_assign(struct space *s, uint32_t rid) must_check;
/* Entries of the space's tables were written that were not present before. */
void arch_io_written(const struct space *s, const uint64_t *entries, uint64_t n);
/*
 * Make what was written visible to the IOMMUs. Entries that became not present take effect with
 * a flush.
 */
void arch_io_show(const void *at, uint64_t size);
/*
 * Begin to make the IOMMUs forget the space's old entries; and wait until all that was begun is
 * over: false when an interrupt came first.
 */
void arch_io_flush(const struct space *s);
bool arch_io_settle(const struct space *s) must_check;
/* Block the devices of the space, then forget them; false when an interrupt came first. */
bool arch_io_end(struct space *s) must_check;

/* --- FPU ---------------------------------------------------------------------------------- */
/* Set to the power-up state; no CPU owns the thread or vCPU. */
void arch_fpu_init_area(void *area);
/*
 * Save the FPU registers of this CPU to their area, before another CPU may own the thread or
 * vCPU.
 */
void arch_fpu_put(void);

/* --- interrupts --------------------------------------------------------------------------- */
/* One pin or message, inside the object that claims it; all zero when it is not claimed. */
struct irq_source {
	bool pin, level, remapped;
	uint8_t vector, ioapic;
	uint16_t cpu;
	uint32_t gsi;
	uint32_t low; /* redirection entry without the mask */
	uint32_t rid; /* requester id of the device that sends it */
};
/* 0 or -SK_E_*. A level pin masks itself when it fires. */
int irq_source_pin(struct irq_source *s, uint32_t gsi, bool level, bool low, uint32_t cpu);
/* Fires after an access was refused; again only when all refused ones have been taken. */
int irq_source_iommu(struct irq_source *s);
int irq_source_msi(
	struct irq_source *s, uint32_t cpu, uint32_t rid, uint64_t *addr, uint32_t *data);
void irq_source_unmask(const struct irq_source *s);
void irq_source_free(struct irq_source *s);

/* --- ports -------------------------------------------------------------------------------- */
uint32_t arch_port_in(uint16_t port, unsigned int size);
void arch_port_out(uint16_t port, unsigned int size, uint32_t value);

/* --- guest CPUs (one vendor's back end is chosen at boot) --------------------------------- */
/*
 * struct vcpu (core, kernel/vcpu.h) has: struct sk_vcpu_state *state; uint8_t *hw (one page,
 * VMCB or VMCS); uint8_t *fpu; atomic uint32_t pending_irq (vector | 0x100).
 */
bool arch_vcpu_available(void);
void arch_vcpu_init(struct vcpu *v); /* hw page to reset state, all intercepts set */
/*
 * Run the guest until something happens, if t is still in VCPU_ENTER (vcpu_take(), unless
 * this_cpu()->nested says that this CPU has taken v already). Called with
 * interrupts off from arch_resume(). Returns the reason if the exit record is for the VMM.
 * Returns SK_EXIT_NONE if t has left, or if only the kernel's own work (an interrupt, now
 * handled) interrupted the guest; the caller then goes through kernel_exit().
 */
uint32_t arch_vcpu_run(struct vcpu *v, const struct thread *t);
void arch_vcpu_sync(struct vcpu *v, uint32_t groups);
void arch_vcpu_load(struct vcpu *v); /* consume state->dirty */

/* --- start-up ----------------------------------------------------------------------------- */
/*
 * core: called once on the boot CPU with paging, this_cpu(), interrupts (masked) and time
 * working.
 */
void core_init(const struct boot_info *bi) __attribute__((noreturn));
/* Start the other CPUs; core calls it when it can schedule. */
void arch_start_secondaries(void);
void arch_fill_info(struct sk_info *info); /* n_cpus, apic_id, features, xcr0, xsave_size */
extern uint64_t boot_alloc_total;
/*
 * Before untypeds exist: zeroed page-aligned memory that is open in the window; carves it from
 * boot_info's map.
 */
void *boot_alloc(size_t size);

/* --- log and panic ------------------------------------------------------------------------ */
/* core, log.c: %s %u %x %p %l* %z* */
void klog(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void arch_uart_putc(char c);
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define BUG_ON(cond) \
	(__builtin_expect(!!(cond), 0) ? panic("%s:%u: BUG_ON(%s)", __FILE__, __LINE__, #cond) \
				       : (void)0)

/* --- locks -------------------------------------------------------------------------------- */
/*
 * Ticket spin lock; interrupts are off in the kernel except at arch_idle() and preemption
 * points.
 */
struct TA(capability("lock")) spinlock {
	uint16_t next, owner;
};
static inline void TA_OFF spin_lock(struct spinlock *l) takes_lock(*l)
{
	uint16_t me = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__builtin_expect(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != me, 0))
		__builtin_ia32_pause();
}
static inline void TA_OFF spin_unlock(struct spinlock *l) drops_lock(*l)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	l->owner++; /* only its holder writes it */
}

#endif

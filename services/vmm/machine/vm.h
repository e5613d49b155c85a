/*
 * vm.h - the machine half of the VMM: guest memory, vCPUs, local APICs, and what the Xen half may ask of them
 *
 * Threads     one thread per vCPU runs vcpu_loop(); the main thread runs svc_run() (the I/O thread) with the
 *             back ends. All of struct vcpu belongs to its thread but the fields marked otherwise.
 * Locks       vm->mem_lock: physmap changes (mem_*). vm->lock: states of vCPUs, pause, shutdown, the question to
 *             control for more memory. Leaves: neither is held across a call out of the machine half. A local
 *             APIC needs none: lapic.h.
 * Memory      what gmem() returns stays readable and writable as long as the VMM lives: RAM is mapped here
 *             at vm.ram plus its home, once, and never unmapped; a page that the guest balloons out only leaves
 *             the nested space.
 *             The guest may change the bytes at any time: copy out, check the copy, use the copy.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sk/boot.h>
#include <sk/types.h>
#include <sk/vcpu.h>

#include "machine/lapic.h"
#include "proto/vmctl.h"
#include "rt/thread.h"

#define VM_PAGE 4096u
#define VM_CHUNK (2ull << 20)

/* Guest-physical layout. RAM is [0, low_size) and [4 GiB, 4 GiB + high_size). */
#define VM_LOW_MAX 0xf0000000ull  /* 3.75 GiB: the hole for devices begins */
#define VM_ACPI_GPA 0xfc000000ull /* ACPI tables, VM_ACPI_PAGES pages of the VMM's own */
#define VM_ACPI_PAGES 4u
#define VM_LAPIC_GPA 0xfee00000ull
#define VM_SPECIAL_GPA 0xfeff8000ull /* 8 pages, as libxl places them */
#define VM_SPECIAL_PAGES 8u
#define VM_XENSTORE_GPA (VM_SPECIAL_GPA + 4 * VM_PAGE)
#define VM_CONSOLE_GPA (VM_SPECIAL_GPA + 7 * VM_PAGE)
#define VM_HIGH_GPA 0x100000000ull
#define VM_PHYS_BITS \
	40u /* width that CPUID reports; larger frame numbers are refused everywhere */

/* Bits of the main thread's notification that the VMM uses for itself (channels have bits 0 to 17). */
enum io_bit {
	IO_CTL = 18, /* machine half: vCPUs parked, guest stopped */
	IO_XS = 19,
	IO_CONSOLE = 20,
	IO_BLK = 21,
	IO_NET = 22,
	IO_MISC = 23,
};

struct chunk; /* guest_memory.h */

/* ---- vCPU ------------------------------------------------------------------------------------------ */

enum vcpu_run {
	VCPU_OFFLINE = 0, /* not brought up: INIT state or never started */
	VCPU_RUNNABLE = 1,
	VCPU_HALTED =
		2, /* HLT: until an interrupt (SCHEDOP_block and poll: the Xen half knows) */
	VCPU_DEAF = 3, /* HLT with interrupts off: until an NMI, INIT, or VCPUOP_up */
};

/* What other threads ask of a vCPU, or'ed into v->requests before the kick. */
enum vcpu_request { VCPU_REQ_INIT = 1, VCPU_REQ_SIPI = 2, VCPU_REQ_DOWN = 4 };

struct vcpu {
	uint32_t id;
	struct vm *vm;
	struct sk_vcpu_state *st; /* state page; other groups than HOT need vcpu_sync() first */
	struct lapic lapic;

	/* any thread, atomic */
	uint32_t
		run; /* enum vcpu_run; RUNNABLE <-> HALTED by its own thread, else under vm->lock */
	uint32_t
		settled; /* vm->lock: OFFLINE or DEAF, and its thread has acted upon all that was asked of it */
	uint32_t requests; /* enum vcpu_request */
	uint32_t sipi_vector;
	uint32_t idle; /* its thread sleeps */
	uint32_t
		callback; /* vector | 0x100: given to vcpu_inject(), not yet handed to the processor */
	uint64_t tsc_offset; /* guest TSC - host TSC; only its own thread writes */

	uint32_t
		parked; /* vm->lock: its thread sleeps because the guest is paused or stopped */
	uint32_t down_told;         /* own thread: the Xen half knows it as offline */
	uint32_t pending_exception; /* own thread: SK_EV_* word for the next entry, 0 = none */
	uint32_t pending_error;
	uint64_t run_ticks; /* TSC spent in guest mode: written by its thread */

	/* MSRs without a field in the state page */
	uint64_t tsc_aux, tsc_adjust, misc_enable;
	uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_var[16];

	sk_cap_t cap, sched, ntfn, kick, thread;
};

struct mem_page { /* a page of the VMM's own that it can show to the guest: mem_page_alloc() */
	uint8_t *ptr; /* where the VMM sees it, for ever */
	sk_cap_t frame;
	sk_cap_t nested; /* the copy that is mapped in the nested space; 0 = not mapped */
	sk_gpa_t gpa;    /* where, while nested is not 0 */
	struct mem_page *next;
};

#define VM_MAP_MAX 8u
#define VM_LEAVES (1u << (VM_PHYS_BITS - 30))
struct vm_range { /* an entry of the guest's memory map */
	uint64_t addr, size;
	uint32_t type; /* E820_*: 1 RAM, 2 reserved, 3 ACPI */
};

struct vm {
	const struct vm_config *cfg;
	const struct sk_info *info;
	uint32_t n_vcpus;
	struct vcpu vcpu[VM_VCPUS_MAX];

	/* memory: set up before the first vCPU runs, then constant up to mem_lock */
	uint8_t *ram;                    /* guest-physical 0 as seen here: DOMAIN_GUEST_VADDR */
	struct vm_range map[VM_MAP_MAX]; /* the map that the guest is given */
	uint32_t n_map;
	uint64_t low_size, high_size; /* of RAM, bytes: whole chunks */
	uint32_t
		ram_order; /* the start's RAM is made of frames of this order, in the order of addresses */
	uint32_t
		n_birth; /* of those pieces; further ones are chunks that control gives later */
	uint32_t max_pieces; /* of both */
	sk_cap_t nested, ram_frame,
		ram_nested; /* ram_*: the first slot of each row of capabilities */
	/* mem_lock */
	struct mutex mem_lock;
	struct chunk **chunk
		[VM_LEAVES]; /* chunks with a page-by-page view, in two levels; read by gmem() */
	struct chunk *split;    /* those of RAM */
	struct copy *copies;    /* physmap.c */
	uint64_t balloon_pages; /* pages of RAM that are out of the guest now */
	uint32_t n_given;       /* pieces of RAM from control */
	uint32_t n_pieces;      /* those of them that have a place in the guest */
	sk_gpa_t ram_end;       /* of the highest of these places */

	/* time: guest TSC = host TSC + tsc_offset, on every vCPU that did not change its own */
	uint64_t tsc_offset;
	uint64_t tsc_hz;
	sk_time_t start_tsc; /* host TSC when the guest was built: its system time 0 */

	/* lock */
	struct mutex lock;
	uint32_t pause_count; /* atomic reads: not 0 = vCPUs must park */
	uint32_t n_parked;
	uint32_t stopped;  /* atomic: 1 + SHUTDOWN_* reason; 0 = running */
	bool amd;          /* VMMCALL, not VMCALL */
	uint64_t cr4_bits; /* that the guest may set */
};

extern struct vm vm; /* the one guest of this VMM */

/* ---- guest memory (guest_memory.c, physmap.c) --------------------------------------------------------------------- */

/* Pointer to [gpa, gpa + len) if all of it is memory that the guest has and it is contiguous here, else NULL. */
void *gmem(sk_gpa_t gpa, uint64_t len);
static inline void *gmem_frame(uint64_t gfn)
{
	return gfn >> (VM_PHYS_BITS - 12) ? NULL : gmem(gfn << 12, VM_PAGE);
}
int gmem_read(sk_gpa_t gpa, void *buf,
	uint64_t len) must_check; /* 0 or -SK_E_RANGE, nothing copied */
int gmem_write(sk_gpa_t gpa, const void *buf, uint64_t len) must_check;

/*
 * Guest-virtual (linear) addresses of hypercall arguments, through the page tables that the vCPU uses
 * now, with supervisor rights. 0 or -SK_E_RANGE: not mapped, not writable, or not memory; a write may
 * then have been done in part. To be called on the vCPU's own thread, outside the guest.
 */
int gva_read(struct vcpu *v, uint64_t gva, void *buf, uint64_t len) must_check;
int gva_write(struct vcpu *v, uint64_t gva, const void *buf, uint64_t len) must_check;
/* One page: translate, UINT64_MAX if not mapped (or not writable where `write`). */
sk_gpa_t gva_to_gpa(struct vcpu *v, uint64_t gva, bool write);
/*
 * The same for an access of the guest's own, as the processor checks it: with user rights where `access` says so, and
 * supervisor accesses to user pages subject to SMAP. `access` and the result are error codes of #PF (SDM vol. 3, 4.7);
 * 0: *gpa is the address.
 */
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4 };
#define PF_NONE 0x80000000u /* there is none of these bits: not present, read, supervisor */
uint32_t gva_access(struct vcpu *v, uint64_t gva, uint32_t access, sk_gpa_t *gpa) must_check;

/* A zeroed page of the VMM's own, to be shown to the guest. */
int mem_page_alloc(struct mem_page *p) must_check;
/* Show it at gpa (page-aligned): replaces RAM there (which counts as ballooned out) and its own last place. */
int mem_special_map(sk_gpa_t gpa, struct mem_page *p) must_check;
/* Take whatever is at gpa out of the guest. -SK_E_NOT_FOUND: nothing there. */
int mem_hole_make(sk_gpa_t gpa) must_check;
/*
 * Give the guest a page at gpa again. -SK_E_EXISTS: has one; -SK_E_NO_MEM: nothing is ballooned out; -SK_E_AGAIN, only
 * with `ask`: there is no RAM at that place, and control may have some (mem_given()).
 */
int mem_hole_fill(sk_gpa_t gpa, bool ask) must_check;
/* Control gave n more pieces of RAM; returns how many of them can be used. */
uint32_t mem_given(uint32_t n);
/* How many pieces control may still give. */
uint32_t mem_room(void);
/* Move the page at `from` to `to` (XENMAPSPACE_gmfn); what was at `to` goes out. */
int mem_move(sk_gpa_t from, sk_gpa_t to) must_check;
/* Pages that the guest has now, and highest guest frame number that is RAM's home. */
uint64_t mem_pages(void);
uint64_t mem_max_gfn(void);

/* ---- vCPUs (vcpu.c): any thread unless said otherwise -------------------------------------------------- */

/* Have its thread look at its state again: out of guest mode, out of a halt. */
void vcpu_kick(struct vcpu *v);
/* Deliver an interrupt vector past the local APIC (no EOI), once; same vector twice before delivery: once. */
void vcpu_inject(struct vcpu *v, uint8_t vector);
/* Through the local APIC, edge-triggered, fixed. */
void vcpu_post(struct vcpu *v, uint8_t vector);
void vcpu_nmi(struct vcpu *v);
/* Ticks that the vCPU's thread was runnable but did not run (SK_SYS_SCHED_STATS). */
uint64_t vcpu_ticks_waiting(const struct vcpu *v);
/* Own thread: exception for the next entry; error < 0 = no error code. */
void vcpu_exception(struct vcpu *v, uint8_t vector, int64_t error);
/* Own thread: fetch the groups (SK_VCPU_*) that are not HOT into v->st. */
void vcpu_sync(struct vcpu *v, uint32_t groups);
/* Own thread: after changing fields of the groups. */
static inline void vcpu_dirty(struct vcpu *v, uint32_t groups) { v->st->dirty |= groups; }
/* A vCPU that is OFFLINE (vm->lock not held): state as after INIT, all groups dirty; then change v->st. */
void vcpu_reset(struct vcpu *v);
/* Start a vCPU that is down with the state in v->st. -SK_E_STATE: it is up. */
int vcpu_up(struct vcpu *v) must_check;
/* Stop a vCPU; its own thread: takes effect when the exit handler returns. */
void vcpu_down(struct vcpu *v);
/* HLT, own thread. Off with the guest when nothing in it can run any more. */
void vcpu_halt(struct vcpu *v);
/* Down is OFFLINE or DEAF, as Xen has it. */
static inline bool vcpu_is_up(const struct vcpu *v)
{
	uint32_t run = __atomic_load_n(&v->run, __ATOMIC_ACQUIRE);

	return run == VCPU_RUNNABLE || run == VCPU_HALTED;
}

/* ---- the guest as a whole ---------------------------------------------------------------------------------- */

/*
 * Memory beyond the start's, any thread: ask control for n pieces, unless an answer to such a question is due anyway.
 * Returns the number of the answer to wait for; when it comes, all vCPUs are kicked.
 */
uint32_t vm_grow(uint32_t n);
enum vm_grow {
	GROW_ASKED,
	GROW_GIVEN,
	GROW_REFUSED
}; /* no answer yet; some was given since; none was */
enum vm_grow vm_grow_answer(uint32_t number);

/* The guest stops for good; reason = SHUTDOWN_* of xen/sched.h. The first call counts. */
void vm_shutdown(uint32_t reason);
/* One line into the VMM's log, for things that a guest can cause: rate-limited. */
void vm_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * What a guest asks for and does not get, so that one that goes silent left a word: the first time for each kind and
 * number, up to VM_NOTES of them, and never held back by the rate of other lines.
 */
#define X(name, key) NOTE_##name = VMCTL_UNKNOWN_##name,
enum vm_note {
	VMCTL_UNKNOWN(X) /* all of these are counted */
	NOTE_CRASH       /* the guest ends */
};
#undef X
#define VM_NOTES 64u
#define VM_CRASH_NOTES 16u /* of the last kind, beyond those */
void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* How often a note of each kind was made, whether it was news or not. */
void vm_notes_counts(uint64_t counts[VMCTL_UNKNOWN_KINDS]);
/* Run the handler of that bit (svc_on_bit) on the I/O thread. */
void io_kick(enum io_bit bit);

static inline uint64_t vm_rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/*
 * What the Xen half gives is in xen.h; vcpu.c drives it as the "Loop" there says. What it asks for in edge.h
 * is built (edge.c) on the functions above.
 */

#endif

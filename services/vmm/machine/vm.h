/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.h - the state of the machine half: the guest's memory, its vCPUs, and the guest as a whole
 *
 * Threads     one thread per vCPU runs its loop (vcpu.c). The main thread runs svc_run() with
 *             the back ends; it is the I/O thread. struct vcpu belongs to its thread, except
 *             for the fields that say otherwise.
 * Locks       vm.mem_lock: the physical map (physmap.c). vm.lock: states of vCPUs, pause,
 *             shutdown, the request to control for more memory. Neither is held across a call
 *             out of the machine half. A local APIC needs no lock: lapic.h.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sk/boot.h>
#include <sk/types.h>
#include <sk/vcpu.h>

#include "guest.h"
#include "machine/lapic.h"
#include "proto/vmctl.h"
#include "sys/mutex.h"

/* The width of addresses that CPUID reports; frame numbers beyond it are refused everywhere. */
#define VM_PHYS_BITS 40u
#define VM_CHUNK (2ull << 20)
/* More than a VMM's CNode has slots for. */
#define VM_PIECES_MAX 32768u

/* ---- vCPU -------------------------------------------------------------------------------- */

enum vcpu_run {
	/* Down: never started, or in INIT state. */
	VCPU_OFFLINE = 0,
	VCPU_RUNNABLE = 1,
	/*
	 * In HLT, until an interrupt comes. (The Xen half knows of SCHEDOP_block and
	 * SCHEDOP_poll.)
	 */
	VCPU_HALTED = 2,
	/* In HLT with interrupts off, until an NMI, INIT, or VCPUOP_up. */
	VCPU_DEAF = 3,
};

/* Requests of other threads to a vCPU, ORed into v->requests before the kick. */
enum vcpu_request {
	VCPU_REQ_INIT = 1,
	VCPU_REQ_SIPI = 2,
	VCPU_REQ_DOWN = 4,
};

/* What a parked thread does once; DONE and FAILED are its answers. */
enum vcpu_job {
	VCPU_JOB_NONE,
	VCPU_JOB_SAVE,
	VCPU_JOB_LOAD,
	VCPU_JOB_DONE,
	VCPU_JOB_FAILED,
};

/*
 * What a walk through four levels of page tables read, and where it led: guest_memory.c
 * (GMEM3).
 */
struct gva_seen {
	/* Number of the page, and the CR3 and vm.map_changes of the walk. */
	uint64_t page, cr3, map_changes;
	/* By level, from 1 on; levels below a large page have its entry. */
	const uint64_t *entry[4];
	uint64_t value[4];
	/* The page as the VMM sees it; NULL: no walk. */
	const uint8_t *at;
};
enum { GVA_SEEN = 4 };

struct vcpu {
	uint32_t id;
	/* The state page. Groups other than SK_VCPU_HOT need vcpu_sync() first. */
	struct sk_vcpu_state *st;
	struct lapic lapic;

	/* ---- any thread, atomic ---- */

	/*
	 * enum vcpu_run. Its own thread changes between RUNNABLE and HALTED; other changes are
	 * made under vm.lock.
	 */
	uint32_t run;
	/* vm.lock. The vCPU is OFFLINE or DEAF, and its thread has acted upon all requests. */
	uint32_t settled;
	/* enum vcpu_request */
	uint32_t requests;
	uint32_t sipi_vector;
	/* Its thread sleeps. */
	uint32_t idle;
	/* An upcall that the kernel has not accepted: vector | 0x100. */
	uint32_t callback;
	/* Guest TSC - host TSC; only its own thread writes it. */
	uint64_t tsc_offset;

	/* enum vcpu_job, atomic: what the parked thread is to do: save.c */
	uint32_t job;

	/* ---- vm.lock ---- */

	/* Its thread sleeps because the guest is paused or stopped. */
	uint32_t parked;

	/* ---- its own thread; others may read them ---- */

	/* How often it left guest mode, by reason. */
	uint64_t exits[VMCTL_EXITS];

	/* ---- its own thread ---- */

	struct gva_seen seen[GVA_SEEN];
	/* The Xen half has been told that it is offline. */
	uint32_t down_told;
	/* SK_EV_* word for the next entry; 0: none. */
	uint32_t pending_exception;
	uint32_t pending_error;
	/* MSRs without a field in the state page. */
	uint64_t tsc_aux, tsc_adjust, misc_enable;
	uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_var[16];

	sk_cap_t cap, sched, ntfn, kick, thread;
};

/* ---- the guest --------------------------------------------------------------------------- */

struct chunk; /* chunk.h */
struct copy;  /* physmap.c */

#define VM_LEAVES (1u << (VM_PHYS_BITS - 30))

struct vm {
	const struct vm_config *cfg;
	const struct sk_info *info;
	uint32_t n_vcpus;
	struct vcpu vcpu[VM_VCPUS_MAX];

	/* ---- memory: set up before the first vCPU runs, constant from then on ---- */

	/* Guest-physical 0 as the VMM sees it: DOMAIN_GUEST_VADDR. */
	uint8_t *ram;
	/* The memory map that the guest is given. */
	struct guest_range map[VM_MAP_MAX];
	uint32_t n_map;
	/* Bytes of RAM; whole chunks. */
	uint64_t low_size, high_size;
	/*
	 * The RAM that is present at boot consists of frames of this order, in the order of
	 * addresses.
	 */
	uint32_t ram_order;
	/* The number of those pieces. Further pieces are chunks that control gives later. */
	uint32_t n_boot_pieces;
	/* The limit for both kinds together. */
	uint32_t max_pieces;
	/* A bit for each piece of boot that has been made. Atomic: ram.c. */
	uint64_t made[VM_PIECES_MAX / 64];
	sk_cap_t nested;
	/* The first slot of each row of capabilities: ram.c. */
	sk_cap_t ram_frame, ram_nested;

	struct mutex made_lock;

	/* ---- mem_lock ---- */

	struct mutex mem_lock;
	/* Chunks with a page-by-page view, in two levels. gmem() reads it without the lock. */
	struct chunk **chunk[VM_LEAVES];
	/* How often a page became another one for the guest. Atomic. */
	uint64_t map_changes;
	/* Those of them that are the home of RAM. */
	struct chunk *split;
	struct copy *copies;
	/* Pages of RAM that are not in the guest now. */
	uint64_t balloon_pages;
	/* Pieces of RAM from control, and how many of them have a home. */
	uint32_t n_given, n_pieces;
	/* The end of the highest home. */
	sk_gpa_t ram_end;

	/*
	 * ---- time: guest TSC = host TSC + tsc_offset, on every vCPU that did not change its
	 * own
	 */

	uint64_t tsc_offset;
	uint64_t tsc_hz;
	/* Host TSC when the guest was built, which is its system time 0. */
	sk_time_t start_tsc;

	/* ---- lock ---- */

	struct mutex lock;
	/* vCPUs park while it is not 0. Read atomically. */
	uint32_t pause_count;
	uint32_t n_parked;
	/* 1 + SHUTDOWN_* reason; 0: the guest runs. Atomic. */
	uint32_t stopped;

	/* The guest makes hypercalls by VMMCALL, not by VMCALL. */
	bool amd;
	/* Bits of CR4 that the guest may set. */
	uint64_t cr4_bits;
};

/* The one guest of this VMM. */
extern struct vm vm;

static inline uint64_t vm_rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#endif

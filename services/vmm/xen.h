/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen.h - the Xen half of a VMM, as the machine half sees it
 *
 * The Xen half keeps its own state for each vCPU, by number. It asks the machine half for
 * memory, registers, kicks and interrupts through edge.h, and for nothing else.
 *
 * Threads     xen_init() and xen_io_init() run on the main thread, which becomes the I/O
 *             thread, before any vCPU enters. Functions with a `cpu` argument run on that
 *             vCPU's thread, unless they say "any thread".
 * Loop        The thread of a vCPU repeats: while (!xen_vcpu_runnable(cpu) || halted without an
 *             interrupt)
 *                         xen_vcpu_sleep(cpu), wait for its notification until
 *                         xen_next_deadline(cpu) or the local APIC's, xen_vcpu_wake(cpu),
 *                         xen_vcpu_prepare(cpu);
 *                 xen_vcpu_prepare(cpu); vector = xen_upcall_vector(cpu); if (vector >= 0)
 *                 inject it (no APIC, no EOI); VCPU_ENTER with that deadline; on HYPERCALL:
 *                 skip the instruction, xen_hypercall(cpu). After an exit that changes nothing
 *                 for the loop, VCPU_ENTER again, unless xen_vcpu_event_pending(cpu).
 *             edge_vcpu_kick(cpu) on any thread makes the loop turn once more, from sleep and
 *             from guest mode.
 */
#ifndef VMM_XEN_H
#define VMM_XEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#include "proto/vmctl.h"

struct xen_params {
	uint32_t domid;
	uint32_t n_vcpus;
	uint64_t tsc_hz;
	/*
	 * The host TSC that is system time elapsed_ns of the guest; to be read just before
	 * xen_init().
	 */
	uint64_t start_tsc;
	/* 0, or the time that a restored guest had seen. */
	uint64_t elapsed_ns;
	/* Nanoseconds since 1970 at system time 0; 0: unknown. */
	uint64_t wallclock_start_ns;
	/* The TSC has a constant rate and is synchronous over CPUs. */
	bool tsc_stable;
	/* The balloon's limit (maxmem). */
	uint64_t max_pages;
	/*
	 * Guest frames of the xenstore and console rings: zeroed RAM, reserved in the guest's
	 * memory map.
	 */
	uint64_t store_pfn, console_pfn;
	uint8_t uuid[16];
};

/* ---- set-up ---- */

/*
 * Set up shared info, the event channels of store and console, and the grant table. 0 or
 * -SK_E_*.
 */
int xen_init(const struct xen_params *p) must_check;
/*
 * Set up the channels "console" and "xs", those of disks and interfaces (struct vm_config at
 * VM_CONFIG_VADDR has their names and numbers), and the handler of edge_io_kick(). To be called
 * before svc_run(). 0 or -SK_E_*.
 */
int xen_io_init(void) must_check;
/*
 * For VMCTL_QUIESCE, after the vCPUs have stopped: afterwards no back end touches guest memory
 * or rings.
 */
void xen_io_quiesce(void);
/*
 * A device or medium more, and one that is to go, on the I/O thread. xen_io_devices() frees
 * those that have gone, and returns the others as DEVICES of vmctl.h; it is time to call it
 * after edge_devices_changed(). xen_io_settled(): the medium in this seat is not just coming or
 * going.
 */
int xen_io_plug(const struct vmctl_plug *p) must_check;
void xen_io_unplug(uint32_t seat, enum vmctl_unplug_how how);
bool xen_io_settled(uint32_t seat);
uint32_t xen_io_devices(void);
/* What they have done: disk and vif of *s, which is zero. On the I/O thread. */
struct vmctl_stats;
void xen_io_stats(struct vmctl_stats *s);

/* The balloon's limit is another one: pages. Any thread. */
void xen_maxmem_set(uint64_t pages);

/* ---- saving and restoring ---- */

/* The guest's system time at that host TSC. */
uint64_t xen_time_at(sk_time_t tsc);
/* What hvm_op's get_param says; before the first vCPU runs, how upcalls reach the guest. */
uint64_t xen_param(uint32_t index);
void xen_callback_restore(uint64_t via);
/* A vCPU that was up when the guest was saved. */
void xen_vcpu_restored(unsigned int cpu);
/*
 * While all vCPUs are parked, on the I/O thread: report by edge_gmem_wrote() what the Xen half
 * writes as long as the guest has it there: vcpu_info, clocks, queues of events, rings.
 */
void xen_memory_wrote(void);
/*
 * The guest has stopped to be saved, and goes on as it was: the vCPU that asked for it gets the
 * result 1. False: it has not stopped for that. To be called while all vCPUs are parked.
 */
bool xen_suspend_cancel(void);

/* ---- hypercalls ---- */

/*
 * The vCPU writes MSR 0x40000000: the hypercall page goes to that address; the low bits number
 * the page, of which there is one. `amd`: VMMCALL, not VMCALL. False: #GP.
 */
bool xen_hypercall_page_write(unsigned int cpu, uint64_t value, bool amd) must_check;
/*
 * Arguments are in the registers of edge_state(cpu), the result goes into RAX. The caller moves
 * RIP. False: the call has changed nothing for the loop, except that an upcall may be due.
 */
bool xen_hypercall(unsigned int cpu);

/* ---- the loop of a vCPU ---- */

/*
 * To be called before each entry and after each wait: due timers fire, and runstate is updated.
 */
void xen_vcpu_prepare(unsigned int cpu);
/* False while SCHEDOP_block or SCHEDOP_poll waits. To be called after xen_vcpu_prepare(). */
bool xen_vcpu_runnable(unsigned int cpu);
/*
 * Any thread. True: an upcall by the callback vector is pending, which ends a HLT as an
 * interrupt does.
 */
bool xen_vcpu_event_pending(unsigned int cpu);
/*
 * The vector to deliver without the local APIC, or -1. A vector that the kernel still holds is
 * not repeated.
 */
int xen_upcall_vector(unsigned int cpu);
/*
 * The TSC at which timers or the timeout of a poll need xen_vcpu_prepare(); SK_NO_DEADLINE:
 * none.
 */
sk_time_t xen_next_deadline(unsigned int cpu);
/*
 * To be called before and after a wait of the thread: in between the runstate is "blocked".
 * Back ends learn that a vCPU goes idle.
 */
void xen_vcpu_sleep(unsigned int cpu);
void xen_vcpu_wake(unsigned int cpu);
/*
 * The event that the vCPU waits for may have come unnoticed: end its wait, so that the guest
 * checks again.
 */
void xen_vcpu_look_again(unsigned int cpu);

/* ---- changes that the Xen half has to know ---- */

/* Any thread. */
void xen_vcpu_online(unsigned int cpu, bool online);
/*
 * The vCPU's local APIC accepts interrupts from now on: an upcall that it did not accept before
 * is due again.
 */
void xen_apic_enabled(unsigned int cpu);
/* The guest's TSC offset changed: pvclock follows. */
void xen_time_update(unsigned int cpu);

#endif

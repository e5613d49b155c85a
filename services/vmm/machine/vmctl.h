/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmctl.h - the guest as a whole: pause, stop, more memory; and the connection to control
 */
#ifndef VMM_VMCTL_H
#define VMM_VMCTL_H

#include "machine/vm.h"

/*
 * Bits of the main thread's notification for the VMM's own use. Channels have bits 0 to 17.
 */
enum io_bit {
	/* vCPUs are parked, or the guest has stopped. */
	IO_CTL = VM_CHANNELS_LATER,
	/* The Xen half has work for its back ends. */
	IO_XEN,
};

/* The channel to control and the kick of the I/O thread. 0 or -SK_E_*. */
int vmctl_init(void) must_check;
/* Everything is built: vCPU threads run from now on. */
void vmctl_ready(void);
/* Tell control that the guest cannot be built, and why. Returns. */
void vmctl_failed(const char *text);

/* ---- any thread ---- */

/* Make the I/O thread run the handler of that bit (svc_on_bit) soon. */
void io_kick(enum io_bit bit);
/*
 * The guest stops for good; reason = SHUTDOWN_* of xen/sched.h. Only the first call has an
 * effect.
 */
void vm_shutdown(uint32_t reason);
/*
 * Ask control for n more pieces of RAM, unless such a request is already waiting for its
 * answer. Returns the number of the answer to wait for; all vCPUs are kicked when it arrives.
 */
uint32_t vm_grow(uint32_t n);
enum ram_answer vm_grow_answer(uint32_t number);

#endif

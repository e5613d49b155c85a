/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmctl.h - the guest as a whole: pause, stop, more memory; and the connection to control
 */
#ifndef VMM_VMCTL_H
#define VMM_VMCTL_H

#include "machine/vm.h"

/*
 * Bits of the main thread's notification that the VMM uses for itself. Channels have bits 0 to
 * 17.
 */
enum io_bit {
	/* vCPUs are parked, or the guest has stopped. */
	IO_CTL = 18,
	/* The Xen half has work for its back ends. */
	IO_XEN = 19,
};

/* The channel to control and the kick of the I/O thread. 0 or -SK_E_*. */
int vmctl_init(void) must_check;
/* All is built: vCPU threads run from now on. */
void vmctl_ready(void);
/* The guest cannot be built: control is told the text. Returns. */
void vmctl_failed(const char *text);

/* ---- any thread ---- */

/* The I/O thread runs the handler of that bit (svc_on_bit) soon. */
void io_kick(enum io_bit bit);
/*
 * The guest stops for good; reason = SHUTDOWN_* of xen/sched.h. Only the first call has an
 * effect.
 */
void vm_shutdown(uint32_t reason);
/*
 * Ask control for n more pieces of RAM, unless an answer to such a question is due already.
 * Returns the number of the answer to wait for; when it comes, all vCPUs are kicked.
 */
uint32_t vm_grow(uint32_t n);
enum ram_answer vm_grow_answer(uint32_t number);

#endif

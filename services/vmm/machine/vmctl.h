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
/* Everything is built; the channel to control is listened to from now on. */
int vmctl_listen(void) must_check;
/* The guest is there: control is told. */
void vmctl_ready(void);
/* Tell control that the guest cannot be built, and why. Returns. */
void vmctl_failed(const char *text);

/* ---- main thread, before the first vCPU runs ---- */

/* Get n more pieces of RAM now. -SK_E_NO_MEM: control gives none. */
int vm_grow_now(uint32_t n) must_check;

/* For load_kernel(): control has the memory, and takes care that nobody changes it later. */
uint8_t *vm_image_room(uint64_t size);
bool vm_image_filled(uint64_t size);

/* ---- I/O thread ---- */

/* Send this message soon; save.c composes it. */
void vmctl_queue(enum vmctl_type type);
/* Another reason for all vCPUs to park (1), or one less (-1). */
void vm_pause_add(int n);
bool vm_all_parked(void);
/* The guest that had stopped runs again. */
void vm_unstop(void);

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

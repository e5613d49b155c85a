/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit.h - exits of a vCPU, on its own thread
 */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

#include "machine/vm.h"

/* Act upon what the state page reports: move RIP, inject, or stop the guest. */
/*
 * What the thread of the vCPU does next: look at everything that may have changed for the vCPU,
 * or enter it again at once, because the exit has changed nothing but registers (VLOOP5).
 */
enum exit_next { NEXT_LOOK, NEXT_ENTER };
enum exit_next exit_dispatch(struct vcpu *v, uint32_t reason);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit.h - exits of a vCPU, on its own thread
 */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

#include "machine/vm.h"

/* Act upon what the state page reports: move RIP, inject, or stop the guest. */
void exit_dispatch(struct vcpu *v, uint32_t reason);

#endif

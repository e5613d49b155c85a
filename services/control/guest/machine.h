/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - the machine that a guest's VMM makes
 *
 * A pvh guest is the machine's own software. A pv guest, and a pvh guest with pvshim=1, runs in
 * Xen's shim: the shim is what the VMM starts, its first module is the guest's kernel, and the
 * others are the guest's modules. The shim needs memory beyond that of the guest.
 */
#ifndef CONTROL_MACHINE_H
#define CONTROL_MACHINE_H

#include "proto/guest_config.h"

/* MiB of the machine that are the shim's. */
uint32_t machine_shim_memory(const struct guest_config *g);
/* MiB of the machine at its start, and at most. */
uint32_t machine_memory(const struct guest_config *g);
uint32_t machine_maxmem(const struct guest_config *g);
/* What it may hold, after mem-max. */
uint32_t machine_mem_max(const struct guest_config *g);

/* What the VMM loads. */
const char *machine_kernel(const struct guest_config *g);
void machine_cmdline(const struct guest_config *g, char text[VM_CMDLINE_MAX]);
const char *machine_module(const struct guest_config *g, uint32_t i);
const char *machine_module_args(const struct guest_config *g, uint32_t i);

#endif

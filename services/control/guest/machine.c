/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - the machine that a guest's VMM makes
 *
 * Invariants  MACHINE1 the shim is told how much memory is its own, so a guest that starts has
 *                      exactly maxmem=; its balloon driver goes down to memory= at once
 */
#include "guest/machine.h"

#include <stdio.h>

/*
 * As measured with Xen 4.17: its image and heap, and tables that grow with the memory. While it
 * unpacks a kernel such as Debian's, it needs room for two of them, which a small guest has not
 * got; kernels for less than SMALL_MIB are small themselves.
 */
enum { SHIM_BASE_MIB = 24, SHIM_SHARE = 80, SMALL_MIB = 80, UNPACK_MIB = 250 };

/* The default of libxl. */
static const char shim_cmdline[] = "pv-shim console=xen,pv";

uint32_t machine_shim_memory(const struct guest_config *g)
{
	uint32_t shim = SHIM_BASE_MIB + g->maxmem / SHIM_SHARE;

	if (!guest_in_shim(g))
		return 0;
	if (g->maxmem >= SMALL_MIB && g->maxmem + shim < UNPACK_MIB)
		shim = UNPACK_MIB - g->maxmem;
	return guest_memory_round(shim);
}

uint32_t machine_memory(const struct guest_config *g)
{
	return guest_in_shim(g) ? machine_maxmem(g) : g->memory;
}

uint32_t machine_mem_max(const struct guest_config *g)
{
	return guest_memory_round(guest_mem_max(g) + machine_shim_memory(g));
}

uint32_t machine_maxmem(const struct guest_config *g)
{
	return g->maxmem + machine_shim_memory(g);
}

const char *machine_kernel(const struct guest_config *g)
{
	if (!guest_in_shim(g))
		return g->kernel;
	return g->shim.path[0] ? g->shim.path : SHIM_FILE;
}

/*
 * MACHINE1. What the shim prints is on the guest's console and in the host's log, so it prints
 * only what is wrong. The file's words come last, and win.
 */
void machine_cmdline(const struct guest_config *g, char text[VM_CMDLINE_MAX])
{
	if (guest_in_shim(g))
		snprintf(text, VM_CMDLINE_MAX, "shim_mem=%uM loglvl=error %s%s%s",
			machine_shim_memory(g),
			g->shim.cmdline[0] ? g->shim.cmdline : shim_cmdline,
			g->shim.extra[0] ? " " : "", g->shim.extra);
	else
		snprintf(text, VM_CMDLINE_MAX, "%s", g->cmdline);
}

const char *machine_module(const struct guest_config *g, uint32_t i)
{
	if (!guest_in_shim(g))
		return g->modules[i].path;
	return i ? g->modules[i - 1].path : g->kernel;
}

const char *machine_module_args(const struct guest_config *g, uint32_t i)
{
	if (!guest_in_shim(g))
		return g->modules[i].args;
	return i ? g->modules[i - 1].args : g->cmdline;
}

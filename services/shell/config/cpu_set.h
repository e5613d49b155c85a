/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu_set.h - sets of the host's CPUs, as xl reads and prints them */
#ifndef SHELL_CPU_SET_H
#define SHELL_CPU_SET_H

#include <stdint.h>

#include "toolstack/msg.h"

/*
 * "2,4-6", "0-7,^3", "all", "nodes:0": the CPUs below n_cpus that it names, as bits; none is no
 * mistake. All CPUs are node 0. 0, or -1 with *why.
 */
int cpu_set_parse(const char *text, uint32_t n_cpus, uint64_t *set, struct msg *why);

/* The vCPUs up to the last that has a set, which is not 0. */
uint32_t cpu_sets_count(const uint64_t *sets, uint32_t n_vcpus);

enum { CPU_SET_TEXT = 192 }; /* every second CPU of 64 */
/* "0,2-3"; "all" if there are no others below n_cpus; "none". */
void cpu_set_format(uint64_t set, uint32_t n_cpus, char text[CPU_SET_TEXT]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * real_smp.c - the kernel's own smp.c, without the start of the other CPUs
 */
#include "kernel/arch/x86_64/smp.c"

void smp_set_online(uint64_t mask);
void smp_set_online(uint64_t mask) { online = mask; }

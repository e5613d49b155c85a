/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks_x86.h - included before the sources of kernel/arch/x86_64: privileged instructions go
 * to the fake machine
 */
#ifndef KHOST_HOOKS_X86_H
#define KHOST_HOOKS_X86_H

#include "hooks.h"

/* Replace the privileged instructions: the real ones stay unused under another name. */
#define rdmsr real_rdmsr
#define wrmsr real_wrmsr
#define read_cr0 real_read_cr0
#define write_cr0 real_write_cr0
#define read_cr2 real_read_cr2
#define read_cr3 real_read_cr3
#define write_cr3 real_write_cr3
#define invlpg real_invlpg
#include "arch/x86_64/x86.h"
#undef rdmsr
#undef wrmsr
#undef read_cr0
#undef write_cr0
#undef read_cr2
#undef read_cr3
#undef write_cr3
#undef invlpg
static inline uint64_t rdmsr(uint32_t msr) { return msr; }
static inline void wrmsr(uint32_t msr, uint64_t v) { (void)msr, (void)v; }
static inline uint64_t read_cr0(void) { return 0; }
static inline void write_cr0(uint64_t v) { (void)v; }
static inline uint64_t read_cr2(void) { return 0; }
uint64_t read_cr3(void);
void write_cr3(uint64_t v);
void invlpg(uint64_t va);

#endif

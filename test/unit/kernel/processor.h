/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * processor.h - included before a source of kernel/arch/x86_64: plays what only a kernel may
 * execute
 *
 * MSRs, control registers and XCR0 are variables; MOV to and from debug registers and VMSAVE
 * are assembly in the sources, so they trap and are played. Physical addresses are addresses of
 * this program (-DWINDOW_BASE=0).
 */
#ifndef TEST_PROCESSOR_H
#define TEST_PROCESSOR_H

#define _GNU_SOURCE /* names of registers */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define rdmsr real_rdmsr
#define wrmsr real_wrmsr
#define read_cr0 real_read_cr0
#define write_cr0 real_write_cr0
#define read_cr2 real_read_cr2
#define read_cr3 real_read_cr3
#define write_cr3 real_write_cr3
#define read_cr4 real_read_cr4
#define write_cr4 real_write_cr4
#define invlpg real_invlpg
#define xgetbv real_xgetbv
#define xsetbv real_xsetbv
#include "kernel/arch/x86_64/x86.h"
#undef rdmsr
#undef wrmsr
#undef read_cr0
#undef write_cr0
#undef read_cr2
#undef read_cr3
#undef write_cr3
#undef read_cr4
#undef write_cr4
#undef invlpg
#undef xgetbv
#undef xsetbv
#include "kernel/arch/x86_64/cpu.h"

enum { MSRS_MAX = 512 };

/* --- registers ---------------------------------------------------------------------------- */

static struct {
	struct {
		uint32_t msr;
		uint64_t value;
	} write[MSRS_MAX]; /* in order */
	unsigned int n_writes;
	uint64_t cr0, cr2, cr3, xcr0, dr[4];
	unsigned int cr0_writes, cr3_writes, xcr0_writes, dr_reads, dr_writes, vmsaves;
} processor;

/* The last value that was written; 0 without any. */
__attribute__((__unused__)) static uint64_t msr_now(uint32_t msr)
{
	for (unsigned int i = processor.n_writes; i--;)
		if (processor.write[i].msr == msr)
			return processor.write[i].value;
	return 0;
}
/* How often it was written. */
__attribute__((__unused__)) static unsigned int msr_writes(uint32_t msr)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < processor.n_writes; i++)
		n += processor.write[i].msr == msr;
	return n;
}
static inline uint64_t rdmsr(uint32_t msr) { return msr_now(msr); }
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	assert_true(processor.n_writes < MSRS_MAX);
	processor.write[processor.n_writes].msr = msr;
	processor.write[processor.n_writes++].value = v;
}
static inline uint64_t read_cr0(void) { return processor.cr0; }
static inline void write_cr0(uint64_t v)
{
	processor.cr0 = v;
	processor.cr0_writes++;
}
static inline uint64_t read_cr2(void) { return processor.cr2; }
static inline uint64_t read_cr3(void) { return processor.cr3; }
static inline void write_cr3(uint64_t v)
{
	processor.cr3 = v;
	processor.cr3_writes++;
}
static inline uint64_t xgetbv(void) { return processor.xcr0; }
static inline void xsetbv(uint64_t v)
{
	processor.xcr0 = v;
	processor.xcr0_writes++;
}

/* --- instructions that trap --------------------------------------------------------------- */

static greg_t *general(ucontext_t *c, unsigned int number)
{
	static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14,
		REG_R15 };

	return &c->uc_mcontext.gregs[order[number]];
}

static void privileged(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	const uint8_t *at = (const uint8_t *)c->uc_mcontext.gregs[REG_RIP], *p = at;
	unsigned int rex = (*p & 0xf0) == 0x40 ? *p++ : 0, number;

	(void)signal, (void)info;
	if (p[0] == 0x0f && p[1] == 0x01 && p[2] == 0xdb) {
		processor.vmsaves++;
	} else if (p[0] == 0x0f && (p[1] == 0x21 || p[1] == 0x23) && (p[2] >> 3 & 7) < 4) {
		number = (p[2] & 7u) | (rex & 1) << 3;
		if (p[1] == 0x23) {
			processor.dr[p[2] >> 3 & 7] = (uint64_t)*general(c, number);
			processor.dr_writes++;
		} else {
			*general(c, number) = (greg_t)processor.dr[p[2] >> 3 & 7];
			processor.dr_reads++;
		}
	} else {
		abort();
	}
	c->uc_mcontext.gregs[REG_RIP] = (greg_t)(p + 3);
}

/* Makes this CPU run. Each test calls it, because cmocka sets its own handlers. */
static void be(struct cpu *c)
{
	struct sigaction action = { .sa_sigaction = privileged, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	c->self = c;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, c), 0);
}

static void processor_reset(void) { memset(&processor, 0, sizeof(processor)); }

#endif

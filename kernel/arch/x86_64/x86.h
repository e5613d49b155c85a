/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86.h - the processor's registers and bits, and instructions that C cannot express
 */
#ifndef X86_H
#define X86_H

#include <stdbool.h>
#include <stdint.h>

#define KERNEL_BASE 0xffffffff80000000ull

enum { CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_TS = 1 << 3, CR0_ET = 1 << 4, CR0_NE = 1 << 5 };
enum { CR0_WP = 1 << 16 };
#define CR0_PG (1ull << 31)
enum { CR4_PAE = 1 << 5, CR4_MCE = 1 << 6, CR4_PGE = 1 << 7, CR4_OSFXSR = 1 << 9 };
enum { CR4_OSXMMEXCPT = 1 << 10, CR4_UMIP = 1 << 11, CR4_OSXSAVE = 1 << 18 };
enum { CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21 };

enum { MSR_APIC_BASE = 0x1b, MSR_PRED_CMD = 0x49, MSR_PAT = 0x277, MSR_TSC_DEADLINE = 0x6e0 };
enum { MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175, MSR_SYSENTER_EIP = 0x176 };
enum { MSR_X2APIC = 0x800, MSR_EFER = 0xc0000080u, MSR_VM_CR = 0xc0010114u };
enum { MSR_STAR = 0xc0000081u, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK };
enum { MSR_FS_BASE = 0xc0000100u, MSR_GS_BASE, MSR_KERNEL_GS_BASE };
#define MSR_VM_HSAVE_PA 0xc0010117u
enum { APIC_BASE_X2 = 1 << 10, APIC_BASE_EN = 1 << 11, EFER_SCE = 1 << 0, EFER_LME = 1 << 8 };
enum { EFER_LMA = 1 << 10, EFER_NXE = 1 << 11, EFER_SVME = 1 << 12 };

#define RFLAGS_FIXED (1ull << 1)
#define RFLAGS_IF (1ull << 9)
/* Flags that a user thread may set: arithmetic flags, TF, DF, AC, ID. */
#define RFLAGS_USER 0x240dd5ull

enum { VEC_NMI = 2, VEC_UD = 6, VEC_NM = 7, VEC_DF = 8, VEC_PF = 14, VEC_MC = 18 };

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
	return r;
}
/* The same, sub-leaf 0; all zero when this CPU has no such leaf. */
static inline struct cpuid cpuid_leaf(uint32_t leaf)
{
	struct cpuid none = { 0 };

	return cpuid(leaf & 1u << 31, 0).a < leaf ? none : cpuid(leaf, 0);
}
static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"(v >> 32) : "memory");
}
static inline uint64_t rdtsc(void) { return __builtin_ia32_rdtsc(); }
static inline uint64_t xgetbv(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}
static inline void xsetbv(uint64_t v)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"(v >> 32));
}
#define CONTROL_REGISTER(n) \
	static inline uint64_t read_cr##n(void) \
	{ \
		uint64_t v; \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v)); \
		return v; \
	} \
	static inline void write_cr##n(uint64_t v) \
	{ \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory"); \
	}
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)
#define PORT(suffix, type) \
	static inline type in##suffix(uint16_t port) \
	{ \
		type v; \
		__asm__ volatile("in" #suffix " %1, %0" : "=a"(v) : "Nd"(port)); \
		return v; \
	} \
	static inline void out##suffix(uint16_t port, type v) \
	{ \
		__asm__ volatile("out" #suffix " %0, %1" : : "a"(v), "Nd"(port)); \
	}
PORT(b, uint8_t)
PORT(w, uint16_t)
PORT(l, uint32_t)
static inline void invlpg(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
static inline void clflush(const void *p)
{
	__asm__ volatile("clflush (%0)" : : "r"(p) : "memory");
}
static inline void mfence(void) { __asm__ volatile("mfence" : : : "memory"); }
static inline void cpu_pause(void) { __builtin_ia32_pause(); }

#endif

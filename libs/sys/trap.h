/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h - the SYSCALL instruction
 *
 * Tests replace this header with a kernel of their own: test/unit/kern.
 */
#ifndef SK_SYS_TRAP_H
#define SK_SYS_TRAP_H

#include <stdint.h>

static inline long sk_sys6(
	long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	long ret = nr;

	__asm__ volatile("syscall"
			 : "+a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9)
			 :
			 : "rcx", "r11", "memory");
	return ret;
}
/* Of two arguments and one result, which replaces the first; the shortest way. */
static inline long sk_sys2(long nr, uint64_t *a, uint64_t b)
{
	long ret = nr;

	__asm__ volatile("syscall" : "+a"(ret), "+D"(*a), "+S"(b) : : "rcx", "r11", "memory");
	return ret;
}
/* The same for calls with results: they come back in r[0..5] (RDI RSI RDX R10 R8 R9). */
static inline long sk_sys_r(long nr, uint64_t r[6])
{
	register uint64_t r10 __asm__("r10") = r[3];
	register uint64_t r8 __asm__("r8") = r[4];
	register uint64_t r9 __asm__("r9") = r[5];
	long ret = nr;

	__asm__ volatile(
		"syscall"
		: "+a"(ret), "+D"(r[0]), "+S"(r[1]), "+d"(r[2]), "+r"(r10), "+r"(r8), "+r"(r9)
		:
		: "rcx", "r11", "memory");
	r[3] = r10;
	r[4] = r8;
	r[5] = r9;
	return ret;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h - a system call is a call of the test's kernel: kern.c
 */
#ifndef KERN_SYS_TRAP_H
#define KERN_SYS_TRAP_H

#include <stdint.h>

long kern_syscall(long nr, uint64_t r[6]);

static inline long sk_sys6(
	long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	uint64_t r[6] = { a, b, c, d, e, f };

	return kern_syscall(nr, r);
}

static inline long sk_sys2(long nr, uint64_t *a, uint64_t b)
{
	uint64_t r[6] = { *a, b };
	long rc = kern_syscall(nr, r);

	*a = r[0];
	return rc;
}

static inline long sk_sys_r(long nr, uint64_t r[6]) { return kern_syscall(nr, r); }

#endif

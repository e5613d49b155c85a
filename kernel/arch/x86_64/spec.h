/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec.h - barriers against leaks through speculation
 */
#ifndef ARCH_SPEC_H
#define ARCH_SPEC_H

#ifdef __ASSEMBLY__
#define SPEC_RSB 8
#define SPEC_VERW 16
#else
#include <stdint.h>

/*
 * X(id, name in spec-ctrl=, bit, text in the boot log). IBPB: forget branch predictions when
 * the CPU turns to another domain. IBRS: predictions made by user mode or a guest do not steer
 * the kernel. STIBP: predictions of the core's other thread do not either. RSB: fill the
 * predictor of returns at the end of a guest's turn. VERW: empty the buffers that MDS reads
 * before user mode.
 */
#define SPEC_BARRIERS(X) \
	X(IBPB, "ibpb", 1, "IBPB between domains") \
	X(IBRS, "ibrs", 2, "IBRS") \
	X(STIBP, "stibp", 4, "STIBP") \
	X(RSB, "rsb", 8, "RSB filled after guests") \
	X(VERW, "md-clear", 16, "VERW before user mode")
#define X(id, name, bit, what) SPEC_##id = (bit),
enum { SPEC_BARRIERS(X) SPEC_ALL = 31 };
#undef X

/* The words of CPUID that the decision needs; 0 if the CPU has no such leaf. */
struct spec_cpuid {
	uint32_t leaf7_edx, ext8_ebx, ext21_eax;
	uint64_t arch_capabilities; /* the MSR of that name, 0 without one */
};

extern uint32_t spec_on; /* bits of the barriers that are used */

/* Bits of the barriers that such a CPU offers and needs. */
uint32_t spec_offered(const struct spec_cpuid *id);
/*
 * The bits of `offered` that a list leaves on. The list is written as in Xen's spec-ctrl=: a
 * boolean for all, `name`, `no-name` or `name=boolean`, separated by commas, ended by a blank.
 * *unknown: the first word of another form, or NULL.
 */
uint32_t spec_choose(const char *list, uint32_t offered, const char **unknown);
/* Decide which barriers to use, and log them; on the boot CPU. */
void spec_detect(void);
void spec_setup_cpu(void);
#endif

#endif

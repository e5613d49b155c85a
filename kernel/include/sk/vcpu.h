/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu.h - guest CPUs: the state page and the exit record, the same for AMD-V and VT-x
 *
 * The state page is part of the VCpu object; SK_SYS_VCPU_CONFIGURE maps it for the VMM. On
 * every return from SK_SYS_VCPU_ENTER the kernel has written the exit record and the group HOT.
 * Other groups are written by SK_SYS_VCPU_SYNC. Before entry the VMM sets in `dirty` the groups
 * that it changed; the kernel loads just those and clears the mask. Wrong values hurt only the
 * guest: the processor refuses them and the exit reason is INVALID_STATE.
 */
/* clang-format off */
#ifndef SK_VCPU_H
#define SK_VCPU_H

#include <sk/types.h>

/* Order of gpr[]: as x86 instruction encodings number them. */
enum sk_gpr {
	SK_RAX, SK_RCX, SK_RDX, SK_RBX, SK_RSP, SK_RBP, SK_RSI, SK_RDI,
	SK_R8, SK_R9, SK_R10, SK_R11, SK_R12, SK_R13, SK_R14, SK_R15, SK_N_GPR
};
enum sk_seg_index { SK_ES, SK_CS, SK_SS, SK_DS, SK_FS, SK_GS, SK_LDTR, SK_TR, SK_N_SEG };

/* X(name, number, fields) */
#define SK_VCPU_GROUPS(X)                                                                          \
	X(GPR, 0, "gpr[] without rsp")                                                             \
	X(RIP, 1, "rip, rflags, gpr[SK_RSP], int_shadow")                                          \
	X(CR, 2, "cr0, cr2, cr3, cr4 (22 to 25 stay 0), cr8, efer, pat")                           \
	X(SEG, 3, "seg[], gdtr, idtr, cpl")                                                        \
	X(MSR, 4, "star to sysenter_eip")                                                          \
	X(DR, 5, "dr6, dr7")                                                                       \
	X(TSC, 6, "tsc_offset")                                                                    \
	X(XCR0, 7, "xcr0")                                                                         \
	X(EVENT, 8, "event: an exception or interrupt to deliver at the next entry")               \
	X(FPU, 9, "reset the FPU state to its power-up value at the next entry")

#define X(name, num, fields) SK_VCPU_##name = 1u << (num),
enum sk_vcpu_group { SK_VCPU_GROUPS(X) };
#undef X
#define SK_VCPU_HOT (SK_VCPU_GPR | SK_VCPU_RIP) /* and cr0, cr3, cr4, efer, cpl, seg[SK_CS] */

/* X(name, number, meaning of qual[]) */
#define SK_EXITS(X)                                                                                \
	X(NONE, 0, "never reported")                                                               \
	X(SIGNAL, 1, "a signal arrived: the word, taken")                                          \
	X(DEADLINE, 2, "")                                                                         \
	X(HYPERCALL, 3, "VMMCALL or VMCALL; not yet skipped")                                      \
	X(CPUID, 4, "")                                                                            \
	X(HLT, 5, "")                                                                              \
	X(IO, 6, "port | size << 16 | in << 24 | string << 25 | rep << 26; next RIP")              \
	X(RDMSR, 7, "")                                                                            \
	X(WRMSR, 8, "")                                                                            \
	X(NESTED_FAULT, 9, "gpa; SK_NF_* bits; instr[] holds n_instr fetched bytes, perhaps 0")    \
	X(SHUTDOWN, 10, "triple fault")                                                            \
	X(INVALID_STATE, 11, "hardware refused the state; hardware code")                          \
	X(XSETBV, 12, "")                                                                          \
	X(WBINVD, 13, "")                                                                          \
	X(PAUSE, 14, "a pause loop")                                                               \
	X(UNDEFINED, 15, "an instruction that guests may not use (SVM, VMX, MONITOR, ...)")        \
	X(RDTSC, 16, "RDTSC or RDTSCP (0f 01 f9) under interception")                              \
	X(CR_WRITE, 17, "CR number; GPR number or 0xff if unknown")                                \
	X(TASK_SWITCH, 18, "")                                                                     \
	X(NMI_WINDOW, 19, "")                                                                      \
	X(UNKNOWN, 20, "hardware exit code; hardware qualifications")

#define X(name, num, qual) SK_EXIT_##name = (num),
enum sk_exit_reason { SK_EXITS(X) SK_EXIT_END };
#undef X

/* Nested fault: the kind of access, and whether a translation was present. */
#define SK_NF_WRITE 1u
#define SK_NF_EXEC 2u
#define SK_NF_PRESENT 4u
#define SK_NF_TABLE 8u /* during a guest page table walk */

/* event: vector in bits 0-7, type in bits 8-10, bit 11 error code valid, bit 31 valid. */
#define SK_EV_INTR (0u << 8)
#define SK_EV_NMI (2u << 8)
#define SK_EV_EXCEPTION (3u << 8)
#define SK_EV_ERROR_CODE (1u << 11)
#define SK_EV_VALID (1u << 31)

struct sk_segment {
	uint16_t selector;
	/* type, S, DPL, P in bits 0-7, AVL, L, D, G in bits 8-11 (APM vol. 2, 15.5) */
	uint16_t attr;
	uint32_t limit;
	uint64_t base;
};

struct sk_vcpu_state {
	/* exit record: written by the kernel */
	uint32_t exit_reason;
	uint8_t instr_len; /* of the intercepted instruction; 0 = unknown, decode it */
	uint8_t n_instr, cpl;
	uint8_t int_shadow; /* 1: the next instruction blocks interrupts (STI, MOV SS) */
	uint64_t qual[4];
	uint8_t instr[16];
	/* vector | 0x100 given to SK_SYS_VCPU_INJECT, not yet delivered */
	uint32_t irq_pending;
	uint32_t dirty;       /* SK_VCPU_* groups to load at the next entry */

	uint64_t gpr[SK_N_GPR];
	uint64_t rip, rflags;

	uint64_t cr0, cr2, cr3, cr4, cr8, efer, pat;
	uint64_t dr6, dr7;
	uint64_t tsc_offset, xcr0;
	uint32_t event;      /* SK_EV_*: consumed by the next entry; re-queued by the kernel */
	uint32_t event_code; /* its error code */
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	struct sk_segment seg[SK_N_SEG];
	struct sk_segment gdtr, idtr; /* base and limit */
};
_Static_assert(sizeof(struct sk_vcpu_state) <= SK_PAGE_SIZE, "one page");

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svm.h - AMD-V: the VMCB and its exit codes (AMD64 manual volume 2, appendices B and C)
 */
#ifndef SVM_H
#define SVM_H

#include <stddef.h>
#include <sk/vcpu.h>

/*
 * The intercepted exits, frequent ones first (NPF needs no intercept). X(name, code, reason for
 * the VMM, length of the instruction); NONE: the kernel handles the exit itself, or took the
 * interrupt already when GIF was set; length 0:
 * there is no instruction, or its length is unknown.
 */
#define SVM_EXITS(X) \
	X(VMMCALL, 0x81, HYPERCALL, 3) \
	X(MSR, 0x7c, RDMSR, 2) \
	X(NPF, 0x400, NESTED_FAULT, 0) \
	X(HLT, 0x78, HLT, 1) \
	X(IOIO, 0x7b, IO, 0) \
	X(CPUID, 0x72, CPUID, 2) \
	X(PAUSE, 0x77, PAUSE, 2) \
	X(XSETBV, 0x8d, XSETBV, 3) \
	X(CR4_WRITE, 0x14, CR_WRITE, 3) /* bits that CPUID hides must not be set */ \
	X(WBINVD, 0x89, WBINVD, 2) \
	X(INVD, 0x76, WBINVD, 2) \
	X(SHUTDOWN, 0x7f, SHUTDOWN, 0) \
	X(TASK, 0x7d, TASK_SWITCH, 0) \
	X(RDPMC, 0x6f, UNDEFINED, 2) \
	X(INVLPGA, 0x7a, UNDEFINED, 3) \
	X(VMRUN, 0x80, UNDEFINED, 3) \
	X(VMLOAD, 0x82, UNDEFINED, 3) \
	X(VMSAVE, 0x83, UNDEFINED, 3) \
	X(STGI, 0x84, UNDEFINED, 3) \
	X(CLGI, 0x85, UNDEFINED, 3) \
	X(SKINIT, 0x86, UNDEFINED, 3) \
	X(MONITOR, 0x8a, UNDEFINED, 3) \
	X(MWAIT, 0x8b, UNDEFINED, 3) \
	X(MWAIT_ARMED, 0x8c, UNDEFINED, 3) \
	X(RDPRU, 0x8e, UNDEFINED, 3) \
	X(INTR, 0x60, NONE, 0) \
	X(NMI, 0x61, NONE, 0) \
	X(SMI, 0x62, NONE, 0) \
	X(INIT, 0x63, NONE, 0)
#define X(name, code, reason, length) EXIT_##name = (code),
enum { SVM_EXITS(X) };
#undef X
/* Intercepted only at times. The vector is added to EXIT_EXCEPTION. */
enum { EXIT_DR_FIRST = 0x20, EXIT_DR_LAST = 0x3f, EXIT_EXCEPTION = 0x40 };
/* The bit of an exit in vmcb.intercept[code / 32]. */
#define INTERCEPT(code) (1u << (code) % 32)

/* exit_info1 of EXIT_IOIO */
enum { IOIO_IN = 1 << 0, IOIO_STRING = 1 << 2, IOIO_REP = 1 << 3, IOIO_SIZE = 7 << 4 };
#define IOIO_PORT 0xffff0000u

/* exit_info1 of EXIT_NPF */
enum { NPF_PRESENT = 1 << 0, NPF_WRITE = 1 << 1, NPF_EXEC = 1 << 4 };
#define NPF_TABLE (1ull << 33)

/* vmcb.v_intr */
enum {
	V_TPR = 0xf,
	V_IRQ = 1 << 8,
	V_PRIORITY = 0xf << 16,
	V_IGN_TPR = 1 << 20,
	V_INTR_MASKING = 1 << 24
};
enum { TLB_FLUSH_ALL = 1, NP_ENABLE = 1 };
#define EVENT_VALID (1ull << 31)
#define EVENT_ERROR (1ull << 11)

struct vmcb_seg {
	uint16_t selector, attr;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint32_t intercept[6];
	uint8_t reserved0[0x03c - 0x018];
	uint16_t pause_threshold, pause_count;
	uint64_t iopm, msrpm, tsc_offset;
	uint32_t asid, tlb_control;
	uint32_t v_intr; /* V_* */
	uint32_t v_intr_vector;
	uint64_t int_shadow; /* bit 0 */
	uint64_t exit_code, exit_info1, exit_info2, exit_int_info;
	uint64_t np_control;
	uint8_t reserved1[0x0a8 - 0x098];
	uint64_t event_inject;
	uint64_t n_cr3, lbr_control;
	uint32_t clean, reserved2;
	uint64_t next_rip;
	uint8_t n_fetched, fetched[15];
	uint8_t reserved3[0x3e0 - 0x0e0];
	uint8_t host_use[0x400 - 0x3e0];
	/* state save area */
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t reserved4[0x4cb - 0x4a0];
	uint8_t cpl;
	uint32_t reserved5;
	uint64_t efer;
	uint8_t reserved6[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
	uint8_t reserved7[0x5d8 - 0x580];
	uint64_t rsp;
	uint8_t reserved8[0x5f8 - 0x5e0];
	uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	uint8_t reserved9[0x668 - 0x648];
	uint64_t pat;
	uint8_t reserved10[0x1000 - 0x670];
};
_Static_assert(sizeof(struct vmcb) == SK_PAGE_SIZE, "VMCB");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x70, "VMCB");
_Static_assert(offsetof(struct vmcb, event_inject) == 0xa8, "VMCB");
_Static_assert(offsetof(struct vmcb, next_rip) == 0xc8, "VMCB");
_Static_assert(offsetof(struct vmcb, es) == 0x400, "VMCB");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "VMCB");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "VMCB");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "VMCB");
_Static_assert(offsetof(struct vmcb, pat) == 0x668, "VMCB");

#endif

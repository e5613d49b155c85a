/*
 * svm.h - AMD-V: the VMCB and its exit codes (AMD64 manual volume 2, appendices B and C)
 */
#ifndef SVM_H
#define SVM_H

#include <stddef.h>
#include <sk/vcpu.h>

/* Intercept words of the VMCB; word 0 and 1 are CR and DR accesses, word 2 exceptions. */
enum { INT0_CR4_WRITE = 1 << 20 };
enum { INT3_INTR = 1 << 0, INT3_NMI = 1 << 1, INT3_SMI = 1 << 2, INT3_INIT = 1 << 3 };
enum { INT3_VINTR = 1 << 4, INT3_RDPMC = 1 << 15, INT3_CPUID = 1 << 18, INT3_INVD = 1 << 22 };
enum { INT3_PAUSE = 1 << 23, INT3_HLT = 1 << 24, INT3_INVLPGA = 1 << 26, INT3_IOIO = 1 << 27 };
enum { INT3_MSR = 1 << 28, INT3_TASK = 1 << 29 };
#define INT3_SHUTDOWN (1u << 31)
enum { INT4_VMRUN = 1 << 0, INT4_VMMCALL = 1 << 1, INT4_VMLOAD = 1 << 2, INT4_VMSAVE = 1 << 3 };
enum { INT4_STGI = 1 << 4, INT4_CLGI = 1 << 5, INT4_SKINIT = 1 << 6, INT4_WBINVD = 1 << 9 };
enum { INT4_MONITOR = 1 << 10, INT4_MWAIT = 3 << 11, INT4_XSETBV = 1 << 13 };
enum { INT4_RDPRU = 1 << 14 };

enum { V_IRQ = 1 << 8, V_IGN_TPR = 1 << 20, V_INTR_MASKING = 1 << 24 };
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
	uint32_t v_intr; /* TPR in bits 0-7, V_* */
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
_Static_assert(sizeof(struct vmcb) == 4096, "VMCB");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x70, "VMCB");
_Static_assert(offsetof(struct vmcb, event_inject) == 0xa8, "VMCB");
_Static_assert(offsetof(struct vmcb, next_rip) == 0xc8, "VMCB");
_Static_assert(offsetof(struct vmcb, es) == 0x400, "VMCB");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "VMCB");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "VMCB");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "VMCB");
_Static_assert(offsetof(struct vmcb, pat) == 0x668, "VMCB");

enum { EXIT_CR4_WRITE = 0x14 };
enum { EXIT_INTR = 0x60, EXIT_NMI = 0x61, EXIT_VINTR = 0x64, EXIT_RDPMC = 0x6f };
enum { EXIT_CPUID = 0x72, EXIT_INVD = 0x76, EXIT_PAUSE = 0x77, EXIT_HLT = 0x78 };
enum { EXIT_INVLPGA = 0x7a, EXIT_IOIO = 0x7b, EXIT_MSR = 0x7c, EXIT_TASK = 0x7d };
enum { EXIT_SHUTDOWN = 0x7f, EXIT_VMRUN = 0x80, EXIT_VMMCALL = 0x81, EXIT_VMLOAD = 0x82 };
enum { EXIT_VMSAVE = 0x83, EXIT_STGI = 0x84, EXIT_CLGI = 0x85, EXIT_SKINIT = 0x86 };
enum { EXIT_WBINVD = 0x89, EXIT_MONITOR = 0x8a, EXIT_MWAIT = 0x8b, EXIT_MWAIT_ARMED = 0x8c };
enum { EXIT_XSETBV = 0x8d, EXIT_RDPRU = 0x8e, EXIT_NPF = 0x400 };

/* The host's FS and KERNEL_GS base, which VMLOAD gives back after a guest ran. */
static inline void vmcb_host_bases(uint8_t *host_save, uint64_t fs, uint64_t kernel_gs)
{
	struct vmcb *host = (struct vmcb *)(host_save + 4096);

	host->fs.base = fs;
	host->kernel_gs_base = kernel_gs;
}

#endif

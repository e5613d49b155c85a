/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asm.h - offsets and constants that assembly shares with C; cpu.c asserts each of them
 */
#ifndef ASM_H
#define ASM_H

#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_UDATA 0x23
#define SEL_UCODE 0x2b
#define SEL_TSS 0x30

/* struct cpu */
#define CPU_CURRENT 8
#define CPU_KERNEL_RSP 16
#define CPU_USER_RSP 24
#define CPU_EPOCH 40

/* struct user_regs: sixteen general registers in the order of enum sk_gpr, then these */
#define R_RIP 128
#define R_RFLAGS 136
#define R_VECTOR 160

/*
 * Vectors: exceptions 0 to 31, devices from VEC_DEVICE up to VEC_IOMMU, then the kernel's own.
 */
#define VEC_DEVICE 0x30
#define VEC_IOMMU 0xef
#define VEC_TIMER 0xf0
#define VEC_KICK 0xf1
#define VEC_REQUEST 0xf2
#define VEC_ERROR 0xfe
#define VEC_SPURIOUS 0xff

/* Words of the data block at the end of the trampoline page. */
#define TRAMPOLINE_CR3 0
#define TRAMPOLINE_EFER 8
#define TRAMPOLINE_STACK 16
#define TRAMPOLINE_CPU 24
#define TRAMPOLINE_ENTRY 32

#endif

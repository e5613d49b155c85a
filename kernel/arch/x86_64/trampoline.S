/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trampoline.S - first steps of another CPU: real mode to long mode, copied to a page below 1
 * MiB
 *
 * The last 64 bytes are data that the starting CPU fills in (offsets in asm.h). Addresses are
 * made from CS, so the copy runs at any address.
 */
#include "asm.h"

	.section .rodata
	.balign	64
	.globl	trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	xor	%ebx, %ebx
	mov	%ax, %bx
	shl	$4, %ebx
	/* Put the copy's address into the table pointer and the far pointer. */
	lea	gdt - trampoline_start(%ebx), %eax
	mov	%eax, gdt_ptr - trampoline_start + 2
	lea	long_mode - trampoline_start(%ebx), %eax
	mov	%eax, far_ptr - trampoline_start
	lgdtl	gdt_ptr - trampoline_start
	mov	$0x20, %eax
	mov	%eax, %cr4
	mov	data - trampoline_start + TRAMPOLINE_CR3, %eax
	mov	%eax, %cr3
	mov	data - trampoline_start + TRAMPOLINE_EFER, %eax
	xor	%edx, %edx
	mov	$0xc0000080, %ecx
	wrmsr
	mov	$0x80010033, %eax
	mov	%eax, %cr0
	ljmpl	*far_ptr - trampoline_start

	.code64
long_mode:
	mov	$SEL_KDATA, %eax
	mov	%eax, %ss
	mov	data + TRAMPOLINE_STACK(%rip), %rsp
	mov	data + TRAMPOLINE_CPU(%rip), %rdi
	xor	%ebp, %ebp
	call	*data + TRAMPOLINE_ENTRY(%rip)

	.balign	8
gdt:
	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_ptr:
	.short	23
	.long	0
far_ptr:
	.long	0
	.short	SEL_KCODE
	.balign	64
data:
	.skip	64
trampoline_end:

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: BSD-2-Clause */
/* guest.S - tiny guests; each is copied to its address in guest memory */
	.section .rodata
	.code16
	.globl guest16, guest16_end
guest16:		/* real mode, at 0x1000 */
	mov	$0x1234, %ax
	cpuid
	in	$0x42, %al
	mov	$0xbeef, %ax
	mov	$0x3f8, %dx
	out	%ax, %dx
	mov	%ebx, %cr4
	vmmcall
	sti
	hlt
1:	jmp	1b
guest16_end:

	.code64
	.globl guest64, guest64_end
guest64:		/* long mode, at 0x2000; RSI points to an address that the test chose */
	mov	$0xc0000080, %ecx
	rdmsr
	mov	%rax, %rbx
	mov	$0x10, %ecx
	mov	$7, %eax
	xor	%edx, %edx
	wrmsr
	movabs	$0x1122334455667788, %rax
	movq	%rax, %xmm3
	mov	(%rsi), %rdi		/* nested fault until the VMM maps it */
	vmmcall
	mov	%rdi, (%rsi)		/* nested fault while it is read-only */
	movq	%xmm3, %rax
	vmmcall
1:	sti				/* interrupts arrive here */
	nop
	cli
	incq	%r12
	jmp	1b
	.balign	64
	.globl guest_handler
guest_handler:		/* handler of interrupt 0x40 */
	vmmcall
	iretq
guest64_end:

	.globl spin64, spin64_end
spin64:			/* at 0x3000: reads (RSI) in an endless loop */
	incq	%r12
	mov	(%rsi), %rdi
	jmp	spin64
spin64_end:

	.section .note.GNU-stack, "", @progbits

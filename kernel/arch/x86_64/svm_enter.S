/*
 * svm_enter.S - into a guest and back (AMD-V)
 */
#include "asm.h"

/*
 * svm_enter(guest VMCB, gpr[], host VMCB), the VMCBs by physical address. GIF is clear while state is mixed, so
 * that nothing at all is taken with the guest's GS. IF is set for VMRUN: an interrupt then ends the
 * guest at once, and stays pending until irq_window().
 */
	.text
	.globl	svm_enter
	.type	svm_enter, @function
svm_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdx
	push	%rsi
	clgi
	sti
	mov	%rdi, %rax
	vmload	%rax
	mov	8(%rsi), %rcx
	mov	16(%rsi), %rdx
	mov	24(%rsi), %rbx
	mov	40(%rsi), %rbp
	mov	56(%rsi), %rdi
	mov	64(%rsi), %r8
	mov	72(%rsi), %r9
	mov	80(%rsi), %r10
	mov	88(%rsi), %r11
	mov	96(%rsi), %r12
	mov	104(%rsi), %r13
	mov	112(%rsi), %r14
	mov	120(%rsi), %r15
	mov	48(%rsi), %rsi
	vmrun	%rax
	vmsave	%rax
	mov	%rsi, %rax
	mov	(%rsp), %rsi
	mov	%rax, 48(%rsi)
	mov	%rcx, 8(%rsi)
	mov	%rdx, 16(%rsi)
	mov	%rbx, 24(%rsi)
	mov	%rbp, 40(%rsi)
	mov	%rdi, 56(%rsi)
	mov	%r8, 64(%rsi)
	mov	%r9, 72(%rsi)
	mov	%r10, 80(%rsi)
	mov	%r11, 88(%rsi)
	mov	%r12, 96(%rsi)
	mov	%r13, 104(%rsi)
	mov	%r14, 112(%rsi)
	mov	%r15, 120(%rsi)
	mov	8(%rsp), %rax
	vmload	%rax
	cli
	stgi
	add	$16, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	ret
	.size	svm_enter, . - svm_enter

	.section .note.GNU-stack, "", @progbits

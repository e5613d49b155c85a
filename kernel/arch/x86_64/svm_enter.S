/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svm_enter.S - into a guest and back (AMD-V)
 */
#include "gpr.inc"
#include "spec.h"

/*
 * svm_enter(guest VMCB, gpr[], host VMCB), the VMCBs by physical address. GIF is clear while
 * state is mixed, so that not even an NMI is taken with the guest's GS. IF is set for VMRUN: an
 * interrupt then ends the guest at once, and stays pending until irq_window(). Before the first
 * return, the predictor of returns is filled with addresses of this function: 32 entries, more
 * than any processor with AMD-V has.
 */
	.set	RSB_ENTRIES, 32
	.text
	func	svm_enter
	push_all rbp, rbx, r12, r13, r14, r15, rdx, rsi
	clgi
	sti
	mov	%rdi, %rax
	vmload	%rax
	load_gprs %rsi, rcx, rdx, rbx, rbp, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rsi
	vmrun	%rax
	vmsave	%rax
	mov	%rsi, %rax
	mov	(%rsp), %rsi
	save_gprs %rsi, rcx, rdx, rbx, rbp, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	mov	%rax, R_rsi(%rsi)
	mov	8(%rsp), %rax
	vmload	%rax
	cli
	stgi
	testl	$SPEC_RSB, spec_on(%rip)
	jz	2f
	.rept	RSB_ENTRIES
	call	1f
	int3
1:
	.endr
	add	$RSB_ENTRIES * 8, %rsp
2:
	add	$16, %rsp
	pop_all	r15, r14, r13, r12, rbx, rbp
	scrub	ecx, edx, edi, r8d, r9d, r10d, r11d
	ret

	.section .note.GNU-stack, "", @progbits

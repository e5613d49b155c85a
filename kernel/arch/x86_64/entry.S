/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - ways into the kernel and out of it
 *
 * Every entry from user mode saves the registers into this_cpu()->current (struct user_regs
 * comes first in struct thread), makes cpu->epoch odd, and runs C on the CPU's stack from its
 * top; the only way out is kernel_exit(). Interrupts arrive in the kernel only where it idles
 * or has just left a guest, and find nothing to save there. NMI, double fault and machine check
 * have stacks of their own whose top word names the CPU, so they do not depend on what GS
 * holds.
 *
 * LFENCE follows the branch to SWAPGS on both paths, so that nothing loads through GS with the
 * wrong base, not even speculatively.
 */
#include "asm.h"
#include "gpr.inc"
#include "spec.h"

/* Load the GS base from a register or memory; clobbers RAX, RCX, RDX. */
.macro gs_set from:req
	mov	\from, %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$0xc0000101, %ecx
	wrmsr
.endm

	.text

	func	entry_syscall
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	mov	%gs:CPU_CURRENT, %rsp
	save_gprs %rsp, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	mov	%rcx, R_RIP(%rsp)
	mov	%r11, R_RFLAGS(%rsp)
	movq	$0x100, R_VECTOR(%rsp)
	mov	%rsp, %rdi
	mov	%gs:CPU_USER_RSP, %rax
	mov	%rax, R_rsp(%rdi)
	mov	%gs:CPU_KERNEL_RSP, %rsp
	lock incq %gs:CPU_EPOCH
	scrub	eax, ecx, edx, ebx, ebp, esi, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
	call	core_syscall
	call	kernel_exit

/* Stack here: vector, error code, RIP, CS, RFLAGS, RSP, SS. */
	func	entry_trap
	testb	$3, 24(%rsp)
	jz	entry_kernel
	swapgs
	lfence
	push	%rdi
	mov	%gs:CPU_CURRENT, %rdi
	save_gprs %rdi, rax, rcx, rdx, rbx, rbp, rsi, r8, r9, r10, r11, r12, r13, r14, r15
	pop	%rax
	mov	%rax, R_rdi(%rdi)
	mov	16(%rsp), %rax
	mov	%rax, R_RIP(%rdi)
	mov	32(%rsp), %rax
	mov	%rax, R_RFLAGS(%rdi)
	mov	40(%rsp), %rax
	mov	%rax, R_rsp(%rdi)
	mov	(%rsp), %rsi
	mov	%rsi, R_VECTOR(%rdi)
	mov	8(%rsp), %rdx
	mov	%gs:CPU_KERNEL_RSP, %rsp
	pushq	$2
	popfq
	lock incq %gs:CPU_EPOCH
	scrub	eax, ecx, ebx, ebp, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
	call	trap_user
	call	kernel_exit

entry_kernel:
	lfence
	cmpq	$32, (%rsp)
	jb	entry_panic
	mov	(%rsp), %rdi
	mov	%gs:CPU_KERNEL_RSP, %rsp
	lock incq %gs:CPU_EPOCH
	xor	%ebp, %ebp
	call	trap_interrupt
	call	kernel_exit

/* An exception in the kernel: all registers onto the stack, as struct trap_frame has them. */
entry_panic:
	push_all r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rsp, rbx, rdx, rcx, rax
	mov	%rsp, %rdi
	cld
	call	trap_kernel

/*
 * The same on a stack of its own. GS may be the user's, so the word above the frame names the
 * CPU.
 */
	func	entry_fatal
	push_all rax, rcx, rdx
	gs_set	80(%rsp)
	pop_all	rdx, rcx, rax
	jmp	entry_panic

/* Stack here: RIP, CS, RFLAGS, RSP, SS, struct cpu *. */
	func	entry_nmi
	push_all rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11
	cld
	mov	$0xc0000101, %ecx
	rdmsr
	shl	$32, %rdx
	lea	(%rdx, %rax), %rbx
	gs_set	128(%rsp)
	xor	%ebp, %ebp
	call	trap_nmi
	gs_set	%rbx
	pop_all	r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
	iretq

/*
 * user_return(regs, sysret): SYSRET if the thread came by SYSCALL and its RIP is canonical and
 * below the hole, IRET otherwise. Both leave cpu->epoch even.
 */
	func	user_return
	incq	%gs:CPU_EPOCH
	testl	$SPEC_VERW, spec_on(%rip)
	jz	0f
	verw	verw_selector(%rip)
0:	test	%esi, %esi
	jz	1f
	load_gprs %rdi, rax, rdx, rbx, rbp, rsi, r8, r9, r10, r12, r13, r14, r15
	mov	R_RIP(%rdi), %rcx
	mov	R_RFLAGS(%rdi), %r11
	load_gprs %rdi, rsp, rdi
	swapgs
	sysretq
1:	pushq	$SEL_UDATA
	pushq	R_rsp(%rdi)
	pushq	R_RFLAGS(%rdi)
	pushq	$SEL_UCODE
	pushq	R_RIP(%rdi)
	load_gprs %rdi, rax, rcx, rdx, rbx, rbp, rsi, r8, r9, r10, r11, r12, r13, r14, r15, rdi
	swapgs
	iretq

verw_selector:
	.word	SEL_KDATA

/* Sleep until an interrupt; entry_kernel abandons this frame. After an NMI it sleeps again. */
	func	arch_idle
	incq	%gs:CPU_EPOCH
	mov	%gs:CPU_KERNEL_RSP, %rsp
1:	sti
	hlt
	cli
	jmp	1b

/*
 * Take the interrupt that stopped a guest: it arrives at the NOPs and abandons this frame. If a
 * device has withdrawn it, this function returns. The epoch is even meanwhile.
 */
	func	irq_window
	incq	%gs:CPU_EPOCH
	sti
	nop
	nop
	cli
	lock incq %gs:CPU_EPOCH
	ret

/* kernel_exit() from the top of the stack; the callers are abandoned. */
	func	kernel_leave
	mov	%gs:CPU_KERNEL_RSP, %rsp
	xor	%ebp, %ebp
	call	kernel_exit

/* Continue at fn(arg) on another stack, for good. */
	func	stack_switch
	mov	%rdi, %rsp
	mov	%rsi, %rax
	mov	%rdx, %rdi
	xor	%ebp, %ebp
	call	*%rax

/* One stub per vector, 16 bytes each; the mask has the exceptions that push an error code. */
	.balign	16
	.globl	entry_stubs
entry_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector > 31 || !(0x60227d00 >> (vector & 31) & 1)
	push	$0
	.endif
	pushq	$vector
	.if (vector == 8) || (vector == 18)
	jmp	entry_fatal
	.else
	jmp	entry_trap
	.endif
	.set	vector, vector + 1
	.endr

	.section .note.GNU-stack, "", @progbits

/*
 * entry.S - ways into the kernel and out of it
 *
 * Every entry from user mode saves the registers into this_cpu()->current (struct user_regs comes
 * first in struct thread), makes cpu->epoch odd, and runs C on the CPU's stack from its top; the
 * only way out is kernel_exit(). Interrupts arrive in the kernel only where it idles or has just
 * left a guest, and find nothing to save there. NMI, double fault and machine check have stacks of
 * their own whose top word names the CPU, so they do not depend on what GS holds.
 */
#include "asm.h"

	.text

.macro save_low to
	mov	%rcx, R_RCX(\to)
	mov	%rdx, R_RDX(\to)
	mov	%rbx, R_RBX(\to)
	mov	%rbp, R_RBP(\to)
	mov	%rsi, R_RSI(\to)
.endm
.macro save_high to
	mov	%r8, R_R8(\to)
	mov	%r9, R_R9(\to)
	mov	%r10, R_R10(\to)
	mov	%r11, R_R11(\to)
	mov	%r12, R_R12(\to)
	mov	%r13, R_R13(\to)
	mov	%r14, R_R14(\to)
	mov	%r15, R_R15(\to)
.endm
/* Nothing that user mode chose stays in registers where a gadget could use it. */
.macro scrub
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
.endm

	.globl	entry_syscall
	.type	entry_syscall, @function
entry_syscall:
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	mov	%gs:CPU_CURRENT, %rsp
	mov	%rax, R_RAX(%rsp)
	mov	%rdi, R_RDI(%rsp)
	save_low %rsp
	save_high %rsp
	mov	%rcx, R_RIP(%rsp)
	mov	%r11, R_RFLAGS(%rsp)
	movq	$0x100, R_VECTOR(%rsp)
	mov	%rsp, %rdi
	mov	%gs:CPU_USER_RSP, %rax
	mov	%rax, R_RSP(%rdi)
	mov	%gs:CPU_KERNEL_RSP, %rsp
	lock incq %gs:CPU_EPOCH
	xor	%eax, %eax
	xor	%edx, %edx
	xor	%esi, %esi
	scrub
	call	core_syscall
	call	kernel_exit
	.size	entry_syscall, . - entry_syscall

/* Stack here: vector, error code, RIP, CS, RFLAGS, RSP, SS. */
	.type	entry_trap, @function
entry_trap:
	testb	$3, 24(%rsp)
	jz	entry_kernel
	swapgs
	push	%rdi
	mov	%gs:CPU_CURRENT, %rdi
	mov	%rax, R_RAX(%rdi)
	save_low %rdi
	save_high %rdi
	pop	%rax
	mov	%rax, R_RDI(%rdi)
	mov	16(%rsp), %rax
	mov	%rax, R_RIP(%rdi)
	mov	32(%rsp), %rax
	mov	%rax, R_RFLAGS(%rdi)
	mov	40(%rsp), %rax
	mov	%rax, R_RSP(%rdi)
	mov	(%rsp), %rsi
	mov	%rsi, R_VECTOR(%rdi)
	mov	8(%rsp), %rdx
	mov	%gs:CPU_KERNEL_RSP, %rsp
	pushq	$2
	popfq
	lock incq %gs:CPU_EPOCH
	xor	%eax, %eax
	scrub
	call	trap_user
	call	kernel_exit

entry_kernel:
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
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%r11
	push	%r10
	push	%r9
	push	%r8
	push	%rdi
	push	%rsi
	push	%rbp
	push	%rsp
	push	%rbx
	push	%rdx
	push	%rcx
	push	%rax
	mov	%rsp, %rdi
	cld
	call	trap_kernel
	.size	entry_trap, . - entry_trap

/* The same from a stack of its own: GS may be the user's; the word above the frame names the CPU. */
	.type	entry_fatal, @function
entry_fatal:
	push	%rax
	push	%rcx
	push	%rdx
	mov	80(%rsp), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$0xc0000101, %ecx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	jmp	entry_panic
	.size	entry_fatal, . - entry_fatal

/* Stack here: RIP, CS, RFLAGS, RSP, SS, struct cpu *. */
	.globl	entry_nmi
	.type	entry_nmi, @function
entry_nmi:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	cld
	mov	$0xc0000101, %ecx
	rdmsr
	shl	$32, %rdx
	lea	(%rdx, %rax), %rbx
	mov	128(%rsp), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
	xor	%ebp, %ebp
	call	trap_nmi
	mov	%rbx, %rax
	mov	%rbx, %rdx
	shr	$32, %rdx
	mov	$0xc0000101, %ecx
	wrmsr
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
	.size	entry_nmi, . - entry_nmi

/*
 * user_return(regs, sysret): SYSRET when the thread came by SYSCALL and its RIP is canonical and
 * below the hole, else IRET. Both leave cpu->epoch even.
 */
.macro load_registers
	mov	R_RBX(%rdi), %rbx
	mov	R_RDX(%rdi), %rdx
	mov	R_RBP(%rdi), %rbp
	mov	R_R8(%rdi), %r8
	mov	R_R9(%rdi), %r9
	mov	R_R10(%rdi), %r10
	mov	R_R12(%rdi), %r12
	mov	R_R13(%rdi), %r13
	mov	R_R14(%rdi), %r14
	mov	R_R15(%rdi), %r15
	mov	R_RAX(%rdi), %rax
	mov	R_RSI(%rdi), %rsi
.endm
	.globl	user_return
	.type	user_return, @function
user_return:
	incq	%gs:CPU_EPOCH
	test	%esi, %esi
	jz	1f
	load_registers
	mov	R_RIP(%rdi), %rcx
	mov	R_RFLAGS(%rdi), %r11
	mov	R_RSP(%rdi), %rsp
	mov	R_RDI(%rdi), %rdi
	swapgs
	sysretq
1:	pushq	$SEL_UDATA
	pushq	R_RSP(%rdi)
	pushq	R_RFLAGS(%rdi)
	pushq	$SEL_UCODE
	pushq	R_RIP(%rdi)
	load_registers
	mov	R_RCX(%rdi), %rcx
	mov	R_R11(%rdi), %r11
	mov	R_RDI(%rdi), %rdi
	swapgs
	iretq
	.size	user_return, . - user_return

/* Sleep until an interrupt; entry_kernel abandons this frame. An NMI just goes round again. */
	.globl	arch_idle
	.type	arch_idle, @function
arch_idle:
	incq	%gs:CPU_EPOCH
	mov	%gs:CPU_KERNEL_RSP, %rsp
1:	sti
	hlt
	cli
	jmp	1b
	.size	arch_idle, . - arch_idle

/*
 * Let an interrupt in that stopped a guest: it is taken at the NOPs and abandons this frame. When
 * none comes after all (a device withdrew it), this returns. The epoch is even while open.
 */
	.globl	irq_window
	.type	irq_window, @function
irq_window:
	incq	%gs:CPU_EPOCH
	sti
	nop
	nop
	cli
	lock incq %gs:CPU_EPOCH
	ret
	.size	irq_window, . - irq_window

/* kernel_exit() from the top of the stack: what called this is over. */
	.globl	kernel_leave
	.type	kernel_leave, @function
kernel_leave:
	mov	%gs:CPU_KERNEL_RSP, %rsp
	xor	%ebp, %ebp
	call	kernel_exit
	.size	kernel_leave, . - kernel_leave

/* Continue at fn(arg) on another stack, for good. */
	.globl	stack_switch
	.type	stack_switch, @function
stack_switch:
	mov	%rdi, %rsp
	mov	%rsi, %rax
	mov	%rdx, %rdi
	xor	%ebp, %ebp
	call	*%rax
	.size	stack_switch, . - stack_switch

/* One stub per vector, 16 bytes each. */
	.balign	16
	.globl	entry_stubs
entry_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
	.else
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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crt0.S - first instructions of a domain and of each further thread
 *
 * RDI is DOMAIN_INFO_VADDR in a domain that init or control built, anything else in the root
 * task. RSP is the top of the stack as the builder made it.
 */
	.section .text._start, "ax"
	.globl _start
	.type _start, @function
_start:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call rt_start
	ud2

/* A further thread: RDI is its struct thread. */
	.globl thread_entry
	.type thread_entry, @function
thread_entry:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call thread_run
	ud2

	.section .note.GNU-stack, "", @progbits

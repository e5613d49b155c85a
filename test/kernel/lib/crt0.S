/* SPDX-License-Identifier: BSD-2-Clause */
/* crt0.S - first instructions of a kernel test */
	.section .text._start, "ax"
	.globl _start
_start:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call ktest_start
	ud2

	.section .note.GNU-stack, "", @progbits

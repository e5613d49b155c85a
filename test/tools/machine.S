/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.S - a 32-bit program in Multiboot 1 form that stands in for the kernel in tests of
 * tools/run
 *
 * Echoes COM1, and: p powers off, x writes 0x10 to the debug-exit port, r resets, f makes a
 * triple fault.
 */
	.section .multiboot, "a"
	.long 0x1badb002, 0, -0x1badb002

	.text
	.globl _start
_start:
	movl $hello, %esi
1:	lodsb
	testb %al, %al
	jz 2f
	movw $0x3f8, %dx
	outb %al, %dx
	jmp 1b
2:	movw $0x3fd, %dx
	inb %dx, %al
	testb $1, %al
	jz 2b
	movw $0x3f8, %dx
	inb %dx, %al
	outb %al, %dx
	cmpb $'p', %al
	je power_off
	cmpb $'x', %al
	je debug_exit
	cmpb $'r', %al
	je reset
	cmpb $'f', %al
	je fault
	jmp 2b
power_off:
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
	jmp 2b
debug_exit:
	movw $0xf4, %dx
	movb $0x10, %al
	outb %al, %dx
	jmp 2b
reset:
	movw $0xcf9, %dx
	movb $6, %al
	outb %al, %dx
	jmp 2b
fault:
	lidt no_idt
	int3
hello:	.asciz "skerry# "
no_idt:	.word 0
	.long 0
	.section .note.GNU-stack, "", @progbits

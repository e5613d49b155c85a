/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - get from the PVH entry (32-bit, no paging) to guest_main(start info) in 64-bit C
 *
 * Maps the first 4 GiB one to one with 2 MiB pages. No interrupts, no FPU; the only stack is
 * the one here.
 */
#include <xen/elfnote.h>

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.long start32

	.section .text.start, "ax"
	.code32
	.globl start32
start32:
	cld
	movl $stack_top, %esp
	movl %ebx, %ebp			/* start info */
	movl $pages, %edi		/* PDPT: four directories of 512 entries */
	movl $pages + 0x1000, %eax
	orl $7, %eax
	movl $4, %ecx
1:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	loop 1b
	movl $pages + 0x1000, %edi
	movl $0x87, %eax		/* present, writable, user, 2 MiB */
	movl $2048, %ecx
2:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 2b
	movl $top, %edi
	movl $pages + 7, (%edi)
	movl %edi, %cr3
	movl %cr4, %eax
	orl $0x20, %eax			/* PAE */
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax		/* LME */
	wrmsr
	movl %cr0, %eax
	orl $0x80000001, %eax
	movl %eax, %cr0
	lgdt gdt_pointer
	ljmp $8, $start64

	.code64
start64:
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $stack_top, %esp
	movl %ebp, %edi
	xorl %ebp, %ebp
	call guest_main
3:	hlt
	jmp 3b

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00209a0000000000	/* 64-bit code */
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.bss
	.balign 4096
top:	.skip 4096
pages:	.skip 5 * 4096
stack:	.skip 16384
stack_top:
	.section .note.GNU-stack, "", @progbits

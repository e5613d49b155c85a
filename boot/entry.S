/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - from a loader (PVH or Multiboot2, 32-bit protected mode, paging off) to long mode
 *
 * Three maps of the first 4 GiB in 2 MiB pages are enough until arch_start() has made its own
 * tables: identity, the kernel window (same tables), and the first GiB at KERNEL_BASE.
 * boot_pml4 is used again when the other CPUs start.
 */
#define KERNEL_BASE 0xffffffff80000000
#define PHYS(x) ((x) - KERNEL_BASE)
#define MB2_MAGIC 0xe85250d6
#define MB2_LOADED 0x36d76289

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 8, 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	PHYS(entry_pvh)

	.section .multiboot, "a", @progbits
	.balign	8
mb2_header:
	.long	MB2_MAGIC, 0, mb2_end - mb2_header
	.long	-(MB2_MAGIC + (mb2_end - mb2_header)) & 0xffffffff
	.balign	8
	.short	3, 0		/* entry address */
	.long	12, PHYS(entry_multiboot2)
	.balign	8
	.short	6, 0		/* modules on page boundaries */
	.long	8
	.balign	8
	.short	0, 0
	.long	8
mb2_end:

	.section .bss.boot, "aw", @nobits
	.balign	4096
boot_pml4:	.skip 4096
boot_pdpt:	.skip 4096
boot_pdpt_high:	.skip 4096
boot_pd:	.skip 4 * 4096
boot_stack:	.skip 16384
boot_stack_top:

	.section .rodata
	.balign	8
boot_gdt:
	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_ptr:
	.short	23
	.long	PHYS(boot_gdt)
no_long_mode:
	.asciz	"Skerry: this CPU has no 64-bit mode\r\n"

	.text
	.code32
entry_pvh:
	xor	%esi, %esi
	jmp	boot_common
	.globl	boot_pml4, boot_stack, boot_stack_top, entry_pvh, entry_multiboot2
entry_multiboot2:
	xor	%esi, %esi
	cmp	$MB2_LOADED, %eax
	sete	%cl
	movzbl	%cl, %esi
boot_common:
	cli
	cld
	mov	%ebx, %edi
	mov	$PHYS(boot_stack_top), %esp
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	boot_refuse
	mov	$0x80000001, %eax
	cpuid
	bt	$29, %edx
	jnc	boot_refuse
	mov	%edx, %ebp

	/* 2,048 entries of 2 MiB; then the tables above them. */
	mov	$PHYS(boot_pd), %edx
	mov	$0x83, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edx)
	add	$0x200000, %eax
	add	$8, %edx
	loop	1b
	movl	$PHYS(boot_pd) + 0x3, PHYS(boot_pdpt) + 0
	movl	$PHYS(boot_pd) + 0x1003, PHYS(boot_pdpt) + 8
	movl	$PHYS(boot_pd) + 0x2003, PHYS(boot_pdpt) + 16
	movl	$PHYS(boot_pd) + 0x3003, PHYS(boot_pdpt) + 24
	movl	$PHYS(boot_pd) + 3, PHYS(boot_pdpt_high) + 510 * 8
	movl	$PHYS(boot_pdpt) + 3, PHYS(boot_pml4)
	movl	$PHYS(boot_pdpt) + 3, PHYS(boot_pml4) + 256 * 8
	movl	$PHYS(boot_pdpt_high) + 3, PHYS(boot_pml4) + 511 * 8

	mov	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	$PHYS(boot_pml4), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax		/* LME */
	bt	$20, %ebp
	jnc	4f
	or	$0x800, %eax		/* NXE */
4:	wrmsr
	mov	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	mov	%eax, %cr0
	lgdt	PHYS(boot_gdt_ptr)
	ljmp	$8, $PHYS(boot_long)

boot_refuse:
	mov	$PHYS(no_long_mode), %esi
1:	lodsb
	test	%al, %al
	jz	2f
	mov	$0x3f8, %dx
	out	%al, %dx
	jmp	1b
2:	hlt
	jmp	2b

	.code64
boot_long:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$boot_stack_top, %rsp
	xor	%ebp, %ebp
	mov	$boot_high, %rax
	jmp	*%rax
boot_high:
	/* arch_start(multiboot2, physical address of the information) */
	xchg	%edi, %esi
	call	arch_start
	hlt

	.section .note.GNU-stack, "", @progbits

# SPDX-License-Identifier: BSD-2-Clause
# The privileged image: portable half, x86-64 half, and the code that the loader enters.
# only in the checked kernel (check.h)
src-kernel-checked := $(wildcard kernel/check.c kernel/arch/x86_64/tlb_model.c)
src-kernel := kernel/boot.c kernel/cap.c kernel/cnode.c kernel/endpoint.c kernel/heap.c kernel/ioport.c kernel/irq.c kernel/log.c \
	kernel/notification.c kernel/object.c kernel/sched.c kernel/space.c kernel/syscall.c kernel/thread.c kernel/untyped.c kernel/vcpu.c \
	$(filter-out $(src-kernel-checked),$(sort $(wildcard kernel/arch/x86_64/*.c kernel/arch/x86_64/*.S boot/*.c boot/*.S)))
ldscript-kernel := kernel/arch/x86_64/kernel.ld

.PHONY: check-abi
check-abi:
	@tools/check-abi

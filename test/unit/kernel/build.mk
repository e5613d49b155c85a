# SPDX-License-Identifier: BSD-2-Clause
# Parts of the kernel that can be tried alone on this machine.
unit-tests += kernel_tree_lock
src-unit-kernel_tree_lock := test/unit/kernel/tree_lock_test.c
inc-unit-kernel_tree_lock := kernel/include kernel .
unit-tests += kernel_heap
src-unit-kernel_heap := test/unit/kernel/heap_test.c kernel/heap.c
inc-unit-kernel_heap := kernel/include kernel
# Sources of the processor, each included by its test; processor.h simulates the instructions that only a kernel may execute.
arch-tests := amdvi apic fpu hand_over irq memory smp svm time trap vtd
unit-tests += $(patsubst %,kernel_%,$(arch-tests))
arch-includes := kernel/include kernel .
$(foreach t,$(arch-tests),$(eval src-unit-kernel_$(t) := test/unit/kernel/$(t)_test.c) \
	$(eval inc-unit-kernel_$(t) := $(arch-includes)) \
	$(eval cflags-unit-kernel_$(t) := -DWINDOW_BASE=0 -Darch_now=test_now -fno-strict-aliasing))
# which unit has a device
$(foreach t,amdvi vtd,$(eval src-unit-kernel_$(t) += kernel/arch/x86_64/iotables.c kernel/arch/x86_64/madt.c))
# the addresses of an image, which must stay, and are far from the program's
cflags-unit-kernel_memory += -fPIC
ldlibs-unit-kernel_memory := -no-pie -Wl,--defsym=kernel_image_start=0xffffffff80200000 -Wl,--defsym=kernel_text_end=0xffffffff80201000 \
	-Wl,--defsym=kernel_rodata_end=0xffffffff80202000 -Wl,--defsym=kernel_image_end=0xffffffff80204000

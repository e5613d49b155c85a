# SPDX-License-Identifier: BSD-2-Clause
# The Xen half of the VMM: real sources on a fake machine (fake.c) with a fake front end (device.c). One program, as
# hypercalls reach everything.
vmm-xen-src := $(filter-out %/io.c,$(sort $(wildcard services/vmm/xen/*.c services/vmm/backend/*.c))) \
	libs/base/error.c libs/ring/ring.c $(addprefix libs/svc/,rings.c turn.c) test/unit/vmm_xen/fake.c test/unit/vmm_xen/device.c

unit-tests += vmm_xen
src-unit-vmm_xen := $(addprefix test/unit/vmm_xen/,main.c hypercall_test.c memory_op_test.c vcpu_op_test.c compat_test.c evtchn_test.c grant_test.c \
	gring_test.c console_ring_test.c store_ring_test.c \
	blkback_test.c blk_restart_test.c breach_test.c remove_test.c drive_test.c blkfront.c netback_test.c netfront.c net_large_test.c net_poll_test.c) $(vmm-xen-src)
inc-unit-vmm_xen := services/vmm test/unit/vmm_xen

# Xen's structures as 32-bit and as 64-bit code see them: see layout_check.c
layout-cc = $(HOSTCC) -std=gnu11 -ffreestanding -fno-pic -w -Iservices/vmm -isystem $(SYSROOT)/xeninc -S $<
$(B)/unit/vmm_xen.layout: test/unit/vmm_xen/layout_check.c services/vmm/xen/layout.h | $(packages) $(sysroot)
	$(Q)mkdir -p $(@D)
	$(Q)$(layout-cc) -m32 -o $@.32.s && grep -F .long $@.32.s >$@.32
	$(Q)$(layout-cc) -m64 -o $@.64.s && grep -F .long $@.64.s >$@.64
	$(call say,CMP,$<)cmp $@.32 $@.64 && touch $@
$(B)/unit/vmm_xen: $(B)/unit/vmm_xen.layout

unit-tests += vmm_xs_interleave
src-unit-vmm_xs_interleave := test/unit/vmm_xen/xs_interleave_test.c
inc-unit-vmm_xs_interleave := services/vmm

# The Xen half of the VMM: real sources on a fake machine (fake.c) with a fake front end (device.c). One program, as
# hypercalls reach everything.
vmm-xen-src := $(addprefix services/vmm/,hypercall.c version.c time.c evtchn.c evtchn_fifo.c grant.c grant_op.c \
	memory_op.c hvm_op.c sched_op.c vcpu_op.c gring.c xs_link.c xs_ring.c cons_ring.c xenbus.c blkif_abi.c \
	blkback.c netback.c frame.c) libs/ring/ring.c test/unit/vmm_xen/fake.c test/unit/vmm_xen/device.c

unit-tests += vmm_xen
src-unit-vmm_xen := $(addprefix test/unit/vmm_xen/,main.c hypercall_test.c evtchn_test.c grant_test.c rings_test.c \
	blkback_test.c netback_test.c) $(vmm-xen-src)
inc-unit-vmm_xen := services/vmm test/unit/vmm_xen

unit-tests += vmm_xs_interleave
src-unit-vmm_xs_interleave := test/unit/vmm_xen/xs_interleave_test.c
inc-unit-vmm_xs_interleave := services/vmm

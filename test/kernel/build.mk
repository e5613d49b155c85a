# SPDX-License-Identifier: BSD-2-Clause
# Kernel tests: each directory is a root task that prints one RESULT line.
ktest-names := $(patsubst test/kernel/%/main.c,%,$(wildcard test/kernel/*/main.c))
kernel-tests += $(ktest-names)
ktest-lib := test/kernel/lib/crt0.S test/kernel/lib/ktest.c
$(foreach t,$(ktest-names),$(eval src-ktest-$(t) := $(wildcard test/kernel/$(t)/*.c test/kernel/$(t)/*.S) $(ktest-lib)))
smp-ktest-smp := 4
smp-ktest-vcpu := 2
smp-ktest-fuzz := 1 2 4
checked-ktest-fuzz := 1
qemu-ktest-sched := -icount shift=0,sleep=off
qemu-ktest-ending := -icount shift=0,sleep=off
qemu-ktest-steps := -icount shift=0,sleep=off
# the longest stretch with interrupts off: a short form of bench_latency, with a limit
kernel-tests += latency
src-ktest-latency := $(src-ktest-bench_latency)
cflags-ktest-latency := -DGATE
smp-ktest-latency := 1 2
qemu-ktest-latency := -icount shift=0,sleep=off
# the same with each kind of IOMMU; that of Intel also keeps what is absent, so each map is told to it
kernel-tests += latency_vtd latency_amdvi
$(foreach t,latency_vtd latency_amdvi,$(eval src-ktest-$(t) := $(src-ktest-bench_latency)))
cflags-ktest-latency_vtd := -DGATE
cflags-ktest-latency_amdvi := -DGATE
qemu-ktest-latency_vtd := $(qemu-ktest-latency) -device intel-iommu,intremap=on,aw-bits=48,caching-mode=on
qemu-ktest-latency_amdvi := $(qemu-ktest-latency) -device amd-iommu,intremap=on
# two kinds of VT-d: tables of 3 levels; of 4, by a unit that also keeps what is absent
iommu-device := -device edu,dma_mask=0xffffffffffff
qemu-ktest-iommu := -device intel-iommu,intremap=on $(iommu-device)
checked-ktest-iommu := 1
kernel-tests += iommu_vtd4
src-ktest-iommu_vtd4 := $(src-ktest-iommu)
qemu-ktest-iommu_vtd4 := -device intel-iommu,intremap=on,aw-bits=48,caching-mode=on $(iommu-device)
smp-ktest-iommu_vtd4 := 2
kernel-tests += iommu_amdvi
src-ktest-iommu_amdvi := $(src-ktest-iommu)
qemu-ktest-iommu_amdvi := -device amd-iommu,intremap=on $(iommu-device)
checked-ktest-iommu_amdvi := 1
append-ktest-iommu_amdvi := silent
smp-ktest-iommu_amdvi := 1 2
# pins and messages, remapped by each kind
kernel-tests += irq_vtd irq_amdvi
src-ktest-irq_vtd := $(src-ktest-irq)
qemu-ktest-irq_vtd := -device intel-iommu,intremap=on
smp-ktest-irq_vtd := 2
src-ktest-irq_amdvi := $(src-ktest-irq)
qemu-ktest-irq_amdvi := -device amd-iommu,intremap=on
smp-ktest-fpu := 2
cpu-ktest-fpu := max,-smap,-monitor,-xsaveerptr
smp-ktest-dual := 2
smp-ktest-enter := 3
# the wrappers of system calls, which are all in a header
$(foreach t,$(kernel-tests),$(eval use-ktest-$(t) := sys))

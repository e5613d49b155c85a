# SPDX-License-Identifier: BSD-2-Clause
# The Xen half of the VMM on the fakes of its unit tests.
vmm-xen-fuzz-src := $(filter-out %/io.c,$(sort $(wildcard services/vmm/xen/*.c services/vmm/backend/*.c))) \
	libs/base/error.c libs/ring/ring.c libs/svc/rings.c libs/svc/turn.c test/unit/vmm_xen/fake.c test/unit/vmm_xen/device.c
vmm-xen-fuzzers := blkif netif console xenstore hypercall

define vmm-xen-fuzz
fuzzers += vmm_xen_$(1)
src-fuzz-vmm_xen_$(1) := test/fuzz/vmm_xen/$(1)_fuzz.c $(vmm-xen-fuzz-src)
inc-fuzz-vmm_xen_$(1) := services/vmm test/unit/vmm_xen test/fuzz/vmm_xen
seeds-fuzz-vmm_xen_$(1) := test/fuzz/vmm_xen/seeds-$(1)
endef
$(foreach f,$(vmm-xen-fuzzers),$(eval $(call vmm-xen-fuzz,$(f))))

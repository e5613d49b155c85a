# SPDX-License-Identifier: BSD-2-Clause
# The program runs on the checked kernel, and once more for each step that the kernel then leaves out; the model must stop it.
checked-ktest-asid := 1
smp-ktest-asid := 2
# $(1) the step, $(2) the message of the model
define asid-break
kernel-tests += asid_$(1)
src-ktest-asid_$(1) = $$(src-ktest-asid)
checked-ktest-asid_$(1) := 1
smp-ktest-asid_$(1) := 2
append-ktest-asid_$(1) := break=$(1)
panic-ktest-asid_$(1) := $(2)
endef
$(eval $(call asid-break,identity,translations of another nested space))
$(eval $(call asid-break,generation,translations of pages that were unmapped))
$(eval $(call asid-break,registers,translations of other control registers))
$(eval $(call asid-break,flush,translations of another vCPU))
$(eval $(call asid-break,recycle,translations of another vCPU))
$(eval $(call asid-break,kick,is in a guest with pages that were unmapped))

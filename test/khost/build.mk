# SPDX-License-Identifier: BSD-2-Clause
# The kernel's core as a program of this machine: random calls against a model (khost_fuzz), all orders of accesses of two or
# three CPUs (khost_explore), and whether these two still find faults that the kernel once had (khost_old).
khost-core := $(patsubst %,kernel/%.c,cap check cnode endpoint heap ioport irq log notification object sched space syscall thread untyped vcpu)
khost-cflags := -DCHECKED -DWINDOW_BASE=0x200000000000ull -Darch_now=khost_now -Dmemcpy=khost_memcpy -Dmemset=khost_memset -fno-strict-aliasing \
	-fno-builtin -O2
khost-link := -no-pie -Wl,-T,test/khost/state.ld

# khost_fuzz: with the sanitizers; the same sources as a target of libFuzzer
khost-fuzz-src := $(khost-core) kernel/arch/x86_64/string.c $(patsubst %,test/khost/%.c,calls choice fake_arch fake_cpu fake_tlb fuzz model model_calls model_ipc model_space world)
unit-tests += khost_fuzz
src-unit-khost_fuzz := $(khost-fuzz-src)
inc-unit-khost_fuzz := kernel . test/khost
cflags-unit-khost_fuzz := $(khost-cflags)
ldlibs-unit-khost_fuzz := $(khost-link)
fuzzers += khost
src-fuzz-khost := $(khost-fuzz-src)
inc-fuzz-khost := kernel . test/khost
cflags-fuzz-khost := $(khost-cflags)
ldlibs-fuzz-khost := $(khost-link)
seeds-fuzz-khost := test/khost/seeds

# khost_explore: each access to memory calls test/khost/hooks.c, through the instrumentation of -fsanitize=thread
unit-programs += khost_explore
explore-dir := $(B)/obj/khost-explore
explore-cflags = $(host-cflags) $(khost-cflags) -Ikernel -Ikernel/arch/x86_64 -I. -Itest/khost
explore-hooked = $(explore-cflags) -fsanitize=thread --param tsan-instrument-func-entry-exit=0 -Wno-tsan -include
explore-x86 := $(patsubst %,kernel/arch/x86_64/%.c,fpu tlb_model trap) $(patsubst %,test/khost/%.c,real_smp real_svm)
explore-own := $(patsubst %,test/khost/%.c,explore fake_arch hooks scenarios world)
explore-plain := kernel/check.c kernel/log.c $(explore-own)
# the compiler's command line for a source
explore-flags = $(if $(filter $(explore-plain),$(1)),$(explore-cflags),$(if $(filter test/khost/machine.c,$(1)),$(explore-cflags) \
	-include test/khost/hooks_x86.h,$(explore-hooked) $(if $(filter $(explore-x86),$(1)),test/khost/hooks_x86.h,test/khost/hooks.h)))
explore-src := $(khost-core) $(explore-x86) $(explore-own) test/khost/machine.c
explore-objs := $(patsubst %.c,$(explore-dir)/%.o,$(explore-src))
explore-link = $(HOSTCC) $(khost-link) -o $@

$(explore-dir)/%.o: %.c test/khost/build.mk | $(B)/stamp/packages
	$(Q)mkdir -p $(@D)
	$(call say,HOSTCC,$<)$(HOSTCC) $(call explore-flags,$<) $(deps) -c $< -o $@
$(B)/unit/khost_explore: $(explore-objs) test/khost/state.ld
	$(Q)mkdir -p $(@D)
	$(call say,HOSTLD,$@)$(explore-link) $(filter %.o,$^)

# khost_old: each fault of old/faults.toml is compiled into a checker of its own
old-dir := $(B)/khost/old
# $(1) name, $(2) tool, $(3) source, $(4) its flags, $(5) objects, $(6) command that links
define old-rules
$(old-dir)/$(1).c: $(3) test/khost/old/faults.toml test/khost/old_faults.py
	$$(Q)mkdir -p $$(@D)
	$$(Q)test/khost/old_faults.py write $(1) $$@
$(B)/obj/khost-old-$(1)/$(3:.c=.o): $(old-dir)/$(1).c test/khost/build.mk
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(HOSTCC) $(4) -I$(dir $(3)) $$(deps) -c $$< -o $$@
$(old-dir)/$(1): $(B)/obj/khost-old-$(1)/$(3:.c=.o) $(filter-out %/$(3:.c=.o),$(5)) test/khost/state.ld
	$$(call say,HOSTLD,$$@)$(6) -o $$@ $$(filter %.o,$$^)
old-programs += $(old-dir)/$(1)
old-arguments += $(1)=$(old-dir)/$(1)
endef
# khost_fuzz is the first test that is compiled in its way, so its objects are in its own directory
fuzz-objs := $(patsubst %.c,$(B)/obj/unit-khost_fuzz/%.o,$(khost-fuzz-src))
fuzz-flags = $(unit-cflags) -Ikernel -I. -Itest/khost $(khost-cflags)
old-fuzz = $(eval $(call old-rules,$(1),fuzz,$(2),$$(fuzz-flags),$(fuzz-objs),$(HOSTCC) -fsanitize=address$(,)undefined $(khost-link)))
old-explore = $(eval $(call old-rules,$(1),explore,$(2),$$(call explore-flags,$(2)),$(explore-objs),$(HOSTCC) $(khost-link)))
, := ,
old-list := $(shell test/khost/old_faults.py names | tr ' ' ':')
$(foreach f,$(old-list),$(call old-$(word 2,$(subst :, ,$(f))),$(word 1,$(subst :, ,$(f))),$(word 3,$(subst :, ,$(f)))))
unit-programs += khost_old
$(B)/unit/khost_old: $(old-programs) test/khost/old_faults.py
	$(Q)mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec test/khost/old_faults.py run %s\n' '$(old-arguments)' >$@ && chmod +x $@

# khost_rules: what each call must do, by examples
khost-rules-src := $(khost-core) kernel/arch/x86_64/string.c $(patsubst %,test/khost/%.c,fake_arch fake_cpu fake_tlb world) $(wildcard test/khost/rules/*.c)
unit-tests += khost_rules
src-unit-khost_rules := $(khost-rules-src)
inc-unit-khost_rules := kernel . test/khost
cflags-unit-khost_rules := $(khost-cflags)
ldlibs-unit-khost_rules := $(khost-link)

# SPDX-License-Identifier: BSD-2-Clause
# Domains that hold what a driver or service holds, and attack with it. Only test images have them (test/system/test_rogue.py).
# `rogue` can take any place; `rogue-X` has the honest program X in it, which lives first.
rogue-main := $(addprefix test/rogue/,main.c authority.c calls.c faults.c)
rogue-lives := $(rogue-main) test/rogue/lives.c
rogue-peers := $(addprefix test/rogue/,peers.c answers.c requests.c)
rogue-plain := $(rogue-lives) $(rogue-peers) test/rogue/plain.c
rogue-use := svc rt caps ring sys base

test-domains += rogue
src-rogue := $(rogue-plain)
use-rogue := $(rogue-use)
cflags-rogue := -mgeneral-regs-only
ldflags-rogue := --wrap=main

rogue-honest := files platform shell uart vmm
src-rogue-files := $(rogue-plain)
src-rogue-platform := $(rogue-lives) test/rogue/platform.c
src-rogue-shell := $(rogue-lives) $(rogue-peers) test/rogue/shell.c
src-rogue-uart := $(rogue-plain)
src-rogue-vmm := $(rogue-main) $(rogue-peers) test/rogue/vmm.c
test-domains += $(patsubst %,rogue-%,$(rogue-honest))
define rogue-honest-rules
src-rogue-$(1) += $$(src-$(1))
use-rogue-$(1) = $$(rogue-use) $$(use-$(1))
cflags-rogue-$(1) = $$(cflags-$(1))
extlibs-rogue-$(1) = $$(extlibs-$(1))
ldflags-rogue-$(1) := --wrap=main
endef
$(foreach d,$(rogue-honest),$(eval $(call rogue-honest-rules,$(d))))

# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of control and of the shell.
control-src = $(patsubst %,services/control/%.c,$(1))
shell-src = $(patsubst %,services/shell/%.c,$(1))
control-inc := services/control services/shell services/scribe test/unit/control
toolstack := $(wildcard libs/toolstack/*.c)
# from a file's text to a checked configuration
control-cfg := $(addprefix config/,cfg cfg_lex cfg_advice report) out
control-guest := $(addprefix config/,guest_cfg guest_type guest_boot guest_keys cpu_set names path disk_spec vdev vif_spec ip_range) $(control-cfg)

unit-tests += control_cfg
src-unit-control_cfg := test/unit/control/cfg_test.c $(call shell-src,$(control-cfg)) $(toolstack)
inc-unit-control_cfg := $(control-inc)

unit-tests += control_disk
src-unit-control_disk := test/unit/control/disk_test.c $(call shell-src,config/disk_spec config/vdev config/names config/report out) $(toolstack)
inc-unit-control_disk := $(control-inc)

unit-tests += control_vif
src-unit-control_vif := test/unit/control/vif_test.c $(call shell-src,config/vif_spec config/ip_range) $(toolstack)
inc-unit-control_vif := $(control-inc)

unit-tests += control_cpu_set
src-unit-control_cpu_set := test/unit/control/cpu_set_test.c $(call shell-src,config/cpu_set) $(toolstack)
inc-unit-control_cpu_set := $(control-inc)

unit-tests += control_typed
src-unit-control_typed := test/unit/control/typed_test.c $(call shell-src,cli/typed) $(toolstack)
inc-unit-control_typed := $(control-inc)

unit-tests += control_names
src-unit-control_names := test/unit/control/names_test.c $(call shell-src,config/names config/report out) $(toolstack)
inc-unit-control_names := $(control-inc)

unit-tests += control_guest
src-unit-control_guest := test/unit/control/guest_test.c \
	$(call shell-src,$(control-guest)) $(toolstack)
inc-unit-control_guest := $(control-inc)

unit-tests += control_text
src-unit-control_text := test/unit/control/text_test.c $(call shell-src,config/guest_write json config/guest_json $(control-guest)) $(toolstack)
inc-unit-control_text := $(control-inc)

unit-tests += control_machine
src-unit-control_machine := test/unit/control/machine_test.c services/control/guest/machine.c \
	$(call shell-src,$(control-guest)) $(toolstack)
inc-unit-control_machine := $(control-inc)

unit-helpers += xl_oracle
src-unit-xl_oracle := test/unit/control/xl_oracle.c $(call shell-src,json config/guest_json $(control-guest)) $(toolstack)
inc-unit-xl_oracle := $(control-inc)

unit-tests += control_shell
src-unit-control_shell := test/unit/control/shell_test.c $(call shell-src,$(addprefix cli/,line words filter verbs) out) $(toolstack)
inc-unit-control_shell := $(control-inc)

unit-tests += control_format
src-unit-control_format := test/unit/control/format_test.c \
	$(call shell-src,cli/format cli/format_top table json config/guest_json $(control-guest)) $(toolstack)
inc-unit-control_format := $(control-inc)

unit-tests += control_domtab
src-unit-control_domtab := test/unit/control/domtab_test.c \
	$(call control-src,guest/domtab guest/restart) $(call shell-src,$(control-guest)) $(toolstack)
inc-unit-control_domtab := $(control-inc)

unit-tests += control_pool
src-unit-control_pool := test/unit/control/pool_test.c $(call control-src,guest/pool)
inc-unit-control_pool := $(control-inc)

unit-tests += control_numbers
src-unit-control_numbers := test/unit/control/numbers_test.c $(call shell-src,cli/mem_size cli/number)
inc-unit-control_numbers := $(control-inc)

# the whole domain, and the world around it
control-world = $(wildcard test/unit/control/fake*.c) test/unit/control/cuts.c \
	libs/base/error.c libs/sys/random.c libs/ring/ring.c libs/svc/rings.c libs/svc/turn.c \
	$(toolstack) \
	$(filter-out $(call control-src,main log guest/vmm_guard client/caller),$(wildcard services/control/*.c services/control/*/*.c)) \
	$(filter-out services/scribe/main.c,$(wildcard services/scribe/*.c)) \
	$(filter-out $(call shell-src,main host_log),$(wildcard services/shell/*.c services/shell/*/*.c))

unit-tests += control_restart
src-unit-control_restart = test/unit/control/restart_test.c $(control-world)
inc-unit-control_restart := $(control-inc) libs/proc
cflags-unit-control_restart := -iquote test/unit/control/fake

unit-tests += control_domain
src-unit-control_domain = $(wildcard test/unit/control/domain_*test.c) \
	$(control-world)
inc-unit-control_domain := $(control-inc) libs/proc
cflags-unit-control_domain := -iquote test/unit/control/fake -Dmalloc=world_malloc

unit-tests += control_balance
src-unit-control_balance := test/unit/control/balance_test.c $(call control-src,guest/balance)
inc-unit-control_balance := $(control-inc)

unit-tests += control_calls
src-unit-control_calls := test/unit/control/calls_test.c $(call control-src,client/calls event)
inc-unit-control_calls := $(control-inc)
cflags-unit-control_calls := -iquote test/unit/control/fake

unit-tests += control_guard
src-unit-control_guard := test/unit/control/guard_test.c $(call control-src,guest/kept guest/config_check) $(call shell-src,$(control-guest)) $(toolstack)
inc-unit-control_guard := $(control-inc) libs/proc

unit-tests += control_check
src-unit-control_check := test/unit/control/check_test.c $(call control-src,guest/config_check) $(call shell-src,$(control-guest)) $(toolstack)
inc-unit-control_check := $(control-inc)

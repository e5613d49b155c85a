# SPDX-License-Identifier: BSD-2-Clause
# Fuzz targets of the shell's parsers, and of what control checks.
shell-fuzz-src = $(patsubst %,services/shell/%.c,$(1)) $(wildcard libs/toolstack/*.c)

fuzzers += control_config
src-fuzz-control_config := test/fuzz/control/config_fuzz.c services/control/guest/machine.c services/control/guest/config_check.c \
	$(call shell-fuzz-src,$(addprefix config/,guest_cfg guest_type guest_boot guest_keys cpu_set names path cfg cfg_lex cfg_advice report disk_spec vdev vif_spec ip_range) out)
inc-fuzz-control_config := services/shell services/control
seeds-fuzz-control_config := test/fuzz/control/seeds-control_config

fuzzers += control_device
src-fuzz-control_device := test/fuzz/control/device_fuzz.c $(call shell-fuzz-src,$(addprefix config/,disk_spec vdev names report vif_spec ip_range) out)
inc-fuzz-control_device := services/shell
seeds-fuzz-control_device := test/fuzz/control/seeds-control_device

fuzzers += control_shell
src-fuzz-control_shell := test/fuzz/control/shell_fuzz.c $(call shell-fuzz-src,$(addprefix cli/,line words filter script verbs) out)
inc-fuzz-control_shell := services/shell
seeds-fuzz-control_shell := test/fuzz/control/seeds-control_shell

fuzzers += control_check
src-fuzz-control_check := test/fuzz/control/check_fuzz.c services/control/guest/config_check.c services/control/guest/machine.c $(wildcard libs/toolstack/*.c)
inc-fuzz-control_check := services/control

# SPDX-License-Identifier: BSD-2-Clause
# Fuzz targets of the control domain's parsers.
control-fuzz-src = $(patsubst %,services/control/%.c,$(1))

fuzzers += control_config
src-fuzz-control_config := test/fuzz/control/config_fuzz.c \
	$(call control-fuzz-src,$(addprefix config/,guest_cfg guest_type machine guest_boot guest_keys names path cfg cfg_lex cfg_advice report disk_spec vdev vif_spec ip_range uuid) msg out)
inc-fuzz-control_config := services/control
seeds-fuzz-control_config := test/fuzz/control/seeds-control_config

fuzzers += control_device
src-fuzz-control_device := test/fuzz/control/device_fuzz.c $(call control-fuzz-src,$(addprefix config/,disk_spec vdev names report vif_spec ip_range) msg out)
inc-fuzz-control_device := services/control
seeds-fuzz-control_device := test/fuzz/control/seeds-control_device

fuzzers += control_shell
src-fuzz-control_shell := test/fuzz/control/shell_fuzz.c $(call control-fuzz-src,$(addprefix shell/,line words filter verbs) msg out)
inc-fuzz-control_shell := services/control
seeds-fuzz-control_shell := test/fuzz/control/seeds-control_shell

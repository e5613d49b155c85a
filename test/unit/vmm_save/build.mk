# SPDX-License-Identifier: BSD-2-Clause
vmm-save-src := $(addprefix services/vmm/,$(addprefix save/,context.c stream_in.c stream_out.c) load/load_space.c)

unit-tests += vmm_stream
src-unit-vmm_stream := test/unit/vmm_save/stream_test.c test/unit/vmm_save/sample.c $(vmm-save-src)
inc-unit-vmm_stream := services/vmm test/unit/vmm_save

unit-tests += vmm_image
src-unit-vmm_image := test/unit/vmm_save/image_test.c test/unit/vmm_save/sample.c $(vmm-save-src) \
	$(addprefix services/vmm/save/,image_in.c image_out.c) libs/base/error.c
inc-unit-vmm_image := services/vmm test/unit/vmm_save
ldlibs-unit-vmm_image := -lz

unit-tests += vmm_core
src-unit-vmm_core := test/unit/vmm_save/core_test.c test/unit/vmm_save/sample.c services/vmm/save/core.c $(vmm-save-src)
inc-unit-vmm_core := services/vmm test/unit/vmm_save

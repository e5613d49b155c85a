# SPDX-License-Identifier: BSD-2-Clause
fuzzers += vmm_stream
src-fuzz-vmm_stream := test/fuzz/vmm_save/stream_fuzz.c services/vmm/load/load_space.c \
	$(addprefix services/vmm/save/,context.c stream_in.c)
inc-fuzz-vmm_stream := services/vmm
seeds-fuzz-vmm_stream := test/fuzz/vmm_save/seeds-vmm_stream

# SPDX-License-Identifier: BSD-2-Clause
fuzzers += net_offload
src-fuzz-net_offload := test/fuzz/network/offload_fuzz.c services/network/offload.c
inc-fuzz-net_offload := services/network
seeds-fuzz-net_offload := test/fuzz/network/seeds-net_offload
fuzzers += net_filter
src-fuzz-net_filter := test/fuzz/network/filter_fuzz.c services/network/filter.c
inc-fuzz-net_filter := services/network
seeds-fuzz-net_filter := test/fuzz/network/seeds-net_filter

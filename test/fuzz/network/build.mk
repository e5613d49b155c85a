# SPDX-License-Identifier: BSD-2-Clause
fuzzers += net_offload
src-fuzz-net_offload := test/fuzz/network/offload_fuzz.c services/network/offload.c
inc-fuzz-net_offload := services/network
seeds-fuzz-net_offload := test/fuzz/network/seeds-net_offload
fuzzers += net_filter
src-fuzz-net_filter := test/fuzz/network/filter_fuzz.c services/network/filter.c
inc-fuzz-net_filter := services/network
seeds-fuzz-net_filter := test/fuzz/network/seeds-net_filter
fuzzers += net_merge
src-fuzz-net_merge := test/fuzz/network/merge_fuzz.c services/network/merge.c services/network/offload.c
inc-fuzz-net_merge := services/network
seeds-fuzz-net_merge := test/fuzz/network/seeds-net_merge

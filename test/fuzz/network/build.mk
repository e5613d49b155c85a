# SPDX-License-Identifier: BSD-2-Clause
fuzzers += net_offload
src-fuzz-net_offload := test/fuzz/network/offload_fuzz.c services/network/offload.c
inc-fuzz-net_offload := services/network
seeds-fuzz-net_offload := test/fuzz/network/seeds-net_offload

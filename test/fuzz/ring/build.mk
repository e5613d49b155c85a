# SPDX-License-Identifier: BSD-2-Clause
fuzzers += ring
src-fuzz-ring := test/fuzz/ring/ring_fuzz.c libs/ring/ring.c
inc-fuzz-ring := kernel/include libs
seeds-fuzz-ring := test/fuzz/ring/seeds-ring

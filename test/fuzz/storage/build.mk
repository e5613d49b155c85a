# SPDX-License-Identifier: BSD-2-Clause
fuzzers += gpt
src-fuzz-gpt := test/fuzz/storage/gpt_fuzz.c services/storage/gpt.c
inc-fuzz-gpt := services/storage
ldlibs-fuzz-gpt := -lz
seeds-fuzz-gpt := test/fuzz/storage/seeds-gpt

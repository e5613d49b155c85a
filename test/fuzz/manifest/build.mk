# SPDX-License-Identifier: BSD-2-Clause
fuzzers += manifest
src-fuzz-manifest := test/fuzz/manifest/manifest_fuzz.c services/init/policy.c
inc-fuzz-manifest := kernel/include libs services/init
seeds-fuzz-manifest := test/fuzz/manifest/seeds-manifest

# SPDX-License-Identifier: BSD-2-Clause
fuzzers += scribe
src-fuzz-scribe := test/fuzz/scribe/scribe_fuzz.c test/unit/scribe/fake_store.c services/scribe/requests.c services/scribe/layout.c \
	$(wildcard libs/toolstack/*.c)
inc-fuzz-scribe := services/scribe test/unit/scribe
seeds-fuzz-scribe := test/fuzz/scribe/seeds-scribe

# SPDX-License-Identifier: BSD-2-Clause
define xenstore-fuzz
fuzzers += xs_$(1)
src-fuzz-xs_$(1) := test/fuzz/xenstore/xs_$(1)_fuzz.c $(xenstore-logic)
inc-fuzz-xs_$(1) := services/xenstore
seeds-fuzz-xs_$(1) := test/fuzz/xenstore/seeds-xs_$(1)
endef
$(foreach t,wire journal,$(eval $(call xenstore-fuzz,$(t))))

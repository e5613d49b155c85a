define xenstore-fuzz
fuzzers += xs_$(1)
src-fuzz-xs_$(1) := test/fuzz/xenstore/xs_$(1)_fuzz.c $(addprefix services/xenstore/,journal.c mem.c ops.c path.c perm.c \
	persist.c quota.c session.c store.c tree.c txn.c watch.c wire.c)
inc-fuzz-xs_$(1) := services/xenstore
seeds-fuzz-xs_$(1) := test/fuzz/xenstore/seeds-xs_$(1)
endef
$(foreach t,wire journal,$(eval $(call xenstore-fuzz,$(t))))

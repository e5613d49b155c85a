define xenstore-unit
unit-tests += xs_$(1)
src-unit-xs_$(1) := test/unit/xenstore/$(1)_test.c $(addprefix services/xenstore/,journal.c mem.c ops.c path.c perm.c \
	persist.c quota.c session.c store.c tree.c txn.c watch.c wire.c)
inc-unit-xs_$(1) := services/xenstore
endef
$(foreach t,ops watch txn quota journal,$(eval $(call xenstore-unit,$(t))))

# SPDX-License-Identifier: BSD-2-Clause
define xenstore-unit
unit-tests += xs_$(1)
src-unit-xs_$(1) := test/unit/xenstore/$(1)_test.c $(xenstore-logic) $(2)
inc-unit-xs_$(1) := services/xenstore
endef
$(foreach t,ops watch txn tree quota share journal kill life cost,$(eval $(call xenstore-unit,$(t))))
$(eval $(call xenstore-unit,main,libs/ring/ring.c libs/svc/rings.c))
# these include journal.c with its stores announced
src-unit-xs_kill := $(filter-out %/journal.c,$(src-unit-xs_kill))
src-unit-xs_life := $(filter-out %/journal.c,$(src-unit-xs_life))
# the compiler inserts a call of the test into each basic block, which counts them
cflags-unit-xs_cost := -fsanitize-coverage=trace-pc

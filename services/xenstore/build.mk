# xenstore: the store itself is pure logic; main.c alone knows rings and the kernel
xenstore-logic := $(addprefix services/xenstore/,journal.c mem.c ops.c path.c perm.c persist.c quota.c session.c \
	store.c tree.c txn.c watch.c wire.c)

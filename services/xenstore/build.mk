# SPDX-License-Identifier: BSD-2-Clause
# xenstore: the store itself does no I/O; only main.c uses rings and the kernel
xenstore-logic := $(addprefix services/xenstore/,journal.c mem.c ops.c ops_admin.c ops_node.c path.c perm.c persist.c \
	persist_read.c quota.c session.c store.c tree.c tree_versions.c txn.c watch.c wire.c)
domains += xenstore
src-xenstore := services/xenstore/main.c $(xenstore-logic)
use-xenstore := svc base

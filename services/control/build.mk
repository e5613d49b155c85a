# SPDX-License-Identifier: BSD-2-Clause
# control: the domain that makes guests. An include names the room of a header: "guest/pool.h".
domains += control
src-control := $(wildcard services/control/*.c services/control/*/*.c)
use-control := toolstack proc svc rt caps sys base
cflags-control := -iquote services/control

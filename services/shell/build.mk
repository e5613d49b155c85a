# SPDX-License-Identifier: BSD-2-Clause
# The shell of the person at the console. An include names the room of a header: "cli/shell.h".
domains += shell
src-shell := $(wildcard services/shell/*.c services/shell/*/*.c)
use-shell := toolstack svc rt caps sys base
cflags-shell := -iquote services/shell

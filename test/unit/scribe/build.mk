# SPDX-License-Identifier: BSD-2-Clause
# The scribe, with a xenstore that answers when it is told to. The whole of it with control: test/unit/control.
unit-tests += scribe
src-unit-scribe := $(wildcard test/unit/scribe/*.c) services/scribe/layout.c services/scribe/requests.c \
	services/shell/out.c $(wildcard libs/toolstack/*.c)
inc-unit-scribe := services/scribe services/shell test/unit/control

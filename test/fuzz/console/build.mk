# SPDX-License-Identifier: BSD-2-Clause
fuzzers += console
src-fuzz-console := test/fuzz/console/console_fuzz.c services/console/input.c services/console/textlog.c services/console/bootlog.c \
	services/console/dmesg.c services/console/terminal.c services/console/kept.c libs/svc/turn.c libs/ring/ring.c libs/svc/rings.c
inc-fuzz-console := test/unit/console/fake kernel/include libs services/console
seeds-fuzz-console := test/fuzz/console/seeds-console

# SPDX-License-Identifier: BSD-2-Clause
# A domain that holds what a driver or service holds, and attacks with it. Only test images have it (test/system/test_rogue.py).
test-domains += rogue
src-rogue := $(addprefix test/rogue/,main.c authority.c calls.c faults.c peers.c answers.c)
use-rogue := svc rt caps ring sys base
cflags-rogue := -mgeneral-regs-only

# SPDX-License-Identifier: BSD-2-Clause
# as domains are compiled that need no FPU: threads that have never used it are measured
cflags-ktest-bench := -mgeneral-regs-only

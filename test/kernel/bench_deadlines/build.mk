# SPDX-License-Identifier: BSD-2-Clause
qemu-ktest-bench_deadlines := -icount shift=0,sleep=off

# SPDX-License-Identifier: BSD-2-Clause
# A kernel that the test simulates, for libs that make system calls themselves: see kern.h.
kern = test/unit/kern/kern.c libs/sys/clock.c libs/base/error.c libs/rt/sleep.c
kern-cflags := -iquote test/unit/kern/fake -Itest/unit/kern

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_arch.c - all that lwIP needs from its environment without threads: milliseconds
 */
#include <lwip/sys.h>
#include "sys/clock.h"

u32_t sys_now(void) { return (u32_t)(clock_ns() / 1000000); }

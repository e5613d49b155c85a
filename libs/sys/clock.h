/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.h - time, from the kernel's information page
 */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/boot.h>

/* The page that the kernel fills for all domains. */
const struct sk_info *sys_info(void);
/* Nanoseconds since the kernel started, and nanoseconds between two times. */
uint64_t clock_ns(void);
uint64_t clock_ticks_to_ns(uint64_t ticks);
uint64_t clock_ns_to_ticks(uint64_t ns);
/* The time so many milliseconds, or microseconds, from now, as a deadline for a system call. */
sk_time_t clock_in_ms(uint32_t ms);
sk_time_t clock_in_us(uint32_t us);
/*
 * Nanoseconds since 1970 at boot_tsc; false if the machine does not know (and in the root
 * task).
 */
bool clock_wall_boot_ns(uint64_t *ns);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc.h - the wall clock in the machine's CMOS
 */
#ifndef PLATFORM_RTC_H
#define PLATFORM_RTC_H

#include <stdint.h>

/* Read CMOS register `index`. */
typedef uint8_t (*rtc_read_fn)(uint8_t index);

/*
 * Seconds since 1970 (the clock is assumed to run in UTC), or 0 if it holds no date between
 * 2000 and 2199. century is the CMOS index from the FADT, 0 = none.
 */
uint64_t rtc_seconds(rtc_read_fn read, uint8_t century);

#endif

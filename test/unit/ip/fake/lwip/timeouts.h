/* SPDX-License-Identifier: BSD-2-Clause */
/* timeouts.h - the part of lwIP that ip uses; main_test.c plays it */
#ifndef FAKE_LWIP_TIMEOUTS_H
#define FAKE_LWIP_TIMEOUTS_H

#include <stdint.h>

typedef uint32_t u32_t;
#define SYS_TIMEOUTS_SLEEPTIME_INFINITE 0xffffffffu
u32_t sys_timeouts_sleeptime(void);
void sys_check_timeouts(void);

#endif

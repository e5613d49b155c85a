/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h - lines for the logs of guests, which `dmesg` shows */
#ifndef CONTROL_LOG_H
#define CONTROL_LOG_H

#include <stdint.h>

/* A line about a guest, for the part of the log that is the guest's own. */
void guest_log(uint32_t domid, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

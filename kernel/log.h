/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - the log's memory
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdarg.h>

#include "cap.h"

#define LOG_ORDER 16
#define LOG_SIZE 32768u

/* Whole pages, because user land maps them. */
extern union log_ring {
	struct sk_klog log;
	char pages[1u << LOG_ORDER];
} log_ring;
_Static_assert(sizeof(struct sk_klog) + LOG_SIZE <= sizeof(union log_ring), "the ring fits");

/* klog() with a list. */
void vklog(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
/* From now on print to the UART, even if user land owns it, and take no lock. */
void klog_panic(void);

#endif

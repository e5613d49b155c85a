/*
 * boot.h - what the start of the kernel shares: the log's memory
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include <stdarg.h>
#include "cap.h"

#define LOG_ORDER 16

/* Move the log from its early buffer to memory that user land can map. */
struct sk_klog *log_init(void);
void vklog(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
/* From now on to the UART, whatever locks are held. */
void klog_panic(void);

#endif

/*
 * panic.h - what panic.c needs of the log, and whether this_cpu() works yet
 */
#ifndef ARCH_PANIC_H
#define ARCH_PANIC_H

#include <stdarg.h>
#include <stdbool.h>

extern bool gs_ready;
/* core/log.c: klog() with a list; from now on print to the UART whoever owns it, and take no lock. */
void vklog(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
void klog_panic(void);

#endif

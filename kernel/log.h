/*
 * log.h - the log's memory
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "cap.h"

#define LOG_ORDER 16
#define LOG_SIZE 32768u

/* Whole pages, because user land maps them. */
extern union log_ring {
	struct sk_klog log;
	char pages[1u << LOG_ORDER];
} log_ring;
_Static_assert(sizeof(struct sk_klog) + LOG_SIZE <= sizeof(union log_ring), "the ring fits");

#endif

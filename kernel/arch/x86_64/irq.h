/*
 * irq.h - interrupt sources
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include "madt.h"

#define IRQ_SOURCES 1024
extern struct madt madt;

#endif

/*
 * irq.h - interrupt sources
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include "madt.h"

extern struct madt madt;

#endif

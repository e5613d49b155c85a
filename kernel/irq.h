/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.h - interrupt sources as objects
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "cap.h"

struct irq {
	struct object obj;
	struct irq_source source;
	struct slot signal_slot; /* notification capability to signal through */
};
_Static_assert(sizeof(struct irq) <= 1u << SK_ORDER_IRQ, "object size");

#endif

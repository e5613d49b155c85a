/*
 * irq.h - interrupt sources as objects
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "cap.h"

struct irq {
	struct object obj;
	int source; /* of the arch; -1 = not claimed */
	bool level;
	struct slot signal_slot; /* notification capability to signal through */
};
_Static_assert(sizeof(struct irq) <= 1u << SK_ORDER_IRQ, "object size");

void irq_init(struct irq *irq);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c - interrupt sources as objects: claimed, bound to a notification, acknowledged
 *
 * Objects     struct irq: one source of the processor code, and the notification capability
 *             that it signals.
 * Locks       the tree lock. core_irq() takes none and reads the slot as cap_read() does.
 * Lifecycle   made by RETYPE, claimed by IRQ_PIN or IRQ_MSI; irq_destroy() gives the source
 *             back.
 * Invariants  IRQ1 irq->source.vector is 0 exactly while the object has claimed no source
 *             IRQ2 a level pin stays masked from its interrupt until IRQ_ACK, even while no
 *                notification is bound
 */
#include "ipc.h"
#include "irq.h"

void core_irq(struct irq_source *s)
{
	struct cap cap;

	slot_read(&container_of(s, struct irq, source)->signal_slot, &cap);
	if (cap.type == SK_OBJ_NOTIFICATION)
		notification_signal((struct notification *)cap.obj, cap.badge);
}

int under_tree irq_destroy(struct object *o)
{
	struct irq *irq = (struct irq *)o;

	o->dead = true;
	if (irq->source.vector)
		irq_source_free(&irq->source); /* IRQ1 */
	return slot_delete(&irq->signal_slot);
}

SYSCALL_HANDLER(IRQ_PIN)
{
	struct irq_source *s = &((struct irq *)a->slot[1]->obj)->source;
	int rc = error_if(r->r8 >= n_cpus, SK_E_INVAL) ?: error_if(s->vector, SK_E_EXISTS) ?:
		 error_if(r->rdx > UINT32_MAX || r->r10 & ~3ull, SK_E_INVAL);

	if (rc)
		return rc;
	if (r->rdx == SK_IRQ_IOMMU)
		return irq_source_iommu(s);
	rc = irq_source_pin(s, (uint32_t)r->rdx, r->r10 & 1, r->r10 & 2, (uint32_t)r->r8);

	if (!rc)
		irq_source_unmask(s);
	return rc;
}

SYSCALL_HANDLER(IRQ_MSI)
{
	struct irq_source *s = &((struct irq *)a->slot[1]->obj)->source;
	uint64_t addr;
	uint32_t data;
	int rc = error_if(r->rdx >= n_cpus, SK_E_INVAL) ?: error_if(s->vector, SK_E_EXISTS) ?:
		 error_if(r->r10 >> 32, SK_E_INVAL) ?:
		 irq_source_msi(s, (uint32_t)r->rdx, (uint32_t)r->r10, &addr, &data);

	if (rc)
		return rc;
	r->rdi = addr;
	r->rsi = data;
	return 0;
}

SYSCALL_HANDLER(IRQ_BIND)
{
	struct irq *irq = (struct irq *)a->slot[0]->obj;
	struct slot *signal = a->slot[1];
	int rc = slot_delete(&irq->signal_slot);

	if (!rc)
		slot_derive(&irq->signal_slot, signal, SK_W, signal->badge, SLOT_IRQ_SIGNAL);
	return rc;
}

SYSCALL_HANDLER(IRQ_ACK)
{
	struct irq *irq = (struct irq *)a->slot[0]->obj;

	if (!irq->source.vector)
		return -SK_E_STATE;
	if (irq->source.level)
		irq_source_unmask(&irq->source); /* IRQ2 */
	return 0;
}

/*
 * irq.c - interrupt sources as objects: claimed, bound to a notification, acknowledged
 *
 * Objects     struct irq: one source of the arch, and the notification capability that it signals.
 * Locks       tree lock; core_irq() takes none: the table and the slot are read as they are.
 * Lifecycle   made by RETYPE, claimed by IRQ_PIN or IRQ_MSI; irq_destroy() gives the source back.
 * Invariants  I1 table[source] is the object whose source it is, or NULL
 *             I2 a level pin stays masked from its interrupt to IRQ_ACK, also while nobody is bound
 */
#include "irq.h"
#include "ipc.h"

static struct irq *table[IRQ_SOURCES];

void irq_init(struct irq *irq) { irq->source = -1; }

void core_irq(unsigned int source)
{
	struct irq *irq = source < IRQ_SOURCES ? load(&table[source]) : NULL;
	struct cap cap;

	if (!irq)
		return;
	slot_read(&irq->signal_slot, &cap);
	if (cap.type == SK_OBJ_NOTIFICATION)
		notification_signal((struct notification *)cap.obj, cap.badge);
}

int irq_destroy(struct object *o)
{
	struct irq *irq = (struct irq *)o;

	o->dead = true;
	if (irq->source >= 0) {
		store(&table[irq->source], NULL); /* I1 */
		irq_source_free(irq->source);
		irq->source = -1;
	}
	return slot_delete(&irq->signal_slot);
}

static int claim_decode(
	struct thread *t, const struct sk_regs *r, uint64_t cpu, struct irq **irq)
{
	struct slot *ctl, *s;
	int rc = cap_find(t, r->rdi, SK_OBJ_CTL_IRQ, SK_W, &ctl)
			 ?: cap_find(t, r->rsi, SK_OBJ_IRQ, SK_W, &s);

	if (rc)
		return rc;
	if (cpu >= n_cpus)
		return -SK_E_INVAL;
	*irq = (struct irq *)s->obj;
	return (*irq)->source < 0 ? 0 : -SK_E_EXISTS;
}

static int claim_commit(struct irq *irq, int source, bool level)
{
	if (source < 0)
		return source;
	irq->source = source;
	irq->level = level;
	store(&table[source], irq);
	return 0;
}

SYSCALL_HANDLER(IRQ_PIN)
{
	bool level = r->r10 & 1, low = r->r10 & 2;
	struct irq *irq;
	int rc = claim_decode(t, r, r->r8, &irq);

	if (rc)
		return rc;
	if (r->rdx > UINT32_MAX || r->r10 & ~3ull)
		return -SK_E_INVAL;
	rc = claim_commit(irq, irq_source_pin(r->rdx, level, low, r->r8), level);
	if (!rc)
		irq_source_mask(irq->source, false);
	return rc;
}

SYSCALL_HANDLER(IRQ_MSI)
{
	struct irq *irq;
	uint64_t addr;
	uint32_t data;
	int rc = claim_decode(t, r, r->rdx, &irq)
			 ?: claim_commit(irq, irq_source_msi(r->rdx, &addr, &data), false);

	if (rc)
		return rc;
	r->rdi = addr;
	r->rsi = data;
	return 0;
}

SYSCALL_HANDLER(IRQ_BIND)
{
	struct slot *s, *signal;
	struct irq *irq;
	int rc = cap_find(t, r->rdi, SK_OBJ_IRQ, SK_W, &s)
			 ?: cap_find(t, r->rsi, SK_OBJ_NOTIFICATION, SK_W, &signal);

	if (rc)
		return rc;
	irq = (struct irq *)s->obj;
	rc = slot_delete(&irq->signal_slot);
	if (!rc)
		slot_derive(&irq->signal_slot, signal, SK_W, signal->badge, SLOT_IRQ_SIGNAL);
	return rc;
}

SYSCALL_HANDLER(IRQ_ACK)
{
	struct slot *s;
	struct irq *irq;
	int rc = cap_find(t, r->rdi, SK_OBJ_IRQ, SK_W, &s);

	if (rc)
		return rc;
	irq = (struct irq *)s->obj;
	if (irq->source < 0)
		return -SK_E_STATE;
	if (irq->level)
		irq_source_mask(irq->source, false); /* I2 */
	return 0;
}

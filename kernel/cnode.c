/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cnode.c - CNodes: the system calls on slots, and how a CNode ends
 *
 * Objects     struct cnode: a header of 128 bytes, then slots. No call can name slot 0.
 * Locks       the tree lock, held by the caller.
 * Lifecycle   when the last capability to a CNode is deleted, it moves into slot 0 and stays a
 *             child of its untyped, so that the memory is not used again before the CNode is
 *             empty. The thread that deleted the capability clears the CNode slot by slot,
 *             before it does anything else under the tree lock. CNodes found on the way join
 *             its list. A thread that revokes the memory, or ends the clearing thread, takes
 *             the work over.
 * Invariants  CNODE1 cn->cleaner == t exactly while cn is in t->dying; then the last capability
 *                to cn is in its slot 0
 */
#include "thread.h"

enum { EMPTY_SLOTS_A_STEP = 64 };

void cnode_init(struct object *o, uint8_t order)
{
	struct cnode *cn = (struct cnode *)o;

	cn->n_slots = (uint32_t)SK_CNODE_SLOTS(order);
	cn->cleared = 1;
}

/* --- the end ------------------------------------------------------------------------------ */

static void cleaner_set(struct cnode *cn, struct thread *t)
{
	if (cn->cleaner)
		queue_remove(&cn->cleaner->dying, &cn->link);
	cn->cleaner = t; /* CNODE1 */
	if (t)
		queue_append(&t->dying, &cn->link);
}

void cnode_end(struct slot *s)
{
	struct cnode *cn = (struct cnode *)s->obj;

	if (s != &cn->slots[0]) {
		slot_move(&cn->slots[0], s);
		slot_update(&cn->slots[0], 0, 0); /* it may have been a thread's */
	}
	cn->obj.dead = true;
	cleaner_set(cn, this_cpu()->current);
}

static struct cnode *first_dying(struct thread *t)
{
	return t->dying ? container_of(t->dying, struct cnode, link) : NULL;
}

int cnodes_clear(struct thread *t)
{
	struct cnode *cn;
	struct slot *s;
	int rc;

	while ((cn = first_dying(t))) {
		s = &cn->slots[cn->cleared];
		if (cn->cleared == cn->n_slots) {
			cleaner_set(cn, NULL);
			s = &cn->slots[0];
			slot_clear(s);
		} else if (s->type == SK_OBJ_NULL) {
			if (++cn->cleared % EMPTY_SLOTS_A_STEP)
				continue;
		} else {
			rc = slot_delete(s); /* may end t as well, which empties its list */
			if (rc)
				return rc;
			cn->cleared++;
		}
		if (arch_irq_pending())
			return SYS_RESTART;
	}
	return 0;
}

int cnodes_inherit(struct thread *t)
{
	struct thread *heir = this_cpu()->current;
	struct cnode *cn;

	while ((cn = first_dying(t))) {
		cleaner_set(cn, heir == t ? NULL : heir);
		if (arch_irq_pending())
			return SYS_RESTART;
	}
	return 0;
}

/* Never called: cnode_end() comes before it. */
int under_tree cnode_destroy(struct object *o) { panic("CNode %p ends twice", o); }

/* --- system calls ------------------------------------------------------------------------- */

/* A slot inside a CNode that the caller names. */
static int under_tree slot_find(struct thread *t, uint64_t cnode, unsigned int rights,
	uint64_t index, struct slot **slot)
{
	struct slot *s;
	struct cnode *cn;
	int rc = cap_find(t, cnode, SK_OBJ_CNODE, rights, &s);

	if (rc)
		return rc;
	cn = (struct cnode *)s->obj;
	if (index == 0 || index >= cn->n_slots)
		return -SK_E_SLOT;
	*slot = &cn->slots[index];
	return 0;
}

static int under_tree slot_find_empty(
	struct thread *t, uint64_t cnode, uint64_t index, struct slot **slot)
{
	return slot_find(t, cnode, SK_W, index, slot)
		       ?: error_if((*slot)->type != SK_OBJ_NULL, SK_E_SLOT);
}

/* The source of a capability that is derived or moved. */
static int under_tree slot_find_source(struct thread *t, uint64_t cnode, unsigned int rights,
	uint64_t index, struct slot **slot)
{
	return slot_find(t, cnode, rights, index, slot)
		       ?: error_if(!slot_alive(*slot), SK_E_CAP);
}

struct copy_args {
	struct slot *dst, *src;
	uint8_t rights;
};

static int under_tree copy_decode(
	struct thread *t, const struct sk_regs *r, struct copy_args *a)
{
	a->rights = (uint8_t)r->r8;
	return slot_find_empty(t, r->rdi, r->rsi, &a->dst)
		       ?: slot_find_source(t, r->rdx, SK_GRANT, r->r10, &a->src)
		       ?: error_if(r->r8 & ~(uint64_t)SK_ALL, SK_E_INVAL)
		       ?: error_if(!slot_copyable(a->src), SK_E_CAP);
}

SYSCALL_HANDLER(COPY)
{
	struct copy_args c;
	int rc = copy_decode(t, r, &c);

	if (!rc)
		slot_derive(c.dst, c.src, c.rights, c.src->badge, 0);
	return rc;
}

static int under_tree mint_ports(const struct copy_args *a, uint64_t ports)
{
	struct cap v = { SK_OBJ_IOPORT, a->src->rights & a->rights, 0, 0, ports, 0 };
	uint64_t first = ports & 0xffff, last = ports >> 16;

	if (last > 0xffff || first > last)
		return -SK_E_INVAL;
	if (first < (a->src->ports & 0xffff) || last > a->src->ports >> 16)
		return -SK_E_RANGE;
	slot_set(a->dst, a->src, &v);
	return 0;
}

SYSCALL_HANDLER(MINT)
{
	struct copy_args c;
	int rc = copy_decode(t, r, &c);

	if (rc)
		return rc;
	if (c.src->type == SK_OBJ_IOPORT)
		return mint_ports(&c, r->r9);
	if (c.src->type != SK_OBJ_ENDPOINT && c.src->type != SK_OBJ_NOTIFICATION)
		return -SK_E_CAP;
	if (c.src->badge)
		return -SK_E_INVAL;
	slot_derive(c.dst, c.src, c.rights, r->r9, 0);
	return 0;
}

SYSCALL_HANDLER(MOVE)
{
	struct slot *dst, *src;
	int rc = slot_find_empty(t, r->rdi, r->rsi, &dst)
			 ?: slot_find_source(t, r->rdx, SK_W | SK_GRANT, r->r10, &src);

	if (!rc)
		slot_move(dst, src);
	return rc;
}

/* Does the slot still hold what the first try of this call found there? */
static bool same_as_before(struct thread *t, const struct slot *s)
{
	struct restart *again = &t->restart;

	if (again->stage == RESTART_NEW) {
		again->stage = RESTART_FOUND;
		again->type = s->type;
		again->value = s->paddr;
	}
	return again->type == s->type && again->value == s->paddr;
}

SYSCALL_HANDLER(DELETE)
{
	struct slot *s;
	int rc;

	if (t->restart.stage == RESTART_DONE) /* the slot may hold a new capability now */
		return 0;
	rc = slot_find(t, r->rdi, SK_W, r->rsi, &s);
	if (rc || !same_as_before(t, s))
		return rc;
	rc = slot_delete(s);
	if (rc || !t->dying)
		return rc;
	t->restart.stage = RESTART_DONE;
	return SYS_RESTART;
}

SYSCALL_HANDLER(REVOKE)
{
	struct slot *s;
	int rc = slot_find(t, r->rdi, SK_W, r->rsi, &s);

	return rc ?: error_if(!same_as_before(t, s), SK_E_CAP) ?: slot_revoke(s);
}

SYSCALL_HANDLER(CAP_INFO)
{
	struct slot *s;
	int rc = slot_find(t, r->rdi, SK_R, r->rsi, &s);
	bool ports = !rc && s->type == SK_OBJ_IOPORT;

	if (rc)
		return rc;
	r->rdi = s->type | (uint64_t)s->rights << 8 | (uint64_t)s->order << 16;
	r->rsi = ports ? s->ports : s->type == SK_OBJ_FRAME ? 0 : s->badge;
	r->rdx = ports      ? (s->ports >> 16) - (s->ports & 0xffff) + 1
		 : s->order ? 1ull << s->order
			    : 0;
	return 0;
}

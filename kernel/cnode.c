/*
 * cnode.c - CNodes: the system calls on slots
 *
 * Objects     struct cnode: a header of 128 bytes, then slots; slot 0 is never used.
 * Locks       tree lock, held by the caller.
 */
#include "cap.h"
#include "thread.h"

void cnode_init(struct cnode *cn, uint8_t order)
{
	cn->n_slots = (uint32_t)SK_CNODE_SLOTS(order);
}

struct copy_args {
	struct slot *dst, *src;
	uint8_t rights;
};

static int copy_decode(struct thread *t, const struct sk_regs *r, struct copy_args *a)
{
	int rc = cap_find_empty(t, r->rdi, r->rsi, &a->dst)
			 ?: cap_find_source(t, r->rdx, SK_GRANT, r->r10, &a->src);

	if (rc)
		return rc;
	if (r->r8 & ~(uint64_t)SK_ALL)
		return -SK_E_INVAL;
	a->rights = (uint8_t)r->r8;
	return slot_copyable(a->src) ? 0 : -SK_E_CAP;
}

SYSCALL_HANDLER(COPY)
{
	struct copy_args c;
	int rc = copy_decode(t, r, &c);

	if (!rc)
		slot_derive(c.dst, c.src, c.rights,
			c.src->type == SK_OBJ_FRAME ? 0 : c.src->badge, 0);
	return rc;
}

static int mint_ports(const struct copy_args *a, uint64_t ports)
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
	int rc = cap_find_empty(t, r->rdi, r->rsi, &dst)
			 ?: cap_find_source(t, r->rdx, SK_W | SK_GRANT, r->r10, &src);

	if (!rc)
		slot_move(dst, src);
	return rc;
}

SYSCALL_HANDLER(DELETE)
{
	struct slot *s;

	return cap_drain() ?: cap_find_in(t, r->rdi, SK_W, r->rsi, &s) ?: slot_delete(s) ?: cap_drain();
}

SYSCALL_HANDLER(REVOKE)
{
	struct slot *s;

	return cap_drain() ?: cap_find_in(t, r->rdi, SK_W, r->rsi, &s) ?: slot_revoke(s) ?: cap_drain();
}

SYSCALL_HANDLER(CAP_INFO)
{
	struct slot *s;
	int rc = cap_find_in(t, r->rdi, SK_R, r->rsi, &s);
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

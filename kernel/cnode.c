/*
 * cnode.c - CNodes: the system calls on slots
 *
 * Objects     struct cnode: a header of 128 bytes, then slots; slot 0 is never used.
 * Locks       the tree lock around each call.
 */
#include "cap.h"
#include "thread.h"

void cnode_init(struct cnode *cn, unsigned int order)
{
	cn->n_slots = SK_CNODE_SLOTS(order);
}

struct copy_args {
	struct slot *dst, *src;
	unsigned int rights;
};

static int copy_decode(struct thread *t, const struct sk_regs *r, struct copy_args *a)
{
	int rc;

	if (r->r8 & ~(uint64_t)SK_ALL)
		return -SK_E_INVAL;
	a->rights = r->r8;
	rc = cap_find_empty(t, r->rdi, r->rsi, &a->dst);
	if (rc)
		return rc;
	rc = cap_find_in(t, r->rdx, SK_GRANT, r->r10, &a->src);
	if (rc)
		return rc;
	return slot_copyable(a->src) ? 0 : -SK_E_CAP;
}

SYSCALL_HANDLER(sys_copy)
{
	struct copy_args a;
	int rc;

	tree_lock();
	rc = copy_decode(t, r, &a);
	if (!rc)
		slot_derive(a.dst, a.src, a.rights, a.src->type == SK_OBJ_FRAME ? 0 : a.src->badge, 0);
	tree_unlock();
	return rc;
}

static int mint_ports(const struct slot *src, uint64_t ports)
{
	uint64_t first = ports & 0xffff, last = ports >> 16;

	if (last > 0xffff || first > last)
		return -SK_E_INVAL;
	return first >= (src->ports & 0xffff) && last <= src->ports >> 16 ? 0 : -SK_E_RANGE;
}

SYSCALL_HANDLER(sys_mint)
{
	struct copy_args a;
	int rc;

	tree_lock();
	rc = copy_decode(t, r, &a);
	if (rc)
		goto out;
	switch (a.src->type) {
	case SK_OBJ_ENDPOINT:
	case SK_OBJ_NOTIFICATION:
		if (a.src->badge)
			rc = -SK_E_INVAL;
		else
			slot_derive(a.dst, a.src, a.rights, r->r9, 0);
		break;
	case SK_OBJ_IOPORT:
		rc = mint_ports(a.src, r->r9);
		if (!rc) {
			struct slot_init v = { SK_OBJ_IOPORT, a.src->rights & a.rights, 0, 0, r->r9, 0 };

			slot_set(a.dst, a.src, &v);
		}
		break;
	default:
		rc = -SK_E_CAP;
	}
out:
	tree_unlock();
	return rc;
}

SYSCALL_HANDLER(sys_move)
{
	struct slot *dst, *src;
	int rc;

	tree_lock();
	rc = cap_find_empty(t, r->rdi, r->rsi, &dst);
	if (!rc)
		rc = cap_find_in(t, r->rdx, SK_W, r->r10, &src);
	if (!rc && src->type == SK_OBJ_NULL)
		rc = -SK_E_CAP;
	if (!rc)
		slot_move(dst, src);
	tree_unlock();
	return rc;
}

SYSCALL_HANDLER(sys_delete)
{
	struct slot *s;
	int rc;

	tree_lock();
	rc = cap_drain();
	if (!rc)
		rc = cap_find_in(t, r->rdi, SK_W, r->rsi, &s);
	if (!rc)
		rc = slot_delete(s);
	if (!rc)
		rc = cap_drain();
	tree_unlock();
	return rc;
}

SYSCALL_HANDLER(sys_revoke)
{
	struct slot *s;
	int rc;

	tree_lock();
	rc = cap_drain();
	if (!rc)
		rc = cap_find_in(t, r->rdi, SK_W, r->rsi, &s);
	if (!rc)
		rc = slot_revoke(s);
	if (!rc)
		rc = cap_drain();
	tree_unlock();
	return rc;
}

static uint64_t slot_size(const struct slot *s)
{
	switch (s->type) {
	case SK_OBJ_NULL:
		return 0;
	case SK_OBJ_IOPORT:
		return (s->ports >> 16) - (s->ports & 0xffff) + 1;
	default:
		return s->order ? 1ull << s->order : 0;
	}
}

SYSCALL_HANDLER(sys_cap_info)
{
	struct slot *s;
	int rc;

	tree_lock();
	rc = cap_find_in(t, r->rdi, SK_R, r->rsi, &s);
	if (!rc) {
		r->rdi = s->type | (uint64_t)s->rights << 8 | (uint64_t)s->order << 16;
		r->rsi = s->type == SK_OBJ_IOPORT ? s->ports : s->type == SK_OBJ_FRAME ? 0 : s->badge;
		r->rdx = slot_size(s);
	}
	tree_unlock();
	return rc;
}

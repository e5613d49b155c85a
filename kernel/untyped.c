/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * untyped.c - untyped memory: making objects out of it, and reusing it
 *
 * Objects     the untyped is its slot: a range, the watermark `used`, and how far pages are
 *             `prepared`.
 * Locks       the tree lock.
 * Lifecycle   RETYPE carves from the watermark up. When all children are gone, the next RETYPE
 *             starts at 0 again, after every CPU has left the kernel once, so that no stale
 *             pointer meets new contents.
 * Invariants  UNTYPED1 pages of user memory are closed in the kernel window, pages of kernel
 *                objects are open
 *             UNTYPED2 pages between page_up(used) and prepared are zero, and open or closed as
 *                SLOT_OPENED says
 */
#include "cap.h"

struct retype_args {
	struct slot *untyped;
	struct cnode *dest;
	uint64_t slot, n;
	uint64_t start; /* in the untyped, bytes */
	uint8_t type, order;
	bool needs_reset; /* the untyped must be reset before it is used */
};

static const uint8_t fixed_order[] = {
#define X(name, num, order, what) [num] = order,
	SK_OBJECTS(X)
#undef X
};

static int order_decode(uint64_t type, uint64_t order, struct retype_args *a)
{
	static const uint8_t max_order[SK_OBJ_END] = {
		[SK_OBJ_UNTYPED] = 62, [SK_OBJ_CNODE] = 21, [SK_OBJ_FRAME] = SK_HUGE_ORDER
	};
	unsigned int fixed, low, high;

	if (type >= SK_OBJ_END)
		return -SK_E_INVAL;
	fixed = fixed_order[type];
	low = fixed ?: SK_PAGE_ORDER;
	high = fixed ?: max_order[type]; /* 0: cannot be made */
	if (fixed && order == 0)
		order = fixed;
	if (order < low || order > high)
		return -SK_E_INVAL;
	if (type == SK_OBJ_VCPU && !arch_vcpu_available())
		return -SK_E_NO_SYS;
	a->type = (uint8_t)type;
	a->order = (uint8_t)order;
	return 0;
}

static int under_tree dest_decode(
	struct thread *t, const struct sk_regs *r, struct retype_args *a)
{
	struct slot *cnode;
	int rc = cap_find(t, r->rdx, SK_OBJ_CNODE, SK_W, &cnode);

	if (rc)
		return rc;
	a->dest = (struct cnode *)cnode->obj;
	a->slot = r->r10;
	a->n = r->r8;
	if (a->slot == 0 || a->slot >= a->dest->n_slots)
		return -SK_E_SLOT;
	if (a->n == 0 || a->n > SK_RETYPE_MAX)
		return -SK_E_INVAL;
	if (a->n > a->dest->n_slots - a->slot)
		return -SK_E_SLOT;
	for (uint64_t i = 0; i < a->n; i++)
		if (a->dest->slots[a->slot + i].type != SK_OBJ_NULL)
			return -SK_E_SLOT;
	return 0;
}

/* Decode where the objects go. */
static int place_decode(const struct sk_regs *r, struct retype_args *a)
{
	struct slot *u = a->untyped;
	uint64_t total = 1ull << u->order, size = 1ull << a->order;

	a->needs_reset = !(u->flags & SLOT_DEVICE) && !u->first_child && (u->flags & SLOT_USED);
	if (u->flags & SLOT_DEVICE) {
		if (a->type != SK_OBJ_FRAME)
			return -SK_E_INVAL;
		if (r->r9 & (size - 1))
			return -SK_E_ALIGN;
		a->start = r->r9;
	} else {
		if (r->r9)
			return -SK_E_INVAL;
		a->start = a->needs_reset ? 0 : align_up(u->used, size);
	}
	if (a->start > total || a->n > (total - a->start) >> a->order)
		return -SK_E_NO_MEM;
	return 0;
}

static int under_tree retype_decode(
	struct thread *t, const struct sk_regs *r, struct retype_args *a)
{
	return error_if(r->rsi >> 16, SK_E_INVAL) ?: order_decode(r->rsi & 0xff, r->rsi >> 8, a) ?:
	       cap_find(t, r->rdi, SK_OBJ_UNTYPED, SK_W, &a->untyped) ?: dest_decode(t, r, a) ?:
	       place_decode(r, a);
}

static void under_tree untyped_set(
	struct slot *u, uint64_t used, uint64_t prepared, uint8_t flags)
{
	u->prepared = prepared;
	slot_update(u, flags, used);
}

/*
 * All children are gone: wait until no CPU can still use them. Another call may have reset the
 * untyped meanwhile.
 */
static int TA_OFF untyped_reset(struct slot *u)
{
	uint32_t seq = u->seq;

	tree_unlock();
	if (!arch_quiesce() || !tree_lock())
		return SYS_RESTART;
	if (u->seq == seq && u->type == SK_OBJ_UNTYPED && !u->first_child)
		untyped_set(u, 0, 0, u->flags & ~(SLOT_USED | SLOT_OPENED));
	return 0;
}

/* Amounts of work between two looks at pending interrupts. */
enum { STEP_OBJECTS = 4, STEP_ZERO = 4 << SK_PAGE_ORDER, STEP_CLOSE = 64 << SK_PAGE_ORDER };

/* Pages that are closed already, or opened here, become zero. */
static void pages_zero(uint64_t paddr, uint64_t size, bool open)
{
	if (open) {
		arch_window_open(paddr, size);
		memset(phys_to_virt(paddr), 0, size);
		return;
	}
	for (uint64_t at = 0; at < size; at += SK_PAGE_SIZE)
		arch_zero_page(paddr + at);
}

/*
 * Make the pages of the new objects zero, and open or closed; keeps its progress in the slot.
 */
static int under_tree untyped_prepare(struct retype_args *a)
{
	struct slot *u = a->untyped;
	bool open = a->type != SK_OBJ_FRAME;
	/* whole pages, even for small objects: UNTYPED2 */
	uint64_t end = align_up(a->start + (a->n << a->order), SK_PAGE_SIZE);
	uint8_t flags = (uint8_t)((u->flags & ~SLOT_OPENED) | (open ? SLOT_OPENED : 0));
	uint64_t at = u->prepared, closed, size;

	if (a->start > u->used || flags != u->flags) {
		/* UNTYPED2: pages between are skipped, or were prepared for the other use */
		if (flags != u->flags || a->start > at)
			at = align_up(a->start, SK_PAGE_SIZE);
		untyped_set(u, a->start, at, flags);
	}
	for (closed = at; at < end; at += size) {
		if (!open && at == closed) { /* many at a time: each call costs a shoot-down */
			closed = min_u64(end, at + STEP_CLOSE);
			arch_window_close(u->paddr + at, closed - at);
		}
		size = min_u64(STEP_ZERO, (open ? end : closed) - at);
		pages_zero(u->paddr + at, size, open);
		u->prepared = at + size;
		if (at + size < end && arch_irq_pending())
			return SYS_RESTART;
	}
	return 0;
}

/* Make some of the objects; the registers then name those that are left. */
static void under_tree retype_step(struct retype_args *a, struct sk_regs *r)
{
	struct slot *u = a->untyped;
	uint64_t n = min_u64(a->n, STEP_OBJECTS);

	for (uint64_t i = 0; i < n; i++) {
		struct cap v = { a->type, SK_ALL, a->order, u->flags & SLOT_DEVICE,
			u->paddr + a->start, 0 };

		if (object_ops[a->type].destroy)
			v.obj = (uint64_t)object_make(phys_to_virt(v.obj), a->type, a->order);
		slot_set(&a->dest->slots[a->slot + i], u, &v);
		a->start += 1ull << a->order;
	}
	r->r10 = a->slot += n;
	r->r8 = a->n -= n;
	if (u->flags & SLOT_DEVICE)
		r->r9 = a->start;
	else
		untyped_set(u, a->start, max_u64(u->prepared, align_up(a->start, SK_PAGE_SIZE)),
			u->flags | SLOT_USED);
}

SYSCALL_HANDLER(RETYPE)
{
	struct retype_args args;
	int rc;

	do {
		rc = retype_decode(t, r, &args);
		if (!rc && args.needs_reset)
			rc = untyped_reset(args.untyped);
	} while (!rc && args.needs_reset);
	if (!rc && args.type != SK_OBJ_UNTYPED && !(args.untyped->flags & SLOT_DEVICE))
		rc = untyped_prepare(&args);
	while (!rc && args.n) {
		retype_step(&args, r);
		if (args.n && arch_irq_pending())
			rc = SYS_RESTART;
	}
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cap.c - capability slots and the derivation tree
 *
 * Objects     struct slot: in CNodes, and a few inside threads, VCpus and interrupts. Those
 *             internal slots are ordinary members of the tree, so that revoking finds them.
 * Locks       the tree lock (global) guards all slots, links, reference counts, mappings and
 *             bindings. It is the first in the order: tree -> endpoint, notification, reply,
 *             vcpu -> CPU. Requests to other CPUs are made under it alone, so a CPU that waits
 *             for it answers such requests. The wait ends when an interrupt is pending, and the
 *             call is made again. cap_read() needs no lock.
 * Lifecycle   slot_set() and slot_derive() fill a slot, slot_delete() empties it. Deleting the
 *             last capability of an object ends the object. The last one of a CNode moves into
 *             the CNode itself (cnode_end()), so that nothing recurses.
 * Invariants  CAP1 object->refs is the number of slots that name it
 *             CAP2 only the first and the last child know the parent, so a list of children is
 *                spliced in O(1)
 *             CAP3 no capability to an object that has begun to end is derived or moved: the
 *                last one ends it
 */
#include "space.h"
#include "thread.h"

/* --- the tree lock ------------------------------------------------------------------------ */

struct tree_lock tree;
_Static_assert(SK_CPU_MAX <= 64, "a bit each");
enum { SPINS_A_LOOK = 64 };

/* Withdraw a CPU's wish; false if another CPU has done so already. */
static bool wish_take(uint32_t cpu)
{
	uint64_t bit = 1ull << cpu;

	return __atomic_fetch_and(&tree.wanted, ~bit, __ATOMIC_SEQ_CST) & bit;
}

bool tree_wait(void)
{
	uint32_t me = this_cpu()->id;

	__atomic_fetch_or(&tree.wanted, 1ull << me, __ATOMIC_SEQ_CST);
	for (unsigned int spins = 1; !tree_held(); spins++) {
		if (tree_take()) {
			(void)wish_take(me);
			break;
		}
		arch_serve();
		__builtin_ia32_pause();
		/* if another CPU has withdrawn the wish, it is about to hand over the lock */
		if (spins % SPINS_A_LOOK == 0 && arch_irq_pending() && wish_take(me))
			return false;
	}
	return true;
}

void tree_pass(void)
{
	uint64_t wanted, above = ~((2ull << this_cpu()->id) - 1);
	uint32_t next = 0;

	while ((wanted = load(&tree.wanted))) {
		next = (uint32_t)__builtin_ctzll(wanted & above ? wanted & above : wanted);
		if (wish_take(next))
			break;
	}
	__atomic_store_n(&tree.holder, wanted ? next + 1 : 0, __ATOMIC_RELEASE);
}

/* --- reading ------------------------------------------------------------------------------ */

static bool names_object(const struct slot *s) { return object_ops[s->type].destroy; }

bool slot_alive(const struct slot *s)
{
	if (names_object(s))
		return !s->obj->dead;
	return s->type != SK_OBJ_NULL && !(s->flags & SLOT_ENDING);
}

int cap_find(struct thread *t, uint64_t index, unsigned int type, unsigned int rights,
	struct slot **slot)
{
	struct cnode *cn = t->cspace;
	struct slot *s;

	if (!cn || index == 0 || index >= cn->n_slots)
		return -SK_E_CAP;
	s = &cn->slots[index];
	if (!slot_alive(s) || (type && s->type != type))
		return -SK_E_CAP;
	if (rights & ~s->rights)
		return -SK_E_RIGHTS;
	*slot = s;
	return 0;
}

bool slot_copyable(const struct slot *s)
{
	return s->type != SK_OBJ_UNTYPED && s->type != SK_OBJ_TABLE;
}

/* --- the tree ----------------------------------------------------------------------------- */

#define PARENT 1ul

static struct slot *link_slot(uintptr_t link) { return (struct slot *)(link & ~PARENT); }

/* The slot after `at` in its list is now `to`. */
static void link_after(uintptr_t at, uintptr_t to)
{
	if (at & PARENT)
		link_slot(at)->first_child = to & PARENT ? NULL : link_slot(to);
	else if (at)
		link_slot(at)->next = to;
}

/* The slot before `at` in its list is now `to`. */
static void link_before(uintptr_t at, uintptr_t to)
{
	if (at & PARENT)
		link_slot(at)->last_child = to & PARENT ? NULL : link_slot(to);
	else if (at)
		link_slot(at)->prev = to;
}

static void tree_insert(struct slot *s, struct slot *parent)
{
	s->prev = s->next = 0;
	s->first_child = s->last_child = NULL;
	if (!parent)
		return;
	s->prev = (uintptr_t)parent | PARENT;
	s->next = parent->first_child ? (uintptr_t)parent->first_child : s->prev;
	link_before(s->next, (uintptr_t)s);
	parent->first_child = s;
}

/* The children of s take its place. */
static void tree_remove(struct slot *s)
{
	uintptr_t first = s->next, last = s->prev;

	if (s->first_child) {
		first = (uintptr_t)s->first_child;
		last = (uintptr_t)s->last_child;
		s->first_child->prev = s->prev; /* CAP2 */
		s->last_child->next = s->next;
	}
	link_after(s->prev, first);
	link_before(s->next, last);
	s->first_child = s->last_child = NULL; /* REVOKE of the empty slot must find nothing */
}

/* --- writing ------------------------------------------------------------------------------ */

void slot_write(struct slot *s, const struct cap *v)
{
	uint64_t head = (uint64_t)(s->seq + 2) << 32;

	__builtin_memcpy(&head, v, 4); /* type to flags */
	store(&s->head, s->head | SEQ_ODD);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store(&s->paddr, v->obj);
	store(&s->badge, v->badge);
	__atomic_store_n(&s->head, head, __ATOMIC_RELEASE);
}

void slot_set(struct slot *s, struct slot *parent, const struct cap *init)
{
	s->space = NULL;
	s->space_next = s->space_prev = NULL;
	tree_insert(s, parent);
	slot_write(s, init);
}

void slot_update(struct slot *s, uint8_t flags, uint64_t badge)
{
	slot_write(s, &(struct cap){ s->type, s->rights, s->order, flags, s->paddr, badge });
}

void slot_derive(
	struct slot *dst, struct slot *src, uint8_t rights, uint64_t badge, uint8_t flags)
{
	/* a frame has its address in place of a badge, and it is not mapped so far */
	struct cap v = { src->type, src->rights & rights, src->order,
		(src->flags & SLOT_DEVICE) | flags, src->paddr,
		src->type == SK_OBJ_FRAME ? 0 : badge };

	BUG_ON(!slot_alive(src)); /* CAP3 */
	if (names_object(src))
		src->obj->refs++; /* CAP1 */
	slot_set(dst, src, &v);
}

static const struct cap empty;

void slot_move(struct slot *dst, struct slot *src)
{
	struct cap v;

	BUG_ON(!slot_alive(src)); /* CAP3 */
	slot_read(src, &v);
	/* all fields that slot_write() does not write */
	__builtin_memcpy(&dst->first_child, &src->first_child,
		sizeof(*dst) - offsetof(struct slot, first_child));
	link_after(dst->prev, (uintptr_t)dst);
	link_before(dst->next, (uintptr_t)dst);
	if (dst->first_child) {
		dst->first_child->prev = (uintptr_t)dst | PARENT;
		dst->last_child->next = (uintptr_t)dst | PARENT;
	}
	slot_write(dst, &v);
	slot_write(src, &empty);
	src->first_child = src->last_child = NULL;
	space_relink(dst);
}

/* --- deleting ----------------------------------------------------------------------------- */

/* End the object or mapping that the capability stands for; restartable. */
static int under_tree slot_release(struct slot *s)
{
	int rc;

	if (s->type == SK_OBJ_FRAME) {
		rc = frame_unmap_all(s);
		if (rc) /* no call maps it again while it is unmapped step by step */
			slot_update(s, s->flags | SLOT_ENDING, s->base);
		return rc;
	}
	if (s->type == SK_OBJ_TABLE)
		return table_unlink(s);
	if (!names_object(s))
		return 0;
	BUG_ON(s->obj->refs == 0); /* CAP1 */
	return s->obj->refs == 1 ? object_ops[s->type].destroy(s->obj) : 0;
}

static int under_tree slot_detach(struct slot *s)
{
	unsigned int owner = s->flags & SLOT_OWNER;

	if (owner == SLOT_THREAD_CSPACE || owner == SLOT_THREAD_SPACE)
		return thread_detach(s);
	return owner == SLOT_VCPU_NESTED ? vcpu_detach(s) : 0;
}

void slot_clear(struct slot *s)
{
	if (names_object(s))
		s->obj->refs--; /* CAP1 */
	tree_remove(s);
	slot_write(s, &empty);
}

int slot_delete(struct slot *s)
{
	int rc = s->type == SK_OBJ_NULL ? 0 : slot_detach(s);

	if (rc || s->type == SK_OBJ_NULL)
		return rc;
	if (s->type == SK_OBJ_CNODE && s->obj->refs == 1) {
		cnode_end(s);
		return 0;
	}
	rc = slot_release(s);
	if (!rc)
		slot_clear(s);
	return rc;
}

int slot_revoke(struct slot *s)
{
	const struct thread *me = this_cpu()->current;
	int rc;

	/*
	 * The children of a deleted child take its place, so there is no descent and each step
	 * is bounded.
	 */
	while (s->first_child) {
		rc = slot_delete(s->first_child);
		if (rc)
			return rc;
		/*
		 * a thread that has ended itself stops here: no more CNodes may join its list
		 */
		if (me->dying || me->obj.dead || arch_irq_pending())
			return SYS_RESTART;
	}
	return 0;
}

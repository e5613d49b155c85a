/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c - the walker of the checked kernel: is all that the kernel keeps consistent?
 *
 * Objects     a table of the objects that capabilities name. Starting from the root task's
 *             CNode, the walk follows capability spaces, derivation links and the slots inside
 *             objects.
 * Locks       the caller holds the tree lock. Locks of objects and CPUs are taken one at a
 *             time, so that the other CPUs may go on with calls that need no tree lock.
 * Lifecycle   compiled into the checked kernel and the host build only; check_all() on demand.
 * Invariants  those of the files that keep the data: CAP1, CAP2, SPACE1, SPACE2, EP1, EP2,
 *             NTFN1, SCHED1, SCHED2, SCHED4, THREAD1, VCPU1, HEAP1, HEAP2. When one does not
 *             hold, the kernel stops with a sentence about it.
 */
#include "check.h"
#include "arch/x86_64/pte.h"
#include "ipc.h"
#include "irq.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"

enum { OBJECTS_MAX = 1 << 14, HASH_SIZE = 1 << 15, STEPS_MAX = 1 << 20 };
#define PARENT 1ul
#define PTE_RIGHTS (PTE_WRITE | PTE_NX)

/* What the walk has found: each object once, in the order of finding. */
static struct found {
	struct object *obj;
	uint32_t refs; /* slots that name it */
} found[OBJECTS_MAX];
static uint32_t n_found;
static uint16_t hash[HASH_SIZE]; /* index + 1 */
static struct cnode *root;
static bool alone, all_done; /* no other CPU is in the kernel; and no call is half done */

#define REQUIRE(cond, ...) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			panic("check: " __VA_ARGS__); \
	} while (0)

void check_init(struct cnode *cnode) { root = cnode; }

/* --- objects ------------------------------------------------------------------------------ */

static bool names_object(unsigned int type)
{
	return type >= SK_OBJ_CNODE && type <= SK_OBJ_VCPU && type != SK_OBJ_FRAME &&
	       type != SK_OBJ_TABLE;
}

static uint32_t hash_of(const struct object *o)
{
	return (uint32_t)(((uint64_t)o >> 6) * 0x9e3779b97f4a7c15ull >> 49);
}

/* Its place in `hash`: where it is, or where it would go. */
static uint16_t *hash_find(const struct object *o)
{
	uint32_t h = hash_of(o);

	while (hash[h] && found[hash[h] - 1].obj != o)
		h = (h + 1) % HASH_SIZE;
	return &hash[h];
}

static bool object_known(const struct object *o) { return *hash_find(o) != 0; }

static struct found *object_add(struct object *o)
{
	uint16_t *h = hash_find(o);

	if (!*h) {
		REQUIRE(n_found < OBJECTS_MAX, "more than %u objects", OBJECTS_MAX);
		found[n_found] = (struct found){ o, 0 };
		*h = (uint16_t)++n_found;
	}
	return &found[*h - 1];
}

/* --- slots and the derivation tree -------------------------------------------------------- */

static struct slot *link_slot(uintptr_t link) { return (struct slot *)(link & ~PARENT); }

/* Do the neighbours of s know it? */
static void links_check(const struct slot *s)
{
	const struct slot *prev = link_slot(s->prev), *next = link_slot(s->next);

	if (prev)
		REQUIRE((s->prev & PARENT ? (uintptr_t)prev->first_child : prev->next) ==
				(uintptr_t)s,
			"slot %p of type %u: the slot before it in the tree does not know it (CAP2)",
			s, s->type);
	if (next)
		REQUIRE((s->next & PARENT ? (uintptr_t)next->last_child : next->prev) ==
				(uintptr_t)s,
			"slot %p of type %u: the slot after it in the tree does not know it (CAP2)",
			s, s->type);
	REQUIRE(!s->first_child == !s->last_child, "slot %p has a first or a last child alone",
		s);
}

/* First byte that an object or a piece of memory takes. */
static uint64_t slot_paddr(const struct slot *s)
{
	if (s->type == SK_OBJ_UNTYPED || s->type == SK_OBJ_FRAME || s->type == SK_OBJ_TABLE)
		return s->paddr;
	if (s->type == SK_OBJ_SPACE_HOST || s->type == SK_OBJ_SPACE_NESTED ||
		s->type == SK_OBJ_SPACE_IO)
		return virt_to_phys(s->obj) - SK_PAGE_SIZE;
	if (s->type == SK_OBJ_THREAD)
		return virt_to_phys(thread_of(s->obj));
	return virt_to_phys(s->obj);
}

static void child_check(const struct slot *parent, const struct slot *child)
{
	REQUIRE(child->type != SK_OBJ_NULL, "empty slot %p is in the tree", child);
	if (parent->type == SK_OBJ_UNTYPED) {
		uint64_t at = slot_paddr(child);

		REQUIRE(parent->flags & (SLOT_USED | SLOT_DEVICE),
			"untyped %lx has children and counts as unused", parent->paddr);
		REQUIRE(at >= parent->paddr && at < parent->paddr + (1ull << parent->order),
			"slot of type %u: %lx is not in its untyped %lx", child->type, at,
			parent->paddr);
		return;
	}
	REQUIRE(child->type == parent->type, "slot of type %u derives from type %u",
		child->type, parent->type);
	REQUIRE(!(child->rights & ~parent->rights),
		"slot %p of type %u has more rights (%x) than its parent (%x)", child,
		child->type, child->rights, parent->rights);
	if (child->type != SK_OBJ_IOPORT)
		REQUIRE(child->paddr == parent->paddr,
			"slot of type %u derives from another object's", child->type);
	if (child->type == SK_OBJ_ENDPOINT || child->type == SK_OBJ_NOTIFICATION)
		REQUIRE(!parent->badge || child->badge == parent->badge,
			"badge %lx derives from badge %lx", child->badge, parent->badge);
}

static void children_check(struct slot *s)
{
	unsigned int steps = 0;
	struct slot *c = s->first_child;

	while (c) {
		REQUIRE(++steps < STEPS_MAX, "the children of slot %p are a loop", s);
		child_check(s, c);
		links_check(c);
		if (names_object(c->type))
			object_add(c->obj);
		if (c->next & PARENT)
			REQUIRE(link_slot(c->next) == s,
				"the last child of slot %p knows another parent", s);
		c = c->next & PARENT ? NULL : link_slot(c->next);
	}
}

/* A frame or table that is mapped: its neighbours in the list of its space know it (SPACE1). */
static void mapped_check(const struct slot *s)
{
	const struct space *space = s->space;

	if ((s->type != SK_OBJ_FRAME && s->type != SK_OBJ_TABLE) || !space)
		return;
	REQUIRE(object_known(&space->obj) || !alone,
		"a slot of type %u is mapped in a space that is gone", s->type);
	REQUIRE((s->space_prev ? s->space_prev->space_next : space->mapped) == s,
		"slot %p of type %u: its space's list does not know it (SPACE1)", s, s->type);
	REQUIRE(!s->space_next || s->space_next->space_prev == s,
		"slot %p of type %u: its successor in its space's list does not know it (SPACE1)",
		s, s->type);
}

/* owner: which of its object's slots it is; 0: it lies in a CNode. */
static void slot_check(struct slot *s, unsigned int owner)
{
	REQUIRE(!(s->seq & 1), "slot %p is being written", s);
	REQUIRE(s->type != SK_OBJ_NULL || !s->first_child, "empty slot %p has children", s);
	if (s->type == SK_OBJ_NULL)
		return;
	REQUIRE(s->type < SK_OBJ_END, "slot %p has type %u", s, s->type);
	REQUIRE((s->flags & SLOT_OWNER) == owner, "slot %p of type %u has flags %x", s, s->type,
		s->flags);
	links_check(s);
	children_check(s);
	if (names_object(s->type)) {
		REQUIRE(s->obj->type == s->type,
			"slot %p of type %u names an object of type %u", s, s->type,
			s->obj->type);
		object_add(s->obj)->refs++;
	}
}

/* --- objects one by one ------------------------------------------------------------------- */

/* The pointer is cleared before the slot, and a call that empties the slot may be half done. */
static void in_slot(const struct slot *s, uint8_t type, const void *obj, const char *what)
{
	const void *has = s->type == SK_OBJ_NULL ? NULL : s->obj;

	REQUIRE(has == obj || (!obj && !all_done), "%s: pointer %p, slot %p", what, obj, has);
	REQUIRE(s->type == SK_OBJ_NULL || s->type == type, "%s: slot of type %u", what,
		s->type);
}

/* Is l in the circular queue? Locked by the caller. */
static bool queue_has(struct link *queue, const struct link *l)
{
	struct link *at = queue;
	unsigned int steps = 0;

	if (!queue)
		return false;
	do {
		REQUIRE(at->next->prev == at, "a queue's links disagree");
		REQUIRE(++steps < STEPS_MAX, "a queue has no end");
		if (at == l)
			return true;
		at = at->next;
	} while (at != queue);
	return false;
}

static bool waits_there(struct thread *t, struct object *o)
{
	switch (o->type) {
	case SK_OBJ_ENDPOINT:
		return queue_has(((struct endpoint *)o)->queue, &t->link);
	case SK_OBJ_REPLY:
		return ((struct reply *)o)->caller == t;
	case SK_OBJ_NOTIFICATION:
		return ((struct notification *)o)->waiter == t;
	default:
		return false;
	}
}

static void wait_check(struct thread *t)
{
	struct object *o = load(&t->wait_obj);

	if (!o)
		return;
	spin_lock(&o->lock);
	if (t->wait_obj == o) {
		REQUIRE(object_known(o), "thread %p waits on an object that is gone", t);
		REQUIRE(waits_there(t, o),
			"thread %p waits on an object that does not know it (THREAD1)", t);
	}
	spin_unlock(&o->lock);
}

static void thread_check(struct thread *t)
{
	in_slot(&t->cspace_slot, SK_OBJ_CNODE, t->cspace, "a thread's capability space");
	in_slot(&t->space_slot, SK_OBJ_SPACE_HOST, t->space, "a thread's address space");
	REQUIRE(!t->bound || (object_known(&t->bound->obj) && t->bound->bound == t),
		"thread %p is bound to a notification that does not know it", t);
	REQUIRE(!t->sched || (object_known(&t->sched->obj) && t->sched->thread == t),
		"thread %p has a scheduling context that does not know it", t);
	REQUIRE(t->state <= THREAD_WAITING, "thread %p has state %u", t, t->state);
	wait_check(t);
	if (!alone)
		return;
	REQUIRE((t->state == THREAD_READY) == !t->wait_obj, "thread %p in state %u waits on %p",
		t, t->state, t->wait_obj);
	REQUIRE((!t->wait_obj && (!t->vcpu || t->expired)) || t->deadline == SK_NO_DEADLINE ||
			(heap_contains(&t->timer) && t->timer.key <= t->deadline),
		"thread %p waits until %lx without a timer (SCHED6)", t, t->deadline);
}

static void endpoint_check(struct endpoint *ep)
{
	struct link *at = ep->queue;
	unsigned int want = ep->receivers ? THREAD_RECEIVING : THREAD_SENDING;

	REQUIRE(!all_done || !ep->obj.dead || !at, "a dead endpoint has a queue");
	queue_has(ep->queue, NULL);
	while (at) {
		struct thread *t = container_of(at, struct thread, link);

		REQUIRE(object_known(&t->obj), "an endpoint's queue has a thread that is gone");
		REQUIRE(t->wait_obj == &ep->obj && t->state == want,
			"thread %p in state %u is in an endpoint's queue (EP1)", t, t->state);
		at = at->next == ep->queue ? NULL : at->next;
	}
}

static void notification_check(const struct notification *n)
{
	const struct thread *w = n->waiter;

	REQUIRE(!w || (object_known(&w->obj) && w->wait_obj == &n->obj),
		"a notification's waiter does not wait for it");
	REQUIRE(!w || !n->word, "a thread waits for a notification with word %lx (NTFN1)",
		n->word);
	REQUIRE(!n->bound || (object_known(&n->bound->obj) && n->bound->bound == n),
		"a notification's bound thread does not know it");
}

static void reply_check(const struct reply *r)
{
	const struct thread *t = r->caller;

	REQUIRE(!t || (object_known(&t->obj) && t->wait_obj == &r->obj &&
			      t->state == THREAD_CALLING),
		"a Reply's caller does not wait for it (EP2)");
}

static void vcpu_check_object(struct vcpu *v)
{
	const struct thread *t = v->entered;

	in_slot(&v->nested_slot, SK_OBJ_SPACE_NESTED, v->nested, "a vCPU's nested space");
	REQUIRE(!t || (object_known(&t->obj) && t->vcpu == v),
		"a vCPU is entered by a thread that does not know it (VCPU1)");
}

/* The caller holds the object's lock. */
static void object_check_locked(struct object *o)
{
	switch (o->type) {
	case SK_OBJ_ENDPOINT:
		endpoint_check((struct endpoint *)o);
		break;
	case SK_OBJ_NOTIFICATION:
		notification_check((struct notification *)o);
		break;
	case SK_OBJ_REPLY:
		reply_check((struct reply *)o);
		break;
	case SK_OBJ_VCPU:
		vcpu_check_object((struct vcpu *)o);
		break;
	default:
		break;
	}
}

static void object_slots_check(struct object *o)
{
	struct thread *t = thread_of(o);
	struct vcpu *v = (struct vcpu *)o;

	if (o->type == SK_OBJ_CNODE) {
		struct cnode *cn = (struct cnode *)o;

		for (uint32_t i = 0; i < cn->n_slots; i++)
			slot_check(&cn->slots[i], 0);
	} else if (o->type == SK_OBJ_THREAD) {
		slot_check(&t->cspace_slot, SLOT_THREAD_CSPACE);
		slot_check(&t->space_slot, SLOT_THREAD_SPACE);
		slot_check(&t->fault_slot, SLOT_THREAD_FAULT);
		slot_check(&t->utcb_slot, SLOT_THREAD_UTCB);
	} else if (o->type == SK_OBJ_VCPU) {
		slot_check(&v->nested_slot, SLOT_VCPU_NESTED);
		slot_check(&v->state_slot, SLOT_VCPU_STATE);
	} else if (o->type == SK_OBJ_IRQ) {
		slot_check(&((struct irq *)o)->signal_slot, SLOT_IRQ_SIGNAL);
	}
}

/* --- page tables -------------------------------------------------------------------------- */

/*
 * Which frame of the space a leaf belongs to; frames come in the order of addresses, so try the
 * last one first.
 */
static const struct slot *leaf_owner(
	const struct space *s, const struct slot *last, uint64_t vaddr, uint64_t paddr)
{
	const struct slot *f = last ? last : s->mapped;
	bool again = last != NULL;

	while (f) {
		uint64_t offset = vaddr - (f->base & ~(SK_PAGE_SIZE - 1));

		if (f->type == SK_OBJ_FRAME && offset < 1ull << f->order &&
			f->paddr + offset == paddr)
			return f;
		f = again ? s->mapped : f->space_next;
		again = false;
	}
	return NULL;
}

static void leaf_check(
	const struct space *s, uint64_t vaddr, uint64_t e, const struct slot **last)
{
	const struct slot *f = leaf_owner(s, *last, vaddr, pte_paddr(e));

	REQUIRE(f,
		"%lx is mapped to %lx, which no frame capability of the space stands for (SPACE2)",
		vaddr, pte_paddr(e));
	REQUIRE(!(e & PTE_WRITE) || f->rights & SK_W,
		"%lx is mapped writable through a capability without that right", vaddr);
	REQUIRE(e & PTE_NX || f->rights & SK_EXEC || s->obj.type == SK_OBJ_SPACE_IO,
		"%lx is mapped executable through a capability without that right", vaddr);
	*last = f;
}

static void table_check(const struct space *s, uint64_t vaddr, uint64_t e, unsigned int level)
{
	const struct slot *t;

	for (t = s->mapped; t; t = t->space_next)
		if (t->type == SK_OBJ_TABLE && t->paddr == pte_paddr(e))
			break;
	REQUIRE(t, "%lx: the table %lx belongs to no table capability of the space", vaddr,
		pte_paddr(e));
	REQUIRE(t->order == level && t->base == vaddr,
		"table %lx of level %u at %lx: its capability says level %u at %lx", t->paddr,
		level, vaddr, t->order, t->base);
}

static void tables_walk(const struct space *s, const uint64_t *table, unsigned int level,
	uint64_t base, const struct slot **last)
{
	unsigned int end = level == SPACE_LEVELS ? 256 : 512;
	bool boot;

	for (unsigned int i = 0; i < end; i++) {
		uint64_t e = load(&table[i]), vaddr = base + i * pte_span(level);

		if (!pte_present(e))
			continue;
		boot = s->obj.type == SK_OBJ_SPACE_HOST && e & PTE_BOOT;
		if (!pte_is_table(e, level)) {
			if (!boot)
				leaf_check(s, vaddr, e, last);
			continue;
		}
		if (!boot)
			table_check(s, vaddr, e, level - 1);
		tables_walk(s, phys_to_virt(pte_paddr(e)), level - 1, vaddr, last);
	}
}

static void space_check(struct space *s)
{
	const struct slot *last = NULL, *at;
	unsigned int steps = 0;

	for (at = s->mapped; at; at = at->space_next) {
		REQUIRE(++steps < STEPS_MAX, "the list of space %p is a loop", s);
		REQUIRE(at->space == s &&
				(at->type == SK_OBJ_FRAME || at->type == SK_OBJ_TABLE),
			"slot %p of type %u is in the list of a space that is not its (SPACE1)",
			at, at->type);
	}
	if (s->obj.dead || !space_levels(s))
		return;
	if (s->obj.type == SK_OBJ_SPACE_HOST)
		REQUIRE(arch_space_root_ok(phys_to_virt(s->root)),
			"the kernel half of space %p is not the kernel's", s);
	tables_walk(s, phys_to_virt(space_tables(s)), space_levels(s), 0, &last);
}

static void mappings_check(struct object *o)
{
	struct cnode *cn = (struct cnode *)o;

	if (o->type == SK_OBJ_CNODE)
		for (uint32_t i = 0; i < cn->n_slots; i++)
			mapped_check(&cn->slots[i]);
	else if (o->type == SK_OBJ_THREAD)
		mapped_check(&thread_of(o)->utcb_slot);
	else if (o->type == SK_OBJ_VCPU)
		mapped_check(&((struct vcpu *)o)->state_slot);
}

/* --- CPUs --------------------------------------------------------------------------------- */

static void queue_check(const struct sched_cpu *sc, unsigned int priority)
{
	struct link *first = sc->queue[priority], *at = first;

	REQUIRE(!first == !(sc->bitmap >> priority & 1),
		"CPU %u: the bitmap is wrong about priority %u", sc->cpu->id, priority);
	if (!first)
		return;
	queue_has(first, NULL);
	do {
		const struct sched *s = container_of(at, struct sched, link);

		REQUIRE(object_known(&s->obj), "CPU %u: a queued scheduling context is gone",
			sc->cpu->id);
		REQUIRE(s->place == SCHED_QUEUED && s->cpu == sc->cpu->id &&
				s->priority == priority && s->thread,
			"CPU %u: scheduling context %p is in a queue where it does not belong (SCHED1)",
			sc->cpu->id, s);
		REQUIRE(!alone || thread_runnable(s->thread),
			"CPU %u: thread %p is queued and cannot run (SCHED2)", sc->cpu->id,
			s->thread);
		at = at->next;
	} while (at != first);
}

static void timer_check(const struct sched_cpu *sc, const struct heap_node *n)
{
	uint32_t left = n->left ? n->left->rank : 0, right = n->right ? n->right->rank : 0;

	REQUIRE(!n->parent || n->parent->key <= n->key,
		"a timer is earlier than its parent (HEAP1)");
	REQUIRE(left >= right && n->rank == right + 1,
		"the timers' heap leans to the right (HEAP2)");
	REQUIRE((n->tag & TIMER_CPU) == sc->cpu->id, "CPU %u has a timer of CPU %u",
		sc->cpu->id, n->tag & TIMER_CPU);
	REQUIRE(n->key >= sc->first_deadline,
		"CPU %u: a deadline is before the first one (SCHED4)", sc->cpu->id);
	if (n->tag & TIMER_RELEASE)
		REQUIRE(container_of(n, struct sched, release)->place == SCHED_THROTTLED,
			"CPU %u: a release timer of a context that is not throttled",
			sc->cpu->id);
	else
		REQUIRE(object_known(&container_of(n, struct thread, timer)->obj),
			"CPU %u: a timer of a thread that is gone", sc->cpu->id);
}

/* Without a stack: down to the left, then right, and up along the parents. */
static void timers_check(const struct sched_cpu *sc, unsigned int band)
{
	const struct heap_node *n = sc->timers[band], *up;
	unsigned int steps = 0;

	REQUIRE(!n || !n->parent, "CPU %u: the first timer has a parent", sc->cpu->id);
	while (n) {
		REQUIRE(++steps < STEPS_MAX, "CPU %u: the timers are a loop", sc->cpu->id);
		timer_check(sc, n);
		REQUIRE(n->tag >> TIMER_BAND_SHIFT == band, "CPU %u: a timer is in band %u",
			sc->cpu->id, band);
		REQUIRE(!n->left || n->left->parent == n,
			"a timer's left child does not know it");
		REQUIRE(!n->right || n->right->parent == n,
			"a timer's right child does not know it");
		if (n->left || n->right) {
			n = n->left ? n->left : n->right;
			continue;
		}
		for (up = n->parent; up && (up->right == n || !up->right); up = up->parent)
			n = up;
		n = up ? up->right : NULL;
	}
}

static void cpu_check(struct cpu *c)
{
	const struct sched_cpu *sc = c->sched;
	const struct thread *t = c->current;

	for (unsigned int p = 0; p < SCHED_PRIORITIES; p++)
		queue_check(sc, p);
	for (unsigned int band = 0; band < TIMER_BANDS; band++)
		timers_check(sc, band);
	REQUIRE(!sc->running || sc->running->place == SCHED_NOWHERE,
		"CPU %u: the running context is also in a queue (SCHED1)", c->id);
	REQUIRE(!t || object_known(&t->obj), "CPU %u runs a thread that is gone", c->id);
	REQUIRE(!t || t->on == c, "CPU %u runs thread %p, whose owner is another", c->id, t);
	REQUIRE(!c->space || object_known(&c->space->obj), "CPU %u uses a space that is gone",
		c->id);
	for (uint32_t i = 0; t && i < c->id; i++)
		REQUIRE(load(&cpus[i]->current) != t, "thread %p runs on CPU %u and on CPU %u",
			t, i, c->id);
}

/* If a thread says that a CPU has it, it is that CPU's current thread. All CPUs are locked. */
static void owner_check(const struct object *o)
{
	const struct thread *t = container_of(o, struct thread, obj);

	if (o->type == SK_OBJ_THREAD)
		REQUIRE(!t->on || t->on->current == t,
			"thread %p is on a CPU that does not run it", t);
}

static void TA_OFF cpus_check(void)
{
	uint32_t i;

	for (i = 0; i < n_cpus; i++)
		spin_lock(&((struct sched_cpu *)cpus[i]->sched)->lock);
	for (i = 0; i < n_cpus; i++)
		cpu_check(cpus[i]);
	for (i = 0; i < n_found; i++)
		owner_check(found[i].obj);
	for (i = 0; i < n_cpus; i++)
		spin_unlock(&((struct sched_cpu *)cpus[i]->sched)->lock);
}

/* --- all of it ---------------------------------------------------------------------------- */

static void object_check(struct found *f)
{
	struct object *o = f->obj;

	REQUIRE(o->refs == f->refs,
		"object %p of type %u: %u slots name it, it counts %u (CAP1)", o, o->type,
		f->refs, o->refs);
	REQUIRE(!all_done || !o->dead, "a capability names an object of type %u that has ended",
		o->type);
	if (o->type == SK_OBJ_THREAD)
		thread_check(thread_of(o));
	else if (o->type == SK_OBJ_SPACE_HOST || o->type == SK_OBJ_SPACE_NESTED ||
		 o->type == SK_OBJ_SPACE_IO)
		space_check(space_of(o));
	mappings_check(o);
	spin_lock(&o->lock);
	object_check_locked(o);
	spin_unlock(&o->lock);
}

unsigned int check_all(enum check_world world)
{
	uint32_t i;

	if (!root)
		return 0;
	alone = world != CHECK_OTHERS_RUN;
	all_done = world == CHECK_STANDS_STILL;
	n_found = 0;
	memset(hash, 0, sizeof(hash));
	object_add(&root->obj);
	for (i = 0; i < n_found; i++)
		object_slots_check(found[i].obj);
	for (i = 0; i < n_found; i++)
		object_check(&found[i]);
	cpus_check();
	return n_found;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_calls.c - the meaning of each system call
 */
#include <string.h>

#include "fake.h"
#include "ipc.h"
#include "irq.h"
#include "model.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"

#define UNJUDGED UINT32_MAX /* any result may be right */

/* --- slots -------------------------------------------------------------------------------- */

/* A slot of a CNode that t names; 0 with errors. */
static uint64_t place_of(const struct m_object *t, uint64_t cnode, unsigned int rights,
	uint64_t index, errors_t *e)
{
	const struct m_cap *c = cap_of(t, cnode, SK_OBJ_CNODE, rights, e);
	const struct m_object *cn = c ? object_at(c->what) : NULL;

	if (!cn)
		return 0;
	if (index == 0 || index >= cn->n_slots) {
		*e |= ERROR(SLOT);
		return 0;
	}
	return slot_id(cn, index);
}

static uint64_t empty_place(
	const struct m_object *t, uint64_t cnode, uint64_t index, errors_t *e)
{
	uint64_t id = place_of(t, cnode, SK_W, index, e);

	if (id && cap_at(id))
		*e |= ERROR(SLOT);
	return id;
}

static struct m_cap *source(const struct m_object *t, uint64_t cnode, unsigned int rights,
	uint64_t index, errors_t *e)
{
	uint64_t id = place_of(t, cnode, rights, index, e);
	struct m_cap *c = cap_at(id);

	if (id && !c)
		*e |= ERROR(CAP);
	return c;
}

struct m_cap cap_derived(const struct m_cap *from, uint64_t rights)
{
	struct m_cap new = *from;

	new.rights &= (uint8_t)rights;
	new.parent = from->id;
	new.owner = 0;
	new.space = new.base = 0;
	return new;
}

void cap_move(struct m_cap *c, uint64_t to)
{
	struct m_cap moved = *c;

	for (unsigned int i = 0; i < CAPS_MAX; i++)
		if (model.cap[i].parent == moved.id)
			model.cap[i].parent = to;
	c->id = 0;
	cap_new(to, &moved);
}

static errors_t call_copy(struct m_object *t, const struct call *c, bool mint)
{
	errors_t e = 0;
	uint64_t to = empty_place(t, c->arg[0], c->arg[1], &e), first = c->arg[5] & 0xffff,
		 last = c->arg[5] >> 16;
	struct m_cap *from = source(t, c->arg[2], SK_GRANT, c->arg[3], &e), new;

	if (c->arg[4] & ~(uint64_t)SK_ALL)
		e |= ERROR(INVAL);
	if (!from)
		return e;
	if (from->type == SK_OBJ_UNTYPED || from->type == SK_OBJ_TABLE)
		e |= ERROR(CAP);
	new = cap_derived(from, c->arg[4]);
	if (mint && from->type == SK_OBJ_IOPORT) {
		if (last > 0xffff || first > last)
			e |= ERROR(INVAL);
		if (first < (from->what & 0xffff) || last > from->what >> 16)
			e |= ERROR(RANGE);
		new.what = c->arg[5];
	} else if (mint) {
		if (from->type != SK_OBJ_ENDPOINT && from->type != SK_OBJ_NOTIFICATION)
			e |= ERROR(CAP);
		if (from->badge)
			e |= ERROR(INVAL);
		new.badge = c->arg[5];
	}
	if (!e)
		cap_new(to, &new);
	return e;
}

static errors_t call_move(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	uint64_t to = empty_place(t, c->arg[0], c->arg[1], &e);
	struct m_cap *from = source(t, c->arg[2], SK_W | SK_GRANT, c->arg[3], &e);

	if (!e)
		cap_move(from, to);
	return e;
}

static errors_t call_delete(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *gone = cap_at(place_of(t, c->arg[0], SK_W, c->arg[1], &e));

	if (!e && gone)
		cap_delete(gone);
	return e;
}

static struct m_cap *child_of(uint64_t id)
{
	for (unsigned int i = 0; i < CAPS_MAX; i++)
		if (model.cap[i].id && model.cap[i].parent == id)
			return &model.cap[i];
	return NULL;
}

static errors_t call_revoke(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	uint64_t id = place_of(t, c->arg[0], SK_W, c->arg[1], &e);
	struct m_cap *child;

	while (!e && cap_at(id) && (child = child_of(id)))
		cap_delete(child);
	return e;
}

static errors_t call_info(struct m_object *t, const struct call *c, const struct sk_regs *r)
{
	errors_t e = 0;
	const struct m_cap *cap = cap_at(place_of(t, c->arg[0], SK_R, c->arg[1], &e));

	if (!e && cap &&
		r->rdi != (cap->type | (uint64_t)cap->rights << 8 | (uint64_t)cap->order << 16))
		fail("model: CAP_INFO says %lx of a capability of type %u", r->rdi, cap->type);
	return e;
}

/* --- RETYPE ------------------------------------------------------------------------------- */

static const uint8_t fixed_order[] = {
#define X(name, num, order, what) [num] = order,
	SK_OBJECTS(X)
#undef X
};

/* The order of one object; 0 with errors. */
static uint64_t retype_order(uint64_t type, uint64_t order, errors_t *e)
{
	bool sized = type == SK_OBJ_UNTYPED || type == SK_OBJ_CNODE || type == SK_OBJ_FRAME;
	uint64_t most = type == SK_OBJ_UNTYPED ? 62 : type == SK_OBJ_CNODE ? 21 : SK_HUGE_ORDER;

	if (type >= SK_OBJ_END || (!sized && !fixed_order[type])) {
		*e |= ERROR(INVAL);
		return 0;
	}
	if (!sized && (order == 0 || order == fixed_order[type]))
		return fixed_order[type];
	if (!sized || order < SK_PAGE_ORDER || order > most) {
		*e |= ERROR(INVAL);
		return 0;
	}
	return order;
}

static uint64_t object_address(unsigned int type, uint64_t paddr)
{
	uint64_t at = WINDOW_BASE + paddr;

	if (!names_object(type))
		return paddr;
	if (is_space(type))
		return at + SK_PAGE_SIZE;
	return type == SK_OBJ_THREAD ? at + offsetof(struct thread, obj) : at;
}

static void zero_check(uint64_t paddr, uint64_t size)
{
	const uint64_t *p = user_memory(paddr);

	for (uint64_t i = 0; i < size / sizeof(*p); i++)
		if (p[i])
			fail("model: a new frame at %lx is not zero", paddr);
}

static void retype_one(
	const struct m_cap *untyped, uint64_t id, uint8_t type, uint8_t order, uint64_t paddr)
{
	struct m_cap new = { .type = type,
		.rights = SK_ALL,
		.order = order,
		.device = untyped->device,
		.parent = untyped->id,
		.what = object_address(type, paddr) };
	struct m_object *o;

	cap_new(id, &new);
	if (type == SK_OBJ_FRAME && !untyped->device)
		zero_check(paddr, 1ull << order);
	if (!names_object(type))
		return;
	o = object_new_at(new.what, type);
	o->suspended = type == SK_OBJ_THREAD;
	o->n_slots = type == SK_OBJ_CNODE ? (unsigned int)SK_CNODE_SLOTS(order) : 0;
}

static errors_t call_retype(struct m_object *t, const struct call *c)
{
	errors_t e = c->arg[1] >> 16 ? ERROR(INVAL) : 0;
	uint8_t type = (uint8_t)c->arg[1];
	uint64_t order = retype_order(type, c->arg[1] >> 8 & 0xff, &e), n = c->arg[4], start,
		 total;
	struct m_cap *u = cap_of(t, c->arg[0], SK_OBJ_UNTYPED, SK_W, &e);
	uint64_t first = place_of(t, c->arg[2], SK_W, c->arg[3], &e);
	errors_t none = 0;
	const struct m_cap *cnode = cap_of(t, c->arg[2], SK_OBJ_CNODE, 0, &none);

	if (n == 0 || n > SK_RETYPE_MAX)
		e |= ERROR(INVAL);
	else if (first && n > object_at(cnode->what)->n_slots - c->arg[3])
		e |= ERROR(SLOT);
	else
		for (uint64_t i = 0; first && i < n; i++)
			if (cap_at(first + i * sizeof(struct slot)))
				e |= ERROR(SLOT);
	if (!u || !order)
		return e;
	total = 1ull << u->order;
	if (u->device) {
		start = c->arg[5];
		if (type != SK_OBJ_FRAME)
			e |= ERROR(INVAL);
		if (start & ((1ull << order) - 1))
			e |= ERROR(ALIGN);
	} else {
		start = u->used_before && !child_of(u->id) ? 0
							   : align_up(u->badge, 1ull << order);
		if (c->arg[5])
			e |= ERROR(INVAL);
	}
	if (start > total || n > (total - start) >> order)
		e |= ERROR(NO_MEM);
	if (e)
		return e;
	for (uint64_t i = 0; i < n; i++)
		retype_one(u, first + i * sizeof(struct slot), type, (uint8_t)order,
			u->what + start + (i << order));
	if (!u->device) {
		u->badge = start + (n << order);
		u->used_before = true;
	}
	return 0;
}

/* --- spaces ------------------------------------------------------------------------------- */

static struct m_object *space_named(const struct m_object *t, uint64_t index, errors_t *e)
{
	const struct m_cap *c = cap_of(t, index, 0, SK_W, e);

	if (c && is_space(c->type))
		return object_at(c->what);
	*e |= ERROR(CAP);
	return NULL;
}

static errors_t call_map(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *frame = cap_of(t, c->arg[0], SK_OBJ_FRAME, 0, &e);
	const struct m_object *space = space_named(t, c->arg[1], &e);

	if (c->arg[4] > SK_HUGE_ORDER || c->arg[5] >> 32)
		e |= ERROR(INVAL);
	return e ? e : model_map(frame, space, c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
}

static errors_t call_unmap(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *frame = cap_of(t, c->arg[0], SK_OBJ_FRAME, 0, &e);

	return e ? e : model_unmap(frame, c->arg[1], c->arg[2]);
}

static errors_t call_map_table(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *table = cap_of(t, c->arg[0], SK_OBJ_TABLE, SK_W, &e);
	const struct m_object *space = space_named(t, c->arg[1], &e);

	return e ? e : model_map_table(table, space, c->arg[2], c->arg[3]);
}

/* --- threads and vCPUs -------------------------------------------------------------------- */

static void inner_delete(uint64_t id)
{
	struct m_cap *c = cap_at(id);

	if (c)
		cap_delete(c);
}

static void inner_derive(uint64_t id, const struct m_cap *from, uint8_t owner, uint64_t rights)
{
	struct m_cap new = cap_derived(from, rights);

	new.owner = owner;
	if (owner != SLOT_THREAD_FAULT && owner != SLOT_IRQ_SIGNAL)
		new.badge = 0;
	cap_new(id, &new);
}

/* A page of an object, mapped through an inner slot. */
static errors_t inner_map(
	uint64_t id, uint8_t owner, uint64_t paddr, uint64_t space, uint64_t vaddr)
{
	struct m_cap new = { .type = SK_OBJ_FRAME,
		.rights = SK_R | SK_W,
		.order = SK_PAGE_ORDER,
		.owner = owner,
		.what = paddr };
	struct m_cap *c = cap_new(id, &new);
	errors_t e = model_map(c, object_at(space), vaddr, 0, SK_PAGE_ORDER, SK_R | SK_W);

	if (e)
		c->id = 0;
	return e;
}

static errors_t call_thread_configure(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *target = cap_of(t, c->arg[0], SK_OBJ_THREAD, SK_W, &e);
	struct m_cap *cnode = cap_of(t, c->arg[1], SK_OBJ_CNODE, SK_W, &e);
	struct m_cap *space = cap_of(t, c->arg[2], SK_OBJ_SPACE_HOST, SK_W, &e);
	struct m_cap *fault = c->arg[3] ? cap_of(t, c->arg[3], SK_OBJ_ENDPOINT, SK_W, &e)
					: NULL;
	struct m_object *who = target ? object_at(target->what) : NULL;
	struct thread *k = who ? thread_of((struct object *)who->id) : NULL;

	if (who && !who->suspended)
		e |= ERROR(STATE);
	if (e)
		return e;
	inner_delete((uint64_t)&k->utcb_slot);
	inner_delete((uint64_t)&k->fault_slot);
	inner_delete((uint64_t)&k->space_slot);
	inner_delete((uint64_t)&k->cspace_slot);
	e = inner_map((uint64_t)&k->utcb_slot, SLOT_THREAD_UTCB, virt_to_phys(thread_utcb(k)),
		space->what, c->arg[4]);
	if (e)
		return e;
	inner_derive((uint64_t)&k->cspace_slot, cnode, SLOT_THREAD_CSPACE, SK_ALL);
	inner_derive((uint64_t)&k->space_slot, space, SLOT_THREAD_SPACE, SK_ALL);
	if (fault)
		inner_derive((uint64_t)&k->fault_slot, fault, SLOT_THREAD_FAULT, SK_W);
	who->cspace = cnode->what;
	return 0;
}

static errors_t call_thread_bind(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *target = cap_of(t, c->arg[0], SK_OBJ_THREAD, SK_W, &e);
	struct m_cap *cap = c->arg[1] ? cap_of(t, c->arg[1], SK_OBJ_NOTIFICATION, SK_R, &e)
				      : NULL;
	struct m_object *who = target ? object_at(target->what) : NULL, *n;

	if (e)
		return e;
	n = object_at(cap ? cap->what : who->bound);
	if (!cap) {
		if (n)
			n->thread = who->bound = 0;
		return 0;
	}
	if (who->bound || n->thread)
		return ERROR(EXISTS);
	who->bound = n->id;
	n->thread = who->id;
	bound_check(n);
	return 0;
}

static errors_t call_thread_resume(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *target = cap_of(t, c->arg[0], SK_OBJ_THREAD, SK_W, &e);
	struct m_object *who = target ? object_at(target->what) : NULL;

	if (who && (!who->cspace ||
			   !cap_at((uint64_t)&thread_of((struct object *)who->id)->space_slot)))
		e |= ERROR(STATE);
	if (!e)
		who->suspended = false;
	return e;
}

static errors_t call_thread_suspend(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *target = cap_of(t, c->arg[0], SK_OBJ_THREAD, SK_W, &e);

	if (!e)
		thread_stopped(object_at(target->what));
	return e;
}

static errors_t call_sched_bind(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *cap = cap_of(t, c->arg[0], SK_OBJ_SCHED, SK_W, &e);
	struct m_cap *thread = c->arg[1] ? cap_of(t, c->arg[1], SK_OBJ_THREAD, SK_W, &e) : NULL;
	struct m_object *s = cap ? object_at(cap->what) : NULL, *who;

	if (e)
		return e;
	who = object_at(thread ? thread->what : s->thread);
	if (!thread) {
		if (who)
			who->sched = s->thread = 0;
		return 0;
	}
	if (!((const struct sched *)s->id)->weight) /* the context was never configured */
		e |= ERROR(STATE);
	if (s->thread || who->sched)
		e |= ERROR(EXISTS);
	if (e)
		return e;
	s->thread = who->id;
	who->sched = s->id;
	return 0;
}

static errors_t call_vcpu_configure(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *cap = cap_of(t, c->arg[0], SK_OBJ_VCPU, SK_W, &e);
	struct m_cap *nested = cap_of(t, c->arg[1], SK_OBJ_SPACE_NESTED, SK_W, &e);
	struct m_cap *host = cap_of(t, c->arg[2], SK_OBJ_SPACE_HOST, SK_W, &e);
	struct vcpu *v;

	if (cap && object_at(cap->what)->thread)
		e |= ERROR(BUSY);
	if (e)
		return e;
	v = (struct vcpu *)cap->what;
	inner_delete((uint64_t)&v->state_slot);
	inner_delete((uint64_t)&v->nested_slot);
	e = inner_map((uint64_t)&v->state_slot, SLOT_VCPU_STATE, virt_to_phys(v->state),
		host->what, c->arg[3]);
	if (!e)
		inner_derive((uint64_t)&v->nested_slot, nested, SLOT_VCPU_NESTED, SK_ALL);
	return e;
}

static errors_t call_irq_bind(struct m_object *t, const struct call *c)
{
	errors_t e = 0;
	struct m_cap *cap = cap_of(t, c->arg[0], SK_OBJ_IRQ, SK_W, &e);
	struct m_cap *n = cap_of(t, c->arg[1], SK_OBJ_NOTIFICATION, SK_W, &e);
	uint64_t id = cap ? (uint64_t) & ((struct irq *)cap->what)->signal_slot : 0;

	if (e)
		return e;
	inner_delete(id);
	inner_derive(id, n, SLOT_IRQ_SIGNAL, SK_W);
	return 0;
}

/* Signals to a thread that is in a guest are taken when its CPU enters the kernel. */
static void word_observe(uint64_t thread)
{
	const struct m_object *t = object_at(thread);
	struct m_object *n = t ? object_at(t->bound) : NULL;

	if (n)
		n->word = ((const struct notification *)n->id)->word;
}

/* --- all calls ---------------------------------------------------------------------------- */

static errors_t meaning(struct m_object *t, const struct call *c, const struct sk_regs *r)
{
	switch (c->nr) {
	case SK_SYS_CALL:
	case SK_SYS_SEND:
		return model_send(t, c, c->nr == SK_SYS_CALL);
	case SK_SYS_RECV:
		return model_receive(t, c);
	case SK_SYS_REPLY:
		return model_reply(t, c, c->arg[0]);
	case SK_SYS_REPLY_RECV:
		return model_reply_receive(t, c);
	case SK_SYS_SIGNAL:
		return model_signal(t, c);
	case SK_SYS_WAIT:
		return model_wait(t, c, c->arg[1], ERROR(TIMEOUT));
	case SK_SYS_POLL:
		return model_wait(t, c, SK_POLL, ERROR(AGAIN));
	case SK_SYS_RETYPE:
		return call_retype(t, c);
	case SK_SYS_COPY:
	case SK_SYS_MINT:
		return call_copy(t, c, c->nr == SK_SYS_MINT);
	case SK_SYS_MOVE:
		return call_move(t, c);
	case SK_SYS_DELETE:
		return call_delete(t, c);
	case SK_SYS_REVOKE:
		return call_revoke(t, c);
	case SK_SYS_CAP_INFO:
		return call_info(t, c, r);
	case SK_SYS_MAP:
		return call_map(t, c);
	case SK_SYS_UNMAP:
		return call_unmap(t, c);
	case SK_SYS_MAP_TABLE:
		return call_map_table(t, c);
	case SK_SYS_THREAD_CONFIGURE:
		return call_thread_configure(t, c);
	case SK_SYS_THREAD_BIND:
		return call_thread_bind(t, c);
	case SK_SYS_THREAD_RESUME:
		return call_thread_resume(t, c);
	case SK_SYS_THREAD_SUSPEND:
		return call_thread_suspend(t, c);
	case SK_SYS_SCHED_BIND:
		return call_sched_bind(t, c);
	case SK_SYS_VCPU_CONFIGURE:
		return call_vcpu_configure(t, c);
	case SK_SYS_IRQ_BIND:
		return call_irq_bind(t, c);
	case SK_SYS_VCPU_ENTER:
		word_observe(t->id); /* it may end at once with the word that is there */
		return UNJUDGED;
	default:
		return UNJUDGED;
	}
}

void model_call(struct thread *thread, const struct call *c)
{
	struct m_object *t = object_at((uint64_t)&thread->obj);
	errors_t errors;
	long rc;

	if (!t)
		fail("model: a thread that is no more makes a call");
	errors = meaning(t, c, &thread->regs.r);
	if (errors == UNJUDGED || !object_at((uint64_t)&thread->obj) ||
		t->state != THREAD_READY)
		return; /* its end and its wait are compared together with the other state */
	rc = (long)thread->regs.r.rax;
	if (errors ? rc >= 0 || rc < -31 || !(errors >> -rc & 1) : rc != 0)
		fail("model: %s gives %ld; the errors that it may give are %x",
			call_name(c->nr), rc, errors);
}

void model_observe(void)
{
	for (unsigned int i = 0; i < OBJECTS_MAX; i++) {
		struct m_object *o = &model.object[i];
		const struct thread *in;

		if (!o->id || o->type != SK_OBJ_VCPU)
			continue;
		word_observe(o->thread);
		in = ((const struct vcpu *)o->id)->entered;
		o->thread = in ? (uint64_t)&in->obj : 0;
		word_observe(o->thread);
	}
}

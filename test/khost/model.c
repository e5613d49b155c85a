/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.c - the model's records of capabilities and objects, and the comparison with the
 * kernel's
 */
#include <string.h>

#include "fake.h"
#include "ipc.h"
#include "irq.h"
#include "model.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"

#define PARENT 1ul

STATE struct model model;

/* --- records ------------------------------------------------------------------------------ */

/* A hash table in which a record that has ever been used does not end a search. */
static unsigned int cap_hash(uint64_t id)
{
	return (unsigned int)((id >> 4) * 0x9e3779b97f4a7c15ull >> 40) % CAPS_MAX;
}

struct m_cap *cap_at(uint64_t id)
{
	for (unsigned int i = cap_hash(id); id && model.cap[i].was; i = (i + 1) % CAPS_MAX)
		if (model.cap[i].id == id)
			return &model.cap[i];
	return NULL;
}

struct m_object *object_at(uint64_t id)
{
	for (unsigned int i = 0; id && i < OBJECTS_MAX; i++)
		if (model.object[i].id == id)
			return &model.object[i];
	return NULL;
}

struct m_object *object_new_at(uint64_t id, uint8_t type)
{
	for (unsigned int i = 0; i < OBJECTS_MAX; i++)
		if (!model.object[i].id) {
			model.object[i] = (struct m_object){ .id = id, .type = type };
			return &model.object[i];
		}
	fail("the model has no room for another object");
}

struct m_cap *cap_new(uint64_t id, const struct m_cap *like)
{
	unsigned int i = cap_hash(id), n;

	for (n = 0; model.cap[i].id && n < CAPS_MAX / 2; n++)
		i = (i + 1) % CAPS_MAX;
	if (model.cap[i].id)
		fail("the model has no room for another capability");
	model.cap[i] = *like;
	model.cap[i].id = id;
	model.cap[i].was = true;
	return &model.cap[i];
}

uint64_t slot_id(const struct m_object *cnode, uint64_t index)
{
	return cnode->id + offsetof(struct cnode, slots) + index * sizeof(struct slot);
}

bool names_object(unsigned int type)
{
	return type >= SK_OBJ_CNODE && type <= SK_OBJ_VCPU && type != SK_OBJ_FRAME &&
	       type != SK_OBJ_TABLE;
}

struct m_cap *cap_of(const struct m_object *t, uint64_t index, unsigned int type,
	unsigned int rights, errors_t *errors)
{
	const struct m_object *cn = object_at(t->cspace);
	struct m_cap *c = cn && index && index < cn->n_slots ? cap_at(slot_id(cn, index))
							     : NULL;

	if (!c || (type && c->type != type)) {
		*errors |= ERROR(CAP);
		return NULL;
	}
	if (rights & ~c->rights)
		*errors |= ERROR(RIGHTS);
	return c;
}

/* --- ends --------------------------------------------------------------------------------- */

static bool still_named(uint64_t object)
{
	for (unsigned int i = 0; i < CAPS_MAX; i++)
		if (model.cap[i].id && names_object(model.cap[i].type) &&
			model.cap[i].what == object)
			return true;
	return false;
}

/* Delete the slots inside an object together with it. */
static void inner_caps_delete(uint64_t object)
{
	const struct m_object *o = object_at(object);
	uint64_t from, end;

	if (o->type == SK_OBJ_CNODE) {
		from = slot_id(o, 0);
		end = slot_id(o, o->n_slots);
	} else {
		from = o->type == SK_OBJ_THREAD ? (uint64_t)thread_of((struct object *)o->id)
						: o->id;
		end = from + (o->type == SK_OBJ_THREAD || o->type == SK_OBJ_VCPU
					     ? SK_PAGE_SIZE
					     : 1u << SK_ORDER_IRQ);
	}
	for (unsigned int i = 0; i < CAPS_MAX; i++)
		if (model.cap[i].id >= from && model.cap[i].id < end)
			cap_delete(&model.cap[i]);
}

static void object_end(uint64_t id)
{
	struct m_object *o = object_at(id);

	/* a thread that is bound to it becomes free */
	for (unsigned int i = 0; i < OBJECTS_MAX; i++) {
		struct m_object *other = &model.object[i];

		if (other->thread == id)
			other->thread = 0;
		if (other->sched == id)
			other->sched = 0;
		if (other->bound == id)
			other->bound = 0;
	}
	if (o->type == SK_OBJ_THREAD && o->state != THREAD_READY)
		thread_stopped(o);
	waits_end(id, -SK_E_DELETED);
	if (is_space(o->type))
		space_end_model(id);
	if (o->type == SK_OBJ_CNODE || o->type == SK_OBJ_THREAD || o->type == SK_OBJ_VCPU ||
		o->type == SK_OBJ_IRQ)
		inner_caps_delete(id);
	object_at(id)->id = 0;
}

/* An object has lost what an inner slot gave it; a thread without its spaces stops. */
static void owner_told(const struct m_cap *c)
{
	struct m_object *t = NULL;

	if (c->owner == SLOT_THREAD_CSPACE)
		t = object_at((uint64_t)&container_of(
			(struct slot *)c->id, struct thread, cspace_slot)
				      ->obj);
	else if (c->owner == SLOT_THREAD_SPACE)
		t = object_at(
			(uint64_t)&container_of((struct slot *)c->id, struct thread, space_slot)
				->obj);
	if (!t)
		return;
	thread_stopped(t);
	if (c->owner == SLOT_THREAD_CSPACE)
		t->cspace = 0;
}

void cap_delete(struct m_cap *c)
{
	struct m_cap gone = *c;

	owner_told(c);
	mapping_end(c);
	c->id = 0;
	for (unsigned int i = 0; i < CAPS_MAX; i++)
		if (model.cap[i].parent == gone.id)
			model.cap[i].parent = gone.parent;
	if (names_object(gone.type) && !still_named(gone.what))
		object_end(gone.what);
}

/* --- the kernel's view -------------------------------------------------------------------- */

/* The parent, which only the last sibling points to; 0 if there is none. */
static uint64_t kernel_parent(const struct slot *s)
{
	while (s->next && !(s->next & PARENT))
		s = (const struct slot *)s->next;
	return s->next & ~PARENT;
}

static struct m_cap cap_seen(const struct slot *s)
{
	bool mapped = s->type == SK_OBJ_FRAME || s->type == SK_OBJ_TABLE;

	return (struct m_cap){ .id = (uint64_t)s,
		.type = s->type,
		.rights = s->rights,
		.order = s->order,
		.owner = s->flags & SLOT_OWNER,
		.device = s->flags & SLOT_DEVICE,
		.used_before = s->flags & SLOT_USED,
		.what = s->paddr,
		.badge = mapped ? 0 : s->badge,
		.parent = kernel_parent(s),
		.space = mapped ? (uint64_t)s->space : 0,
		.base = mapped && s->space ? s->base & ~(SK_PAGE_SIZE - 1) : 0 };
}

static void slot_import(const struct slot *s)
{
	struct m_cap c = cap_seen(s);

	if (s->type != SK_OBJ_NULL && !cap_at(c.id))
		cap_new(c.id, &c);
}

static void object_import(struct object *o)
{
	struct m_object *m = object_new_at((uint64_t)o, o->type);
	struct thread *t = thread_of(o);
	struct vcpu *v = (struct vcpu *)o;

	if (o->type == SK_OBJ_CNODE) {
		m->n_slots = ((struct cnode *)o)->n_slots;
		for (unsigned int i = 1; i < m->n_slots; i++)
			slot_import(&((struct cnode *)o)->slots[i]);
	} else if (o->type == SK_OBJ_THREAD) {
		m->suspended = t->suspended;
		m->cspace = (uint64_t)t->cspace;
		m->sched = (uint64_t)t->sched;
		m->bound = (uint64_t)t->bound;
		slot_import(&t->cspace_slot);
		slot_import(&t->space_slot);
		slot_import(&t->fault_slot);
		slot_import(&t->utcb_slot);
	} else if (o->type == SK_OBJ_VCPU) {
		slot_import(&v->nested_slot);
		slot_import(&v->state_slot);
	} else if (o->type == SK_OBJ_IRQ) {
		slot_import(&((struct irq *)o)->signal_slot);
	} else if (o->type == SK_OBJ_SCHED && ((struct sched *)o)->thread) {
		m->thread = (uint64_t) & ((struct sched *)o)->thread->obj;
	} else if (o->type == SK_OBJ_NOTIFICATION && ((struct notification *)o)->bound) {
		m->thread = (uint64_t) & ((struct notification *)o)->bound->obj;
	}
}

void model_import(struct cnode *root)
{
	bool more;

	memset(&model, 0, sizeof(model));
	object_import(&root->obj);
	do {
		more = false;
		for (unsigned int i = 0; i < CAPS_MAX; i++)
			if (model.cap[i].id && names_object(model.cap[i].type) &&
				!object_at(model.cap[i].what)) {
				object_import((struct object *)model.cap[i].what);
				more = true;
			}
	} while (more);
	spaces_import();
	model.on = true;
}

static void cap_compare(const struct m_cap *m)
{
	const struct slot *s = (const struct slot *)m->id;
	struct m_cap k = cap_seen(s);
	const char *wrong = NULL;

	if (k.type != m->type)
		wrong = "type";
	else if (k.rights != m->rights)
		wrong = "rights";
	else if (k.what != m->what)
		wrong = "object";
	else if (k.badge != m->badge)
		wrong = "badge";
	else if (k.parent != m->parent)
		wrong = "parent";
	else if (k.space != m->space)
		wrong = "space";
	else if (k.base != m->base)
		wrong = "address in its space";
	else if (m->type != SK_OBJ_TABLE && k.order != m->order)
		wrong = "order";
	if (wrong)
		fail("model: capability %lx of type %u: another %s (kernel: type %u rights %x object %lx badge %lx "
		     "parent %lx space %lx base %lx; model: rights %x object %lx badge %lx parent %lx space %lx base %lx)",
			m->id, m->type, wrong, k.type, k.rights, k.what, k.badge, k.parent,
			k.space, k.base, m->rights, m->what, m->badge, m->parent, m->space,
			m->base);
}

static void object_compare(const struct m_object *m)
{
	const struct object *o = (const struct object *)m->id;
	const struct thread *t = container_of(o, struct thread, obj);

	if (o->type != m->type || o->dead)
		fail("model: object %lx of type %u: the kernel has type %u%s", m->id, m->type,
			o->type, o->dead ? ", ended" : "");
	if (m->type == SK_OBJ_NOTIFICATION && ((const struct notification *)o)->word != m->word)
		fail("model: notification %lx has word %lx; it should be %lx", m->id,
			((const struct notification *)o)->word, m->word);
	if (m->type == SK_OBJ_CNODE)
		for (unsigned int i = 1; i < m->n_slots; i++)
			if (((const struct cnode *)o)->slots[i].type != SK_OBJ_NULL &&
				!cap_at(slot_id(m, i)))
				fail("model: slot %u of CNode %lx holds type %u and should be empty",
					i, m->id, ((const struct cnode *)o)->slots[i].type);
	if (m->type != SK_OBJ_THREAD)
		return;
	if (t->state != m->state || (uint64_t)t->wait_obj != m->on)
		fail("model: thread %lx is in state %u on %p; it should be in state %u on %lx",
			m->id, t->state, (void *)t->wait_obj, m->state, m->on);
	if (t->suspended != m->suspended)
		fail("model: thread %lx is %ssuspended", m->id, t->suspended ? "" : "not ");
	if ((uint64_t)t->cspace != m->cspace || (uint64_t)t->bound != m->bound ||
		(uint64_t)t->sched != m->sched)
		fail("model: thread %lx has another capability space, notification or context",
			m->id);
}

void model_compare(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS_MAX; i++)
		if (model.object[i].id)
			object_compare(&model.object[i]);
	for (i = 0; i < CAPS_MAX; i++)
		if (model.cap[i].id)
			cap_compare(&model.cap[i]);
	spaces_compare();
}

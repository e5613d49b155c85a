/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern.c - a kernel for one program: see kern.h
 */
#define _GNU_SOURCE
#include "kern.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/domain.h"
#include "sys/sk.h"
#include "rt/program.h"
#include "sys/mutex.h"
#include "sys/self.h"

enum { PHYS = 1 << 28, HANG_S = 60, CNODES = 256 };

struct kern kern;
_Thread_local struct sk_utcb *sk_utcb_self;

static int memory_fd;
static uint64_t next_paddr = KERN_DEVICE + (KERN_DEVICE >> 1);
static struct kern_object *cnodes[CNODES];
static unsigned int n_cnodes;

static const uint8_t orders[SK_OBJ_END] = {
#define X(name, num, order, what) [num] = (order),
	SK_OBJECTS(X)
#undef X
};

static uint64_t up(uint64_t v, uint64_t size) { return (v + size - 1) & ~(size - 1); }

/* ---- objects ---- */
static struct kern_object *object_new(uint32_t type, uint32_t order, uint64_t paddr)
{
	struct kern_object *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->type = type;
	o->order = orders[type] ? orders[type] : order;
	o->paddr = paddr;
	if (type == SK_OBJ_CNODE) {
		o->n_slots = (uint32_t)SK_CNODE_SLOTS(order);
		o->slot = calloc(o->n_slots, sizeof(*o->slot));
		if (!o->slot || n_cnodes == CNODES)
			abort();
		cnodes[n_cnodes++] = o;
	}
	return o;
}

static struct kern_cap *cap_put(
	struct kern_cap *c, struct kern_object *o, uint32_t rights, struct kern_cap *parent)
{
	*c = (struct kern_cap){ .obj = o, .rights = rights, .parent = parent };
	o->n_caps++;
	return c;
}

/* The next capability after *slot of *cnode, in any CNode; NULL: none. */
static struct kern_cap *each(unsigned int *cnode, uint32_t *slot)
{
	for (; *cnode < n_cnodes; ++*cnode, *slot = 0)
		for (; *slot < cnodes[*cnode]->n_slots;) {
			struct kern_cap *c = &cnodes[*cnode]->slot[(*slot)++];

			if (c->obj)
				return c;
		}
	return NULL;
}

#define EACH_CAP(c) \
	for (unsigned int at_cnode_ = 0, once_ = 1; once_; once_ = 0) \
		for (uint32_t at_slot_ = 0; (c = each(&at_cnode_, &at_slot_));)

/* ---- mappings ---- */
static void pages_show(struct kern_object *space, const struct kern_map *m)
{
	void *at = (void *)m->vaddr;
	int prot = (m->rights & SK_R ? PROT_READ : 0) | (m->rights & SK_W ? PROT_WRITE : 0);

	if (space == kern.space && mmap(at, m->size, prot, MAP_SHARED | MAP_FIXED_NOREPLACE,
					   memory_fd, (off_t)m->paddr) != at)
		abort();
}

static void map_drop(struct kern_object *space, uint32_t i)
{
	if (space == kern.space && munmap((void *)space->map[i].vaddr, space->map[i].size))
		abort();
	space->map[i] = space->map[--space->n_maps];
}

static void cap_unmap(struct kern_cap *c, uint64_t offset, uint64_t size)
{
	struct kern_object *s = c->space;
	bool left = false;

	for (uint32_t i = 0; s && i < s->n_maps;) {
		struct kern_map *m = &s->map[i];

		if (m->cap == c && m->vaddr >= c->window + offset &&
			m->vaddr < c->window + offset + size) {
			map_drop(s, i);
			continue;
		}
		left = left || m->cap == c;
		i++;
	}
	if (!left)
		c->space = NULL;
}

static bool table_there(const struct kern_object *s, uint64_t vaddr, uint32_t level)
{
	uint64_t span = 1ull << (12 + 9 * level);

	for (uint32_t i = 0; i < s->n_tables; i++)
		if (s->table[i].level == level && s->table[i].vaddr == (vaddr & ~(span - 1)))
			return true;
	return false;
}

/* Level of the first missing table for an address; 0: no table is missing. */
static uint32_t table_missing(const struct kern_object *s, uint64_t vaddr, uint32_t order)
{
	uint32_t least = order >= SK_HUGE_ORDER ? 3 : order >= SK_LARGE_ORDER ? 2 : 1;

	for (uint32_t level = 3; level >= least; level--)
		if (!table_there(s, vaddr, level))
			return level;
	return 0;
}

static bool is_space(const struct kern_object *o)
{
	return o->type == SK_OBJ_SPACE_HOST || o->type == SK_OBJ_SPACE_NESTED ||
	       o->type == SK_OBJ_SPACE_IO;
}

/* ---- capabilities ---- */
static void cap_clear(struct kern_cap *c);

static void object_end(struct kern_object *o)
{
	if (o->type != SK_OBJ_CNODE)
		return;
	for (uint32_t i = 0; i < o->n_slots; i++)
		if (o->slot[i].obj)
			cap_clear(&o->slot[i]);
	for (unsigned int i = 0; i < n_cnodes; i++)
		if (cnodes[i] == o)
			cnodes[i] = cnodes[--n_cnodes];
	free(o->slot);
	o->slot = NULL;
	o->n_slots = 0;
}

/* Its children become those of its parent; the last capability ends the object. */
static void cap_clear(struct kern_cap *c)
{
	struct kern_object *o = c->obj;
	struct kern_cap *child;

	EACH_CAP(child)
		if (child->parent == c)
			child->parent = c->parent;
	cap_unmap(c, 0, UINT64_MAX - c->window);
	*c = (struct kern_cap){ 0 };
	if (--o->n_caps == 0)
		object_end(o);
}

static bool derives(const struct kern_cap *c, const struct kern_cap *from)
{
	for (c = c->parent; c; c = c->parent)
		if (c == from)
			return true;
	return false;
}

static void cap_revoke(struct kern_cap *c)
{
	struct kern_cap *d;
	bool again;

	do {
		again = false;
		EACH_CAP(d)
			if (derives(d, c)) {
				cap_clear(d);
				again = true;
				break;
			}
	} while (again);
	if (c->obj->type == SK_OBJ_UNTYPED)
		c->obj->used = 0;
}

static void cap_move(struct kern_cap *to, struct kern_cap *from)
{
	struct kern_cap *c;

	*to = *from;
	*from = (struct kern_cap){ 0 };
	EACH_CAP(c)
		if (c->parent == from)
			c->parent = to;
	for (uint32_t i = 0; to->space && i < to->space->n_maps; i++)
		if (to->space->map[i].cap == from)
			to->space->map[i].cap = to;
}

struct kern_cap *kern_cap(struct kern_object *cnode, sk_cap_t slot)
{
	return slot && slot < cnode->n_slots ? &cnode->slot[slot] : NULL;
}

struct kern_cap *kern_own(sk_cap_t slot) { return kern_cap(kern.cnode, slot); }

/* Finds the caller's capability to an object of that type (0: any). */
static long find(sk_cap_t slot, uint32_t type, uint32_t rights, struct kern_cap **out)
{
	struct kern_cap *c = kern_own(slot);

	if (!c || !c->obj || (type && c->obj->type != type))
		return -SK_E_CAP;
	if ((c->rights & rights) != rights)
		return -SK_E_RIGHTS;
	*out = c;
	return 0;
}

static long find_slot(sk_cap_t cnode, sk_cap_t slot, uint32_t rights, struct kern_cap **out)
{
	struct kern_cap *c;
	long rc = find(cnode, SK_OBJ_CNODE, rights, &c);

	if (rc)
		return rc;
	*out = kern_cap(c->obj, slot);
	return *out ? 0 : -SK_E_SLOT;
}

static long find_empty(sk_cap_t cnode, sk_cap_t slot, struct kern_cap **out)
{
	long rc = find_slot(cnode, slot, SK_W, out);

	return rc ? rc : (*out)->obj ? -SK_E_SLOT : 0;
}

/* ---- system calls: memory and capabilities ---- */
static long sys_retype(uint64_t r[6])
{
	uint32_t type = r[1] & 0xff, order = r[1] >> 8 & 0xff;
	struct kern_cap *u, *to, *c;
	struct kern_object *o;
	bool children = false;
	uint64_t at;
	long rc = find((sk_cap_t)r[0], SK_OBJ_UNTYPED, SK_W, &u);

	if (rc)
		return rc;
	if (type == SK_OBJ_NULL || type >= SK_OBJ_IOPORT || r[4] != 1 ||
		(orders[type] && order))
		return -SK_E_INVAL;
	order = orders[type] ? orders[type] : order;
	if ((!orders[type] && order < SK_PAGE_ORDER) || order > 62 ||
		(type == SK_OBJ_CNODE && order > 21) ||
		(type == SK_OBJ_FRAME && order > SK_HUGE_ORDER))
		return -SK_E_INVAL;
	rc = find_empty((sk_cap_t)r[2], (sk_cap_t)r[3], &to);
	if (rc)
		return rc;
	EACH_CAP(c)
		children = children || c->parent == u;
	if (u->obj->device) {
		if (type != SK_OBJ_FRAME)
			return -SK_E_INVAL;
		if (r[5] & ((1ull << order) - 1))
			return -SK_E_ALIGN;
		at = r[5];
	} else {
		if (r[5])
			return -SK_E_INVAL;
		at = children ? up(u->obj->used, 1ull << order) : 0;
	}
	if (at > 1ull << u->obj->order || 1ull << order > (1ull << u->obj->order) - at)
		return -SK_E_NO_MEM;
	if (!u->obj->device)
		u->obj->used = at + (1ull << order);
	o = object_new(type, order, u->obj->paddr + at);
	if (type == SK_OBJ_FRAME && !u->obj->device)
		memset(kern.phys + o->paddr, 0, 1ull << order);
	cap_put(to, o, SK_ALL, u);
	return 0;
}

static long sys_copy(uint64_t r[6], uint64_t badge)
{
	struct kern_cap *to, *from;
	long rc = find_slot((sk_cap_t)r[2], (sk_cap_t)r[3], SK_GRANT, &from);

	if (!rc)
		rc = find_empty((sk_cap_t)r[0], (sk_cap_t)r[1], &to);
	if (rc)
		return rc;
	if (!from->obj || from->obj->type == SK_OBJ_UNTYPED || from->obj->type == SK_OBJ_TABLE)
		return -SK_E_CAP;
	if (badge && from->obj->type == SK_OBJ_IOPORT) {
		uint64_t first = from->badge & 0xffff, last = from->badge >> 16;

		if ((badge & 0xffff) < first || badge >> 16 > last)
			return -SK_E_RANGE;
	} else if (badge && ((from->obj->type != SK_OBJ_ENDPOINT &&
				     from->obj->type != SK_OBJ_NOTIFICATION) ||
				    from->badge)) {
		return -SK_E_INVAL;
	}
	cap_put(to, from->obj, from->rights & (uint32_t)r[4], from);
	to->badge = badge ? badge : from->badge;
	return 0;
}

static long sys_move(uint64_t r[6])
{
	struct kern_cap *to, *from;
	long rc = find_slot((sk_cap_t)r[2], (sk_cap_t)r[3], SK_W | SK_GRANT, &from);

	if (!rc)
		rc = find_empty((sk_cap_t)r[0], (sk_cap_t)r[1], &to);
	if (!rc && !from->obj)
		rc = -SK_E_CAP;
	if (!rc)
		cap_move(to, from);
	return rc;
}

static long sys_delete(uint64_t r[6])
{
	struct kern_cap *c;
	long rc = find_slot((sk_cap_t)r[0], (sk_cap_t)r[1], SK_W, &c);

	if (!rc && c->obj)
		cap_clear(c);
	return rc;
}

static long sys_revoke(uint64_t r[6])
{
	struct kern_cap *c;
	long rc = find_slot((sk_cap_t)r[0], (sk_cap_t)r[1], SK_W, &c);

	if (!rc && c->obj)
		cap_revoke(c);
	return rc;
}

static long sys_cap_info(uint64_t r[6])
{
	struct kern_cap *c;
	long rc = find_slot((sk_cap_t)r[0], (sk_cap_t)r[1], SK_R, &c);

	if (rc)
		return rc;
	if (!c->obj) {
		r[0] = r[1] = r[2] = 0;
		return 0;
	}
	r[0] = c->obj->type | c->rights << 8 | c->obj->order << 16;
	r[1] = c->obj->type == SK_OBJ_UNTYPED ? c->obj->used : c->badge;
	r[2] = 1ull << c->obj->order;
	return 0;
}

/* ---- spaces ---- */
static bool mapped_at(const struct kern_object *s, uint64_t vaddr, uint64_t size)
{
	for (uint32_t i = 0; i < s->n_maps; i++)
		if (vaddr < s->map[i].vaddr + s->map[i].size && s->map[i].vaddr < vaddr + size)
			return true;
	return false;
}

static long sys_map(uint64_t r[6])
{
	uint64_t vaddr = r[2], offset = r[3], size = 1ull << r[4];
	uint32_t order = (uint32_t)r[4], rights = (uint32_t)r[5];
	struct kern_cap *frame, *space;
	struct kern_map *m;
	long rc = find((sk_cap_t)r[0], SK_OBJ_FRAME, rights & (SK_R | SK_W | SK_EXEC), &frame);

	if (!rc)
		rc = find((sk_cap_t)r[1], 0, SK_W, &space);
	if (rc)
		return rc;
	if (!is_space(space->obj))
		return -SK_E_CAP;
	if (order < SK_PAGE_ORDER || offset > 1ull << frame->obj->order ||
		size > (1ull << frame->obj->order) - offset)
		return -SK_E_RANGE;
	if ((vaddr | offset) % SK_PAGE_SIZE ||
		(order >= SK_LARGE_ORDER && vaddr % SK_LARGE_SIZE))
		return -SK_E_ALIGN;
	if (frame->space && (frame->space != space->obj || frame->window != vaddr - offset))
		return -SK_E_EXISTS;
	for (uint64_t at = vaddr; at < vaddr + size; at += SK_PAGE_SIZE) {
		uint32_t level = table_missing(space->obj, at, order);

		if (level) {
			r[1] = level;
			return -SK_E_NO_TABLE;
		}
	}
	if (mapped_at(space->obj, vaddr, size))
		return -SK_E_EXISTS;
	if (space->obj->n_maps == KERN_MAPS)
		abort();
	frame->space = space->obj;
	frame->window = vaddr - offset;
	m = &space->obj->map[space->obj->n_maps++];
	*m = (struct kern_map){ vaddr, size, frame->obj->paddr + offset, rights, frame };
	pages_show(space->obj, m);
	r[0] = vaddr;
	return 0;
}

static long sys_unmap(uint64_t r[6])
{
	struct kern_cap *frame;
	long rc = find((sk_cap_t)r[0], SK_OBJ_FRAME, 0, &frame);

	if (!rc)
		cap_unmap(frame, r[1], 1ull << r[2]);
	return rc;
}

static long sys_map_table(uint64_t r[6])
{
	uint64_t span = 1ull << (12 + 9 * r[3]);
	struct kern_cap *table, *space;
	struct kern_object *s;
	long rc = find((sk_cap_t)r[0], SK_OBJ_TABLE, SK_W, &table);

	if (!rc)
		rc = find((sk_cap_t)r[1], 0, SK_W, &space);
	if (rc)
		return rc;
	s = space->obj;
	if (!is_space(s) || r[3] < 1 || r[3] > 3)
		return -SK_E_INVAL;
	if (table->obj->placed || table_there(s, r[2], (uint32_t)r[3]))
		return -SK_E_EXISTS;
	if (s->n_tables == KERN_TABLES)
		abort();
	table->obj->placed = true;
	s->table[s->n_tables].vaddr = r[2] & ~(span - 1);
	s->table[s->n_tables++].level = (uint32_t)r[3];
	return 0;
}

/* ---- threads and interrupts ---- */
static long sys_thread(long nr, uint64_t r[6])
{
	struct kern_cap *t, *c;
	long rc = find((sk_cap_t)r[0], SK_OBJ_THREAD, SK_W, &t);

	if (rc)
		return rc;
	switch (nr) {
	case SK_SYS_THREAD_CONFIGURE:
		rc = find((sk_cap_t)r[1], SK_OBJ_CNODE, 0, &c);
		if (rc)
			return rc;
		t->obj->cnode = c->obj;
		rc = find((sk_cap_t)r[2], SK_OBJ_SPACE_HOST, 0, &c);
		if (rc)
			return rc;
		t->obj->vspace = c->obj;
		rc = r[3] ? find((sk_cap_t)r[3], SK_OBJ_ENDPOINT, SK_W, &c) : 0;
		if (rc)
			return rc;
		t->obj->fault = r[3] ? c->obj : NULL;
		t->obj->fault_badge = r[3] ? c->badge : 0;
		t->obj->utcb = r[4];
		return 0;
	case SK_SYS_THREAD_BIND:
		rc = find((sk_cap_t)r[1], SK_OBJ_NOTIFICATION, 0, &c);
		if (!rc)
			t->obj->bound = c->obj;
		return rc;
	case SK_SYS_THREAD_RESUME:
	case SK_SYS_THREAD_SUSPEND:
		t->obj->runs = nr == SK_SYS_THREAD_RESUME;
		return 0;
	case SK_SYS_THREAD_READ:
		memcpy(kern.utcb.mr, &t->obj->regs, sizeof(t->obj->regs));
		return t->obj->runs ? -SK_E_STATE : 0;
	default:
		memcpy(&t->obj->regs, kern.utcb.mr, sizeof(t->obj->regs));
		return t->obj->runs ? -SK_E_STATE : 0;
	}
}

static long sys_sched(long nr, uint64_t r[6])
{
	bool configure = nr == SK_SYS_SCHED_CONFIGURE;
	struct kern_cap *ctl, *s, *t;
	long rc = configure ? find((sk_cap_t)r[0], SK_OBJ_CTL_SCHED, 0, &ctl) : 0;

	if (!rc)
		rc = find((sk_cap_t)r[configure ? 1 : 0], SK_OBJ_SCHED, SK_R, &s);
	if (rc)
		return rc;
	if (configure) {
		s->obj->cpu = r[2] & 0xffff;
		s->obj->priority = (uint32_t)(r[2] >> 16);
		s->obj->weight = (uint32_t)r[3];
		s->obj->budget = r[4];
		s->obj->period = r[5];
		return r[3] ? 0 : -SK_E_INVAL;
	}
	if (nr == SK_SYS_SCHED_STATS) {
		r[0] = 1000 + s->obj->priority;
		r[1] = s->obj->waited;
		r[2] = s->obj->cpu;
		return 0;
	}
	rc = find((sk_cap_t)r[1], SK_OBJ_THREAD, SK_W, &t);
	if (!rc)
		t->obj->sched = s->obj;
	return rc;
}

static long sys_irq(long nr, uint64_t r[6])
{
	bool bind = nr == SK_SYS_IRQ_BIND;
	struct kern_cap *ctl, *irq, *ntfn;
	static uint32_t next_msi = 1;
	long rc = bind ? 0 : find((sk_cap_t)r[0], SK_OBJ_CTL_IRQ, 0, &ctl);

	if (!rc)
		rc = find((sk_cap_t)r[bind ? 0 : 1], SK_OBJ_IRQ, SK_W, &irq);
	if (rc)
		return rc;
	if (bind) {
		rc = find((sk_cap_t)r[1], SK_OBJ_NOTIFICATION, SK_W, &ntfn);
		if (!rc) {
			irq->obj->irq_bound = ntfn->obj;
			irq->obj->irq_badge = ntfn->badge;
		}
		return rc;
	}
	if (irq->obj->claimed)
		return -SK_E_EXISTS;
	irq->obj->claimed = true;
	irq->obj->msi = nr == SK_SYS_IRQ_MSI;
	irq->obj->gsi = (uint32_t)r[2];
	irq->obj->flags = (uint32_t)r[3];
	if (irq->obj->msi) {
		irq->obj->gsi = next_msi++;
		irq->obj->rid = (uint32_t)r[3];
		r[0] = 0x1fee00000ull;
		r[1] = irq->obj->gsi;
	}
	return 0;
}

static long sys_port(long nr, uint64_t r[6])
{
	struct kern_cap *c;
	long rc = find((sk_cap_t)r[0], SK_OBJ_IOPORT, nr == SK_SYS_PORT_IN ? SK_R : SK_W, &c);

	if (rc)
		return rc;
	if (r[1] < (c->badge & 0xffff) || r[1] + r[2] - 1 > c->badge >> 16)
		return -SK_E_RANGE;
	if (nr == SK_SYS_PORT_IN)
		r[0] = kern.on_port_in ? kern.on_port_in((uint16_t)r[1], (uint32_t)r[2]) : 0;
	else if (kern.on_port_out)
		kern.on_port_out((uint16_t)r[1], (uint32_t)r[2], (uint32_t)r[3]);
	return 0;
}

static long sys_io_assign(uint64_t r[6])
{
	struct kern_cap *ctl, *s;
	long rc = find((sk_cap_t)r[0], SK_OBJ_CTL_IO, 0, &ctl);

	if (!rc)
		rc = find((sk_cap_t)r[1], SK_OBJ_SPACE_IO, SK_W, &s);
	if (rc)
		return rc;
	s->obj->rid = (uint32_t)r[2];
	return kern.no_iommu ? -SK_E_NO_SYS : 0;
}

static long sys_io_fault(uint64_t r[6])
{
	struct kern_cap *ctl;
	long rc = find((sk_cap_t)r[0], SK_OBJ_CTL_IO, SK_R, &ctl);

	if (!rc && !kern.n_refused)
		rc = -SK_E_AGAIN;
	if (!rc)
		memcpy(r, &kern.refused[--kern.n_refused], sizeof(kern.refused[0]));
	return rc;
}

/* ---- messages ---- */
static void msg_out(struct kern_msg *m, const uint64_t r[6])
{
	m->label = SK_MI_LABEL(r[1]);
	m->n = SK_MI_WORDS(r[1]);
	m->n_caps = SK_MI_CAPS(r[1]);
	m->deadline = kern.utcb.deadline;
	memcpy(m->mr, kern.utcb.mr, sizeof(m->mr));
	memcpy(m->mr, &r[2], SK_MR_REGS * sizeof(m->mr[0]));
	for (uint32_t i = 0; i < m->n_caps && i < KERN_CAPS; i++) {
		struct kern_cap *c = kern_own(kern.utcb.send[i].slot);

		if (!c || !c->obj)
			continue;
		m->cap[i] = *c;
		m->cap[i].rights &= kern.utcb.send[i].rights;
		if (kern.utcb.send[i].rights & SK_SEND_MOVE) {
			c->obj->n_caps++; /* the receiver owns it now */
			cap_clear(c);
		}
	}
}

static void msg_in(const struct kern_msg *m, uint64_t r[6])
{
	uint32_t n = 0;

	r[0] = m->badge;
	memcpy(kern.utcb.mr, m->mr, sizeof(m->mr));
	memset(kern.utcb.mr, 0xee, SK_MR_REGS * sizeof(m->mr[0]));
	memcpy(&r[2], m->mr, SK_MR_REGS * sizeof(m->mr[0]));
	for (; n < m->n_out && n < kern.utcb.recv_slots && kern.utcb.recv_slot; n++) {
		struct kern_cap *to = kern_own(kern.utcb.recv_slot + n);

		if (!to || to->obj)
			abort();
		cap_put(to, m->out[n].obj, m->out[n].rights, NULL);
		to->badge = m->out[n].badge;
	}
	r[1] = SK_MI(m->label, m->n, n);
}

static long sys_call(uint64_t r[6])
{
	struct kern_cap *ep;
	struct kern_msg m = { 0 };
	long rc = find((sk_cap_t)r[0], SK_OBJ_ENDPOINT, SK_W, &ep);

	if (rc)
		return rc;
	m.ep = ep->obj;
	m.badge = ep->badge;
	msg_out(&m, r);
	if (!kern.on_call)
		return -SK_E_TIMEOUT;
	rc = kern.on_call(&m);
	if (rc)
		return rc;
	m.badge = m.label = 0;
	msg_in(&m, r);
	return 0;
}

static long sys_recv(uint64_t r[6])
{
	struct kern_cap *ep, *reply;
	struct kern_msg m = { .deadline = kern.utcb.deadline };
	long rc = find((sk_cap_t)r[0], SK_OBJ_ENDPOINT, SK_R, &ep);

	if (!rc)
		rc = find(kern.utcb.reply, SK_OBJ_REPLY, 0, &reply);
	if (rc || !kern.on_recv)
		abort(); /* the program receives although no message can come */
	m.ep = ep->obj;
	rc = kern.on_recv(&m);
	if (!rc)
		msg_in(&m, r);
	return rc;
}

static long sys_reply(uint64_t r[6])
{
	struct kern_cap *reply;
	struct kern_msg m = { 0 };
	long rc = find((sk_cap_t)r[0], SK_OBJ_REPLY, 0, &reply);

	if (rc)
		return rc;
	msg_out(&m, r);
	if (kern.on_reply)
		kern.on_reply(&m);
	return 0;
}

static long sys_wait(uint64_t r[6])
{
	struct kern_cap *n;
	long rc = find((sk_cap_t)r[0], SK_OBJ_NOTIFICATION, SK_R, &n);

	if (rc)
		return rc;
	if (kern.on_wait)
		return kern.on_wait(n->obj, r[1], &r[0]);
	if (!n->obj->word)
		return -SK_E_TIMEOUT;
	r[0] = n->obj->word;
	n->obj->word = 0;
	return 0;
}

static long sys_poll(uint64_t r[6])
{
	struct kern_cap *n;
	long rc = find((sk_cap_t)r[0], SK_OBJ_NOTIFICATION, SK_R, &n);

	if (rc)
		return rc;
	r[0] = n->obj->word;
	n->obj->word = 0;
	return r[0] ? 0 : -SK_E_AGAIN;
}

static long sys_signal(uint64_t r[6])
{
	struct kern_cap *n;
	long rc = find((sk_cap_t)r[0], SK_OBJ_NOTIFICATION, SK_W, &n);

	if (rc)
		return rc;
	n->obj->word |= n->badge;
	if (kern.on_signal)
		kern.on_signal(n->obj, n->badge);
	return 0;
}

static long sys_log(const uint64_t r[6])
{
	struct kern_cap *c;
	long rc = find((sk_cap_t)r[0], SK_OBJ_CTL_LOG, 0, &c);

	if (!rc && kern.on_log)
		kern.on_log((const char *)&r[2], (uint32_t)r[1]);
	return rc;
}

/* Calls that give something back never fail. */
static bool may_fail(long nr)
{
	return nr != SK_SYS_DELETE && nr != SK_SYS_REVOKE && nr != SK_SYS_UNMAP &&
	       nr != SK_SYS_SIGNAL && nr != SK_SYS_REPLY && nr != SK_SYS_THREAD_SUSPEND;
}

long kern_syscall(long nr, uint64_t r[6])
{
	kern.calls[nr]++;
	if (kern.fail_in && (kern.fail_nr ? kern.fail_nr == nr : may_fail(nr)) &&
		--kern.fail_in == 0) {
		kern.failed_nr = nr;
		return kern.fail_rc;
	}
	switch (nr) {
	case SK_SYS_CALL:
		return sys_call(r);
	case SK_SYS_RECV:
		return sys_recv(r);
	case SK_SYS_REPLY:
		return sys_reply(r);
	case SK_SYS_POLL:
		return sys_poll(r);
	case SK_SYS_SIGNAL:
		return sys_signal(r);
	case SK_SYS_WAIT:
		return sys_wait(r);
	case SK_SYS_RETYPE:
		return sys_retype(r);
	case SK_SYS_COPY:
		return sys_copy(r, 0);
	case SK_SYS_MINT:
		return sys_copy(r, r[5]);
	case SK_SYS_MOVE:
		return sys_move(r);
	case SK_SYS_DELETE:
		return sys_delete(r);
	case SK_SYS_REVOKE:
		return sys_revoke(r);
	case SK_SYS_CAP_INFO:
		return sys_cap_info(r);
	case SK_SYS_MAP:
		return sys_map(r);
	case SK_SYS_UNMAP:
		return sys_unmap(r);
	case SK_SYS_MAP_TABLE:
		return sys_map_table(r);
	case SK_SYS_SCHED_CONFIGURE:
	case SK_SYS_SCHED_BIND:
	case SK_SYS_SCHED_STATS:
		return sys_sched(nr, r);
	case SK_SYS_IRQ_PIN:
	case SK_SYS_IRQ_MSI:
	case SK_SYS_IRQ_BIND:
		return sys_irq(nr, r);
	case SK_SYS_PORT_IN:
	case SK_SYS_PORT_OUT:
		return sys_port(nr, r);
	case SK_SYS_LOG:
		return sys_log(r);
	case SK_SYS_IO_ASSIGN:
		return sys_io_assign(r);
	case SK_SYS_IO_FAULT:
		return sys_io_fault(r);
	case SK_SYS_THREAD_CONFIGURE:
	case SK_SYS_THREAD_BIND:
	case SK_SYS_THREAD_RESUME:
	case SK_SYS_THREAD_SUSPEND:
	case SK_SYS_THREAD_READ:
	case SK_SYS_THREAD_WRITE:
		return sys_thread(nr, r);
	default:
		return -SK_E_NO_SYS;
	}
}

/* ---- libs/rt and libs/sys ---- */

/* What the start of the domain sets up, and locks for a program with one thread. */
bool sys_root(void) { return kern.root; }

void rt_exit(int code)
{
	if (kern.on_exit)
		kern.on_exit(code);
	_exit(code ? code : 77);
}

__attribute__((weak)) void rt_log_about(uint32_t domid) { (void)domid; }

__attribute__((weak)) void rt_log_resume(void) {}

void mutex_lock(struct mutex *m)
{
	if (m->word++)
		abort();
}

void mutex_unlock(struct mutex *m)
{
	if (--m->word)
		abort();
}

/* ---- for the test ---- */
struct kern_object *kern_object(sk_cap_t slot, uint32_t type)
{
	struct kern_cap *c = kern_own(slot);

	if (!c || c->obj)
		abort();
	return cap_put(c, object_new(type, orders[type] ? orders[type] : 12, 0), SK_ALL, NULL)
		->obj;
}

static struct kern_object *memory(sk_cap_t slot, uint32_t type, uint32_t order, uint64_t paddr)
{
	struct kern_cap *c = kern_own(slot);

	if (!c || c->obj || paddr + (1ull << order) > PHYS)
		abort();
	return cap_put(c, object_new(type, order, paddr), SK_ALL, NULL)->obj;
}

static uint64_t ram(uint32_t order)
{
	uint64_t at = up(next_paddr, 1ull << order);

	next_paddr = at + (1ull << order);
	return at;
}

struct kern_object *kern_untyped(sk_cap_t slot, uint32_t order)
{
	return memory(slot, SK_OBJ_UNTYPED, order, ram(order));
}

struct kern_object *kern_frame(sk_cap_t slot, uint32_t order)
{
	return memory(slot, SK_OBJ_FRAME, order, ram(order));
}

struct kern_object *kern_device(sk_cap_t slot, uint32_t order, uint64_t paddr)
{
	struct kern_object *o = memory(slot, SK_OBJ_UNTYPED, order, paddr);

	o->device = true;
	return o;
}

unsigned int kern_used(const struct kern_object *cnode)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < cnode->n_slots; i++)
		n += cnode->slot[i].obj != NULL;
	return n;
}

uint8_t *kern_view(struct kern_object *space, uint64_t vaddr, uint32_t *rights)
{
	for (uint32_t i = 0; i < space->n_maps; i++) {
		const struct kern_map *m = &space->map[i];

		if (vaddr < m->vaddr || vaddr >= m->vaddr + m->size)
			continue;
		if (rights)
			*rights = m->rights;
		return kern.phys + m->paddr + (vaddr - m->vaddr);
	}
	return NULL;
}

static void page_at(uint64_t vaddr)
{
	void *want = (void *)vaddr;

	if (mmap(want, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != want)
		abort();
}

struct domain_info *kern_domain(void) { return (struct domain_info *)DOMAIN_INFO_VADDR; }

struct sk_bootinfo *kern_boot(void) { return (struct sk_bootinfo *)SK_BOOTINFO_VADDR; }

struct sk_info *kern_info(void)
{
	return (struct sk_info *)(kern.root ? SK_INFO_VADDR : DOMAIN_KINFO_VADDR);
}

void kern_start(uint32_t slots)
{
	static const uint64_t pages[] = { DOMAIN_INFO_VADDR, DOMAIN_KINFO_VADDR,
		SK_BOOTINFO_VADDR, SK_INFO_VADDR };
	uint32_t order = 12;

	for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		page_at(pages[i]);

	while (SK_CNODE_SLOTS(order) < slots)
		order++;
	memory_fd = memfd_create("phys", 0);
	if (memory_fd < 0 || ftruncate(memory_fd, PHYS))
		abort();
	kern.phys = mmap(NULL, PHYS, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	if (kern.phys == MAP_FAILED)
		abort();
	sk_utcb_self = &kern.utcb;
	kern.cnode = object_new(SK_OBJ_CNODE, order, 0);
	cap_put(kern_own(SK_CAP_CNODE), kern.cnode, SK_ALL, NULL);
	kern.space = kern_object(SK_CAP_SPACE, SK_OBJ_SPACE_HOST);
	kern.thread = kern_object(SK_CAP_THREAD, SK_OBJ_THREAD);
	kern.sched = kern_object(SK_CAP_SCHED, SK_OBJ_SCHED);
}

void kern_test(void **state)
{
	void (*run)(void) = (void (*)(void)) * state;
	int result;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		alarm(HANG_S);
		run();
		fflush(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &result, 0), pid);
	assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c - boot memory, the root task, and domains that are made by its system calls
 */
#include "check.h"
#include "fake.h"
#include "ipc.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"
#include "world.h"

#define CALL_RIP 0x2002ull /* after a SYSCALL instruction */
enum {
	BOOT_PADDR = 1 << 20,
	RAM_PADDR = 2 << 20,
	RAM_ORDER = 21,
	MORE_PADDR = 4 << 20,
	MORE_ORDER = 20
};
enum { DOMAIN_ORDER = 19, ROOT_ORDER = 14, CNODE_ORDER = 13 };

STATE struct domain domains[DOMAINS];
STATE static uint64_t boot_free;

/* --- calls -------------------------------------------------------------------------------- */

void call_set(struct thread *t, unsigned int nr, const uint64_t arg[6])
{
	struct sk_regs *r = &t->regs.r;

	r->rax = nr;
	r->rdi = arg[0];
	r->rsi = arg[1];
	r->rdx = arg[2];
	r->r10 = arg[3];
	r->r8 = arg[4];
	r->r9 = arg[5];
	r->rip = CALL_RIP;
	t->regs.vector = ENTRY_SYSCALL;
}

bool call_restarts(const struct thread *t) { return t->regs.r.rip == CALL_RIP - 2; }

long call_whole(struct thread *t, unsigned int nr, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f)
{
	call_set(t, nr, (uint64_t[]){ a, b, c, d, e, f });
	do {
		t->regs.r.rip = CALL_RIP;
		core_syscall(t);
	} while (call_restarts(t));
	return (long)t->regs.r.rax;
}

static void must(long rc, const char *what)
{
	if (rc)
		fail("set-up: %s says %ld", what, rc);
}

/* --- the root task ------------------------------------------------------------------------ */

static void *boot_memory(uint64_t size)
{
	uint64_t at = boot_free;

	boot_free = at + align_up(size, SK_PAGE_SIZE);
	arch_window_open(at, boot_free - at);
	return memset(phys_to_virt(at), 0, boot_free - at);
}

static void boot_slot(
	unsigned int i, uint8_t type, uint8_t order, void *obj, uint64_t raw, uint8_t flags)
{
	struct cap v = { type, SK_ALL, order, flags, obj ? (uint64_t)obj : raw, 0 };
	struct object *o = obj;

	slot_set(&domains[0].cnode->slots[i], NULL, &v);
	if (!o)
		return;
	o->type = type;
	o->refs = 1;
}

static void root_make(void)
{
	struct domain *d = &domains[0];

	boot_free = BOOT_PADDR;
	d->cnode = (struct cnode *)object_make(
		boot_memory(1 << ROOT_ORDER), SK_OBJ_CNODE, ROOT_ORDER);
	d->space = space_of(object_make(
		boot_memory(1 << SK_ORDER_SPACE_HOST), SK_OBJ_SPACE_HOST, SK_ORDER_SPACE_HOST));
	d->thread[0] = thread_of(
		object_make(boot_memory(1 << SK_ORDER_THREAD), SK_OBJ_THREAD, SK_ORDER_THREAD));
	d->sched[0] = boot_memory(1 << SK_ORDER_SCHED);
	boot_slot(AT_CNODE, SK_OBJ_CNODE, ROOT_ORDER, &d->cnode->obj, 0, 0);
	boot_slot(AT_SPACE, SK_OBJ_SPACE_HOST, SK_ORDER_SPACE_HOST, &d->space->obj, 0, 0);
	boot_slot(AT_THREAD, SK_OBJ_THREAD, SK_ORDER_THREAD, &d->thread[0]->obj, 0, 0);
	boot_slot(AT_SCHED, SK_OBJ_SCHED, SK_ORDER_SCHED, &d->sched[0]->obj, 0, 0);
	boot_slot(AT_CTL_SCHED, SK_OBJ_CTL_SCHED, 0, NULL, 0, 0);
	boot_slot(AT_CTL_IRQ, SK_OBJ_CTL_IRQ, 0, NULL, 0, 0);
	boot_slot(AT_IOPORT, SK_OBJ_IOPORT, 0, NULL, 0xffff0000, 0);
	boot_slot(ROOT_RAM, SK_OBJ_UNTYPED, RAM_ORDER, NULL, RAM_PADDR, 0);
	boot_slot(ROOT_MEMORY, SK_OBJ_UNTYPED, MORE_ORDER, NULL, MORE_PADDR, 0);
	boot_slot(ROOT_DEVICE, SK_OBJ_UNTYPED, DEVICE_ORDER, NULL, DEVICE_PADDR, SLOT_DEVICE);
	/* enough for the calls that make the remaining objects */
	d->thread[0]->cspace = d->cnode;
	d->thread[0]->space = d->space;
	check_init(d->cnode);
}

/* --- domains ------------------------------------------------------------------------------ */

static void retype(uint64_t untyped, unsigned int type, unsigned int order, uint64_t cnode,
	uint64_t slot, uint64_t n, uint64_t offset)
{
	must(call_whole(domains[0].thread[0], SK_SYS_RETYPE, untyped, type | order << 8, cnode,
		     slot, n, offset),
		"RETYPE");
}

static void copy(
	uint64_t dst, uint64_t slot, uint64_t from, uint64_t from_slot, unsigned int rights)
{
	must(call_whole(
		     domains[0].thread[0], SK_SYS_COPY, dst, slot, from, from_slot, rights, 0),
		"COPY");
}

/* A call on behalf of domain i's thread, before the thread runs. */
static void own(unsigned int i, const char *what, unsigned int nr, uint64_t a, uint64_t b,
	uint64_t c, uint64_t d, uint64_t e)
{
	must(call_whole(domains[i].thread[0], nr, a, b, c, d, e, 0), what);
}

static struct object *object_in(struct cnode *cn, unsigned int slot)
{
	return cn->slots[slot].obj;
}

/* Make what every domain has, in CNode `cn` of the root task, from untyped `memory`. */
static void things_make(uint64_t memory, uint64_t cn, unsigned int i)
{
	retype(memory, SK_OBJ_ENDPOINT, 0, cn, AT_ENDPOINT, 3, 0);
	retype(memory, SK_OBJ_REPLY, 0, cn, AT_REPLY, 2, 0);
	retype(memory, SK_OBJ_NOTIFICATION, 0, cn, AT_NOTIFICATION, 3, 0);
	retype(memory, SK_OBJ_IRQ, 0, cn, AT_IRQ, 1, 0);
	retype(memory, SK_OBJ_TABLE, 0, cn, AT_TABLE, 6, 0);
	retype(memory, SK_OBJ_SPACE_NESTED, 0, cn, AT_NESTED, 1, 0);
	retype(memory, SK_OBJ_VCPU, 0, cn, AT_VCPU, 1, 0);
	retype(memory, SK_OBJ_TABLE, 0, cn, AT_NESTED_TABLE, 3, 0);
	retype(memory, SK_OBJ_SCHED, 0, cn, AT_SCHED2, 1, 0);
	retype(memory, SK_OBJ_THREAD, 0, cn, AT_THREAD2, 1, 0);
	retype(memory, SK_OBJ_CNODE, SK_PAGE_ORDER, cn, AT_CNODE2, 1, 0);
	retype(memory, SK_OBJ_FRAME, SK_PAGE_ORDER, cn, AT_FRAME, 2, 0);
	retype(memory, SK_OBJ_FRAME, SK_PAGE_ORDER + 2, cn, AT_FRAMES4, 1, 0);
	retype(memory, SK_OBJ_UNTYPED, 16, cn, AT_UNTYPED, 1, 0);
	retype(memory, SK_OBJ_UNTYPED, 14, cn, AT_UNTYPED_SMALL, 1, 0);
	retype(ROOT_DEVICE, SK_OBJ_FRAME, SK_LARGE_ORDER, cn, AT_DEVICE_LARGE, 1,
		i * SK_LARGE_SIZE);
	if (i == 0)
		retype(ROOT_DEVICE, SK_OBJ_FRAME, SK_HUGE_ORDER, cn, AT_DEVICE_HUGE, 1,
			1ull << SK_HUGE_ORDER);
}

static void domain_make(unsigned int i)
{
	struct domain *d = &domains[i];
	uint64_t memory = ROOT_MEMORY + i, cn = ROOT_CNODE + i;
	struct sk_regs *root = &domains[0].thread[0]->regs.r;

	retype(ROOT_RAM, SK_OBJ_UNTYPED, DOMAIN_ORDER, AT_CNODE, memory, 1, 0);
	retype(memory, SK_OBJ_CNODE, CNODE_ORDER, AT_CNODE, cn, 1, 0);
	d->cnode = (struct cnode *)object_in(domains[0].cnode, (unsigned int)cn);
	retype(memory, SK_OBJ_SPACE_HOST, 0, cn, AT_SPACE, 1, 0);
	retype(memory, SK_OBJ_THREAD, 0, cn, AT_THREAD, 1, 0);
	retype(memory, SK_OBJ_SCHED, 0, cn, AT_SCHED, 1, 0);
	copy(cn, AT_CNODE, AT_CNODE, cn, SK_ALL);
	copy(cn, AT_CTL_SCHED, AT_CNODE, AT_CTL_SCHED, SK_ALL);
	copy(cn, AT_CTL_IRQ, AT_CNODE, AT_CTL_IRQ, SK_ALL);
	copy(cn, AT_IOPORT, AT_CNODE, AT_IOPORT, SK_ALL);
	d->space = space_of(object_in(d->cnode, AT_SPACE));
	d->thread[0] = thread_of(object_in(d->cnode, AT_THREAD));
	d->sched[0] = (struct sched *)object_in(d->cnode, AT_SCHED);
	things_make(memory, cn, i);
	d->thread[0]->cspace = d->cnode; /* until it is configured */
	(void)root;
}

static void own_tables(unsigned int i)
{
	for (unsigned int level = 3; level; level--) {
		own(i, "MAP_TABLE", SK_SYS_MAP_TABLE, AT_TABLE + 3 - level, AT_SPACE, 0, level,
			0);
		own(i, "MAP_TABLE", SK_SYS_MAP_TABLE, AT_NESTED_TABLE + 3 - level, AT_NESTED, 0,
			level, 0);
	}
}

/* Threads get their spaces, the vCPU its guest memory; everything is bound and starts. */
static void domain_start(unsigned int i)
{
	struct domain *d = &domains[i];
	struct thread *t = d->thread[0];

	d->nested = space_of(object_in(d->cnode, AT_NESTED));
	d->vcpu = (struct vcpu *)object_in(d->cnode, AT_VCPU);
	d->thread[1] = thread_of(object_in(d->cnode, AT_THREAD2));
	d->sched[1] = (struct sched *)object_in(d->cnode, AT_SCHED2);
	own_tables(i);
	t->cspace = NULL;
	t->space = NULL;
	domains[0].thread[0]->cspace = d->cnode; /* the root task makes the calls for it */
	must(call_whole(domains[0].thread[0], SK_SYS_THREAD_CONFIGURE, AT_THREAD, AT_CNODE,
		     AT_SPACE, 0, UTCB_VADDR, 0),
		"THREAD_CONFIGURE");
	domains[0].thread[0]->cspace = domains[0].cnode;
	own(i, "THREAD_CONFIGURE", SK_SYS_THREAD_CONFIGURE, AT_THREAD2, AT_CNODE, AT_SPACE, 0,
		UTCB_VADDR + SK_PAGE_SIZE);
	own(i, "VCPU_CONFIGURE", SK_SYS_VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE,
		STATE_VADDR, 0);
	for (unsigned int n = 0; n < 2; n++)
		own(i, "SCHED_CONFIGURE", SK_SYS_SCHED_CONFIGURE, AT_CTL_SCHED,
			n ? AT_SCHED2 : AT_SCHED,
			(i + n) % n_cpus | (10 | SK_SCHED_GUESTS) << 16, 256, 0);
	own(i, "THREAD_BIND", SK_SYS_THREAD_BIND, AT_THREAD, AT_NOTIFICATION + 2, 0, 0, 0);
	own(i, "SCHED_BIND", SK_SYS_SCHED_BIND, AT_SCHED, AT_THREAD, 0, 0, 0);
	own(i, "SCHED_BIND", SK_SYS_SCHED_BIND, AT_SCHED2, AT_THREAD2, 0, 0, 0);
	own(i, "THREAD_RESUME", SK_SYS_THREAD_RESUME, AT_THREAD, 0, 0, 0, 0);
	own(i, "THREAD_RESUME", SK_SYS_THREAD_RESUME, AT_THREAD2, 0, 0, 0, 0);
}

/* Give domain i copies of some capabilities of the next domain. */
static void peers_make(unsigned int i)
{
	static const unsigned int from[] = { AT_ENDPOINT + 1, AT_NOTIFICATION + 1, AT_THREAD2,
		AT_SCHED2, AT_VCPU, AT_NESTED, AT_FRAMES4, AT_CNODE2, AT_SPACE };
	uint64_t mine = i ? ROOT_CNODE + i : AT_CNODE, next = (i + 1) % DOMAINS;

	for (unsigned int n = 0; n < ARRAY_SIZE(from); n++)
		copy(mine, AT_PEER + n, next ? ROOT_CNODE + next : AT_CNODE, from[n],
			AT_PEER + n == AT_PEER_FRAME ? SK_R : SK_ALL);
	for (unsigned int n = 0; n < 4; n++)
		must(call_whole(domains[i].thread[0], SK_SYS_MINT, AT_CNODE, AT_BADGED + n,
			     AT_CNODE, n < 3 ? AT_NOTIFICATION + n : AT_ENDPOINT + 1, SK_ALL,
			     1ull << n),
			"MINT");
}

void world_make(unsigned int n)
{
	fake_reset(n);
	for (unsigned int i = 0; i < n; i++)
		sched_cpu_init(cpus[i]);
	root_make();
	things_make(ROOT_MEMORY, AT_CNODE, 0);
	for (unsigned int i = 1; i < DOMAINS; i++)
		domain_make(i);
	for (unsigned int i = 0; i < DOMAINS; i++)
		domain_start(i);
	for (unsigned int i = 0; i < DOMAINS; i++)
		peers_make(i);
}

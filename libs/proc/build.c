/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c - making a domain and starting it
 *
 * Objects     struct proc: own slots for the objects that the builder needs later, and a view
 *             of the info page.
 * Lifecycle   proc_create(), then filling, then proc_start(); proc_stop() and proc_destroy() at
 *             any time, also after a failure.
 * Invariants  PROC_BUILD1 every object of the domain comes out of spec->untyped, or was given
 *                         in spec
 */
#include <string.h>
#include "base/array.h"
#include "caps/caps.h"
#include "proc/internal.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	CNODE_ORDER = 15,
	KEEP_ORDER = 13,
	STACK_ORDER = 16,
	INFO_ORDER = 12,
};

/* ---- capabilities for the domain --------------------------------------------------------- */
int proc_give(struct proc *p, uint32_t slot, sk_cap_t cap, uint32_t rights, uint64_t badge)
{
	if (badge)
		return (int)sk_mint(p->cnode, slot, SK_CAP_CNODE, cap, rights, badge);
	return (int)sk_copy(p->cnode, slot, SK_CAP_CNODE, cap, rights);
}

int proc_move(struct proc *p, uint32_t slot, sk_cap_t cap)
{
	int rc = (int)sk_move(p->cnode, slot, SK_CAP_CNODE, cap);

	if (!rc)
		slot_free(cap, 1);
	return rc;
}

int proc_make(struct proc *p, uint32_t slot, uint32_t type, uint32_t order, sk_cap_t from)
{
	return object_make_in(from ? from : p->untyped, type, order, p->cnode, slot, 1);
}

int proc_untyped(struct proc *p, uint32_t order, sk_cap_t from)
{
	uint32_t i = p->info->n_untyped;
	int rc;

	if (i == DOMAIN_UNTYPED_MAX)
		return -SK_E_LIMIT;
	rc = proc_make(p, DOMAIN_CAP_UNTYPED + i, SK_OBJ_UNTYPED, order, from);
	if (rc)
		return rc;
	p->info->untyped_order[i] = (uint8_t)order;
	p->info->n_untyped++;
	return 0;
}

static int sched_make(struct proc *p, sk_cap_t ctl, const struct proc_sched *s, sk_cap_t *out)
{
	int rc = make_own(p, 0, SK_OBJ_SCHED, 0, out);

	if (rc)
		return rc;
	rc = (int)sk_sched_configure(
		ctl, *out, s->cpu, s->priority, s->weight, s->budget_us, s->period_us);
	if (rc) {
		cap_drop(*out);
		*out = 0;
	}
	return rc;
}

int proc_sched(struct proc *p, uint32_t slot, sk_cap_t ctl_sched, const struct proc_sched *s,
	sk_cap_t *own)
{
	sk_cap_t cap;
	int rc;

	rc = sched_make(p, ctl_sched, s, &cap);
	if (rc)
		return rc;
	if (own) {
		rc = proc_give(p, slot, cap, SK_ALL, 0);
		*own = cap;
	} else {
		rc = proc_move(p, slot, cap);
	}
	if (rc)
		cap_drop(cap);
	return rc;
}

/* ---- objects ----------------------------------------------------------------------------- */
static uint32_t stack_order(const struct proc_spec *s)
{
	return s->stack_order ? s->stack_order : STACK_ORDER;
}

/* Largest first, so that alignment costs nothing. */
static int make_objects(struct proc *p, const struct proc_spec *s, sk_cap_t *stack)
{
	uint32_t order = s->cnode_order ? s->cnode_order : CNODE_ORDER;
	int rc = 0;

	if (order < stack_order(s))
		rc = make_own(p, 0, SK_OBJ_FRAME, stack_order(s), stack);
	if (!rc && !s->cnode)
		rc = make_own(p, 0, SK_OBJ_CNODE, order, &p->cnode);
	if (!rc && !*stack)
		rc = make_own(p, 0, SK_OBJ_FRAME, stack_order(s), stack);
	if (!rc)
		rc = make_own(p, 0, SK_OBJ_CNODE, KEEP_ORDER, &p->keep);
	if (!rc)
		rc = make_own(p, 0, SK_OBJ_SPACE_HOST, 0, &p->space);
	if (!rc)
		rc = make_own(p, 0, SK_OBJ_THREAD, 0, &p->thread);
	if (!rc)
		rc = sched_make(p, s->ctl_sched, &s->sched, &p->sched);
	if (!rc && !s->ntfn)
		rc = make_own(p, 0, SK_OBJ_NOTIFICATION, 0, &p->ntfn);
	if (!rc && !s->service)
		rc = make_own(p, 0, SK_OBJ_ENDPOINT, 0, &p->service);
	p->n_slots = (uint32_t)SK_CNODE_SLOTS(order);
	p->keep_slots = (uint32_t)SK_CNODE_SLOTS(KEEP_ORDER);
	return rc;
}

static int give_objects(struct proc *p, const struct proc_spec *s)
{
	const struct {
		uint32_t slot;
		sk_cap_t cap;
		uint32_t rights;
	} list[] = {
		{ SK_CAP_CNODE, p->cnode, SK_ALL },
		{ SK_CAP_SPACE, p->space, SK_ALL },
		{ SK_CAP_THREAD, p->thread, SK_ALL },
		{ SK_CAP_SCHED, p->sched, SK_ALL },
		{ DOMAIN_CAP_SERVICE, p->service, SK_R },
		{ DOMAIN_CAP_NTFN, p->ntfn, SK_ALL },
		{ DOMAIN_CAP_PARENT, s->parent_ep, SK_W | SK_GRANT },
	};
	int rc = 0;

	for (uint32_t i = 0; !rc && i < ARRAY_SIZE(list); i++)
		if (list[i].cap)
			rc = proc_give(p, list[i].slot, list[i].cap, list[i].rights, 0);
	return rc ? rc : proc_make(p, DOMAIN_CAP_REPLY, SK_OBJ_REPLY, 0, 0);
}

/* ---- the info page ----------------------------------------------------------------------- */
static int info_fill(struct proc *p, const struct proc_spec *s)
{
	struct domain_info *info = p->info;

	if (strlen(s->name) >= sizeof(info->name) ||
		(s->args && strlen(s->args) >= sizeof(info->args)))
		return -SK_E_RANGE;
	info->magic = DOMAIN_MAGIC;
	info->version = DOMAIN_VERSION;
	info->epoch = s->epoch;
	info->n_slots = p->n_slots;
	info->free_slot = s->free_slot ? s->free_slot : DOMAIN_CAP_FREE;
	info->flags = s->cnode && s->epoch ? DOMAIN_CNODE_KEPT : 0;
	info->wall_boot_ns = s->wall_boot_ns;
	if (!info->wall_boot_ns)
		(void)clock_wall_boot_ns(&info->wall_boot_ns);
	strcpy(info->name, s->name);
	if (s->args)
		strcpy(info->args, s->args);
	return 0;
}

static int info_make(struct proc *p, const struct proc_spec *s)
{
	sk_cap_t frame;
	void *view;
	int rc;

	rc = make_own(p, 0, SK_OBJ_FRAME, INFO_ORDER, &frame);
	if (rc)
		return rc;
	rc = cap_copy(frame, SK_R | SK_W, 0, &p->info_frame);
	if (!rc) {
		rc = vm_map(p->info_frame, INFO_ORDER, SK_R | SK_W, &view);
		if (!rc)
			p->info = view;
	}
	if (!rc)
		rc = info_fill(p, s);
	if (!rc)
		rc = map_part(p, frame, DOMAIN_INFO_VADDR, 0, SK_PAGE_SIZE, SK_R);
	if (!rc)
		rc = keep_put(p, frame);
	if (rc)
		cap_drop(frame);
	return rc;
}

static void info_close(struct proc *p)
{
	if (p->info)
		vm_unmap(p->info, p->info_frame, INFO_ORDER);
	p->info = NULL;
	cap_drop(p->info_frame);
	p->info_frame = 0;
}

/* ---- create, start, destroy -------------------------------------------------------------- */
static int thread_setup(struct proc *p, const struct proc_spec *s)
{
	uint32_t level;
	int rc;

	rc = (int)sk_thread_configure(
		p->thread, p->cnode, p->space, s->fault_ep, DOMAIN_UTCB_VADDR, &level);
	if (!rc)
		rc = (int)sk_thread_bind(p->thread, p->ntfn);
	if (!rc)
		rc = (int)sk_sched_bind(p->sched, p->thread);
	return rc;
}

static int stack_map(struct proc *p, const struct proc_spec *s, sk_cap_t frame)
{
	uint64_t size = 1ull << stack_order(s);
	int rc = map_part(p, frame, DOMAIN_STACK_TOP - size, 0, size, SK_R | SK_W);

	return rc ? rc : keep_put(p, frame);
}

static int create(struct proc *p, const struct proc_spec *s)
{
	sk_cap_t stack = 0;
	int rc;

	rc = make_objects(p, s, &stack);
	if (!rc)
		rc = stack_map(p, s, stack);
	if (rc) {
		cap_drop(stack);
		return rc;
	}
	rc = give_objects(p, s);
	if (!rc)
		rc = info_make(p, s);
	if (!rc)
		rc = proc_map(p, SK_CAP_INFO, DOMAIN_KINFO_VADDR, 0, SK_PAGE_SIZE, SK_R);
	if (!rc)
		rc = image_map(p, s->image);
	return rc ? rc : thread_setup(p, s);
}

int proc_create(struct proc *p, const struct proc_spec *s)
{
	int rc;

	*p = (struct proc){ .untyped = s->untyped,
		.cnode = s->cnode,
		.ntfn = s->ntfn,
		.service = s->service,
		.own_cnode = !s->cnode,
		.own_ntfn = !s->ntfn,
		.own_service = !s->service,
		.keep_next = 1,
		.next_vaddr = DOMAIN_CHANNEL_VADDR,
		.entry = s->image->elf.entry };
	rc = create(p, s);
	if (rc)
		proc_destroy(p);
	return rc;
}

int proc_start(struct proc *p)
{
	struct sk_regs regs = { .rip = p->entry,
		.rsp = DOMAIN_STACK_TOP,
		.rdi = DOMAIN_INFO_VADDR,
		.rflags = 0x202 };
	int rc;

	info_close(p);
	rc = (int)sk_thread_write(p->thread, &regs);
	return rc ? rc : (int)sk_thread_resume(p->thread);
}

void proc_stop(struct proc *p)
{
	if (p->thread)
		(void)sk_thread_suspend(p->thread);
}

void proc_destroy(struct proc *p)
{
	const sk_cap_t own[] = { p->own_cnode ? p->cnode : 0, p->keep, p->space, p->thread,
		p->sched, p->own_ntfn ? p->ntfn : 0, p->own_service ? p->service : 0 };

	info_close(p);
	if (p->untyped)
		(void)sk_revoke(SK_CAP_CNODE, p->untyped);
	for (uint32_t i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i])
			slot_free(own[i], 1);
	*p = (struct proc){ 0 };
}

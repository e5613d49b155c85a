/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c - threads: waiting and waking, suspending, configuration, faults
 *
 * Objects     struct thread; its second page is the UTCB.
 * Locks       a wait is guarded by the lock of the object that the thread waits on;
 *             configuration by the tree lock.
 * Lifecycle   made by RETYPE, suspended; CONFIGURE gives it capability space, address space and
 *             UTCB; thread_destroy() takes it off its CPU first.
 * Invariants  THREAD1 wait_obj is set exactly while the thread is in the queue of that object,
 *                or is its caller or waiter
 *             THREAD2 the code that sets wait_obj to NULL, under the object's lock, alone ends
 *                the wait: no other code writes the registers and calls thread_wake()
 *             THREAD3 a suspended thread is in no wait: SUSPEND cancels the wait, and a thread
 *                that begins to wait then looks whether it is suspended
 */
#include "ipc.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"

#define RFLAGS_USER 0x240cd5ull /* CF PF AF ZF SF DF OF, AC, ID */
#define RFLAGS_FIXED 0x202ull   /* IF and the bit that is always set */

void thread_init(struct object *o, uint8_t order unused)
{
	struct thread *t = thread_of(o);

	t->suspended = true;
	t->regs.r.rflags = RFLAGS_FIXED;
	arch_fpu_init_area(t->fpu);
}

/* --- waits -------------------------------------------------------------------------------- */

void thread_wait_undo(struct thread *t)
{
	if (load(&t->suspended) && thread_cancel(t, SK_NO_DEADLINE, THREAD_ANY_STATE))
		thread_wake(t, -SK_E_AGAIN); /* THREAD3 */
	else
		notification_check_bound(t);
}

static void wait_leave(struct object *o, struct thread *t)
{
	switch (o->type) {
	case SK_OBJ_ENDPOINT:
		queue_remove(&((struct endpoint *)o)->queue, &t->link);
		break;
	case SK_OBJ_REPLY:
		((struct reply *)o)->caller = NULL;
		break;
	case SK_OBJ_NOTIFICATION:
		((struct notification *)o)->waiter = NULL;
		break;
	default:
		panic("thread waits on an object of type %u", o->type);
	}
	store(&t->wait_obj, NULL);
}

/* The states in which threads wait on an object of o's type. */
static unsigned int states_on(const struct object *o)
{
	if (o->type == SK_OBJ_ENDPOINT)
		return 1u << THREAD_SENDING | 1u << THREAD_RECEIVING;
	return o->type == SK_OBJ_REPLY ? 1u << THREAD_CALLING : 1u << THREAD_WAITING;
}

/*
 * A caller that holds a notification's lock asks only for waits on endpoints, so no other
 * object is locked.
 */
bool thread_cancel(struct thread *t, sk_time_t when, unsigned int states)
{
	struct object *o;
	bool same, out;

	while ((o = load(&t->wait_obj)) && states & states_on(o)) {
		spin_lock(&o->lock);
		same = t->wait_obj == o;
		out = same && t->deadline <= when && (states & 1u << t->state);
		if (out)
			wait_leave(o, t); /* THREAD2 */
		spin_unlock(&o->lock);
		if (same)
			return out;
	}
	return false;
}

void thread_wake(struct thread *t, long result)
{
	thread_wait_end(t, result);
	sched_wake(t);
}

void thread_timeout(struct thread *t, sk_time_t now)
{
	if (!vcpu_timeout(t, now) && thread_cancel(t, now, THREAD_ANY_STATE))
		thread_wake(t, -SK_E_TIMEOUT);
}

bool thread_stop(struct thread *t)
{
	struct vcpu *v;

	store(&t->suspended, true);
	barrier_full(); /* pairs with thread_wait_recheck() */
	if (!sched_stop(t))
		return false;
	v = load(&t->vcpu);
	if (v)
		core_vcpu_exit(v, t, -SK_E_AGAIN);
	if (thread_cancel(t, SK_NO_DEADLINE, THREAD_ANY_STATE))
		thread_wake(t, -SK_E_AGAIN);
	return true;
}

/* --- configuration ------------------------------------------------------------------------ */

int thread_detach(struct slot *s)
{
	bool cspace = (s->flags & SLOT_OWNER) == SLOT_THREAD_CSPACE;
	struct thread *t = cspace ? container_of(s, struct thread, cspace_slot)
				  : container_of(s, struct thread, space_slot);

	if (!thread_stop(t))
		return SYS_RESTART;
	if (cspace)
		store(&t->cspace, NULL);
	else
		store(&t->space, NULL);
	return 0;
}

static int under_tree thread_unconfigure(struct thread *t)
{
	return slot_delete(&t->utcb_slot) ?: slot_delete(&t->fault_slot) ?: slot_delete(&t->space_slot) ?:
	       slot_delete(&t->cspace_slot);
}

int thread_configure(struct thread *t, struct slot *cspace, struct slot *space,
	struct slot *fault, uint64_t utcb)
{
	struct space *s = space_of(space->obj);
	int rc;

	/*
	 * the end of its old capability space may end much else, even the arguments: find them
	 * again
	 */
	if (t->cspace_slot.type != SK_OBJ_NULL)
		return thread_unconfigure(t) ?: SYS_RESTART;
	rc = thread_unconfigure(t)
		     ?: space_map_page(
				&t->utcb_slot, SLOT_THREAD_UTCB, thread_utcb(t), s, utcb);
	if (rc)
		return rc;
	slot_derive(&t->cspace_slot, cspace, SK_ALL, 0, SLOT_THREAD_CSPACE);
	slot_derive(&t->space_slot, space, SK_ALL, 0, SLOT_THREAD_SPACE);
	if (fault)
		slot_derive(&t->fault_slot, fault, SK_W, fault->badge, SLOT_THREAD_FAULT);
	t->space = s;
	store(&t->cspace, (struct cnode *)cspace->obj);
	return 0;
}

int under_tree thread_destroy(struct object *o)
{
	struct thread *t = thread_of(o);
	int rc;

	o->dead = true;
	if (!thread_stop(t))
		return SYS_RESTART;
	notification_unbind(t);
	if (t->sched)
		sched_unbind(t->sched);
	rc = thread_unconfigure(t) ?: cnodes_inherit(t);
	if (!rc)
		timer_cancel(t);
	return rc;
}

/* --- faults ------------------------------------------------------------------------------- */

void core_fault(struct thread *t, uint64_t vector, uint64_t error, uint64_t addr)
{
	const struct sk_regs *r = &t->regs.r;

	memcpy(t->fault_mr, (uint64_t[]){ vector | error << 32, addr, r->rip, r->rsp },
		sizeof(t->fault_mr));
	if (endpoint_send_fault(t))
		return;
	klog("thread %p stopped: exception %lu error %lx address %lx rip %lx rsp %lx\n", t,
		vector, error, addr, r->rip, r->rsp);
	store(&t->suspended, true);
}

/* --- system calls ------------------------------------------------------------------------- */

/* Suspended, off every CPU and out of its last call: its registers stand still. */
static int thread_settled(struct thread *t)
{
	if (!t->suspended)
		return -SK_E_STATE;
	return sched_off(t) && load(&t->state) == THREAD_READY ? 0 : SYS_RESTART;
}

SYSCALL_HANDLER(THREAD_CONFIGURE)
{
	struct thread *target = thread_of(a->slot[0]->obj);
	struct slot *fault = NULL;

	return (r->r10 ? cap_find(t, r->r10, SK_OBJ_ENDPOINT, SK_W, &fault) : 0) ?: thread_settled(target) ?:
	       thread_configure(target, a->slot[1], a->slot[2], fault, r->r8);
}

SYSCALL_HANDLER(THREAD_BIND)
{
	struct thread *target = thread_of(a->slot[0]->obj);
	struct notification *n;
	struct slot *s;
	int rc = r->rsi ? cap_find(t, r->rsi, SK_OBJ_NOTIFICATION, SK_R, &s) : 0;

	if (rc)
		return rc;
	if (r->rsi == SK_NULL_CAP) {
		notification_unbind(target);
		return 0;
	}
	n = (struct notification *)s->obj;
	if (target->bound || n->bound)
		return -SK_E_EXISTS;
	notification_bind(n, target);
	return 0;
}

SYSCALL_HANDLER(THREAD_RESUME)
{
	struct thread *target = thread_of(a->slot[0]->obj);

	if (!target->cspace || !target->space)
		return -SK_E_STATE;
	store(&target->suspended, false);
	sched_wake(target);
	return 0;
}

SYSCALL_HANDLER(THREAD_SUSPEND)
{
	return thread_stop(thread_of(a->slot[0]->obj)) ? 0 : SYS_RESTART;
}

SYSCALL_HANDLER(THREAD_READ)
{
	struct thread *target = thread_of(a->slot[0]->obj);
	int rc = thread_settled(target);

	if (!rc)
		memcpy(thread_utcb(t)->mr, &target->regs.r, sizeof(target->regs.r));
	return rc;
}

SYSCALL_HANDLER(THREAD_WRITE)
{
	struct thread *target = thread_of(a->slot[0]->obj);
	struct sk_regs regs;
	int rc = thread_settled(target);

	if (rc)
		return rc;
	memcpy(&regs, thread_utcb(t)->mr, sizeof(regs));
	if (regs.rip > USER_END || regs.fs_base > USER_END || regs.gs_base > USER_END)
		return -SK_E_RANGE;
	regs.rflags = (regs.rflags & RFLAGS_USER) | RFLAGS_FIXED;
	target->regs.r = regs;
	target->restart = (struct restart){ 0 };
	target->regs.vector = 0; /* all registers count, even RCX and R11 */
	return 0;
}

SYSCALL_HANDLER(SET_FS_BASE)
{
	if (r->rdi > USER_END)
		return -SK_E_RANGE;
	r->fs_base = r->rdi;
	this_cpu()->loaded = false;
	return 0;
}

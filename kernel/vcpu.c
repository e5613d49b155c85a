/*
 * vcpu.c - guest CPUs: configuration, entering and leaving guest mode, injection
 *
 * Objects     struct vcpu: four pages (this structure, hardware control block, state page, FPU state).
 * Locks       vcpu->obj.lock: entered, nested, and with them thread->vcpu. Order: tree -> vcpu -> CPU
 * Lifecycle   made by RETYPE; CONFIGURE binds it to guest memory; vcpu_destroy() takes its thread out first.
 * Invariants  V1 v->entered == t exactly while t->vcpu == v; who clears it writes t's registers
 *             V2 a CPU whose `nested` is not NULL uses that space's tables and the control block: those who end
 *                either kick it and come back when it has left
 */
#include "vcpu.h"
#include "ipc.h"
#include "sched.h"
#include "space.h"

void vcpu_init(struct vcpu *v)
{
	char *page = (char *)v;

	v->hw = (uint8_t *)page + SK_PAGE_SIZE;
	v->state = (struct sk_vcpu_state *)(page + 2 * SK_PAGE_SIZE);
	v->fpu = (uint8_t *)page + 3 * SK_PAGE_SIZE;
	arch_fpu_init_area(v->fpu);
	arch_vcpu_init(v);
}

/* --- leaving -------------------------------------------------------------------------------- */

bool vcpu_leave(struct thread *t, long result, uint32_t reason)
{
	struct vcpu *v = load(&t->vcpu);
	bool was;

	if (!v)
		return false;
	spin_lock(&v->obj.lock);
	was = v->entered == t;
	if (was) {
		v->entered = NULL; /* V1 */
		store(&t->vcpu, NULL);
		t->regs.r.rax = result;
		if (!result) {
			v->state->exit_reason = reason;
			v->state->exits++;
			t->regs.r.rdi = reason;
		}
	}
	spin_unlock(&v->obj.lock);
	if (was)
		timer_stop(t);
	return was;
}

/* The arch wrote the exit record. */
void core_vcpu_exit(struct thread *t)
{
	struct vcpu *v = load(&t->vcpu);

	if (v)
		vcpu_leave(t, 0, v->state->exit_reason);
}

/* On t's CPU, out of guest mode: the exit was not the hardware's, so bring the state page up to date. */
static void vcpu_leave_here(struct thread *t, uint32_t reason)
{
	arch_vcpu_sync(t->vcpu, SK_VCPU_HOT);
	vcpu_leave(t, 0, reason);
}

void vcpu_check(struct thread *t)
{
	struct vcpu *v = load(&t->vcpu);
	uint64_t word;

	barrier_full(); /* with notification_signal(): N2 */
	if (!v)
		return;
	word = load(&t->bound) ? notification_take_bound(t) : 0;
	if (word) {
		v->state->qual[0] = word;
		vcpu_leave_here(t, SK_EXIT_SIGNAL);
	} else if (load(&t->expired)) {
		vcpu_leave_here(t, SK_EXIT_DEADLINE);
	}
}

/* End guest mode from outside; false while a CPU is still in it (V2). */
static bool vcpu_stop(struct vcpu *v)
{
	struct thread *t = load(&v->entered);

	if (t)
		vcpu_leave(t, -SK_E_DELETED, 0);
	barrier_full(); /* V2: it sees that it left, or we see that it is in guest mode */
	return !v->nested || !v->last || !sched_kick_users(v->last, v->nested);
}

int vcpu_detach(struct slot *s)
{
	struct vcpu *v = container_of(s, struct vcpu, nested_slot);

	if (!vcpu_stop(v))
		return SYS_RESTART;
	spin_lock(&v->obj.lock);
	v->nested = NULL;
	spin_unlock(&v->obj.lock);
	return 0;
}

int vcpu_destroy(struct object *o)
{
	struct vcpu *v = vcpu_of(o);

	spin_lock(&o->lock);
	o->dead = true;
	spin_unlock(&o->lock);
	if (!vcpu_stop(v))
		return SYS_RESTART;
	return slot_delete(&v->state_slot) ?: slot_delete(&v->nested_slot);
}

/* --- system calls --------------------------------------------------------------------------- */

static int vcpu_configure(
	struct vcpu *v, struct slot *nested, struct slot *host, uint64_t vaddr)
{
	int rc = refuse(v->entered != NULL, SK_E_BUSY) ?: slot_delete(&v->state_slot) ?: slot_delete(&v->nested_slot) ?:
		 space_map_page(&v->state_slot, SLOT_VCPU_STATE, v->state, space_of(host->obj), vaddr);

	if (rc)
		return rc;
	slot_derive(&v->nested_slot, nested, SK_ALL, 0, SLOT_VCPU_NESTED);
	spin_lock(&v->obj.lock);
	v->nested = space_of(nested->obj);
	spin_unlock(&v->obj.lock);
	return 0;
}

SYSCALL_HANDLER(VCPU_CONFIGURE)
{
	return vcpu_configure(vcpu_of(a->slot[0]->obj), a->slot[1], a->slot[2], r->r10);
}

SYSCALL_HANDLER(VCPU_ENTER)
{
	struct vcpu *v = (struct vcpu *)a->cap.obj;
	int rc = 0;

	spin_lock(&v->obj.lock);
	if (v->obj.dead)
		rc = -SK_E_DELETED;
	else if (!v->nested)
		rc = -SK_E_STATE;
	else if (v->entered)
		rc = -SK_E_BUSY;
	else
		v->entered = v->last = t; /* V1 */
	if (!rc)
		store(&t->vcpu, v);
	spin_unlock(&v->obj.lock);
	if (rc)
		return rc;
	store(&t->expired, false);
	arch_vcpu_load(v);
	if (r->rsi != SK_NO_DEADLINE)
		timer_start(t, r->rsi);
	barrier_full();
	if (load(&t->suspended))
		vcpu_leave(t, -SK_E_AGAIN, 0);
	return SYS_BLOCKED;
}

SYSCALL_HANDLER(VCPU_SYNC)
{
	struct vcpu *v = (struct vcpu *)a->cap.obj;
	int rc = 0;

	if (r->rsi >> 32)
		return -SK_E_INVAL;
	spin_lock(&v->obj.lock);
	if (v->entered)
		rc = -SK_E_BUSY;
	else
		arch_vcpu_sync(v, (uint32_t)r->rsi);
	spin_unlock(&v->obj.lock);
	return rc;
}

SYSCALL_HANDLER(VCPU_INJECT)
{
	struct vcpu *v = (struct vcpu *)a->cap.obj;
	uint32_t none = 0;
	struct thread *in;

	if (r->rsi > 0xff)
		return -SK_E_INVAL;
	if (!__atomic_compare_exchange_n(&v->pending_irq, &none, (uint32_t)r->rsi | 0x100,
		    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		r->rdi = none;
		return -SK_E_BUSY;
	}
	in = load(&v->entered);
	if (in)
		sched_kick_running(in);
	return 0;
}

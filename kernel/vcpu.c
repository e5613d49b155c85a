/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu.c - guest CPUs: configuration, entering and leaving guest mode, injection
 *
 * Objects     struct vcpu: four pages (this structure, hardware control block, state page, FPU
 *             state).
 * Locks       vcpu->obj.lock: entered, nested, and with them thread->vcpu. Order: tree -> vcpu
 *             -> notification -> CPU
 * Lifecycle   made by RETYPE; CONFIGURE binds it to guest memory; vcpu_destroy() takes its
 *             thread out first.
 * Invariants  VCPU1 v->entered == t exactly while t->vcpu == v. Both change at once, as does
 *                v->nested when it is cleared. The code that clears them has written t's
 *                registers
 *             VCPU2 v->on is set by vcpu_take() on the CPU of the thread that has entered, and
 *                cleared on that CPU when it chooses a thread or needs the FPU registers. Code
 *                that needs the tables, the control block or the FPU state elsewhere kicks that
 *                CPU and comes back
 *             VCPU3 no thread enters a vCPU without a nested space, or while a CPU still has it
 *                from before
 */
#include "vcpu.h"
#include "ipc.h"
#include "sched.h"
#include "space.h"

void vcpu_init(struct object *o, uint8_t order unused)
{
	struct vcpu *v = vcpu_of(o);
	uint8_t *page = (uint8_t *)o;

	v->hw = page + SK_PAGE_SIZE;
	v->state = (struct sk_vcpu_state *)(page + 2 * SK_PAGE_SIZE);
	v->fpu = page + 3 * SK_PAGE_SIZE;
	arch_fpu_init_area(v->fpu);
	arch_vcpu_init(v);
}

/* --- leaving ------------------------------------------------------------------------------ */

/* Every VCPU_ENTER ends here. why: the reason of an exit, or -SK_E_*. Locked. */
static inline void vcpu_end(struct vcpu *v, long why) with_lock(v->obj.lock)
{
	struct thread *t = v->entered;

	t->regs.r.rax = why < 0 ? why : 0;
	if (why >= 0) {
		v->state->exit_reason = (uint32_t)why;
		t->regs.r.rdi = why;
	}
	v->entered = NULL;
	__atomic_store_n(&t->vcpu, NULL, __ATOMIC_RELEASE); /* VCPU1 */
}

void core_vcpu_exit(struct vcpu *v, const struct thread *t, long why)
{
	spin_lock(&v->obj.lock);
	if (v->entered == t)
		vcpu_end(v, why);
	spin_unlock(&v->obj.lock);
}

struct vcpu *vcpu_check(struct vcpu *v, struct thread *t)
{
	uint64_t word;

	barrier_full(); /* with notification_signal(): NTFN2 */
	if (!load(&t->expired) && !notification_pending(t))
		return v;
	spin_lock(&v->obj.lock);
	if (v->entered == t) {
		word = notification_take_bound(t);
		if (word)
			v->state->qual[0] = word;
		if (word || load(&t->expired)) {
			/*
			 * this is not an exit of the hardware, which would bring the state page
			 * up to date
			 */
			arch_vcpu_sync(v, SK_VCPU_HOT);
			vcpu_end(v, word ? SK_EXIT_SIGNAL : SK_EXIT_DEADLINE);
		}
	}
	spin_unlock(&v->obj.lock);
	return load(&t->vcpu);
}

bool vcpu_timeout(struct thread *t, sk_time_t now)
{
	struct vcpu *v = load(&t->vcpu);

	if (!v)
		return false;
	spin_lock(&v->obj.lock);
	if (v->entered == t && t->deadline <= now)
		store(&t->expired, true);
	spin_unlock(&v->obj.lock);
	(void)sched_off(t);
	return true;
}

struct space *vcpu_take(struct vcpu *v, const struct thread *t)
{
	struct cpu *c = this_cpu();
	struct space *nested = NULL;

	spin_lock(&v->obj.lock);
	if (v->entered == t) {
		BUG_ON(v->on && v->on != c); /* VCPU2, VCPU3 */
		nested = v->nested;
		store(&v->on, c);
		/* ordered before the look at pending_irq */
		__atomic_store_n(&c->nested, nested, __ATOMIC_SEQ_CST);
	}
	spin_unlock(&v->obj.lock);
	return nested;
}

/* Another CPU has v, or its FPU state. It is told to give it up. */
static bool vcpu_elsewhere(struct vcpu *v)
{
	struct cpu *on = __atomic_load_n(&v->on, __ATOMIC_ACQUIRE);

	if (on && on != this_cpu())
		arch_kick(on);
	return on && on != this_cpu();
}

/* End guest mode from outside, and allow no new entry. */
static int vcpu_stop(struct vcpu *v)
{
	spin_lock(&v->obj.lock);
	if (v->entered)
		vcpu_end(v, -SK_E_DELETED);
	v->nested = NULL; /* VCPU3 */
	spin_unlock(&v->obj.lock);
	if (load(&v->on) == this_cpu())
		arch_fpu_put();
	return vcpu_elsewhere(v) ? SYS_RESTART : 0; /* VCPU2 */
}

int vcpu_detach(struct slot *s) { return vcpu_stop(container_of(s, struct vcpu, nested_slot)); }

int under_tree vcpu_destroy(struct object *o)
{
	struct vcpu *v = vcpu_of(o);

	spin_lock(&o->lock);
	o->dead = true;
	spin_unlock(&o->lock);
	return vcpu_stop(v) ?: slot_delete(&v->state_slot) ?: slot_delete(&v->nested_slot);
}

/* --- system calls ------------------------------------------------------------------------- */

SYSCALL_HANDLER(VCPU_CONFIGURE)
{
	struct vcpu *v = vcpu_of(a->slot[0]->obj);
	struct slot *nested = a->slot[1];
	int rc = error_if(load(&v->entered) != NULL, SK_E_BUSY) ?: slot_delete(&v->state_slot) ?: slot_delete(&v->nested_slot) ?:
		 space_map_page(&v->state_slot, SLOT_VCPU_STATE, v->state, space_of(a->slot[2]->obj), r->r10);

	if (rc)
		return rc;
	slot_derive(&v->nested_slot, nested, SK_ALL, 0, SLOT_VCPU_NESTED);
	spin_lock(&v->obj.lock);
	BUG_ON(v->on); /* VCPU2: vcpu_detach() waited */
	v->nested = space_of(nested->obj);
	spin_unlock(&v->obj.lock);
	return 0;
}

SYSCALL_HANDLER(VCPU_ENTER)
{
	struct vcpu *v = (struct vcpu *)a->cap.obj;
	const struct sched *s = load(&t->sched);
	struct cpu *c = this_cpu();
	int rc = SYS_BLOCKED;

	if (!s)
		return SYS_RESTART; /* the right to run guests is a context's: wait for one */
	if (!load(&s->guests))
		return -SK_E_DENIED;
	spin_lock(&v->obj.lock);
	if (v->obj.dead)
		rc = -SK_E_DELETED;
	else if (!v->nested)
		rc = -SK_E_STATE;
	else if (v->entered)
		rc = -SK_E_BUSY;
	else if (vcpu_elsewhere(v))
		rc = SYS_RESTART; /* VCPU3 */
	else {
		arch_vcpu_load(v);
		store(&t->expired, false);
		store(&t->deadline, r->rsi);
		v->entered = t;
		store(&t->vcpu, v); /* VCPU1 */
		/*
		 * as vcpu_take() does, if this CPU has it still; and a barrier: NTFN2, SCHED6
		 */
		__atomic_store_n(&c->nested, v->on ? v->nested : NULL, __ATOMIC_SEQ_CST);
		if (r->rsi != SK_NO_DEADLINE && !timer_set(t))
			timer_start(t);
	}
	spin_unlock(&v->obj.lock);
	if (rc != SYS_BLOCKED)
		return rc;
	/* most often nothing stands between t and its guest: NTFN2 */
	if (!load(&c->resched) && !notification_pending(t))
		arch_resume(t, v);
	store(&c->nested, NULL);
	return rc; /* the way through kernel_exit() */
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
	else if (vcpu_elsewhere(v))
		rc = SYS_RESTART;
	else
		arch_vcpu_sync(v, (uint32_t)r->rsi);
	spin_unlock(&v->obj.lock);
	return rc;
}

SYSCALL_HANDLER(VCPU_INJECT)
{
	struct vcpu *v = (struct vcpu *)a->cap.obj;
	uint32_t none = 0;
	struct cpu *in;

	if (r->rsi > 0xff)
		return -SK_E_INVAL;
	if (!__atomic_compare_exchange_n(&v->pending_irq, &none, (uint32_t)r->rsi | 0x100,
		    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		r->rdi = none;
		return -SK_E_BUSY;
	}
	in = load(&v->on);
	if (in && in != this_cpu())
		arch_kick(in); /* with vcpu_take(): it sees the interrupt, or we see its CPU */
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.h - threads
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "cap.h"
#include "heap.h"

/*
 * READY: waits for nothing. SENDING, RECEIVING: waits in an endpoint's queue. CALLING: waits
 * for a Reply. WAITING: waits for a notification.
 */
/* clang-format off */
enum thread_state {
	THREAD_READY, THREAD_SENDING, THREAD_RECEIVING, THREAD_CALLING, THREAD_WAITING
};
/* clang-format on */

/*
 * Notes of a call that was interrupted (SYS_RESTART), for when it is made again. They are in
 * the thread and not in its registers, which are the user's. If the thread is made to do
 * something else in between, the notes mislead only that thread.
 */
enum restart_stage { RESTART_NEW, RESTART_FOUND, RESTART_DONE };
struct restart {
	uint8_t stage;  /* enum restart_stage */
	uint8_t type;   /* DELETE, REVOKE: type of the slot's contents */
	uint64_t value; /* and which object; UNMAP: offset reached */
};

/*
 * wait_obj and the queue links are written under the lock of the object that the thread waits
 * on. The code that sets wait_obj back to NULL there ends the wait and may touch the registers.
 * Any code may set suspended; only RESUME clears it.
 */
struct thread {
	struct user_regs regs; /* first: the entry code saves here */
	struct object obj;
	struct space *space; /* of space_slot, or NULL */
	struct vcpu *vcpu;   /* entered, or NULL */
	struct cnode *cspace;
	struct sched *sched;
	/*
	 * the CPU that runs it or has its FPU state, or NULL; written only in sched_switch()
	 * and sched_hand_over()
	 */
	struct cpu *on;
	struct notification *bound;
	struct link *dying; /* CNodes that it must clear (tree lock) */
	struct restart restart;
	union {
		struct {
			uint8_t state; /* enum thread_state */
			bool suspended;
		};
		uint16_t stopped; /* both: 0 if it may run */
	};
	bool faulted;  /* the message that it sends or the reply that it awaits is a fault's */
	bool call;     /* SENDING: wants a reply */
	bool expired;  /* the deadline passed while it is in VCPU_ENTER */
	bool uses_fpu; /* arch: it has executed an FPU instruction */
	struct object *wait_obj;
	struct link link;       /* queue of an endpoint */
	uint64_t badge;         /* SENDING: of the endpoint capability */
	sk_time_t deadline;     /* of the present wait */
	struct heap_node timer; /* tag: CPU whose heap it is in */
	uint64_t fault_mr[SK_MR_REGS];
	struct slot cspace_slot, space_slot, fault_slot, utcb_slot;
	uint8_t fpu[FPU_AREA_SIZE] __attribute__((aligned(64)));
};
_Static_assert(sizeof(struct thread) <= SK_PAGE_SIZE, "first page of the object");

static inline struct thread *thread_of(struct object *o)
{
	return container_of(o, struct thread, obj);
}
static inline struct sk_utcb *thread_utcb(struct thread *t)
{
	return (struct sk_utcb *)((char *)t + SK_PAGE_SIZE);
}

/*
 * Lock-free lookup in t's capability space: the object's memory is not used again until this
 * CPU leaves the kernel.
 */
static inline must_check int cap_read(struct thread *t, uint64_t index, unsigned int type,
	unsigned int rights, struct cap *cap)
{
	struct cnode *cn = load(&t->cspace);

	if (!cn || index == 0 || index >= cn->n_slots)
		return -SK_E_CAP;
	slot_read(&cn->slots[index], cap);
	if (cap->type != type)
		return -SK_E_CAP;
	return rights & ~cap->rights ? -SK_E_RIGHTS : 0;
}

/* Only this function writes state. */
static inline void thread_set_state(struct thread *t, enum thread_state state)
{
	/*
	 * legal moves: into a wait, out of it, and from sending a call to waiting for its reply
	 */
	BUG_ON(t->state != THREAD_READY && state != THREAD_READY &&
		(t->state != THREAD_SENDING || state != THREAD_CALLING));
	store(&t->state, (uint8_t)state);
}

/* t waits until t->deadline; other CPUs can see that it waits. */
void timer_start(struct thread *t); /* sched.c */
/* t waits on o and its deadline is armed. The caller holds the lock of o and has queued t. */
static inline void thread_wait(
	struct thread *t, struct object *o, enum thread_state state, sk_time_t until)
{
	store(&t->deadline, until);
	thread_set_state(t, state);
	store(&t->wait_obj, o); /* THREAD1 */
	if (until != SK_NO_DEADLINE)
		timer_start(t);
}
/*
 * Take t out of its wait, on any object, if its state is one of the mask (1 << THREAD_x) and
 * its deadline is not after `when`. True: the caller must wake it.
 */
bool thread_cancel(struct thread *t, sk_time_t when, unsigned int states);
#define THREAD_ANY_STATE (~0u)
/* After the end of a wait: RAX = result. A failed fault message leaves t suspended. */
static inline void thread_wait_end(struct thread *t, long result)
{
	if (!t->faulted) {
		t->regs.r.rax = result;
	} else {
		t->faulted = false;
		if (result)
			store(&t->suspended, true);
	}
	thread_set_state(t, THREAD_READY);
}
/* The same, and t may run. */
void thread_wake(struct thread *t, long result);
static inline bool thread_runnable(const struct thread *t) { return !load(&t->stopped); }
/* Take it out of its wait and off its CPU. False: another CPU still runs it, try again. */
bool thread_stop(struct thread *t);
/* The deadline timer of t fired. */
void thread_timeout(struct thread *t, sk_time_t now);
/* Give t its capability space, address space, fault endpoint and UTCB (tree lock). */
int under_tree thread_configure(struct thread *t, struct slot *cspace, struct slot *space,
	struct slot *fault, uint64_t utcb) must_check;

#endif

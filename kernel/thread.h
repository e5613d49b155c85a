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
	/* the CPU that runs it or has its FPU state, or NULL; written only in sched_switch() */
	struct cpu *on;
	struct notification *bound;
	struct link *dying; /* CNodes that it must clear (tree lock) */
	struct restart restart;
	uint8_t state; /* enum thread_state */
	bool suspended;
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

/* t waits on o and its deadline is armed. The caller holds the lock of o and has queued t. */
void thread_wait(struct thread *t, struct object *o, enum thread_state state, sk_time_t until);
/*
 * After the lock of o is dropped: end the wait again if t was suspended or signalled meanwhile.
 */
void thread_wait_recheck(struct thread *t);
/*
 * Take t out of its wait, on any object, if its state is one of the mask (1 << THREAD_x) and
 * its deadline is not after `when`. True: the caller must wake it.
 */
bool thread_cancel(struct thread *t, sk_time_t when, unsigned int states);
#define THREAD_ANY_STATE (~0u)
/*
 * How a thread that may run gets a CPU: after others of its priority, or before them because
 * the current thread is about to wait for it.
 */
enum wake { WAKE_QUEUE, WAKE_DIRECT };
/*
 * After the end of a wait: RAX = result, and t may run. A failed fault message leaves t
 * suspended.
 */
void thread_wake_as(struct thread *t, long result, enum wake how);
static inline void thread_wake(struct thread *t, long rc) { thread_wake_as(t, rc, WAKE_QUEUE); }
static inline bool thread_runnable(const struct thread *t)
{
	return load(&t->state) == THREAD_READY && !load(&t->suspended);
}
/* Take it out of its wait and off its CPU. False: another CPU still runs it, try again. */
bool thread_stop(struct thread *t);
/* The deadline timer of t fired. */
void thread_timeout(struct thread *t, sk_time_t now);
/* Give t its capability space, address space, fault endpoint and UTCB (tree lock). */
int under_tree thread_configure(struct thread *t, struct slot *cspace, struct slot *space,
	struct slot *fault, uint64_t utcb) must_check;

#endif

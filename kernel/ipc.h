/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.h - endpoints, replies, notifications
 */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "thread.h"

struct endpoint {
	struct object obj;
	bool receivers;     /* the queue holds receivers, else senders */
	struct link *queue; /* first in first out */
};
struct reply {
	struct object obj;
	struct thread *caller; /* waits on this object, or NULL */
};
struct notification {
	struct object obj;
	uint64_t word;
	struct thread *waiter; /* one at most */
	struct thread *bound;  /* signals end its RECV and ENTER (tree lock to change) */
};
_Static_assert(sizeof(struct endpoint) <= 1u << SK_ORDER_ENDPOINT, "object size");
_Static_assert(sizeof(struct notification) <= 1u << SK_ORDER_NOTIFICATION, "object size");

/* Send t's fault as a call to its fault endpoint; false if it has none. */
bool endpoint_send_fault(struct thread *t);

void notification_signal(struct notification *n, uint64_t badge);
/*
 * End t's wait if its bound notification has a signal; called when t has begun to wait (RECV).
 */
void notification_check_bound(struct thread *t);
static inline bool notification_pending(const struct thread *t)
{
	struct notification *n = load(&t->bound);

	return n && load(&n->word);
}
void thread_wait_undo(struct thread *t);
/*
 * After the lock of the object on which t waits is dropped: end the wait again if t was
 * suspended or signalled meanwhile.
 */
static inline void thread_wait_recheck(struct thread *t)
{
	barrier_full(); /* pairs with thread_stop() and notification_signal() */
	if (load(&t->suspended) || notification_pending(t))
		thread_wait_undo(t);
}
/* Take the word of the notification that is bound to t; 0 if there is none. */
uint64_t notification_take_bound(struct thread *t);
void notification_bind(struct notification *n, struct thread *t);
void notification_unbind(struct thread *t);

#endif

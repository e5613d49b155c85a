/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex.h - a lock that the threads of a domain share
 *
 * One word, zero = open. A thread that finds the lock taken parks on a notification of its own,
 * and the lock is handed over in the order of arrival. Nothing spins while another thread holds
 * the lock for long, so threads of different priority may share one. Not recursive.
 */
#ifndef SYS_MUTEX_H
#define SYS_MUTEX_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

struct TA(capability("mutex")) mutex {
	uint32_t word;
};
void mutex_lock(struct mutex *m) takes_lock(*m);
bool mutex_try(struct mutex *m) TA(try_acquire_capability(true, *m));
void mutex_unlock(struct mutex *m) drops_lock(*m);

#define MUTEX_WAITERS_MAX 32u

/*
 * The state with which a thread waits. The runtime library has one for each thread and sets the
 * first three members.
 */
struct mutex_waiter {
	/* The thread's number, below MUTEX_WAITERS_MAX. */
	uint32_t number;
	/*
	 * The thread's own notification. The main thread gets its own when the first further
	 * thread is made.
	 */
	sk_cap_t park;
	/* Signals it. Badged, because a signal without a badge changes nothing. */
	sk_cap_t wake;
	/*
	 * While the thread waits: 1 plus the number of the thread that came before it; 0 =
	 * none.
	 */
	uint32_t next;
	/* Written once, by the thread that hands the lock over. */
	uint32_t granted;
};
/* The calling thread's; set before it locks anything. */
extern _Thread_local struct mutex_waiter *mutex_self;
/*
 * Register a waiter under its number before its thread runs. It has to exist as long as the
 * domain.
 */
void mutex_waiter_add(struct mutex_waiter *w);

#endif

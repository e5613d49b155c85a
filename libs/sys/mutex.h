/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex.h - a lock that the threads of a domain share
 *
 * One word, zero = open. A contended lock parks the thread on a notification of its own, and
 * the lock is handed over in the order of arrival. Nothing spins while another thread holds the
 * lock for long, so threads of different priority may share one. Not recursive.
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
 * What a thread needs in order to wait. The runtime library has one for each thread and sets
 * the first four members.
 */
struct mutex_waiter {
	/* Of the thread, below MUTEX_WAITERS_MAX. */
	uint32_t number;
	/* The thread's own notification; made with the first further thread. */
	sk_cap_t park;
	/* Signals it. Badged, because a signal without a badge changes nothing. */
	sk_cap_t wake;
	/* While it waits: the number of the thread that came before it, plus 1; 0 = none. */
	uint32_t next;
	/* Written once, by the thread that hands the lock over. */
	uint32_t granted;
};
/* Of the calling thread; set before it locks anything. */
extern _Thread_local struct mutex_waiter *mutex_self;
/*
 * Makes it known under its number, before its thread runs. Waiters stay for the life of the
 * domain.
 */
void mutex_waiter_add(struct mutex_waiter *w);

#endif

/*
 * thread.h - threads within a domain, and the lock that they share
 *
 * A thread has its own stack with an unmapped page below, UTCB, thread-local storage and C library state.
 * It runs with a scheduling context that the domain was given (a VMM: VM_CAP_SCHED + i).
 *
 * mutex: one word, zero = open. A contended lock parks the thread on a notification of its own, and the
 * lock is handed over in the order of arrival. Nothing spins while another thread holds the lock for long,
 * so threads of different priority may share one. Not recursive.
 */
#ifndef SYS_THREAD_H
#define SYS_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#define THREADS_MAX 32u /* of a domain, with the main thread */

struct thread;

struct thread_spec {
	void (*fn)(void *arg); /* must not return; thread_exit() is called if it does */
	void *arg;
	sk_cap_t sched;       /* scheduling context to run with */
	sk_cap_t ntfn;        /* bound to the thread (RECV, VCPU_ENTER); 0 = none */
	uint32_t stack_order; /* 0 = 15 (32 KiB) */
};

/* Make and start it. Threads are for the life of the domain: what one takes is not given back. */
int thread_start(const struct thread_spec *s, struct thread **out) must_check;
/* Capability to the thread, for suspend and resume. */
sk_cap_t thread_cap(const struct thread *t);
void thread_exit(void) __attribute__((noreturn));
/* Number of the calling thread: 0 = main, then in order of thread_start(). */
uint32_t thread_self(void);

struct mutex {
	uint32_t word;
};
void mutex_lock(struct mutex *m);
bool mutex_try(struct mutex *m);
void mutex_unlock(struct mutex *m);

#endif

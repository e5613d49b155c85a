/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.h - threads within a domain
 *
 * A thread has its own stack with an unmapped page below it, its own UTCB, thread-local storage
 * and C library state. It runs with a scheduling context that the domain was given (a VMM:
 * VM_CAP_SCHED + i).
 */
#ifndef RT_THREAD_H
#define RT_THREAD_H

#include <stdint.h>
#include <sk/types.h>
#include "sys/mutex.h"

/* The most threads of a domain, including the main thread. */
#define THREADS_MAX MUTEX_WAITERS_MAX

struct thread;

struct thread_spec {
	/* The thread ends when it returns. */
	void (*fn)(void *arg);
	void *arg;
	/* The scheduling context that it runs with. */
	sk_cap_t sched;
	/* Bound to the thread (RECV, VCPU_ENTER); 0 = none. */
	sk_cap_t ntfn;
	/* 0 = 15 (32 KiB) */
	uint32_t stack_order;
};

/*
 * Make a thread and start it. Threads live as long as the domain; their memory is never given
 * back.
 */
int thread_start(const struct thread_spec *s, struct thread **out) must_check;
/* The thread's capability, for suspend and resume. */
sk_cap_t thread_cap(const struct thread *t);
void thread_exit(void) __attribute__((noreturn));

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * internal.h - what the parts of libs/rt share
 */
#ifndef RT_INTERNAL_H
#define RT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <reent.h>
#include <sk/types.h>
#include "rt/thread.h"

/* One thread of the program; the main thread's is static. */
struct thread {
	struct mutex_waiter waiter;
	sk_cap_t cap;
	struct sk_utcb *utcb;
	/* FS base */
	void *tls;
	struct _reent *reent;
	void (*fn)(void *arg);
	void *arg;
};
extern struct thread rt_main_thread;

/* Thread-local: the alignment makes the linker and tls_init() agree on the layout. */
struct rt_self {
	struct thread *thread;
	struct _reent *reent;
} __attribute__((aligned(64)));
extern _Thread_local struct rt_self rt_self;
/* From now on the calling thread is t, whose FS base is set already. */
void rt_self_set(struct thread *t);

size_t tls_size(void);
/*
 * Lay out thread-local storage in block (64-byte aligned, tls_size() bytes). Returns the FS
 * base.
 */
void *tls_init(void *block);

void log_init(void);
void log_write(const char *text, size_t len);

#endif

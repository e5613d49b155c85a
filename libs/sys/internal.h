/*
 * internal.h - what the parts of libs/sys share
 */
#ifndef SYS_INTERNAL_H
#define SYS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <reent.h>
#include <sk/types.h>
#include "sys/thread.h"

/* State of one thread that others may look at; main's is static. */
struct thread {
	uint32_t number;
	sk_cap_t cap;
	sk_cap_t
		park; /* its own notification, for mutex_lock(); made with the first further thread */
	sk_cap_t wake; /* signals it: badged, for a signal without a badge changes nothing */
	struct sk_utcb *utcb;
	void *tls; /* fs base */
	struct _reent *reent;
	void (*fn)(void *arg);
	void *arg;
	/* While it waits for a mutex: */
	uint32_t next;    /* number of the one that waited before, plus 1; 0 = none */
	uint32_t granted; /* written once by the one that hands the lock over */
};

/* Thread-local: alignment here is what makes the linker and tls_init() agree on the layout. */
struct self {
	struct thread *thread;
	struct _reent *reent;
} __attribute__((aligned(64)));
extern _Thread_local struct self sys_self;
extern struct thread *sys_threads[THREADS_MAX];

size_t tls_size(void);
/* Lay out thread-local storage in block (64-byte aligned, tls_size() bytes); returns the fs base. */
void *tls_init(void *block);

void log_init(void);
void log_write(const char *text, size_t len);

#endif

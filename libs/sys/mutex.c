/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex.c - a lock that parks its waiters and is handed over in the order of arrival
 *
 * Objects     struct mutex: bit 31 of the word means locked; the low bits are 1 plus the number
 *             of the waiting thread that came last. `next` of its waiter names the thread that
 *             came before it, and so on.
 * Locks       no lock is taken under this one. Only the owner takes threads out of the list, so
 *             the links behind the first element cannot change meanwhile, and a
 *             compare-and-swap of the first is enough.
 * Invariants  MUTEX1 a thread is in at most one list, because it waits in mutex_lock()
 *             MUTEX2 the word is 0 only when no thread owns the lock and no thread waits
 *             MUTEX3 `granted` is set once for each wait, by the owner, before the signal
 */
#include <stddef.h>
#include "sys/mutex.h"
#include "sys/sk.h"

#define LOCKED 0x80000000u
/* About as long as a short critical section on another CPU. */
enum { SPINS = 200 };

_Thread_local struct mutex_waiter *mutex_self;
static struct mutex_waiter *waiters[MUTEX_WAITERS_MAX];

void mutex_waiter_add(struct mutex_waiter *w) { waiters[w->number] = w; }

bool TA_OFF mutex_try(struct mutex *m)
{
	uint32_t open = 0;

	return __atomic_compare_exchange_n(
		&m->word, &open, LOCKED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static bool TA_OFF mutex_spin(struct mutex *m)
{
	for (unsigned int i = 0; i < SPINS; i++) {
		if (!__atomic_load_n(&m->word, __ATOMIC_RELAXED) && mutex_try(m))
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

/* True: queued; false: the lock opened meanwhile and is ours. */
static bool mutex_enqueue(struct mutex *m, struct mutex_waiter *self)
{
	uint32_t word = __atomic_load_n(&m->word, __ATOMIC_RELAXED);
	uint32_t wanted;

	__atomic_store_n(&self->granted, 0, __ATOMIC_RELAXED);
	do {
		self->next = word & ~LOCKED;
		wanted = LOCKED | (word ? self->number + 1 : 0);
	} while (!__atomic_compare_exchange_n(
		&m->word, &word, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return word != 0;
}

void TA_OFF mutex_lock(struct mutex *m)
{
	struct mutex_waiter *self;
	uint64_t word;

	if (mutex_try(m) || mutex_spin(m))
		return;
	self = mutex_self;
	if (!mutex_enqueue(m, self))
		return;
	/* The signal may be from an earlier wait, so look again. */
	while (!__atomic_load_n(&self->granted, __ATOMIC_ACQUIRE))
		(void)sk_wait(self->park, SK_NO_DEADLINE, &word);
}

static struct mutex_waiter *waiter(uint32_t link) { return link ? waiters[link - 1] : NULL; }

/* Take the oldest waiter out of the list that starts at first; NULL: first is the only one. */
static struct mutex_waiter *take_oldest(struct mutex_waiter *first)
{
	struct mutex_waiter *before = first, *oldest = waiter(first->next);

	if (!oldest)
		return NULL;
	while (oldest->next) {
		before = oldest;
		oldest = waiter(oldest->next);
	}
	before->next = 0;
	return oldest;
}

void TA_OFF mutex_unlock(struct mutex *m)
{
	uint32_t word = LOCKED;
	struct mutex_waiter *t;
	sk_cap_t wake;

	if (__atomic_compare_exchange_n(
		    &m->word, &word, 0, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		return;
	do {
		t = take_oldest(waiter(word & ~LOCKED));
		if (t)
			break;
		t = waiter(word & ~LOCKED);
	} while (!__atomic_compare_exchange_n(
		&m->word, &word, LOCKED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	wake = t->wake;
	/* MUTEX3: from here on t may wait for another lock. */
	__atomic_store_n(&t->granted, 1, __ATOMIC_RELEASE);
	(void)sk_signal(wake);
}

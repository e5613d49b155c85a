/*
 * mutex.c - a lock that parks its waiters and is handed over in the order of arrival
 *
 * Objects     struct mutex: bit 31 of the word says locked; the low bits are the number, plus 1, of the thread
 *             that came last, whose `next` names the one before it, and so on.
 * Locks       none below this one. Only the owner takes threads out of the list, so a compare-and-swap of the
 *             first element suffices: whoever is found first is linked to what really follows.
 * Invariants  M1 a thread is in at most one list (it waits in mutex_lock)   M2 the word is 0 only when nobody
 *             owns the lock and nobody waits   M3 `granted` is set once per wait, by the owner, before the signal
 */
#include "sys/internal.h"
#include "sys/sk.h"

#define LOCKED 0x80000000u
enum { SPINS = 200 }; /* about as long as a short critical section on another CPU */

bool mutex_try(struct mutex *m)
{
	uint32_t open = 0;

	return __atomic_compare_exchange_n(
		&m->word, &open, LOCKED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static bool mutex_spin(struct mutex *m)
{
	for (unsigned int i = 0; i < SPINS; i++) {
		if (!__atomic_load_n(&m->word, __ATOMIC_RELAXED) && mutex_try(m))
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

/* True: queued; false: the lock opened meanwhile and is ours. */
static bool mutex_enqueue(struct mutex *m, struct thread *self)
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

void mutex_lock(struct mutex *m)
{
	struct thread *self;
	uint64_t word;

	if (mutex_try(m) || mutex_spin(m))
		return;
	self = sys_self.thread;
	if (!mutex_enqueue(m, self))
		return;
	while (!__atomic_load_n(&self->granted, __ATOMIC_ACQUIRE))
		(void)sk_wait(self->park, SK_NO_DEADLINE,
			&word); /* may be an old signal: look again */
}

static struct thread *waiter(uint32_t link) { return link ? sys_threads[link - 1] : NULL; }

/* Take the one that came first out of the list that starts at first; NULL when first is the only one. */
static struct thread *take_oldest(struct thread *first)
{
	struct thread *before = first, *oldest = waiter(first->next);

	if (!oldest)
		return NULL;
	while (oldest->next) {
		before = oldest;
		oldest = waiter(oldest->next);
	}
	before->next = 0;
	return oldest;
}

void mutex_unlock(struct mutex *m)
{
	uint32_t word = LOCKED;
	struct thread *t;
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
	__atomic_store_n(&t->granted, 1, __ATOMIC_RELEASE); /* from here on t may be gone: M3 */
	(void)sk_signal(wake);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c - further threads of a domain
 *
 * Objects     struct thread in a table; a Thread object, a park notification, stack and UTCB
 *             from libs/caps.
 * Locks       start_lock: one thread_start() at a time.
 * Lifecycle   threads last as long as the domain; thread_exit() suspends the caller for good.
 * Invariants  RT_THREAD1 a thread's waiter is known to libs/sys before the thread runs
 *             RT_THREAD2 main has a park notification before any other thread runs
 */
#include <stdlib.h>
#include <string.h>
#include "caps/caps.h"
#include "proto/domain.h"
#include "rt/internal.h"
#include "sys/self.h"
#include "sys/sk.h"

enum { STACK_ORDER = 15 };

void thread_entry(void);
void thread_run(struct thread *t) __attribute__((noreturn));

static struct mutex start_lock;
/* The main thread is not in it. */
static struct thread threads[THREADS_MAX];
static uint32_t n_threads = 1;

sk_cap_t thread_cap(const struct thread *t) { return t->cap; }

void thread_exit(void)
{
	for (;;)
		(void)sk_thread_suspend(rt_self.thread->cap);
}

/* The first C code of a thread. Its initial registers have set fs already. */
void thread_run(struct thread *t)
{
	rt_self_set(t);
	t->fn(t->arg);
	thread_exit();
}

/* [page for the UTCB][page without access][stack] */
static int stack_make(struct thread *t, uint32_t order, uint64_t *top)
{
	uint64_t size = 1ull << order;
	sk_cap_t frame;
	void *base;
	int rc;

	rc = vm_reserve(size + 2 * SK_PAGE_SIZE, &base);
	if (rc)
		return rc;
	rc = object_make(SK_OBJ_FRAME, order, &frame);
	if (rc)
		return rc;
	t->utcb = base;
	*top = (uint64_t)base + 2 * SK_PAGE_SIZE + size;
	return space_map_at(SK_CAP_SPACE, frame, *top - size, 0, order, SK_R | SK_W);
}

static int park_make(struct thread *t)
{
	struct mutex_waiter *w = &t->waiter;
	int rc = object_make(SK_OBJ_NOTIFICATION, 0, &w->park);

	return rc ? rc : cap_copy(w->park, SK_W, 1, &w->wake);
}

static int thread_prepare(struct thread *t)
{
	char *tls = aligned_alloc(64, tls_size());

	t->reent = malloc(sizeof(*t->reent));
	if (!tls || !t->reent)
		return -SK_E_NO_MEM;
	t->tls = tls_init(tls);
	_REENT_INIT_PTR(t->reent);
	return park_make(t);
}

/* The root task has no parent. */
static sk_cap_t fault_endpoint(void) { return sys_root() ? 0 : DOMAIN_CAP_PARENT; }

static int thread_launch(struct thread *t, const struct thread_spec *s, uint64_t top)
{
	struct sk_regs regs = { .rip = (uint64_t)thread_entry,
		.rdi = (uint64_t)t,
		.rsp = top,
		.fs_base = (uint64_t)t->tls,
		.rflags = 0x202 };
	uint32_t level;
	long rc;

	rc = object_make(SK_OBJ_THREAD, 0, &t->cap);
	if (!rc)
		rc = sk_thread_configure(t->cap, SK_CAP_CNODE, SK_CAP_SPACE, fault_endpoint(),
			(uint64_t)t->utcb, &level);
	if (!rc)
		rc = sk_thread_write(t->cap, &regs);
	if (!rc && s->ntfn)
		rc = sk_thread_bind(t->cap, s->ntfn);
	if (!rc)
		rc = sk_sched_bind(s->sched, t->cap);
	if (rc)
		return (int)rc;
	t->waiter.number = n_threads++;
	mutex_waiter_add(&t->waiter); /* RT_THREAD1 */
	return (int)sk_thread_resume(t->cap);
}

static int thread_start_locked(const struct thread_spec *s, struct thread **out)
{
	struct thread *t;
	uint64_t top;
	int rc;

	if (n_threads >= THREADS_MAX)
		return -SK_E_LIMIT;
	if (!rt_main_thread.waiter.park) { /* RT_THREAD2 */
		rc = park_make(&rt_main_thread);
		if (rc)
			return rc;
	}
	t = &threads[n_threads];
	*t = (struct thread){ .fn = s->fn, .arg = s->arg };
	rc = thread_prepare(t);
	if (!rc)
		rc = stack_make(t, s->stack_order ? s->stack_order : STACK_ORDER, &top);
	if (!rc)
		rc = thread_launch(t, s, top);
	if (!rc && out)
		*out = t;
	return rc;
}

int thread_start(const struct thread_spec *s, struct thread **out)
{
	int rc;

	mutex_lock(&start_lock);
	rc = thread_start_locked(s, out);
	mutex_unlock(&start_lock);
	return rc;
}

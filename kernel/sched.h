/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.h - scheduling contexts, per-CPU run queues and timers
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "thread.h"

#define SCHED_PRIORITIES 32
/* heap_node.tag: CPU, band of priorities, and the kind of object that the node is part of. */
enum { TIMER_CPU = 0xffff, TIMER_RELEASE = 0x10000, TIMER_BAND_SHIFT = 24 };
#define TIMER_BANDS 2 /* a storm of deadlines of one does not delay those of a higher one */
#define SCHED_SLICE_US 5000u /* at weight 256 */
#define SCHED_WEIGHT 256u

enum sched_place { SCHED_NOWHERE, SCHED_QUEUED, SCHED_THROTTLED };

/* The lock of CPU `cpu` guards the fields below `thread`, and `cpu` itself. */
struct sched {
	struct object obj;
	struct thread *thread; /* bound, or NULL (tree lock and CPU lock) */
	uint16_t cpu, move_to; /* differ while the thread is on the CPU that it must leave */
	uint8_t priority, place;
	uint16_t weight;         /* 0: never configured, cannot be bound */
	bool guests;             /* SK_SCHED_GUESTS */
	struct link link;        /* run queue */
	bool in_turn;            /* queued, but its turn goes on: a higher one runs */
	int64_t slice;           /* ticks left of this turn */
	uint64_t budget, period; /* ticks; period 0 = no cap */
	int64_t budget_left;
	sk_time_t period_start;
	uint64_t consumed, waited; /* ticks */
	sk_time_t ready_since;
	struct heap_node release; /* while throttled */
};
_Static_assert(sizeof(struct sched) <= 1u << SK_ORDER_SCHED, "object size");

struct sched_cpu {
	struct spinlock lock;
	uint32_t bitmap; /* priorities with a queue */
	struct link *queue[SCHED_PRIORITIES];
	/* deadlines of threads and releases of throttled contexts, by band of priorities */
	struct heap_node *timers[TIMER_BANDS];
	sk_time_t first_deadline; /* the first of all bands, or earlier */
	sk_time_t pause_end;      /* no timer expires before this */
	struct sched *running;    /* pays for the current thread, or NULL; placed NOWHERE */
	sk_time_t switched;       /* when it got the CPU, or was last charged */
	uint64_t idle;            /* ticks without a thread to run */
	struct cpu *cpu;
};

/* The context had the CPU for so many ticks. CPU locked. */
static inline void sched_pay(struct sched *s, int64_t ran)
{
	s->consumed += ran;
	s->slice -= ran;
	s->budget_left -= ran;
}
/*
 * t, which runs here, waits, and `to` may run: `to` gets this CPU at once, if it would be
 * chosen now without a look at anything else. False: nothing was done.
 */
static hot bool sched_hand_over(struct thread *t, struct thread *to)
{
	struct cpu *c = this_cpu();
	struct sched_cpu *sc = c->sched;
	struct sched *s;
	sk_time_t now, end;
	bool first;

	spin_lock(&sc->lock);
	s = load(&to->sched);
	now = arch_now();
	first = s && load(&s->cpu) == c->id && s->thread == to && s->place == SCHED_NOWHERE &&
		s->move_to == c->id && !s->obj.dead && !s->period &&
		!(sc->bitmap >> s->priority >> 1) && thread_runnable(to) &&
		!thread_runnable(t) && !load(&c->resched) &&
		sc->running->slice > (int64_t)(now - sc->switched);
	if (first) {
		sched_pay(sc->running, now - sc->switched);
		sc->switched = now;
		sc->running = s;
		if (c->fpu)
			arch_fpu_put();
		__atomic_store_n(&t->on, NULL, __ATOMIC_RELEASE);
		store(&to->on, c);
		c->current = to;
		c->loaded = false;
		end = now + s->slice;
		if (end < c->timer_armed)
			arch_timer_arm(end); /* SCHED4 */
	}
	spin_unlock(&sc->lock);
	return first;
}

void sched_cpu_init(struct cpu *c);
/* Of the root task, while booting: CPU 0, may run guests. */
void sched_init_root(struct sched *s, uint8_t priority);
/* t may run now, if nothing else prevents it. */
void sched_wake(struct thread *t);
/* Is t on no CPU? If it is on one, that CPU is made to choose again. */
bool sched_off(const struct thread *t);
/* t, no longer runnable, leaves its queue. True if no other CPU has it. */
bool sched_stop(struct thread *t);
/* 0, or SYS_RESTART while another CPU still has t. Both are unbound. */
int sched_bind(struct sched *s, struct thread *t) must_check;
/* The binding ends at once; the thread may stay on its CPU for a moment. */
void sched_unbind(struct sched *s);
/* Does a timer of t fire at t->deadline, or earlier? After a barrier: SCHED6. */
static inline bool timer_set(const struct thread *t)
{
	return heap_contains(&t->timer) && load(&t->timer.key) <= t->deadline;
}
/* t is stopped. */
void timer_cancel(struct thread *t);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c - scheduling contexts, run queues, timers, and the way out of the kernel
 *
 * Objects     struct sched: CPU, priority, weight, budget; struct sched_cpu: one per CPU.
 * Locks       sched_cpu->lock, the last in the order: the queues, timers and scheduling
 *             contexts of that CPU, and `on` of the threads that it runs.
 * Lifecycle   a context is made by RETYPE, configured, and bound to a thread. sched_destroy()
 *             takes the thread off its CPU, then unbinds it.
 * Invariants  SCHED1 a context is in at most one place: a queue, the release heap, or it is
 *             `running` of its CPU
 *             SCHED2 only runnable threads are in queues: code that makes a thread not runnable
 *                calls sched_stop(), or runs in that thread on its way out of the kernel
 *             SCHED3 a thread that is on a CPU has its context there, or none: a context
 *                changes its CPU, and is bound, only when its thread is on no CPU or on the
 *                right one
 *             SCHED4 the timer is armed for no later than the first deadline, or the end of the
 *                pause after some have expired; it may fire early, and more than once
 *             SCHED5 a dead context is put in no queue, so its thread leaves its CPU and gets
 *                no other
 *             SCHED6 while a thread waits until a deadline, its timer is in a heap, for no
 *                later than that; it stays there when the wait ends, and may fire for nothing.
 *                Only the code that begins the wait puts it into the heap of another CPU
 */
#include "sched.h"
#include "vcpu.h"

static struct sched_cpu sched_cpus[SK_CPU_MAX];

enum { TIMERS_AT_ONCE = 4, TIMER_PAUSE_US = 10 };

static uint64_t us_to_ticks(uint64_t us) { return us * (tsc_hz / 1000) / 1000; }

static int64_t slice_of(const struct sched *s)
{
	return us_to_ticks(SCHED_SLICE_US) * s->weight / SCHED_WEIGHT + 1;
}

void sched_cpu_init(struct cpu *c)
{
	struct sched_cpu *sc = &sched_cpus[c->id];

	sc->cpu = c;
	sc->switched = arch_now();
	sc->first_deadline = SK_NO_DEADLINE;
	c->sched = sc;
}

void sched_init_root(struct sched *s, uint8_t priority)
{
	s->priority = priority;
	s->guests = true;
	s->weight = SCHED_WEIGHT;
	s->slice = slice_of(s);
}

/* Lock the CPU that a context belongs to, in *sc. */
static void TA_OFF sched_lock(struct sched *s, struct sched_cpu **sc) takes_lock((*sc)->lock)
{
	for (;;) {
		uint32_t cpu = load(&s->cpu);

		*sc = &sched_cpus[cpu];
		spin_lock(&(*sc)->lock);
		if (cpu == s->cpu)
			return;
		spin_unlock(&(*sc)->lock);
	}
}

/* Is the thread of this context, or the context itself, on a CPU? Locked. */
static bool sched_busy(const struct sched_cpu *sc, const struct sched *s)
{
	return sc->running == s || (s->thread && load(&s->thread->on));
}

/* --- timers; CPU locked ------------------------------------------------------------------- */

/*
 * Arm the timer of this CPU, after a deadline came or a turn began. Others may take timers out
 * meanwhile, and kick us when they put one in. An interrupt that was due before this turn may
 * be lost: QEMU's TCG loses some (docs/decisions/0017).
 */
static void timer_program(struct cpu *c, const struct sched_cpu *sc)
{
	sk_time_t when = load(&sc->first_deadline);
	const struct sched *s = sc->running;
	int64_t left;

	if (when < sc->pause_end)
		when = sc->pause_end;
	if (s) {
		left = s->period && s->budget_left < s->slice ? s->budget_left : s->slice;
		when = min_u64(when, sc->switched + (left > 0 ? left : 0));
	}
	if (when < c->timer_armed || c->timer_armed < sc->switched)
		arch_timer_arm(when); /* SCHED4 */
}

static void timer_insert(struct sched_cpu *sc, struct heap_node *n, unsigned int priority,
	uint32_t kind, sk_time_t key)
{
	uint32_t band = priority / (SCHED_PRIORITIES / TIMER_BANDS);

	store(&n->tag, sc->cpu->id | kind | band << TIMER_BAND_SHIFT);
	heap_insert(&sc->timers[band], n, key);
	if (key < sc->first_deadline)
		store(&sc->first_deadline, key);
}

static void timer_remove(struct sched_cpu *sc, struct heap_node *n)
{
	heap_remove(&sc->timers[n->tag >> TIMER_BAND_SHIFT], n);
}

/*
 * A timer that was taken out early is forgotten here, when the hardware fires for it in vain:
 * SCHED4.
 */
static void first_deadline_find(struct sched_cpu *sc)
{
	sk_time_t first = SK_NO_DEADLINE;

	for (unsigned int i = 0; i < TIMER_BANDS; i++)
		if (sc->timers[i])
			first = min_u64(first, sc->timers[i]->key);
	store(&sc->first_deadline, first);
}

/* An expired timer, from the highest band that has one. */
static struct heap_node *timer_expired(struct sched_cpu *sc, sk_time_t now)
{
	for (unsigned int i = TIMER_BANDS; i--;)
		if (sc->timers[i] && sc->timers[i]->key <= now)
			return sc->timers[i];
	return NULL;
}

/* --- queues; CPU locked ------------------------------------------------------------------- */

enum queue_end { QUEUE_TAIL, QUEUE_HEAD };

static void run_queue_insert(struct sched_cpu *sc, struct sched *s, enum queue_end end)
{
	struct link **q = &sc->queue[s->priority];

	s->place = SCHED_QUEUED;
	sc->bitmap |= 1u << s->priority;
	queue_append(q, &s->link);
	if (end == QUEUE_HEAD)
		*q = &s->link;
}

static void run_queue_remove(struct sched_cpu *sc, struct sched *s)
{
	struct link **q = &sc->queue[s->priority];

	s->place = SCHED_NOWHERE;
	queue_remove(q, &s->link);
	if (!*q)
		sc->bitmap &= ~(1u << s->priority);
}

/* Take a context out of its place, if it is in one. */
static void place_leave(struct sched_cpu *sc, struct sched *s) with_lock(sc->lock)
{
	if (s->place == SCHED_QUEUED)
		run_queue_remove(sc, s);
	else if (s->place == SCHED_THROTTLED)
		timer_remove(sc, &s->release);
	s->place = SCHED_NOWHERE;
}

/* True if a context with periods has budget. Otherwise it now waits for its next period. */
static bool budget_check(struct sched_cpu *sc, struct sched *s, sk_time_t now)
{
	if (now >= s->period_start + s->period) {
		s->period_start = now;
		s->budget_left = s->budget;
	}
	if (s->budget_left > 0)
		return true;
	s->place = SCHED_THROTTLED;
	timer_insert(sc, &s->release, s->priority, TIMER_RELEASE, s->period_start + s->period);
	arch_kick(sc->cpu); /* SCHED4 */
	return false;
}

/*
 * Charge the time since the last charge to the context that has the CPU, or count it as idle.
 */
static void sched_charge(struct sched_cpu *sc, sk_time_t now) with_lock(sc->lock)
{
	struct sched *s = sc->running;
	int64_t ran = now - sc->switched;

	if (ran < 0)
		return;
	sc->switched = now;
	if (!s) {
		if (!sc->bitmap) /* else it is on its way to a thread */
			sc->idle += ran;
		return;
	}
	sched_pay(s, ran);
}

/* Queue a context whose thread may run. */
static void sched_ready(struct sched_cpu *sc, struct sched *s) with_lock(sc->lock)
{
	if (!s->thread || !thread_runnable(s->thread) || s->place != SCHED_NOWHERE ||
		sc->running == s || s->move_to != s->cpu || s->obj.dead)
		return; /* SCHED1, SCHED2, SCHED3, SCHED5 */
	s->ready_since = arch_now();
	s->in_turn = false;
	if (!sc->running) /* idle no longer */
		sched_charge(sc, s->ready_since);
	if (s->period && !budget_check(sc, s, s->ready_since))
		return;
	run_queue_insert(sc, s, QUEUE_TAIL);
	if (!sc->running || sc->running->priority < s->priority)
		arch_kick(sc->cpu);
}

void sched_wake(struct thread *t)
{
	struct sched *s = load(&t->sched);
	struct sched_cpu *sc;

	if (!s) {
		/* with sched_bind(): it sees the thread runnable, or we see its context */
		barrier_full();
		s = load(&t->sched);
		if (!s)
			return;
	}
	sched_lock(s, &sc);
	if (s->thread == t)
		sched_ready(sc, s);
	spin_unlock(&sc->lock);
}

bool sched_off(const struct thread *t)
{
	struct cpu *c = __atomic_load_n(&t->on, __ATOMIC_ACQUIRE);

	if (c)
		arch_kick(c);
	return !c;
}

bool sched_stop(struct thread *t)
{
	struct sched *s = t->sched;
	struct sched_cpu *sc;

	if (s) {
		sched_lock(s, &sc);
		place_leave(sc, s);
		spin_unlock(&sc->lock);
	}
	return sched_off(t) || load(&t->on) == this_cpu();
}

/*
 * Move a context to the CPU that it was told to go to, once neither it nor its thread is on the
 * old one.
 */
static void sched_migrate(struct sched *s)
{
	struct sched_cpu *sc;

	sched_lock(s, &sc);
	if (!sched_busy(sc, s)) /* SCHED3 */
		s->cpu = s->move_to;
	spin_unlock(&sc->lock);
	sched_lock(s, &sc);
	sched_ready(sc, s);
	spin_unlock(&sc->lock);
}

int sched_bind(struct sched *s, struct thread *t)
{
	struct sched_cpu *sc;
	struct cpu *on;

	sched_migrate(s);
	sched_lock(s, &sc);
	on = load(&t->on); /* without a context it can only leave that CPU */
	if (!on || on == sc->cpu) {
		store(&t->sched, s);
		s->thread = t;
		barrier_full(); /* with sched_wake() */
		sched_ready(sc, s);
		on = NULL;
	}
	spin_unlock(&sc->lock);
	if (on)
		arch_kick(on);
	return on ? SYS_RESTART : 0; /* SCHED3 */
}

void sched_unbind(struct sched *s)
{
	struct sched_cpu *sc;
	struct thread *t;

	sched_lock(s, &sc);
	t = s->thread;
	place_leave(sc, s);
	if (sc->running == s) {
		sched_charge(sc, arch_now());
		sc->running = NULL;
	}
	s->thread = NULL;
	if (t) {
		store(&t->sched, NULL);
		(void)sched_off(t);
	}
	spin_unlock(&sc->lock);
}

int sched_destroy(struct object *o)
{
	struct sched *s = (struct sched *)o;

	o->dead = true; /* SCHED5 */
	if (s->thread && !sched_stop(s->thread))
		return SYS_RESTART;
	sched_unbind(s);
	return 0;
}

/* --- choosing ----------------------------------------------------------------------------- */

/* The context that has the CPU gives it up, and is queued again if its thread may go on. */
static void running_leave(struct sched_cpu *sc, struct sched *s, sk_time_t now)
{
	bool turn_over = s->slice <= 0;

	sc->running = NULL;
	if (turn_over) {
		s->slice += slice_of(s); /* an overrun shortens the next turn */
		if (s->slice <= 0)
			s->slice = slice_of(s);
	}
	if (!s->thread || !thread_runnable(s->thread) || s->move_to != s->cpu || s->obj.dead ||
		(s->period && !budget_check(sc, s, now)))
		return;
	s->ready_since = now;
	s->in_turn = !turn_over;
	run_queue_insert(sc, s, turn_over ? QUEUE_TAIL : QUEUE_HEAD);
}

static struct sched *sched_pick(struct sched_cpu *sc)
{
	struct sched *best;

	if (!sc->bitmap)
		return NULL;
	best = container_of(sc->queue[31 - __builtin_clz(sc->bitmap)], struct sched, link);
	run_queue_remove(sc, best);
	return best;
}

static struct thread *sched_switch(struct sched_cpu *sc)
{
	struct cpu *c = sc->cpu;
	struct thread *old = c->current, *t;
	sk_time_t now;
	struct sched *s;

	spin_lock(&sc->lock);
	c->resched = false;
	now = arch_now();
	sched_charge(sc, now);
	if (sc->running)
		running_leave(sc, sc->running, now);
	s = sched_pick(sc);
	sc->running = s;
	if (s)
		s->waited += now - s->ready_since;
	if (s && s->in_turn) /* what ran above it worked for it, most likely */
		s->slice -= now - s->ready_since;
	t = s ? s->thread : NULL;
	arch_fpu_put();  /* even if t goes on: another CPU may want its vCPU */
	if (t != old) {  /* sched_hand_over() changes a thread's owner, too */
		if (old) /* all of its state is in its object */
			__atomic_store_n(&old->on, NULL, __ATOMIC_RELEASE);
		BUG_ON(t && t->on);
		if (t)
			store(&t->on, c);
		c->current = t;
		c->loaded = false;
	}
	timer_program(c, sc);
	spin_unlock(&sc->lock);
	s = old && old != t ? load(&old->sched) : NULL;
	if (s && load(&s->move_to) != load(&s->cpu))
		sched_migrate(s);
	return t;
}

/* The CPU does not go on with its thread, or has other things to look at. */
static void __attribute__((noreturn, noinline)) exit_choose(struct cpu *c)
{
	struct thread *t = c->current;
	struct vcpu *v;

	do {
		if (!t || load(&c->resched) || !thread_runnable(t))
			t = sched_switch(c->sched);
		v = t ? __atomic_load_n(&t->vcpu, __ATOMIC_ACQUIRE) : NULL;
		if (v)
			v = vcpu_check(v, t);
	} while (load(&c->resched));
	if (!t)
		arch_idle();
	arch_resume(t, v);
}

void kernel_exit(void)
{
	struct cpu *c = this_cpu();
	struct thread *t = c->current;

	if (t && !load(&c->resched) && thread_runnable(t) && !load(&t->vcpu))
		arch_resume(t, NULL);
	exit_choose(c);
}

/* --- timers ------------------------------------------------------------------------------- */

void timer_cancel(struct thread *t)
{
	struct sched_cpu *sc = &sched_cpus[load(&t->timer.tag) & TIMER_CPU];

	spin_lock(&sc->lock);
	if (heap_contains(&t->timer))
		timer_remove(sc, &t->timer);
	spin_unlock(&sc->lock);
}

void timer_start(struct thread *t)
{
	struct sched_cpu *sc = this_cpu()->sched;
	struct sched *s = load(&t->sched);

	barrier_full(); /* with core_timer(): SCHED6 */
	if (timer_set(t))
		return;
	timer_cancel(t);
	spin_lock(&sc->lock);
	timer_insert(sc, &t->timer, s ? s->priority : 0, 0, t->deadline);
	timer_program(sc->cpu, sc);
	spin_unlock(&sc->lock);
}

/* The timer of a thread fires: set it again if that was early, or end the wait. CPU locked. */
static void thread_timer(struct sched_cpu *sc, struct heap_node *n, sk_time_t now)
	with_lock(sc->lock)
{
	struct thread *t = container_of(n, struct thread, timer);
	sk_time_t deadline;

	barrier_full(); /* with timer_start(): SCHED6 */
	deadline = load(&t->deadline);
	if (deadline > now && deadline != SK_NO_DEADLINE)
		heap_insert(&sc->timers[n->tag >> TIMER_BAND_SHIFT], n, deadline);
	if (deadline > now)
		return;
	spin_unlock(&sc->lock);
	thread_timeout(t, now);
	spin_lock(&sc->lock);
}

/*
 * Handle a bounded number of deadlines at a time. The others wait for a pause as long as the
 * work took (at most 10 us), in which interrupts are taken and threads run: many deadlines at
 * one time cannot keep a CPU from more urgent work.
 */
void core_timer(void)
{
	struct sched_cpu *sc = this_cpu()->sched;
	sk_time_t now = arch_now(), end;
	struct heap_node *n;
	struct sched *s;

	this_cpu()->resched = true;
	spin_lock(&sc->lock);
	for (unsigned int i = 0; i < TIMERS_AT_ONCE && (n = timer_expired(sc, now)); i++) {
		timer_remove(sc, n);
		if (n->tag & TIMER_RELEASE) {
			s = container_of(n, struct sched, release);
			s->place = SCHED_NOWHERE;
			s->period_start = n->key; /* periods do not drift */
			s->budget_left = s->budget;
			sched_ready(sc, s);
			continue;
		}
		thread_timer(sc, n, now);
	}
	first_deadline_find(sc);
	if (sc->first_deadline <= now) {
		end = arch_now();
		sc->pause_end = end + min_u64(end - now, us_to_ticks(TIMER_PAUSE_US));
	}
	spin_unlock(&sc->lock);
}

/* --- system calls ------------------------------------------------------------------------- */

static int configure_check(const struct sk_regs *r)
{
	return error_if(
		r->rdx >> 32 || (r->rdx & 0xffff) >= n_cpus ||
			(r->rdx >> 16 & ~(uint64_t)SK_SCHED_GUESTS) >= SCHED_PRIORITIES ||
			!r->r10 || r->r10 > UINT16_MAX || r->r9 > UINT32_MAX || r->r8 > r->r9 ||
			(r->r9 && !r->r8),
		SK_E_INVAL);
}

static void configure_commit(struct sched *s, const struct sk_regs *r)
{
	struct sched_cpu *sc;
	bool running, move;

	sched_lock(s, &sc);
	running = sc->running == s;
	if (running)
		sched_charge(sc, arch_now());
	place_leave(sc, s);
	s->move_to = r->rdx & 0xffff;
	s->priority = (uint8_t)(r->rdx >> 16);
	store(&s->guests, (r->rdx >> 16 & SK_SCHED_GUESTS) != 0);
	s->weight = (uint16_t)r->r10;
	s->slice = slice_of(s);
	s->budget = s->budget_left = us_to_ticks(r->r8);
	s->period = us_to_ticks(r->r9);
	s->period_start = arch_now();
	move = s->move_to != s->cpu;
	if (running || (move && sched_busy(sc, s)))
		arch_kick(sc->cpu); /* sched_switch() takes it to the other CPU */
	else if (!move)
		sched_ready(sc, s);
	spin_unlock(&sc->lock);
	if (move)
		sched_migrate(s);
}

SYSCALL_HANDLER(SCHED_CONFIGURE)
{
	int rc = configure_check(r);

	if (!rc)
		configure_commit((struct sched *)a->slot[1]->obj, r);
	return rc;
}

SYSCALL_HANDLER(SCHED_BIND)
{
	struct sched *s = (struct sched *)a->slot[0]->obj;
	struct slot *thread;

	if (r->rsi == SK_NULL_CAP) {
		sched_unbind(s);
		return 0;
	}
	return cap_find(t, r->rsi, SK_OBJ_THREAD, SK_W, &thread)
		       ?: error_if(s->thread || thread_of(thread->obj)->sched, SK_E_EXISTS)
		       ?: error_if(!s->weight, SK_E_STATE)
		       ?: sched_bind(s, thread_of(thread->obj));
}

SYSCALL_HANDLER(SCHED_STATS)
{
	struct sched *s = (struct sched *)a->cap.obj;
	struct sched_cpu *sc;

	sched_lock(s, &sc);
	if (sc->running == s || !sc->running)
		sched_charge(sc, arch_now());
	r->rdi = s->consumed;
	r->rsi = s->waited + (s->place == SCHED_QUEUED ? arch_now() - s->ready_since : 0);
	r->rdx = s->cpu;
	r->r10 = sc->idle;
	spin_unlock(&sc->lock);
	return 0;
}

SYSCALL_HANDLER(YIELD)
{
	struct sched_cpu *sc = this_cpu()->sched;

	spin_lock(&sc->lock);
	if (sc->running)
		sc->running->slice = 0;
	this_cpu()->resched = true;
	spin_unlock(&sc->lock);
	return 0;
}

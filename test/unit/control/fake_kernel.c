/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_kernel.c - the kernel as played for the control domain: capabilities and memory are
 * counters
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "caps/caps.h"
#include "fake_parts.h"
#include "sys/clock.h"
#include "sys/sk.h"

static struct svc_timer *timers[64];

/* ---- capabilities, memory: counters ---- */

static sk_cap_t next_slot = 1000;

sk_cap_t slot_alloc(uint32_t n)
{
	world.slots += n;
	next_slot += n;
	return next_slot - n;
}

void slot_free(sk_cap_t first, uint32_t n)
{
	assert_true(first >= 1000);
	world.slots -= n;
}

/* Frames of VMMs' connections with control, which outlive control. */
static struct frame {
	sk_cap_t slot;
	void *at;
	bool mapped;
} frames[DOMTAB_MAX];

static struct frame *frame_of(sk_cap_t slot)
{
	for (size_t i = 0; i < DOMTAB_MAX; i++)
		if (frames[i].slot == slot)
			return &frames[i];
	return NULL;
}

static void frame_add(sk_cap_t slot, uint32_t order)
{
	struct frame *f = frame_of(0);

	assert_non_null(f);
	free(f->at); /* of the one before */
	*f = (struct frame){ .slot = slot, .at = aligned_alloc(4096, 1ull << order) };
	assert_non_null(f->at);
	memset(f->at, 0, 1ull << order);
}

void cap_drop(sk_cap_t cap)
{
	struct frame *f = cap ? frame_of(cap) : NULL;

	if (f)
		f->slot = 0;
	if (cap)
		slot_free(cap, 1);
}

bool slot_adopt(sk_cap_t slot)
{
	(void)slot;
	return false;
}

sk_cap_t slot_inherited(sk_cap_t after)
{
	(void)after;
	return 0;
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)from;
	(void)rights;
	(void)badge;
	*out = slot_alloc(1);
	return 0;
}

int object_make(uint32_t type_, uint32_t order, sk_cap_t *out)
{
	(void)type_;
	(void)order;
	*out = PROBE_SLOT;
	return 0;
}

int object_make_in(sk_cap_t untyped, uint32_t type_, uint32_t order, sk_cap_t cnode,
	sk_cap_t slot, uint32_t n)
{
	(void)untyped;
	(void)type_;
	if (cnode == SK_CAP_CNODE) {
		assert_int_equal(type_, SK_OBJ_FRAME);
		frame_add(slot, order);
		return 0;
	}
	if (world.slot_taken)
		return -SK_E_EXISTS;
	world.made_in = slot;
	return n && n <= SK_RETYPE_MAX ? 0 : -SK_E_INVAL;
}

int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	struct frame *f = frame_of(frame);

	(void)order;
	(void)rights;
	assert_true(f && !f->mapped);
	f->mapped = true;
	*out = f->at;
	world.regions++;
	return 0;
}

void vm_unmap(void *addr, sk_cap_t frame, uint32_t order)
{
	struct frame *f = frame_of(frame);

	(void)order;
	assert_true(f && f->mapped && f->at == addr);
	f->mapped = false;
	world.regions--;
}

long sk_signal(sk_cap_t ntfn)
{
	(void)ntfn;
	return 0;
}

long sk_retype(sk_cap_t untyped, uint32_t type_, uint32_t order, sk_cap_t cnode, sk_cap_t slot,
	uint32_t n, uint64_t offset)
{
	(void)untyped;
	(void)type_;
	(void)order;
	(void)cnode;
	(void)slot;
	(void)n;
	(void)offset;
	return 0;
}

long sk_revoke(sk_cap_t cnode, sk_cap_t slot)
{
	(void)cnode;
	(void)slot;
	return 0;
}

long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info)
{
	(void)cnode;
	*info = (struct sk_cap_info){ .type = SK_OBJ_UNTYPED, .order = POOL_ORDER };
	return slot == POOL_SLOT ? 0 : -SK_E_CAP;
}

long sk_sched_stats(sk_cap_t sched, uint64_t *consumed, uint64_t *waited, uint32_t *cpu)
{
	bool io = sched == world.io_sched;

	*consumed = 3000000000ull + (io ? world.io_ran_ns : world.ran_ns);
	*waited = io ? 0 : world.waited_ns;
	*cpu = 0;
	return 0;
}

/* control moves this scheduling context to each CPU whose idle time it asks for. */
static uint32_t probe_cpu;

long sk_sched_configure(sk_cap_t ctl, sk_cap_t sched, uint32_t cpu, uint32_t priority,
	uint32_t weight, uint64_t budget_us, uint64_t period_us)
{
	assert_int_equal(ctl, CTL_SLOT);
	assert_true(sched >= 1000);
	if (sched == PROBE_SLOT) {
		probe_cpu = cpu;
		return 0;
	}
	if (sched == world.io_sched) {
		world.io = (struct proc_sched){ cpu, priority, weight, budget_us, period_us };
		return 0;
	}
	world.moves++;
	world.moved = (struct proc_sched){ cpu, priority, weight, budget_us, period_us };
	return 0;
}

/* In nanoseconds: the number of the CPU + 1. */
long sk_sched_idle(sk_cap_t sched, uint64_t *idle)
{
	assert_int_equal(sched, PROBE_SLOT);
	*idle = (probe_cpu + 1) * 1111111111ull;
	return 0;
}

/* ---- time ---- */

const struct sk_info *sys_info(void)
{
	static const struct sk_info info = {
		.n_cpus = 2, .tsc_hz = 1000000000, .features = SK_FEAT_SVM, .version = "1.0"
	};

	return &info;
}

uint64_t clock_ns(void) { return 5000000000ull + world.later_ns; }

uint64_t clock_ticks_to_ns(uint64_t ticks) { return ticks; }

uint64_t clock_ns_to_ticks(uint64_t ns) { return ns; }

sk_time_t svc_now(void) { return clock_ns(); }

sk_time_t svc_in_ms(uint32_t ms) { return svc_now() + ms * 1000000ull; }

bool clock_wall_boot_ns(uint64_t *ns)
{
	*ns = 1767323096ull * 1000000000ull;
	return true;
}

void svc_timer_set(struct svc_timer *t, sk_time_t deadline)
{
	size_t room = 64;

	for (size_t i = 0; i < 64; i++) {
		if (timers[i] == t)
			timers[i] = NULL;
		if (!timers[i])
			room = i;
	}
	if (deadline != SK_NO_DEADLINE) {
		assert_true(room < 64);
		timers[room] = t;
		t->deadline = deadline;
	}
}

/* Timers that were set to a time in the past. */
bool timers_due(void)
{
	struct svc_timer *t;
	bool any = false;

	for (size_t i = 0; i < 64; i++) {
		t = timers[i];
		if (!t || t->deadline)
			continue;
		timers[i] = NULL;
		t->fn(t->ctx);
		any = true;
	}
	return any;
}

void timers_expire(void)
{
	struct svc_timer *due[64], *t;
	size_t k;

	/* a timer that its handler sets again waits for the next call */
	memcpy(due, timers, sizeof(due));
	for (size_t i = 0; i < 64; i++) {
		for (k = 0; k < 64 && (!due[i] || timers[k] != due[i]); k++)
			continue;
		if (k == 64)
			continue; /* not set, or cancelled */
		t = timers[k];
		timers[k] = NULL;
		t->fn(t->ctx);
	}
	world_run();
}

bool timers_set(void)
{
	size_t i = 0;

	while (i < 64 && !timers[i])
		i++;
	return i < 64;
}

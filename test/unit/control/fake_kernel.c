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

/* ---- capabilities, memory ---- */

enum { SLOT_FIRST = 1000, SLOTS = 20000 };

/*
 * control's CNode, which outlives it. Objects are only types. A frame of a VMM's connection
 * with control has memory.
 */
static struct slot {
	uint8_t type, order;
	sk_cap_t parent;
	void *at;
	bool mapped;
	uint32_t cpu;           /* of a scheduling context */
} * slot;                       /* SLOTS */
static sk_cap_t *top;           /* no slot from here on was ever used */
static uint8_t (*region)[8192]; /* DOMTAB_MAX of them */

static void __attribute__((constructor)) slots_make(void)
{
	slot = shared_alloc(SLOTS * sizeof(*slot));
	top = shared_alloc(sizeof(*top));
	region = shared_alloc(DOMTAB_MAX * sizeof(*region));
}

/* What libs/caps knows in this life of control. */
static struct {
	bool taken, inherited;
} meta[SLOTS];

void slots_begin(void)
{
	for (sk_cap_t s = SLOT_FIRST; s < *top; s++) {
		slot[s].mapped = false;
		meta[s].inherited = meta[s].taken = slot[s].type;
		world.slots += slot[s].type != 0;
	}
}

/* The lowest ones, so that a slot that is named too long is soon used by another. */
sk_cap_t slot_alloc(uint32_t n)
{
	uint32_t run = 0;
	sk_cap_t s = SLOT_FIRST;

	cut_here();
	if (world.no_slots)
		return 0;
	for (; run < n; s++) {
		assert_true(s < SLOTS);
		run = meta[s].taken ? 0 : run + 1;
	}
	for (sk_cap_t k = s - n; k < s; k++) {
		assert_int_equal(slot[k].type, 0);
		meta[k].taken = true;
	}
	if (s > *top)
		*top = s;
	world.slots += n;
	return s - n;
}

static void slot_empty(sk_cap_t s)
{
	for (sk_cap_t k = SLOT_FIRST; slot[s].type && k < *top; k++)
		if (slot[k].parent == s)
			slot[k].parent = slot[s].parent;
	if (slot[s].at)
		memset(slot[s].at, 0xff, sizeof(*region));
	slot[s] = (struct slot){ 0 };
}

void slot_free(sk_cap_t first, uint32_t n)
{
	cut_here();
	for (sk_cap_t s = first; s < first + n; s++) {
		assert_true(s >= SLOT_FIRST && meta[s].taken);
		slot_empty(s);
		meta[s].taken = meta[s].inherited = false;
	}
	world.slots -= n;
}

void cap_drop(sk_cap_t cap)
{
	if (cap)
		slot_free(cap, 1);
}

sk_cap_t cap_new(uint32_t type_, sk_cap_t parent)
{
	sk_cap_t s = slot_alloc(1);

	slot[s] = (struct slot){ .type = (uint8_t)type_, .parent = parent };
	return s;
}

bool slot_adopt(sk_cap_t s)
{
	bool inherited = s >= SLOT_FIRST && s < SLOTS && meta[s].inherited;

	if (inherited)
		meta[s].inherited = false;
	return inherited;
}

sk_cap_t slot_inherited(sk_cap_t after)
{
	sk_cap_t s = after < SLOT_FIRST ? SLOT_FIRST : after + 1;

	while (s < *top && !meta[s].inherited)
		s++;
	return s < *top ? s : 0;
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)rights;
	(void)badge;
	*out = cap_new(SK_OBJ_NOTIFICATION, from);
	return 0;
}

uint64_t caps_free_bytes(void) { return (1 << 20) + world.own_added - world.own_used; }

void untyped_add(sk_cap_t untyped, uint32_t order)
{
	assert_int_equal(slot[untyped].type, SK_OBJ_UNTYPED);
	world.own_added += 1ull << order;
}

int object_make(uint32_t type_, uint32_t order, sk_cap_t *out)
{
	(void)type_;
	(void)order;
	*out = PROBE_SLOT;
	return 0;
}

static int frame_make(sk_cap_t untyped, uint32_t order, sk_cap_t s)
{
	size_t i = 0;

	if (order >= POOL_ORDER_MIN) { /* of an image: nobody looks into it */
		slot[s] = (struct slot){ .type = SK_OBJ_FRAME, .parent = untyped };
		return 0;
	}
	assert_true(1u << order <= sizeof(*region));
	for (sk_cap_t k = SLOT_FIRST; k < *top; k++)
		if (slot[k].at == region[i]) {
			i++;
			k = SLOT_FIRST;
		}
	assert_true(i < DOMTAB_MAX && meta[s].taken && !slot[s].type);
	memset(region[i], 0, sizeof(*region));
	slot[s] = (struct slot){ .type = SK_OBJ_FRAME, .parent = untyped, .at = region[i] };
	return 0;
}

int object_make_in(sk_cap_t untyped, uint32_t type_, uint32_t order, sk_cap_t cnode, sk_cap_t s,
	uint32_t n)
{
	cut_here();
	if (cnode == SK_CAP_CNODE) {
		assert_int_equal(type_, SK_OBJ_FRAME);
		return frame_make(untyped, order, s);
	}
	if (world.slot_taken)
		return -SK_E_EXISTS;
	world.made_in = s;
	return n && n <= SK_RETYPE_MAX ? 0 : -SK_E_INVAL;
}

int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	(void)order;
	(void)rights;
	assert_true(slot[frame].at && !slot[frame].mapped);
	slot[frame].mapped = true;
	*out = slot[frame].at;
	world.regions++;
	return 0;
}

void vm_unmap(void *addr, sk_cap_t frame, uint32_t order)
{
	(void)order;
	assert_true(world.damaged || (slot[frame].mapped && slot[frame].at == addr));
	slot[frame].mapped = false;
	world.regions--;
}

long sk_signal(sk_cap_t ntfn)
{
	(void)ntfn;
	return 0;
}

long sk_retype(sk_cap_t untyped, uint32_t type_, uint32_t order, sk_cap_t cnode, sk_cap_t first,
	uint32_t n, uint64_t offset)
{
	(void)offset;
	cut_here();
	if (cnode != SK_CAP_CNODE)
		return -SK_E_SLOT; /* a VMM has filled it */
	for (sk_cap_t s = first; s < first + n; s++) {
		assert_true(meta[s].taken && !slot[s].type);
		slot[s] = (struct slot){
			.type = (uint8_t)type_, .order = (uint8_t)order, .parent = untyped
		};
	}
	cut_here();
	return 0;
}

sk_cap_t cap_parent(sk_cap_t s) { return s < SLOTS ? slot[s].parent : 0; }

bool cap_below(sk_cap_t s, sk_cap_t ancestor)
{
	while (s >= SLOT_FIRST && s < SLOTS && s != ancestor)
		s = slot[s].parent;
	return s == ancestor;
}

/* Slots stay taken, as far as libs/caps knows. */
long sk_revoke(sk_cap_t cnode, sk_cap_t from)
{
	(void)cnode;
	cut_here();
	vmms_revoked(from);
	services_revoked(from);
	for (sk_cap_t s = SLOT_FIRST; s < *top; s++)
		if (slot[s].type && s != from && cap_below(s, from))
			slot[s] = (struct slot){ .parent = slot[s].parent };
	for (sk_cap_t s = SLOT_FIRST; s < *top; s++)
		if (!slot[s].type)
			slot[s].parent = 0;
	cut_here();
	return 0;
}

long sk_cap_info(sk_cap_t cnode, sk_cap_t s, struct sk_cap_info *info)
{
	(void)cnode;
	*info = (struct sk_cap_info){ .type = SK_OBJ_UNTYPED, .order = POOL_ORDER };
	if (s == POOL_SLOT)
		return 0;
	if (s < SLOT_FIRST || s >= SLOTS)
		return -SK_E_CAP;
	*info = (struct sk_cap_info){ .type = slot[s].type, .order = slot[s].order };
	return 0;
}

long sk_sched_stats(sk_cap_t sched, uint64_t *consumed, uint64_t *waited, uint32_t *cpu)
{
	bool io = sched == world.io_sched;

	*consumed = 3000000000ull + (io ? world.io_ran_ns : world.ran_ns);
	*waited = io || (world.waits && sched != world.waits) ? 0 : world.waited_ns;
	*cpu = sched >= SLOT_FIRST && sched < SLOTS ? slot[sched].cpu : 0;
	return 0;
}

void sched_place(sk_cap_t sched, uint32_t cpu) { slot[sched].cpu = cpu; }

/* control moves this scheduling context to each CPU whose idle time it asks for. */
static uint32_t probe_cpu;

long sk_sched_configure(sk_cap_t ctl, sk_cap_t sched, uint32_t cpu, uint32_t priority,
	uint32_t weight, uint64_t budget_us, uint64_t period_us)
{
	assert_int_equal(ctl, CTL_SLOT);
	assert_true(sched >= SLOT_FIRST);
	if (sched == PROBE_SLOT) {
		probe_cpu = cpu;
		return 0;
	}
	slot[sched].cpu = cpu;
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

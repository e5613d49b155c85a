/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remote.c - work that waits for another CPU: for the tree lock, for answers to requests, for
 * quiescence
 *
 * With -icount the CPUs take turns, so the instructions of both count, and the limit holds for
 * the two together.
 */
#include "latency.h"

enum { REMOTE_PRIORITY = 10, CPUS_MAX = 4 };

/* What the other CPUs do repeatedly in the meantime. */
static void (*volatile remote_work)(unsigned int cpu);

static void remote(void *arg)
{
	for (;;) {
		remote_work((unsigned int)(uint64_t)arg);
		__builtin_ia32_pause(); /* QEMU with -icount changes CPUs here */
	}
}

static void remote_start(void (*work)(unsigned int cpu))
{
	bool first = !remote_work;

	remote_work = work;
	for (uint64_t cpu = 1; first && cpu < INFO->n_cpus && cpu < CPUS_MAX; cpu++)
		kthread_start(remote, (void *)cpu, (unsigned int)cpu, REMOTE_PRIORITY);
}

/*
 * Map and unmap pages of 4 KiB in this address space: steps of 512 entries under the lock, and
 * shoot-downs.
 */
static void map_on(unsigned int cpu)
{
	static struct {
		uint64_t at;
		sk_cap_t frame;
	} place[CPUS_MAX];
	uint64_t out;
	uint32_t level;

	for (unsigned int i = 0; !place[0].at && i < CPUS_MAX; i++) {
		place[i].frame = object_new(SK_OBJ_FRAME, 21);
		place[CPUS_MAX - 1 - i].at = range_new(21);
		tables_for(SK_CAP_SPACE, place[CPUS_MAX - 1 - i].at);
	}
	CHECK_EQ(sk_map(place[cpu].frame, SK_CAP_SPACE, place[cpu].at, 0, 20, SK_R, &out,
			 &level),
		0);
	CHECK_EQ(sk_unmap(place[cpu].frame, 0, 21), 0);
}

static void nothing(unsigned int cpu) { (void)cpu; }

static void both_map(void)
{
	map_on(0);
	remote_start(map_on);
}

static void shoot_down(void)
{
	remote_start(nothing);
	map_on(0);
}

/* Memory of deleted objects is used again. */
static void reuse(void)
{
	CHECK_EQ(sk_retype(untyped, SK_OBJ_NOTIFICATION, 0, ME, slots, 1, 0), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, 12, ME, slots, 1, 0), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

static void reuse_while_mapping(void)
{
	remote_start(map_on);
	reuse();
}

static void reuse_alone(void)
{
	remote_start(nothing);
	reuse();
}

const struct kind remote_kinds[] = {
	{ "cpus_map", both_map },
	{ "cpus_shoot_down", shoot_down },
	{ "cpus_reuse", reuse_while_mapping },
	{ "cpus_close_window", reuse_alone },
	{ NULL, NULL },
};

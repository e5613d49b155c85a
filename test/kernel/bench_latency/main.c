/*
 * bench_latency - how late the kernel lets a thread run that is more urgent than what the kernel does
 *
 * Interrupts are off in the kernel; long calls look for pending ones as they go. A thread above all others waits
 * for one deadline after another while the main thread keeps the kernel at one kind of work, so the longest delay
 * is the longest stretch with interrupts off, and the way to the thread. Prints `BENCH late_<work> <ticks>`,
 * instructions when QEMU runs with -icount shift=0; passes always.
 */
#include "../lib/ktest.h"

enum { STEP = 20011, SAMPLES = 400, MANY = 1000, CNODE_ORDER = 20 };

static volatile uint64_t worst, samples;
static sk_cap_t alarm, untyped, slots;

static void ticker(void *arg)
{
	uint64_t next = sk_now(), word, late;

	(void)arg;
	for (;;) {
		next += STEP;
		sk_wait(alarm, next, &word);
		late = sk_now() - next;
		next += late;
		if (late > worst)
			worst = late;
		samples++;
	}
}

static void spin(void) {}

static void make_frame(void)
{
	CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, 21, ME, slots, 1, 0), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

static void make_many(void)
{
	CHECK_EQ(sk_retype(untyped, SK_OBJ_NOTIFICATION, 0, ME, slots, SK_RETYPE_MAX, 0), 0);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static void make_cnode(void)
{
	CHECK_EQ(sk_retype(untyped, SK_OBJ_CNODE, CNODE_ORDER, ME, slots, 1, 0), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

/* A chain in which each is the child of the one before. */
static void revoke_chain(void)
{
	unsigned int i;

	CHECK_EQ(sk_retype(untyped, SK_OBJ_NOTIFICATION, 0, ME, slots, 1, 0), 0);
	for (i = 1; i < MANY; i++)
		CHECK_EQ(sk_copy(ME, slots + i, ME, slots + i - 1, SK_ALL), 0);
	CHECK_EQ(sk_revoke(ME, slots), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

/* 1 MiB in pages of 4 KiB at once, and all of it away again. */
static void map_pages(void)
{
	static uint64_t at;
	uint64_t out;
	uint32_t level;

	if (!at) {
		at = range_new(21);
		tables_for(SK_CAP_SPACE, at);
	}
	CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, 21, ME, slots, 1, 0), 0);
	CHECK_EQ(sk_map(slots, SK_CAP_SPACE, at, 0, 20, SK_R, &out, &level), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

static void split_page(void)
{
	static sk_cap_t nested, frame, table;

	if (!nested) {
		nested = object_new(SK_OBJ_SPACE_NESTED, 0);
		frame = object_new(SK_OBJ_FRAME, 21);
		table = slots_new(1);
	}
	CHECK_EQ(map_into(frame, nested, 0, 0, 21, SK_R), 0);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_TABLE, 0, ME, table, 1, 0), 0);
	CHECK_EQ(sk_map_table(table, nested, 0, 1), 0);
	CHECK_EQ(sk_unmap(frame, 0, 21), 0);
	CHECK_EQ(sk_delete(ME, table), 0);
}

static void make_thread(void)
{
	CHECK_EQ(sk_retype(untyped, SK_OBJ_THREAD, 0, ME, slots, 1, 0), 0);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_SPACE_HOST, 0, ME, slots + 1, 1, 0), 0);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static const struct {
	const char *name;
	void (*work)(void);
} kinds[] = {
	{ "late_user_mode", spin },
	{ "late_frame_2m", make_frame },
	{ "late_256_objects", make_many },
	{ "late_cnode_1m", make_cnode },
	{ "late_revoke_chain_1000", revoke_chain },
	{ "late_map_256_pages", map_pages },
	{ "late_split_2m", split_page },
	{ "late_thread_and_space", make_thread },
};

void test_main(void)
{
	unsigned int i;

	print("TSC %lu\n", INFO->tsc_hz);
	alarm = object_new(SK_OBJ_NOTIFICATION, 0);
	untyped = object_new(SK_OBJ_UNTYPED, 23);
	slots = slots_new(MANY);
	kthread_start(ticker, NULL, 0, 22);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		kinds[i].work();
		worst = samples = 0;
		while (samples < SAMPLES)
			kinds[i].work();
		print("BENCH %s %lu\n", kinds[i].name, worst);
	}
}

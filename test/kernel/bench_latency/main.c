/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_latency - how long the kernel's own work delays a more urgent thread
 *
 * Interrupts are off in the kernel; long calls check for pending ones as they proceed. A thread
 * above all others waits for one deadline after another while the main thread keeps the kernel
 * at one kind of work, so the longest delay is the longest stretch with interrupts off, plus
 * the way to the thread. There is a kind of work for the worst case of each loop of the kernel;
 * with two or more CPUs, there are also kinds that wait for another CPU; with an IOMMU, the
 * kinds are those that ask something of it. Prints `BENCH
 * late_<work> <ticks> of <limit>`, in instructions if QEMU runs with -icount shift=0; only then
 * does the limit mean something. Built with GATE (test `latency`), it is short, and fails above
 * the limit.
 */
#include "latency.h"

#ifdef GATE
enum { SAMPLES = 150, JUDGE = 1 };
#else
enum { SAMPLES = 500, JUDGE = 0 };
#endif
/* Where CPUs take turns, the others' instructions count, too. */
enum { TICKER_PRIORITY = 28, LIMIT = 10000, LIMIT_IN_TURNS = 3 * LIMIT };

sk_cap_t untyped, slots;

static bool measure(const struct kind *k, uint64_t limit)
{
	k->work();
	ticker_worst = ticker_runs = 0;
	while (ticker_runs < SAMPLES)
		k->work();
	print("BENCH late_%s %lu of %lu\n", k->name, ticker_worst, limit);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
	return ticker_worst <= limit;
}

static bool measure_all(const struct kind *k, uint64_t limit)
{
	bool fine = true;

	for (; k->name; k++)
		fine &= measure(k, limit);
	return fine;
}

void test_main(void)
{
	bool fine;

	print("TSC %lu\n", INFO->tsc_hz);
	untyped = object_new(SK_OBJ_UNTYPED, UNTYPED_ORDER);
	slots = slots_new(MANY);
	ticker_start(TICKER_PRIORITY);
	if (INFO->features & SK_FEAT_IOMMU) {
		fine = measure_all(io_kinds, LIMIT);
	} else if (INFO->n_cpus == 1) {
		fine = measure_all(memory_kinds, LIMIT);
		fine &= measure_all(object_kinds, LIMIT);
	} else {
		fine = measure_all(remote_kinds, LIMIT_IN_TURNS);
	}
	CHECK(fine || !JUDGE);
}

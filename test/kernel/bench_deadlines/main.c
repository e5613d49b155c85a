/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_deadlines - a thousand deadlines at one time do not keep a CPU from more urgent work
 *
 * A thousand threads of low priority wait for the same moments. A thread of higher priority
 * waits for moments of its own: its longest delay is the longest stretch with interrupts off,
 * plus the way to the thread. Counts instructions if QEMU runs with -icount shift=0, as the
 * build file says; otherwise the limit means nothing.
 */
#include "../lib/ktest.h"

enum { WAITERS = 1000, PERIOD = 10000000, LIMIT = 10000, TICKER_PRIORITY = 22 };

extern const char waiter[];
volatile uint64_t wakes;
/* This code uses no stack. RBX is the next deadline, R12 the notification, R13 the period. */
__asm__(".text\n"
	"waiter: mov %r12, %rdi\n"
	"mov %rbx, %rsi\n"
	"mov %rbp, %rax\n"
	"syscall\n"
	"lock incq wakes\n"
	"add %r13, %rbx\n"
	"jmp waiter\n");

static void make(sk_cap_t first, unsigned int type)
{
	unsigned int i, n;

	for (i = 0; i < WAITERS; i += n) {
		n = WAITERS - i < SK_RETYPE_MAX ? WAITERS - i : SK_RETYPE_MAX;
		CHECK_EQ(sk_retype(ram_untyped(), type, 0, ME, first + i, n, 0), 0);
	}
}

/* The threads have no stacks; each has an IPC buffer. */
static void waiters_start(uint64_t when)
{
	sk_cap_t thread = slots_new(WAITERS), sched = slots_new(WAITERS),
		 n = slots_new(WAITERS);
	uint64_t utcb = range_new(23);
	uint32_t level;
	unsigned int i;

	make(thread, SK_OBJ_THREAD);
	make(sched, SK_OBJ_SCHED);
	make(n, SK_OBJ_NOTIFICATION);
	for (i = 0; i < WAITERS; i++) {
		struct sk_regs regs = { .rip = (uint64_t)waiter,
			.rbx = when,
			.r12 = n + i,
			.r13 = PERIOD,
			.rbp = SK_SYS_WAIT };

		if (i % 512 == 0)
			tables_for(SK_CAP_SPACE, utcb + i * SK_PAGE_SIZE);
		CHECK_EQ(sk_thread_configure(thread + i, ME, SK_CAP_SPACE, 0,
				 utcb + i * SK_PAGE_SIZE, &level),
			0);
		CHECK_EQ(sk_thread_write(thread + i, &regs), 0);
		CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, sched + i, 0, 8, 256, 0, 0), 0);
		CHECK_EQ(sk_sched_bind(sched + i, thread + i), 0);
		CHECK_EQ(sk_thread_resume(thread + i), 0);
	}
}

void test_main(void)
{
	uint64_t when = sk_now() + 50 * PERIOD;

	print("TSC %lu\n", INFO->tsc_hz);
	waiters_start(when);
	main_priority(4); /* they begin to wait */
	CHECK(sk_now() < when);
	ticker_start(TICKER_PRIORITY);
	while (wakes < 3 * WAITERS)
		;
	print("BENCH late_1000_deadlines %lu of %lu\n", ticker_worst, (uint64_t)LIMIT);
	CHECK(wakes % WAITERS == 0);
	CHECK(ticker_worst <= LIMIT);
}

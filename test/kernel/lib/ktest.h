/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktest.h - what kernel tests share: a root task's slots, memory, threads, and the verdict
 *
 * A test defines test_main(), which returns if the test passes; a CHECK() that fails ends the
 * run with FAIL.
 */
#ifndef KTEST_H
#define KTEST_H

#include <stdbool.h>
#include <stddef.h>
#include "sys/sk.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BOOT ((const struct sk_bootinfo *)SK_BOOTINFO_VADDR)
#define INFO ((const struct sk_info *)SK_INFO_VADDR)
#define ME SK_CAP_CNODE

struct kthread {
	uint8_t tls[128]; /* thread-local variables */
	void *self;       /* FS points here */
	struct sk_utcb *utcb;
	sk_cap_t thread, sched;
	void (*fn)(void *arg);
	void *arg;
	volatile bool done;
};
void test_main(void);
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void finish(const char *verdict) __attribute__((noreturn));
void check_failed(const char *file, int line, const char *what, long got, long want)
	__attribute__((noreturn));
#define CHECK(cond) \
	do { \
		if (!(cond)) \
			check_failed(__FILE__, __LINE__, #cond, 0, 1); \
	} while (0)
#define CHECK_EQ(got, want) \
	do { \
		long got_ = (long)(got), want_ = (long)(want); \
		if (got_ != want_) \
			check_failed(__FILE__, __LINE__, #got, got_, want_); \
	} while (0)

/* n consecutive empty slots of the root task's CNode. */
sk_cap_t slots_new(unsigned int n);
/*
 * The boot untyped of RAM with the most memory left; the device untyped that contains an
 * address.
 */
sk_cap_t ram_untyped(void);
sk_cap_t device_untyped(uint64_t paddr, uint64_t *base);
/* Make one object of this type and order from `untyped`. */
sk_cap_t object_new_from(sk_cap_t untyped, unsigned int type, unsigned int order);
sk_cap_t object_new(unsigned int type, unsigned int order);
/* MAP, making tables that are missing. */
long map_into(sk_cap_t frame, sk_cap_t space, uint64_t vaddr, uint64_t offset,
	unsigned int order, unsigned int rights);
/* An unused address range, aligned to 2^order; the same with memory mapped there. */
uint64_t range_new(unsigned int order);
void *memory_new(unsigned int order, sk_cap_t *frame);
/* Make the tables for a page at vaddr. */
void tables_for(sk_cap_t space, uint64_t vaddr);
sk_cap_t mint_new(sk_cap_t src, unsigned int rights, uint64_t badge);

struct kthread_args {
	unsigned int cpu, priority, weight;
	uint64_t budget, period;
	sk_cap_t fault_ep;
};
/* Make a thread in this address space and capability space; it runs at once. */
struct kthread *kthread_new(void (*fn)(void *), void *arg, const struct kthread_args *args);
struct kthread *kthread_start(
	void (*fn)(void *), void *arg, unsigned int cpu, unsigned int priority);
/*
 * While work() runs, a thread of higher priority than all that the main thread starts calls
 * look() every 20,000 ticks; `looks` counts the calls. Fails if there was none.
 */
void watched(void (*look)(void), void (*work)(void));
extern volatile unsigned int looks;
/*
 * A thread on CPU 0 waits for one moment after another, every 20,000 ticks. Counts how often it
 * ran, and how late it was at worst. Both may be reset at any time.
 */
void ticker_start(unsigned int priority);
extern volatile uint64_t ticker_runs, ticker_worst;
/*
 * Many threads without stacks. Each makes one system call with (RDI, RSI) and waits in it,
 * without a deadline. They share one scheduling context, above the main thread, so each has
 * begun to wait when the next one starts.
 */
struct crowd {
	sk_cap_t threads, sched; /* n consecutive */
	unsigned int n;
};
void crowd_make(struct crowd *c, unsigned int n, unsigned int cpu);
void crowd_call(const struct crowd *c, long nr, uint64_t rdi, uint64_t rsi);
/* What the call returned to one of them, which is suspended afterwards. */
long crowd_result(const struct crowd *c, unsigned int i);
/* Lower or raise the main thread (20 at the start). */
void main_priority(unsigned int priority);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake.h - the machine that the host build of the kernel runs on
 *
 * Physical memory is an ordinary mapping with two views: the kernel's window at WINDOW_BASE,
 * whose closed pages are poisoned, and the view of the programs (user_memory), which is always
 * open. CPUs are structures; exactly one is the present one (use_cpu), and a CPU is either
 * outside the kernel or runs one entry to its end (cpu_enter).
 */
#ifndef KHOST_FAKE_H
#define KHOST_FAKE_H

#include <setjmp.h>

#include "arch.h"

enum { FAKE_CPUS = 4, MEMORY_SIZE = 6 << 20, MEMORY_PAGES = MEMORY_SIZE >> 12 };
/* Device memory has addresses, but no contents. */
#define DEVICE_PADDR (1ull << 30)
#define DEVICE_ORDER 31

#define STATE __attribute__((section("khost_state")))

/* What a CPU does outside the kernel. */
enum cpu_place { CPU_IDLE, CPU_USER, CPU_GUEST };
extern enum cpu_place cpu_place[FAKE_CPUS];
extern bool cpu_kicked[FAKE_CPUS]; /* a pending interrupt will make it enter the kernel */

/* fake_tick passes each time the kernel reads the clock */
extern sk_time_t fake_now, fake_tick;
/* Answers arch_irq_pending(); NULL: never. */
extern bool (*fake_preempt)(void);
/* What IO_FAULT finds next; rid 0: nothing. */
extern struct io_fault fake_fault;
/* Called while a CPU waits for the others to leave the kernel, to do what they would do. */
extern void (*fake_quiesce)(void);
/* Report what went wrong; does not return. */
void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Called by panic() and fail() with the sentence, when set; may leave by longjmp(). */
extern void (*fail_hook)(const char *what);

/* What the kernel has asked of the machine; for tests. */
extern struct fake_did {
	unsigned int shootdowns, quiesces, drops;
	uint64_t flushed_at, flushed_size; /* of the last shoot-down of a space */
	unsigned int io_flushes, io_settled;
	unsigned int unmasks, frees;
	uint16_t port;
	unsigned int port_size;
	uint32_t port_value, n_port_writes;
	uint64_t port_text; /* the last bytes that were written */
} fake_did;

void fake_init(void); /* once */
void fake_reset(unsigned int n);
void machine_init(unsigned int n); /* the machine's part of fake_reset(): fills cpus[] */
void use_cpu(unsigned int id);
/*
 * Run fn(arg) in the kernel of the present CPU, then kernel_exit(), until the CPU is outside
 * again.
 */
void cpu_enter(void (*fn)(void *), void *arg);
void *user_memory(uint64_t paddr);
bool window_is_open(uint64_t paddr);

/* Every translation that a CPU may hold is still in the tables. */
void tlb_check(void);

/* Save and restore all state of the kernel, the fakes and the model, and physical memory. */
void state_save(void);
void state_restore(void);
/*
 * Mark pages of memory as written since state_save(): state_restore_pages() restores only
 * these.
 */
void state_dirty(const void *at, size_t size);
void state_restore_pages(void);

#endif

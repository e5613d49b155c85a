/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_smp - the cost of calls and of a guest's exits while every CPU is busy with them, in
 * instructions of all CPUs together if QEMU runs with -icount shift=0, else in TSC ticks
 *
 * Each CPU has its own threads and objects, so nothing but the kernel makes one CPU wait for
 * another. Prints the rate of the TSC and lines `BENCH name ticks`; passes always. What is
 * measured is between two marks for the plugin count.c.
 */
#include "../../bench/measure/mark.h"
#include "../lib/ktest.h"

enum { CPUS_MAX = 8, ROUNDS = 2000, PRIORITY = 10 };

extern const char guest[], guest_end[];
__asm__(".section .rodata\n"
	"guest: .code16\n"
	"1: vmmcall\n"
	"jmp 1b\n"
	".code64\n"
	"guest_end: .previous\n");

static struct worker {
	sk_cap_t ep, reply, vcpu, told, tell, done; /* done: a bit of `all_done` */
	struct sk_vcpu_state *state;
} workers[CPUS_MAX];
static sk_cap_t all_done;

static unsigned int n_workers(void)
{
	return INFO->n_cpus < CPUS_MAX ? INFO->n_cpus : CPUS_MAX;
}

static void server(void *arg)
{
	const struct worker *w = arg;
	struct sk_msg m = { 0 };

	sk_utcb()->reply = w->reply;
	sk_recv(w->ep, &m);
	for (;;)
		sk_reply_recv(w->ep, &m);
}

static void calls(struct worker *w)
{
	struct sk_msg m = { .mi = SK_MI(1, 4, 0) };

	for (unsigned int i = 0; i < ROUNDS; i++)
		CHECK_EQ(sk_call(w->ep, &m), 0);
}

static void exits(struct worker *w)
{
	uint32_t reason;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		w->state->rip += 3;
		w->state->dirty = SK_VCPU_RIP;
		CHECK_EQ(sk_vcpu_enter(w->vcpu, SK_NO_DEADLINE, &reason), 0);
	}
}

static void (*work)(struct worker *w);

/* One round of work each time it is told to begin. */
static void worker(void *arg)
{
	struct worker *w = arg;
	uint64_t word;

	for (;;) {
		sk_signal(w->done);
		sk_wait(w->told, SK_NO_DEADLINE, &word);
		work(w);
	}
}

static void guest_make(struct worker *w)
{
	sk_cap_t nested = object_new(SK_OBJ_SPACE_NESTED, 0), frame, copy = slots_new(1);
	uint64_t at = range_new(12);
	char *ram = memory_new(12, &frame);
	uint32_t level, reason = 0;

	w->vcpu = object_new(SK_OBJ_VCPU, 0);
	__builtin_memcpy(ram, guest, guest_end - guest);
	CHECK_EQ(sk_copy(ME, copy, ME, frame, SK_ALL), 0);
	CHECK_EQ(map_into(copy, nested, 0, 0, 12, SK_R | SK_W | SK_EXEC), 0);
	tables_for(SK_CAP_SPACE, at);
	CHECK_EQ(sk_vcpu_configure(w->vcpu, nested, SK_CAP_SPACE, at, &level), 0);
	w->state = (struct sk_vcpu_state *)at;
	CHECK_EQ(sk_vcpu_sync(w->vcpu, ~0u), 0);
	for (unsigned int i = SK_ES; i <= SK_GS; i++)
		w->state->seg[i] = (struct sk_segment){ 0, i == SK_CS ? 0x9b : 0x93, 0xffff,
			0 };
	w->state->rip = 0;
	w->state->rflags = 2;
	w->state->dirty = SK_VCPU_SEG | SK_VCPU_RIP;
	CHECK_EQ(sk_vcpu_enter(w->vcpu, SK_NO_DEADLINE, &reason), 0);
	CHECK_EQ(reason, SK_EXIT_HYPERCALL);
}

static void all_wait(void)
{
	uint64_t word, seen = 0;

	while (seen != (1ull << n_workers()) - 1) {
		CHECK_EQ(sk_wait(all_done, SK_NO_DEADLINE, &word), 0);
		seen |= word;
	}
}

static void measure(const char *name, void (*fn)(struct worker *w))
{
	uint64_t start;

	work = fn;
	start = sk_now();
	mark_begin();
	for (unsigned int i = 0; i < n_workers(); i++)
		sk_signal(workers[i].tell);
	all_wait();
	mark_end();
	print("BENCH %s %lu\n", name, (sk_now() - start) / ROUNDS / n_workers());
}

void test_main(void)
{
	print("TSC %lu\n", INFO->tsc_hz);
	all_done = object_new(SK_OBJ_NOTIFICATION, 0);
	for (unsigned int i = 0; i < n_workers(); i++) {
		struct worker *w = &workers[i];

		w->ep = object_new(SK_OBJ_ENDPOINT, 0);
		w->reply = object_new(SK_OBJ_REPLY, 0);
		w->told = object_new(SK_OBJ_NOTIFICATION, 0);
		w->tell = mint_new(w->told, SK_W, 1);
		w->done = mint_new(all_done, SK_W, 1ull << i);
		if (INFO->features & SK_FEAT_SVM)
			guest_make(w);
		kthread_start(server, w, i, PRIORITY);
		kthread_start(worker, w, i, PRIORITY);
	}
	all_wait();
	measure("ipc_round_trip_all_cpus", calls);
	if (INFO->features & SK_FEAT_SVM)
		measure("guest_exit_all_cpus", exits);
}

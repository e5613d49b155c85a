/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp - across CPUs: calls, signals, moving threads, shoot-down of translations, deleting
 * threads that run on another CPU
 */
#include "../lib/ktest.h"

static sk_cap_t ep, reply, ping, pong;
static volatile uint64_t counter[SK_CPU_MAX];
static volatile bool stop;

static void server(void *arg)
{
	struct sk_msg m = { 0 };

	(void)arg;
	sk_utcb()->reply = reply;
	CHECK_EQ(sk_recv(ep, &m), 0);
	for (;;) {
		m.mr[0] += m.badge;
		CHECK_EQ(sk_reply_recv(ep, &m), 0);
	}
}

static void calls(unsigned int cpu)
{
	sk_cap_t badged = mint_new(ep, SK_W, cpu + 1);
	struct kthread *k = kthread_start(server, NULL, cpu, 20);
	unsigned int i;

	for (i = 0; i < 500; i++) {
		struct sk_msg m = { .mi = SK_MI(0, 1, 0), .mr = { i } };

		CHECK_EQ(sk_call(badged, &m), 0);
		CHECK_EQ(m.mr[0], i + cpu + 1);
	}
	CHECK_EQ(sk_delete(ME, k->thread), 0);
}

static void ponger(void *arg)
{
	uint64_t word;

	(void)arg;
	for (;;) {
		CHECK_EQ(sk_wait(ping, SK_NO_DEADLINE, &word), 0);
		CHECK_EQ(sk_signal(pong), 0);
	}
}

static void signals(unsigned int cpu)
{
	sk_cap_t n1 = object_new(SK_OBJ_NOTIFICATION, 0),
		 n2 = object_new(SK_OBJ_NOTIFICATION, 0);
	struct kthread *k;
	uint64_t word;
	unsigned int i;

	ping = mint_new(n1, SK_ALL, 1);
	pong = mint_new(n2, SK_ALL, 2);
	k = kthread_start(ponger, NULL, cpu, 20);
	for (i = 0; i < 500; i++) {
		CHECK_EQ(sk_signal(ping), 0);
		CHECK_EQ(sk_wait(pong, SK_NO_DEADLINE, &word), 0);
		CHECK_EQ(word, 2);
	}
	CHECK_EQ(sk_delete(ME, k->thread), 0);
}

static void spinner(void *arg)
{
	while (!stop)
		counter[(uint64_t)arg]++;
}

static void wait_for_progress(unsigned int i)
{
	uint64_t was = counter[i];

	while (counter[i] == was)
		sk_yield();
}

/* A running thread moves with its scheduling context, and stops when it is suspended. */
static void moving(void)
{
	struct kthread *k = kthread_start(spinner, (void *)0, 1, 10);
	unsigned int round, cpu;
	uint64_t c, w, was;
	uint32_t at;

	for (round = 0; round < 50; round++) {
		cpu = 1 + round % (INFO->n_cpus - 1);
		CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, cpu, 10, 256, 0, 0), 0);
		wait_for_progress(0);
	}
	do {
		CHECK_EQ(sk_sched_stats(k->sched, &c, &w, &at), 0);
		sk_yield();
	} while (at != cpu);
	for (round = 0; round < 20; round++) {
		wait_for_progress(0);
		CHECK_EQ(sk_thread_suspend(k->thread), 0);
		was = counter[0];
		for (c = 0; c < 1000; c++)
			CHECK_EQ(counter[0], was);
		CHECK_EQ(sk_thread_resume(k->thread), 0);
	}
	/* the FPU state moves with the thread */
	stop = true;
	while (!k->done)
		sk_yield();
	stop = false;
}

static void fpu_user(void *arg)
{
	uint64_t i = (uint64_t)arg, n = 0, v;

	__asm__ volatile("movq %0, %%xmm5" : : "r"(i * 1000));
	do {
		__asm__ volatile("movq %%xmm5, %0\n\tmovq %1, %%xmm5"
				 : "=&r"(v)
				 : "r"(i * 1000 + n + 1));
		CHECK_EQ(v, i * 1000 + n);
		counter[i] = ++n;
	} while (!stop);
}

static void fpu(void)
{
	struct kthread *k[4];
	unsigned int i, round;

	for (i = 0; i < 4; i++)
		k[i] = kthread_start(fpu_user, (void *)(uint64_t)(i + 1), i % INFO->n_cpus, 10);
	for (round = 0; round < 60; round++) {
		CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k[round % 4]->sched,
				 (round * 7 + 1) % INFO->n_cpus, 10, 256, 0, 0),
			0);
		main_priority(10);
		wait_for_progress(round % 4 + 1);
		main_priority(20);
	}
	stop = true;
	main_priority(5);
	for (i = 0; i < 4; i++)
		while (!k[i]->done)
			sk_yield();
	main_priority(20);
	stop = false;
}

/* --- shoot-down --------------------------------------------------------------------------- */

static volatile uint64_t *shared;
static volatile uint64_t seen, go;

static void reader(void *arg)
{
	(void)arg;
	for (;;) {
		seen = *shared;
		go++;
	}
}

static void shootdown(unsigned int cpu)
{
	sk_cap_t a = object_new(SK_OBJ_FRAME, 12), b = object_new(SK_OBJ_FRAME, 12),
		 fault = object_new(SK_OBJ_ENDPOINT, 0);
	struct kthread_args args = { .cpu = cpu, .priority = 10, .fault_ep = fault };
	uint64_t at = range_new(13), was;
	struct sk_msg m = { 0 }, resume = { .mi = SK_MI(0, 0, 0) };
	struct kthread *k;
	unsigned int i;

	shared = (volatile uint64_t *)at;
	CHECK_EQ(map_into(a, SK_CAP_SPACE, at, 0, 12, SK_R | SK_W), 0);
	*shared = 1;
	k = kthread_new(reader, NULL, &args);
	sk_utcb()->reply = reply;
	for (i = 2; i < 30; i++) {
		for (was = go; go == was;)
			sk_yield();
		CHECK_EQ(sk_unmap(i & 1 ? b : a, 0, 12), 0);
		/* from here on the other CPU must not read the old page: it faults */
		CHECK_EQ(sk_recv(fault, &m), 0);
		CHECK_EQ(SK_MI_LABEL(m.mi), SK_LABEL_FAULT);
		CHECK_EQ(m.mr[1], at);
		CHECK_EQ(map_into(i & 1 ? a : b, SK_CAP_SPACE, at, 0, 12, SK_R | SK_W), 0);
		*shared = i;
		CHECK_EQ(sk_reply(reply, &resume), 0);
		for (was = go; go < was + 2;)
			sk_yield();
		CHECK_EQ(seen, i);
	}
	CHECK_EQ(sk_delete(ME, k->thread), 0);
	sk_utcb()->reply = 0;
}

/* --- the end of what runs elsewhere ------------------------------------------------------- */

static void killing(unsigned int cpu)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 20), s = slots_new(3);
	unsigned int round;

	for (round = 0; round < 20; round++) {
		struct kthread *k = kthread_start(spinner, (void *)3, cpu, 10);
		struct kthread *caller = kthread_start(server, NULL, cpu, 12);

		wait_for_progress(3);
		if (round & 1)
			CHECK_EQ(sk_delete(ME, k->sched), 0);
		CHECK_EQ(sk_delete(ME, k->thread), 0);
		CHECK_EQ(sk_delete(ME, caller->thread), 0);
		/* memory that other CPUs may still be reading is used again at once */
		CHECK_EQ(sk_retype(u, SK_OBJ_NOTIFICATION, 0, ME, s, 1, 0), 0);
		CHECK_EQ(sk_delete(ME, s), 0);
		CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 1, 0), 0);
		CHECK_EQ(sk_delete(ME, s), 0);
	}
}

/* All CPUs use the tree lock and ask for shoot-downs at the same time. */
static void mapper(void *arg)
{
	uint64_t i = (uint64_t)arg, at = 0x500000000ull + i * 0x40000000, out;
	sk_cap_t base = (sk_cap_t)(BOOT->n_slots - 400 + i * 16);
	uint32_t level;
	int round;

	for (round = 0; round < 25; round++) {
		CHECK_EQ(sk_map(base, SK_CAP_SPACE, at, 0, 12, SK_R | SK_W, &out, &level), 0);
		*(volatile uint64_t *)at = i;
		CHECK_EQ(sk_copy(ME, base + 1, ME, base, SK_R), 0);
		CHECK_EQ(sk_retype(base + 2, SK_OBJ_FRAME, 12, ME, base + 3, 2, 0), 0);
		CHECK_EQ(*(volatile uint64_t *)at, i);
		CHECK_EQ(sk_revoke(ME, base + 2), 0);
		CHECK_EQ(sk_delete(ME, base + 1), 0);
		CHECK_EQ(sk_unmap(base, 0, 12), 0);
	}
}

static void together(void)
{
	struct kthread *k[SK_CPU_MAX];
	unsigned int i;

	for (i = 0; i < INFO->n_cpus; i++) {
		sk_cap_t base = (sk_cap_t)(BOOT->n_slots - 400 + i * 16), u = ram_untyped();

		CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, base, 1, 0), 0);
		CHECK_EQ(sk_retype(u, SK_OBJ_UNTYPED, 14, ME, base + 2, 1, 0), 0);
		tables_for(SK_CAP_SPACE, 0x500000000ull + i * 0x40000000);
	}
	for (i = 0; i < INFO->n_cpus; i++)
		k[i] = kthread_start(mapper, (void *)(uint64_t)i, i, 10);
	main_priority(5);
	for (i = 0; i < INFO->n_cpus; i++)
		while (!k[i]->done)
			sk_yield();
	main_priority(20);
}

void test_main(void)
{
	unsigned int cpu;

	ep = object_new(SK_OBJ_ENDPOINT, 0);
	reply = object_new(SK_OBJ_REPLY, 0);
	print("%u CPUs\n", INFO->n_cpus);
	if (INFO->n_cpus < 2)
		finish("SKIP");
	for (cpu = 1; cpu < INFO->n_cpus; cpu++) {
		calls(cpu);
		signals(cpu);
		shootdown(cpu);
		killing(cpu);
		print("cpu %u done\n", cpu);
	}
	moving();
	print("moving\n");
	fpu();
	print("fpu\n");
	together();
}

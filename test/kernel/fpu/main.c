/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu - each thread and each guest keeps its own FPU registers across switches, exits and moves
 * between CPUs
 *
 * x87 pointers: FNSTENV gives the address of the last instruction and operand. A thread must
 * not find those of another thread.
 */
#include "../lib/ktest.h"

#define ROUNDS 200

struct x87_env {
	uint32_t control, status, tag, ip, ip_selector, operand, operand_selector;
};

struct worker {
	unsigned int id;
	volatile unsigned long rounds;
	volatile bool stop;
};

static void xmm_set(uint64_t v)
{
	__asm__ volatile("movq %0, %%xmm7; movq %0, %%mm3" : : "r"(v));
}

static uint64_t xmm_get(void)
{
	uint64_t xmm, mm;

	__asm__ volatile("movq %%xmm7, %0; movq %%mm3, %1" : "=r"(xmm), "=r"(mm));
	return xmm == mm ? xmm : 0;
}

/* The kernel keeps a thread's registers, whatever else uses the FPU in the meantime. */
static void keep(struct worker *w, unsigned long i)
{
	uint64_t v = (uint64_t)w->id << 32 | i;

	xmm_set(v);
	sk_yield();
	CHECK_EQ(xmm_get(), v);
	w->rounds++;
}

static void worker(void *arg)
{
	struct worker *w = arg;

	while (!w->stop)
		keep(w, w->rounds);
}

/* Threads take turns on one CPU, while one of them is moved from CPU to CPU. */
static void threads(void)
{
	static struct worker w[4];
	struct kthread *k[4];
	unsigned int i, round;

	for (i = 1; i < 4; i++) {
		w[i].id = i;
		k[i] = kthread_start(worker, &w[i], 0, 20);
	}
	for (round = 0; round < ROUNDS; round++) {
		unsigned long before = w[3].rounds;

		CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k[3]->sched, round % INFO->n_cpus,
				 20, 256, 0, 0),
			0);
		while (w[3].rounds < before + 2)
			keep(&w[0], round);
	}
	for (i = 1; i < 4; i++) {
		w[i].stop = true;
		while (!k[i]->done)
			sk_yield();
		CHECK(w[i].rounds);
		CHECK_EQ(sk_delete(ME, k[i]->thread), 0);
	}
}

/* A new thread has the power-up state, whatever the registers held before. */
static volatile uint64_t fresh_xmm;
static volatile uint32_t fresh_mxcsr;
static sk_cap_t go;

static void fresh(void *arg)
{
	uint64_t v;
	uint32_t mxcsr;

	(void)arg;
	__asm__ volatile("movq %%xmm7, %0; stmxcsr %1" : "=r"(v), "=m"(mxcsr));
	fresh_xmm = v;
	fresh_mxcsr = mxcsr;
}

static void begins_clean(void)
{
	struct kthread *k;

	xmm_set(0x1234567890abcdef);
	k = kthread_start(fresh, NULL, 0, 25);
	CHECK(k->done);
	CHECK_EQ(fresh_xmm, 0);
	CHECK_EQ(fresh_mxcsr, 0x1f80);
	CHECK_EQ(sk_delete(ME, k->thread), 0);
}

/* The addresses of the last x87 instruction and operand are the thread's own. */
static volatile uint32_t seen_ip, seen_operand;

static void look(void *arg)
{
	struct x87_env env;
	uint64_t word;

	(void)arg;
	__asm__ volatile("fninit; fld1");
	CHECK_EQ(sk_wait(go, SK_NO_DEADLINE, &word), 0);
	__asm__ volatile("fnstenv %0" : "=m"(env));
	seen_ip = env.ip;
	seen_operand = env.operand;
}

static void pointers(void)
{
	static const float one = 1;
	struct x87_env env;
	struct kthread *k;

	go = mint_new(object_new(SK_OBJ_NOTIFICATION, 0), SK_ALL, 1);
	k = kthread_start(look, NULL, 0, 25);
	__asm__ volatile("emms; flds %1; fnstenv %0; fstp %%st(0)" : "=m"(env) : "m"(one));
	CHECK(env.ip &&
		env.operand); /* this emulator keeps them, so the check means something */
	CHECK_EQ(sk_signal(go), 0);
	CHECK(k->done);
	CHECK(seen_ip != env.ip);
	CHECK(seen_operand != env.operand);
	CHECK_EQ(sk_delete(ME, k->thread), 0);
}

void test_main(void)
{
	begins_clean();
	pointers();
	threads();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktest.c - code that kernel tests share
 */
#include <stdarg.h>
#include "ktest.h"

#define DEBUG_EXIT 0xf4
#define RANGE_START 0x400000000ull
#define STACK_ORDER 14

_Thread_local struct sk_utcb *sk_utcb_self;
static struct kthread main_thread;
static sk_cap_t next_slot;
static uint64_t next_range = RANGE_START;

/* --- output ------------------------------------------------------------------------------- */

static void put(const char *text, unsigned int n)
{
	while (n) {
		union {
			char c[32];
			uint64_t w[4];
		} line = { .w = { 0 } };
		unsigned int i;

		for (i = 0; i < n && i < sizeof(line.c); i++)
			line.c[i] = text[i];
		sk_log(SK_CAP_CTL_LOG, i, line.w);
		text += i;
		n -= i;
	}
}

static void put_number(uint64_t v, unsigned int base)
{
	char text[24];
	unsigned int at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put(text + at, sizeof(text) - at);
}

void print(const char *fmt, ...)
{
	va_list ap;
	bool wide;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(fmt, 1);
			continue;
		}
		wide = *++fmt == 'l';
		fmt += wide;
		if (*fmt == 's') {
			const char *s = va_arg(ap, const char *);

			put(s, __builtin_strlen(s));
		} else if (*fmt == 'd') {
			long v = wide ? va_arg(ap, long) : va_arg(ap, int);

			if (v < 0)
				put("-", 1);
			put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10);
		} else {
			put_number(wide ? va_arg(ap, uint64_t) : va_arg(ap, unsigned int),
				*fmt == 'x' ? 16 : 10);
		}
	}
	va_end(ap);
}

void finish(const char *verdict)
{
	print("RESULT %s\n", verdict);
	sk_port_out(SK_CAP_IOPORT, DEBUG_EXIT, 1, verdict[0] == 'P' ? 0 : 1);
	for (;;)
		sk_yield();
}

void check_failed(const char *file, int line, const char *what, long got, long want)
{
	print("%s:%d: %s: %ld, expected %ld\n", file, line, what, got, want);
	finish("FAIL");
}

/* --- objects ------------------------------------------------------------------------------ */

sk_cap_t slots_new(unsigned int n)
{
	sk_cap_t slot = next_slot;

	next_slot += n;
	CHECK(next_slot < BOOT->n_slots);
	return slot;
}

sk_cap_t ram_untyped(void)
{
	const struct sk_boot_untyped *u;
	struct sk_cap_info info;
	uint64_t best = 0;
	sk_cap_t slot = 0;

	for (u = BOOT->untyped; u < BOOT->untyped + BOOT->n_untyped; u++) {
		if (u->flags & SK_BOOT_DEVICE)
			continue;
		CHECK_EQ(sk_cap_info(ME, u->slot, &info), 0);
		if (info.size - info.badge > best) {
			best = info.size - info.badge;
			slot = u->slot;
		}
	}
	CHECK(slot);
	return slot;
}

sk_cap_t device_untyped(uint64_t paddr, uint64_t *base)
{
	const struct sk_boot_untyped *u;

	for (u = BOOT->untyped; u < BOOT->untyped + BOOT->n_untyped; u++)
		if (u->flags & SK_BOOT_DEVICE && paddr >= u->paddr &&
			paddr - u->paddr < 1ull << u->order) {
			*base = u->paddr;
			return u->slot;
		}
	return 0;
}

sk_cap_t object_new_from(sk_cap_t untyped, unsigned int type, unsigned int order)
{
	sk_cap_t slot = slots_new(1);

	CHECK_EQ(sk_retype(untyped, type, order, ME, slot, 1, 0), 0);
	return slot;
}

sk_cap_t object_new(unsigned int type, unsigned int order)
{
	return object_new_from(ram_untyped(), type, order);
}

sk_cap_t mint_new(sk_cap_t src, unsigned int rights, uint64_t badge)
{
	sk_cap_t slot = slots_new(1);

	CHECK_EQ(sk_mint(ME, slot, ME, src, rights, badge), 0);
	return slot;
}

/* --- memory ------------------------------------------------------------------------------- */

long map_into(sk_cap_t frame, sk_cap_t space, uint64_t vaddr, uint64_t offset,
	unsigned int order, unsigned int rights)
{
	uint32_t level;
	uint64_t at;
	long rc;

	while ((rc = sk_map(frame, space, vaddr, offset, order, rights, &at, &level)) ==
		-SK_E_NO_TABLE)
		CHECK_EQ(sk_map_table(object_new(SK_OBJ_TABLE, 0), space, vaddr, level), 0);
	return rc;
}

void tables_for(sk_cap_t space, uint64_t vaddr)
{
	sk_cap_t frame = object_new(SK_OBJ_FRAME, SK_PAGE_ORDER);

	CHECK_EQ(map_into(frame, space, vaddr, 0, SK_PAGE_ORDER, SK_R), 0);
	CHECK_EQ(sk_delete(ME, frame), 0);
}

uint64_t range_new(unsigned int order)
{
	uint64_t size = 1ull << order, at = (next_range + size - 1) & ~(size - 1);

	next_range = at + size;
	return at;
}

void *memory_new(unsigned int order, sk_cap_t *frame)
{
	uint64_t at = range_new(order < SK_LARGE_ORDER ? order + 1 : order);
	sk_cap_t f = object_new(SK_OBJ_FRAME, order);

	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, order, SK_R | SK_W), 0);
	if (frame)
		*frame = f;
	return (void *)at;
}

/* --- threads ------------------------------------------------------------------------------ */

static void kthread_main(struct kthread *k)
{
	sk_utcb_self = k->utcb;
	k->fn(k->arg);
	k->done = true;
	for (;;)
		sk_thread_suspend(k->thread);
}

struct kthread *kthread_new(void (*fn)(void *), void *arg, const struct kthread_args *a)
{
	struct kthread *k = memory_new(SK_PAGE_ORDER, NULL);
	char *stack = memory_new(STACK_ORDER, NULL);
	uint64_t utcb = range_new(SK_PAGE_ORDER);
	struct sk_regs regs = { 0 };
	uint32_t level;

	k->self = &k->self;
	k->utcb = (struct sk_utcb *)utcb;
	k->fn = fn;
	k->arg = arg;
	k->thread = object_new(SK_OBJ_THREAD, 0);
	k->sched = object_new(SK_OBJ_SCHED, 0);
	tables_for(SK_CAP_SPACE, utcb);
	CHECK_EQ(
		sk_thread_configure(k->thread, ME, SK_CAP_SPACE, a->fault_ep, utcb, &level), 0);
	k->utcb->deadline = SK_NO_DEADLINE;
	regs.rip = (uint64_t)kthread_main;
	regs.rsp = (uint64_t)stack + (1u << STACK_ORDER) - 8;
	regs.rdi = (uint64_t)k;
	regs.fs_base = (uint64_t)&k->self;
	CHECK_EQ(sk_thread_write(k->thread, &regs), 0);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, k->sched, a->cpu,
			 a->priority | SK_SCHED_GUESTS, a->weight ? a->weight : 256, a->budget,
			 a->period),
		0);
	CHECK_EQ(sk_sched_bind(k->sched, k->thread), 0);
	CHECK_EQ(sk_thread_resume(k->thread), 0);
	return k;
}

struct kthread *kthread_start(
	void (*fn)(void *), void *arg, unsigned int cpu, unsigned int priority)
{
	return kthread_new(fn, arg, &(struct kthread_args){ .cpu = cpu, .priority = priority });
}

enum { LOOKER_PRIORITY = 24, CROWD_PRIORITY = 25, TIME_STEP = 20011 };
static void (*volatile look_now)(void);
volatile unsigned int looks;

static void looker(void *arg)
{
	sk_cap_t alarm = object_new(SK_OBJ_NOTIFICATION, 0);
	uint64_t word;

	(void)arg;
	for (;;) {
		sk_wait(alarm, sk_now() + TIME_STEP, &word);
		if (!look_now)
			continue;
		looks++;
		look_now();
	}
}

void watched(void (*look)(void), void (*work)(void))
{
	static struct kthread *thread;

	if (!thread)
		thread = kthread_start(looker, NULL, 0, LOOKER_PRIORITY);
	looks = 0;
	look_now = look;
	work();
	look_now = NULL;
	CHECK(looks > 0);
}

volatile uint64_t ticker_runs, ticker_worst;

static void ticker(void *arg)
{
	sk_cap_t alarm = object_new(SK_OBJ_NOTIFICATION, 0);
	uint64_t next = sk_now(), word, late;

	(void)arg;
	for (;;) {
		next += TIME_STEP;
		sk_wait(alarm, next, &word);
		late = sk_now() - next;
		next += late;
		if (late > ticker_worst)
			ticker_worst = late;
		ticker_runs++;
	}
}

void ticker_start(unsigned int priority) { kthread_start(ticker, NULL, 0, priority); }

extern const char crowd_code[];
__asm__(".text\n"
	"crowd_code: syscall\n"
	"1: jmp 1b\n");

void crowd_make(struct crowd *c, unsigned int n, unsigned int cpu)
{
	sk_cap_t untyped = object_new(SK_OBJ_UNTYPED, 24);
	uint64_t utcb = range_new(23);
	uint32_t level;
	unsigned int i, step;

	*c = (struct crowd){ slots_new(n), object_new(SK_OBJ_SCHED, 0), n };
	CHECK(n <= 1024);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, c->sched, cpu, CROWD_PRIORITY, 256, 0, 0),
		0);
	for (i = 0; i < n; i += step) {
		step = n - i < SK_RETYPE_MAX ? n - i : SK_RETYPE_MAX;
		CHECK_EQ(sk_retype(untyped, SK_OBJ_THREAD, 0, ME, c->threads + i, step, 0), 0);
	}
	for (i = 0; i < n; i++, utcb += SK_PAGE_SIZE) {
		if (utcb % SK_LARGE_SIZE == 0)
			tables_for(SK_CAP_SPACE, utcb);
		CHECK_EQ(sk_thread_configure(
				 c->threads + i, ME, SK_CAP_SPACE, SK_NULL_CAP, utcb, &level),
			0);
		((struct sk_utcb *)utcb)->deadline = SK_NO_DEADLINE;
	}
}

void crowd_call(const struct crowd *c, long nr, uint64_t rdi, uint64_t rsi)
{
	struct sk_regs regs = {
		.rip = (uint64_t)crowd_code, .rax = (uint64_t)nr, .rdi = rdi, .rsi = rsi
	};

	for (unsigned int i = 0; i < c->n; i++) {
		CHECK_EQ(sk_thread_suspend(c->threads + i), 0);
		CHECK_EQ(sk_thread_write(c->threads + i, &regs), 0);
		CHECK_EQ(sk_sched_bind(c->sched, c->threads + i), 0);
		CHECK_EQ(sk_thread_resume(c->threads + i), 0);
		CHECK_EQ(sk_sched_bind(c->sched, SK_NULL_CAP), 0);
	}
}

long crowd_result(const struct crowd *c, unsigned int i)
{
	struct sk_regs regs;

	CHECK_EQ(sk_thread_suspend(c->threads + i), 0);
	CHECK_EQ(sk_thread_read(c->threads + i, &regs), 0);
	return (long)regs.rax;
}

void main_priority(unsigned int priority)
{
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, SK_CAP_SCHED, 0,
			 priority | SK_SCHED_GUESTS, 256, 0, 0),
		0);
}

void ktest_start(void);
void ktest_start(void)
{
	main_thread.self = &main_thread.self;
	main_thread.utcb = (struct sk_utcb *)SK_INIT_UTCB_VADDR;
	main_thread.thread = SK_CAP_THREAD;
	main_thread.sched = SK_CAP_SCHED;
	sk_set_fs_base((uint64_t)&main_thread.self);
	sk_utcb_self = main_thread.utcb;
	main_thread.utcb->deadline = SK_NO_DEADLINE;
	next_slot = BOOT->first_free_slot;
	test_main();
	finish("PASS");
}

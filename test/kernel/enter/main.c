/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * enter - two threads enter the same guest from two CPUs, while a third thread takes away what
 * they need for this
 *
 * The guest counts in an FPU register and in its memory, and halts if the two differ: then a
 * CPU has entered before another one had saved the guest's state. Under TCG no guest may run on
 * CPU 0 (docs/decisions/0017).
 */
#include "../lib/ktest.h"

enum { ROUNDS = 300, CODE = 0x1000, COUNTER = 0x3000 };

extern const char counter[], counter_end[];
__asm__(".section .rodata\n"
	"counter: .code16\n"
	"1: movd %mm0, %eax\n"
	"cmp %eax, 0x3000\n"
	"jne 2f\n"
	"inc %eax\n"
	"movd %eax, %mm0\n"
	"mov %eax, 0x3000\n"
	"jmp 1b\n"
	"2: hlt\n"
	"jmp 2b\n"
	".code64\n"
	"counter_end: .previous\n");

static sk_cap_t memory, nested, copy, vcpu;
static uint64_t state_at;
static uint8_t *ram;
static volatile unsigned long entries[2];
static volatile bool hold; /* no thread enters */
static uint32_t rnd = 1;

/* Let a varying time pass. */
static void dawdle(void)
{
	rnd = rnd * 1664525 + 1013904223;
	for (volatile unsigned int d = rnd >> 20; d; d--)
		;
}

static void enterer(void *arg)
{
	volatile unsigned long *mine = arg;
	uint64_t until;
	uint32_t reason;
	long rc;

	for (;;) {
		while (hold)
			sk_yield();
		reason = SK_EXIT_NONE;
		until = sk_now() + INFO->tsc_hz / 20000;
		rc = sk_vcpu_enter(vcpu, until, &reason);
		CHECK(rc || reason != SK_EXIT_DEADLINE || sk_now() >= until);
		CHECK(rc == 0 || rc == -SK_E_STATE || rc == -SK_E_BUSY || rc == -SK_E_DELETED ||
			rc == -SK_E_AGAIN || rc == -SK_E_CAP);
		CHECK(rc || reason == SK_EXIT_DEADLINE || reason == SK_EXIT_NESTED_FAULT ||
			reason == SK_EXIT_SHUTDOWN);
		if (rc == -SK_E_BUSY)
			sk_yield();
		++*mine;
	}
}

/* No thread is inside, because the guest has no nested space. */
static void configure(void)
{
	uint32_t level;

	CHECK_EQ(sk_vcpu_configure(vcpu, copy, SK_CAP_SPACE, state_at, &level), 0);
}

/*
 * From here on the guest's memory is there; a thread that enters earlier finds the reset state,
 * and faults.
 */
static void start(void)
{
	struct sk_vcpu_state *s = (struct sk_vcpu_state *)state_at;
	unsigned int i;
	long rc;

	*(volatile uint32_t *)(ram + COUNTER) = 0;
	do {
		rc = sk_vcpu_sync(vcpu, ~0u);
		if (rc)
			continue;
		for (i = SK_ES; i <= SK_GS; i++)
			s->seg[i] = (struct sk_segment){ 0, i == SK_CS ? 0x9b : 0x93, 0xffff,
				0 };
		s->rip = CODE;
		s->rflags = 2;
		s->dirty = SK_VCPU_SEG | SK_VCPU_RIP | SK_VCPU_GPR | SK_VCPU_EVENT;
	} while (rc == -SK_E_BUSY);
	CHECK_EQ(rc, 0);
}

/* The nested space is taken away: a thread that is inside comes out, and none can enter. */
static void revoke(void)
{
	CHECK_EQ(sk_revoke(ME, nested), 0);
	CHECK_EQ(sk_copy(ME, copy, ME, nested, SK_ALL), 0);
	configure();
}

/* Refused while a thread is inside, which is nearly always. */
static void reconfigure(void)
{
	uint32_t level;
	long rc = sk_vcpu_configure(vcpu, copy, SK_CAP_SPACE, state_at, &level);

	CHECK(rc == 0 || rc == -SK_E_BUSY);
}

static void remake(void)
{
	CHECK_EQ(sk_delete(ME, vcpu), 0);
	hold = true;
	CHECK_EQ(sk_retype(memory, SK_OBJ_VCPU, 0, ME, vcpu, 1, 0), 0);
	configure();
	start();
	hold = false;
}

static struct kthread *k[2];

static void suspend(void)
{
	struct kthread *one = k[rnd >> 8 & 1];
	struct sk_regs regs;

	CHECK_EQ(sk_thread_suspend(one->thread), 0);
	CHECK_EQ(sk_thread_read(one->thread, &regs), 0);
	CHECK_EQ(sk_thread_resume(one->thread), 0);
}

/* The context of one thread moves to the other's CPU and back. */
static void move(void)
{
	struct kthread *one = k[rnd >> 8 & 1];

	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, one->sched, 1 + (rnd >> 9 & 1),
			 20 | SK_SCHED_GUESTS, 256, 0, 0),
		0);
}

static void unbind(void)
{
	struct kthread *one = k[rnd >> 8 & 1];

	CHECK_EQ(sk_sched_bind(one->sched, 0), 0);
	CHECK_EQ(sk_sched_bind(one->sched, one->thread), 0);
}

void test_main(void)
{
	static void (*const acts[])(
		void) = { revoke, reconfigure, suspend, move, unbind, remake };
	unsigned int i;
	sk_cap_t frame;

	if (!(INFO->features & SK_FEAT_SVM))
		finish("SKIP");
	memory = object_new(SK_OBJ_UNTYPED, SK_ORDER_VCPU);
	nested = object_new(SK_OBJ_SPACE_NESTED, 0);
	copy = slots_new(3);
	vcpu = copy + 2;
	ram = memory_new(21, &frame);
	CHECK_EQ(sk_copy(ME, copy + 1, ME, frame, SK_ALL), 0);
	CHECK_EQ(map_into(copy + 1, nested, 0, 0, 21, SK_R | SK_W | SK_EXEC), 0);
	__builtin_memcpy(ram + CODE, counter, counter_end - counter);
	state_at = range_new(12);
	tables_for(SK_CAP_SPACE, state_at);
	CHECK_EQ(sk_retype(memory, SK_OBJ_VCPU, 0, ME, vcpu, 1, 0), 0);
	CHECK_EQ(sk_copy(ME, copy, ME, nested, SK_ALL), 0);
	configure();
	start();
	for (i = 0; i < 2; i++)
		k[i] = kthread_start(enterer, (void *)&entries[i], 1 + i, 20);
	for (i = 0; i < ROUNDS; i++) {
		unsigned long before[] = { entries[0], entries[1] };

		dawdle();
		acts[i % ARRAY_SIZE(acts)]();
		if (i % 60 == 0)
			print("%u\n", i);
		if (i % 16 == 0) /* both go on */
			while (entries[0] == before[0] || entries[1] == before[1])
				sk_yield();
	}
	while (!*(volatile uint32_t *)(ram + COUNTER))
		sk_yield();
}

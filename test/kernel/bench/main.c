/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench - the cost of the kernel's own paths, in instructions if QEMU runs with -icount
 * shift=0, else in TSC ticks
 *
 * Prints the rate of the TSC and lines `BENCH name ticks`; passes always.
 */
#include "../lib/ktest.h"

#define ROUNDS 2000u

static sk_cap_t ep, reply, n;
extern const char guest[], guest_end[];
__asm__(".section .rodata\n"
	"guest: .code16\n"
	"1: vmmcall\n"
	"jmp 1b\n"
	".code64\n"
	"guest_end: .previous\n");

static void report(const char *name, uint64_t ticks, unsigned int rounds)
{
	print("BENCH %s %lu\n", name, ticks / rounds);
}

static void server(void *arg)
{
	struct sk_msg m = { 0 };

	(void)arg;
	sk_utcb()->reply = reply;
	sk_recv(ep, &m);
	for (;;)
		sk_reply_recv(ep, &m);
}

/* A server in an address space of its own. RBX: its UTCB; R12: the Reply; R13: the endpoint. */
extern const char stranger[], stranger_end[];
__asm__(".section .rodata\n"
	"stranger: movl %r12d, 552(%rbx)\n" /* reply */
	"movq $-1, 560(%rbx)\n"             /* deadline */
	"movl $3, %eax\n"                   /* RECV, later REPLY_RECV */
	"1: mov %r13, %rdi\n"
	"xor %esi, %esi\n"
	"syscall\n"
	"movl $5, %eax\n"
	"jmp 1b\n"
	"stranger_end: .previous\n");
_Static_assert(offsetof(struct sk_utcb, reply) == 552, "stranger");
_Static_assert(offsetof(struct sk_utcb, deadline) == 560, "stranger");
_Static_assert(SK_SYS_RECV == 3 && SK_SYS_REPLY_RECV == 5, "stranger");

static sk_cap_t stranger_start(void)
{
	uint64_t code = 0x400000, utcb = code + SK_PAGE_SIZE;
	struct sk_regs regs = { .rip = code, .rbx = utcb, .r12 = reply, .r13 = ep };
	sk_cap_t thread = object_new(SK_OBJ_THREAD, 0), sched = object_new(SK_OBJ_SCHED, 0);
	sk_cap_t space = object_new(SK_OBJ_SPACE_HOST, 0), frame, copy = slots_new(1);
	char *page = memory_new(SK_PAGE_ORDER, &frame);
	uint32_t level;

	__builtin_memcpy(page, stranger, (size_t)(stranger_end - stranger));
	CHECK_EQ(sk_copy(ME, copy, ME, frame, SK_ALL), 0);
	CHECK_EQ(map_into(copy, space, code, 0, SK_PAGE_ORDER, SK_R | SK_EXEC), 0);
	CHECK_EQ(sk_thread_configure(thread, ME, space, SK_NULL_CAP, utcb, &level), 0);
	CHECK_EQ(sk_thread_write(thread, &regs), 0);
	CHECK_EQ(sk_sched_configure(SK_CAP_CTL_SCHED, sched, 0, 20, 256, 0, 0), 0);
	CHECK_EQ(sk_sched_bind(sched, thread), 0);
	CHECK_EQ(sk_thread_resume(thread), 0);
	return thread;
}

static void ipc_rounds(const char *name)
{
	struct sk_msg m = { .mi = SK_MI(1, 4, 0) };
	uint64_t start;
	unsigned int i;

	sk_call(ep, &m);
	start = sk_now();
	for (i = 0; i < ROUNDS; i++)
		CHECK_EQ(sk_call(ep, &m), 0);
	report(name, sk_now() - start, ROUNDS);
}

static void ipc(void)
{
	struct kthread *k;
	sk_cap_t thread;
	uint64_t start;
	unsigned int i;

	start = sk_now();
	for (i = 0; i < ROUNDS; i++)
		sk_sys6(0, 0, 0, 0, 0, 0, 0);
	report("null_syscall", sk_now() - start, ROUNDS);
	k = kthread_start(server, NULL, 0, 20);
	ipc_rounds("ipc_round_trip");
	sk_delete(ME, k->thread);
	thread = stranger_start();
	ipc_rounds("ipc_round_trip_spaces");
	sk_delete(ME, thread);
	start = sk_now();
	for (i = 0; i < ROUNDS; i++)
		sk_signal(n);
	report("signal", sk_now() - start, ROUNDS);
}

static void memory(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 24), s = slots_new(1),
		 f = object_new(SK_OBJ_FRAME, 12);
	uint64_t at = range_new(12), start, out;
	uint32_t level;
	unsigned int i;

	tables_for(SK_CAP_SPACE, at);
	start = sk_now();
	for (i = 0; i < ROUNDS; i++) {
		sk_map(f, SK_CAP_SPACE, at, 0, 12, SK_R, &out, &level);
		sk_unmap(f, 0, 12);
	}
	report("map_unmap", sk_now() - start, ROUNDS);
	start = sk_now();
	for (i = 0; i < ROUNDS; i++) {
		sk_retype(u, SK_OBJ_ENDPOINT, 0, ME, s, 1, 0);
		sk_delete(ME, s);
	}
	report("endpoint_make_delete", sk_now() - start, ROUNDS);
	start = sk_now();
	sk_retype(u, SK_OBJ_FRAME, 21, ME, s, 1, 0);
	report("frame_2m_make", sk_now() - start, 1);
}

static void guest_exit(void)
{
	struct sk_vcpu_state *v;
	sk_cap_t nested, vcpu, frame;
	uint32_t level, reason = 0;
	uint64_t at = range_new(12), start;
	unsigned int i;
	char *ram;

	if (!(INFO->features & SK_FEAT_SVM))
		return;
	nested = object_new(SK_OBJ_SPACE_NESTED, 0);
	vcpu = object_new(SK_OBJ_VCPU, 0);
	ram = memory_new(12, &frame);
	__builtin_memcpy(ram, guest, guest_end - guest);
	sk_cap_t copy = slots_new(1);

	CHECK_EQ(sk_copy(ME, copy, ME, frame, SK_ALL), 0);
	CHECK_EQ(map_into(copy, nested, 0, 0, 12, SK_R | SK_W | SK_EXEC), 0);
	tables_for(SK_CAP_SPACE, at);
	CHECK_EQ(sk_vcpu_configure(vcpu, nested, SK_CAP_SPACE, at, &level), 0);
	v = (struct sk_vcpu_state *)at;
	CHECK_EQ(sk_vcpu_sync(vcpu, ~0u), 0);
	for (i = SK_ES; i <= SK_GS; i++)
		v->seg[i] = (struct sk_segment){ 0, i == SK_CS ? 0x9b : 0x93, 0xffff, 0 };
	v->rip = 0;
	v->rflags = 2;
	v->dirty = SK_VCPU_SEG | SK_VCPU_RIP;
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &reason), 0);
	CHECK_EQ(reason, SK_EXIT_HYPERCALL);
	start = sk_now();
	for (i = 0; i < ROUNDS; i++) {
		v->rip += 3;
		v->dirty = SK_VCPU_RIP;
		sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &reason);
	}
	report("guest_exit_round_trip", sk_now() - start, ROUNDS);
	start = sk_now();
	for (i = 0; i < ROUNDS; i++) {
		v->rip += 3;
		v->dirty = SK_VCPU_RIP;
		sk_vcpu_enter(vcpu, start + (1ull << 40), &reason);
	}
	report("guest_exit_with_deadline", sk_now() - start, ROUNDS);
}

void test_main(void)
{
	print("TSC %lu\n", INFO->tsc_hz);
	ep = object_new(SK_OBJ_ENDPOINT, 0);
	reply = object_new(SK_OBJ_REPLY, 0);
	n = object_new(SK_OBJ_NOTIFICATION, 0);
	ipc();
	memory();
	guest_exit();
}

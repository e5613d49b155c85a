/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objects.c - long work on capabilities, threads, messages and interrupts
 */
#include "latency.h"

enum { CNODE_ORDER = 20, FULL_ORDER = 17, CALLERS = 1000, CHAIN = 200, PINS = 24 };

static void make(unsigned int type, unsigned int order)
{
	CHECK_EQ(sk_retype(untyped, type, order, ME, slots, 1, 0), 0);
}

static void empty_cnode(void)
{
	make(SK_OBJ_CNODE, CNODE_ORDER);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

static void full_cnode(void)
{
	unsigned int i;

	make(SK_OBJ_CNODE, FULL_ORDER);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_NOTIFICATION, 0, ME, slots + 1, 1, 0), 0);
	for (i = 1; i < SK_CNODE_SLOTS(FULL_ORDER); i++)
		CHECK_EQ(sk_copy(slots, i, ME, slots + 1, SK_ALL), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
	CHECK_EQ(sk_delete(ME, slots + 1), 0);
}

/* Each CNode holds the last capability to the previous one. */
static void cnode_chain(void)
{
	unsigned int i;

	make(SK_OBJ_CNODE, 12);
	for (i = 1; i < CHAIN; i++) {
		CHECK_EQ(sk_retype(untyped, SK_OBJ_CNODE, 12, ME, slots + i, 1, 0), 0);
		CHECK_EQ(sk_move(slots + i, 1, ME, slots + i - 1), 0);
	}
	CHECK_EQ(sk_delete(ME, slots + CHAIN - 1), 0);
}

/* A chain of capabilities in which each is the child of the previous one. */
static void revoke_chain(void)
{
	unsigned int i;

	make(SK_OBJ_NOTIFICATION, 0);
	for (i = 1; i < MANY; i++)
		CHECK_EQ(sk_copy(ME, slots + i, ME, slots + i - 1, SK_ALL), 0);
	CHECK_EQ(sk_revoke(ME, slots), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

static void thread_and_space(void)
{
	make(SK_OBJ_THREAD, 0);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_SPACE_HOST, 0, ME, slots + 1, 1, 0), 0);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

/* --- messages ----------------------------------------------------------------------------- */

static struct crowd crowd;
static sk_cap_t ep;

static void callers(void)
{
	if (!crowd.n)
		crowd_make(&crowd, CALLERS, 0);
	ep = slots;
	make(SK_OBJ_ENDPOINT, 0);
	crowd_call(&crowd, SK_SYS_CALL, ep, SK_MI(1, 0, 0));
}

static void delete_endpoint(void)
{
	callers();
	CHECK_EQ(sk_delete(ME, ep), 0);
}

/* A receiver that cannot answer its callers. */
static void receive_without_reply(void)
{
	struct sk_msg m = { 0 };

	callers();
	sk_utcb()->reply = SK_NULL_CAP;
	sk_utcb()->deadline = SK_POLL;
	CHECK_EQ(sk_recv(ep, &m), -SK_E_TIMEOUT);
	sk_utcb()->deadline = SK_NO_DEADLINE;
	CHECK_EQ(sk_delete(ME, ep), 0);
}

static sk_cap_t channel, from, into;

static void taker(void *arg)
{
	struct sk_msg m = { 0 };

	(void)arg;
	sk_utcb()->recv_slot = into;
	sk_utcb()->recv_slots = SK_CAPS_MAX;
	for (;;)
		(void)sk_recv(channel, &m);
}

/* The longest message, with as many capabilities as one can have. */
static void long_message(void)
{
	struct sk_msg m = { .mi = SK_MI(1, SK_MR_MAX, SK_CAPS_MAX) };
	unsigned int i;

	if (!channel) {
		channel = object_new(SK_OBJ_ENDPOINT, 0);
		from = object_new(SK_OBJ_NOTIFICATION, 0);
		into = slots_new(SK_CAPS_MAX);
		kthread_start(taker, NULL, 0, 26);
	}
	for (i = 0; i < SK_CAPS_MAX; i++)
		sk_utcb()->send[i] = (struct sk_send_cap){ from, SK_ALL };
	CHECK_EQ(sk_send(channel, &m), 0);
	CHECK_EQ(sk_revoke(ME, from), 0);
}

/* Write a line to the log, with pauses so that there are not too many. */
static void log_line(void)
{
	static const uint64_t dots[4] = { 0x2e2e2e2e2e2e2e2e, 0x2e2e2e2e2e2e2e2e,
		0x2e2e2e2e2e2e2e2e, 0x0a2e2e2e2e2e2e2e };

	sk_log(SK_CAP_CTL_LOG, sizeof(dots), dots);
	for (volatile int i = 0; i < 2000; i++)
		;
}

/* The fault of a thread without a handler is written to the log. */
static void fault_report(void)
{
	static struct crowd one;
	struct sk_regs regs = { .rip = 0x123456789000 };

	if (!one.n)
		crowd_make(&one, 1, 0);
	CHECK_EQ(sk_thread_suspend(one.threads), 0);
	CHECK_EQ(sk_thread_write(one.threads, &regs), 0);
	CHECK_EQ(sk_sched_bind(one.sched, one.threads), 0);
	CHECK_EQ(sk_thread_resume(one.threads), 0);
	CHECK_EQ(sk_sched_bind(one.sched, SK_NULL_CAP), 0);
	for (volatile int i = 0; i < 2000; i++)
		;
}

/* --- interrupts and guests ---------------------------------------------------------------- */

static void claim_all(void)
{
	uint64_t addr;
	uint32_t data;
	unsigned int i, n = 0;

	CHECK_EQ(sk_retype(untyped, SK_OBJ_IRQ, 0, ME, slots, SK_RETYPE_MAX, 0), 0);
	for (i = 0; i < PINS; i++)
		n += !sk_irq_pin(SK_CAP_CTL_IRQ, slots + n, i, 0, 0);
	while (!sk_irq_msi(SK_CAP_CTL_IRQ, slots + n, 0, 0, &addr, &data))
		n++;
	CHECK(n > 100 && n < SK_RETYPE_MAX);
	for (i = 0; i < PINS; i++)
		CHECK(sk_irq_pin(SK_CAP_CTL_IRQ, slots + n, i, 0, 0));
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

extern const char guest[], guest_end[];
__asm__(".section .rodata\n"
	"guest: .code16\n"
	"1: mov $200, %cx\n"
	"2: loop 2b\n"
	"vmmcall\n"
	"jmp 1b\n"
	".code64\n"
	"guest_end: .previous\n");

static struct sk_vcpu_state *guest_make(sk_cap_t vcpu)
{
	sk_cap_t nested = object_new(SK_OBJ_SPACE_NESTED, 0), frame, copy = slots_new(1);
	uint64_t at = range_new(12);
	struct sk_vcpu_state *v = (struct sk_vcpu_state *)at;
	uint32_t level;
	unsigned int i;

	__builtin_memcpy(memory_new(12, &frame), guest, guest_end - guest);
	CHECK_EQ(sk_copy(ME, copy, ME, frame, SK_ALL), 0);
	CHECK_EQ(map_into(copy, nested, 0, 0, 12, SK_R | SK_EXEC), 0);
	tables_for(SK_CAP_SPACE, at);
	CHECK_EQ(sk_vcpu_configure(vcpu, nested, SK_CAP_SPACE, at, &level), 0);
	CHECK_EQ(sk_vcpu_sync(vcpu, ~0u), 0);
	for (i = SK_ES; i <= SK_GS; i++)
		v->seg[i] = (struct sk_segment){ 0, i == SK_CS ? 0x9b : 0x93, 0xffff, 0 };
	v->rip = 0;
	v->rflags = 2;
	return v;
}

/* Enter a guest with all its state to be loaded, and read the state back. */
static void guest_rounds(void)
{
	static struct sk_vcpu_state *v;
	static sk_cap_t vcpu;
	uint32_t reason;

	if (!(INFO->features & SK_FEAT_SVM))
		return;
	if (!v) {
		vcpu = object_new(SK_OBJ_VCPU, 0);
		v = guest_make(vcpu);
	}
	v->rip = 0;
	v->dirty = ~0u & ~(uint32_t)SK_VCPU_EVENT;
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &reason), 0);
	CHECK_EQ(reason, SK_EXIT_HYPERCALL);
	CHECK_EQ(sk_vcpu_sync(vcpu, ~0u), 0);
}

const struct kind object_kinds[] = {
	{ "cnode_1m", empty_cnode },
	{ "full_cnode_128k", full_cnode },
	{ "cnode_chain_200", cnode_chain },
	{ "revoke_chain_1000", revoke_chain },
	{ "thread_and_space", thread_and_space },
	{ "endpoint_1000_callers", delete_endpoint },
	{ "recv_1000_unanswerable", receive_without_reply },
	{ "long_message", long_message },
	{ "log_32_bytes", log_line },
	{ "fault_report", fault_report },
	{ "all_interrupts", claim_all },
	{ "guest_rounds", guest_rounds },
	{ NULL, NULL },
};

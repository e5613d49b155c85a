/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_caps.c - the capabilities that each call needs, and the calls on capabilities
 */
#include "rules.h"
#include "check.h"
#include "ipc.h"
#include "log.h"
#include "sched.h"

enum { S = AT_FREE, ROOM = 100 /* slots of a domain's CNode */ };

/* --- types and rights --------------------------------------------------------------------- */

/* The capability at argument `pos` of this call needs this right. */
static const struct need {
	unsigned int nr, pos, right;
	uint64_t arg[6];
} needs[] = {
	/* clang-format off */
	{ SK_SYS_CALL, 0, SK_W, { AT_ENDPOINT } },
	{ SK_SYS_SEND, 0, SK_W, { AT_ENDPOINT } },
	{ SK_SYS_RECV, 0, SK_R, { AT_ENDPOINT } },
	{ SK_SYS_REPLY, 0, SK_W, { AT_REPLY } },
	{ SK_SYS_REPLY_RECV, 0, SK_R, { AT_ENDPOINT } },
	{ SK_SYS_SIGNAL, 0, SK_W, { AT_NOTIFICATION } },
	{ SK_SYS_WAIT, 0, SK_R, { AT_NOTIFICATION, SK_POLL } },
	{ SK_SYS_POLL, 0, SK_R, { AT_NOTIFICATION } },
	{ SK_SYS_RETYPE, 0, SK_W, { AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S, 1 } },
	{ SK_SYS_RETYPE, 2, SK_W, { AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S, 1 } },
	{ SK_SYS_COPY, 0, SK_W, { AT_CNODE2, 1, AT_CNODE, AT_FRAME, SK_ALL } },
	{ SK_SYS_COPY, 2, SK_GRANT, { AT_CNODE2, 1, AT_CNODE, AT_FRAME, SK_ALL } },
	{ SK_SYS_MINT, 0, SK_W, { AT_CNODE2, 1, AT_CNODE, AT_ENDPOINT, SK_ALL, 1 } },
	{ SK_SYS_MINT, 2, SK_GRANT, { AT_CNODE2, 1, AT_CNODE, AT_ENDPOINT, SK_ALL, 1 } },
	{ SK_SYS_MOVE, 0, SK_W, { AT_CNODE2, 1, AT_CNODE, AT_FRAME } },
	{ SK_SYS_MOVE, 2, SK_W | SK_GRANT, { AT_CNODE2, 1, AT_CNODE, AT_FRAME } },
	{ SK_SYS_DELETE, 0, SK_W, { AT_CNODE, S } },
	{ SK_SYS_REVOKE, 0, SK_W, { AT_CNODE, S } },
	{ SK_SYS_CAP_INFO, 0, SK_R, { AT_CNODE, S } },
	{ SK_SYS_MAP, 0, SK_R, { AT_FRAME, AT_SPACE, 0x120000, 0, 12, SK_R } },
	{ SK_SYS_MAP, 1, SK_W, { AT_FRAME, AT_SPACE, 0x120000, 0, 12, SK_R } },
	{ SK_SYS_UNMAP, 0, 0, { AT_FRAME, 0, 12 } },
	{ SK_SYS_MAP_TABLE, 0, SK_W, { AT_TABLE + 3, AT_SPACE, SK_LARGE_SIZE, 1 } },
	{ SK_SYS_MAP_TABLE, 1, SK_W, { AT_TABLE + 3, AT_SPACE, SK_LARGE_SIZE, 1 } },
	{ SK_SYS_THREAD_CONFIGURE, 0, SK_W, { AT_THREAD2, AT_CNODE, AT_SPACE, AT_ENDPOINT, 0x130000 } },
	{ SK_SYS_THREAD_CONFIGURE, 1, SK_W, { AT_THREAD2, AT_CNODE, AT_SPACE, AT_ENDPOINT, 0x130000 } },
	{ SK_SYS_THREAD_CONFIGURE, 2, SK_W, { AT_THREAD2, AT_CNODE, AT_SPACE, AT_ENDPOINT, 0x130000 } },
	{ SK_SYS_THREAD_CONFIGURE, 3, SK_W, { AT_THREAD2, AT_CNODE, AT_SPACE, AT_ENDPOINT, 0x130000 } },
	{ SK_SYS_THREAD_BIND, 0, SK_W, { AT_THREAD2, AT_NOTIFICATION } },
	{ SK_SYS_THREAD_BIND, 1, SK_R, { AT_THREAD2, AT_NOTIFICATION } },
	{ SK_SYS_THREAD_RESUME, 0, SK_W, { AT_THREAD2 } },
	{ SK_SYS_THREAD_SUSPEND, 0, SK_W, { AT_THREAD2 } },
	{ SK_SYS_THREAD_READ, 0, SK_R, { AT_THREAD2 } },
	{ SK_SYS_THREAD_WRITE, 0, SK_W, { AT_THREAD2 } },
	{ SK_SYS_SCHED_CONFIGURE, 0, SK_W, { AT_CTL_SCHED, AT_SCHED2, 0, 256 } },
	{ SK_SYS_SCHED_CONFIGURE, 1, SK_W, { AT_CTL_SCHED, AT_SCHED2, 0, 256 } },
	{ SK_SYS_SCHED_BIND, 0, SK_W, { AT_SCHED2, AT_THREAD2 } },
	{ SK_SYS_SCHED_BIND, 1, SK_W, { AT_SCHED2, AT_THREAD2 } },
	{ SK_SYS_SCHED_STATS, 0, SK_R, { AT_SCHED2 } },
	{ SK_SYS_IRQ_PIN, 0, SK_W, { AT_CTL_IRQ, AT_IRQ, 3, 0, 0 } },
	{ SK_SYS_IRQ_PIN, 1, SK_W, { AT_CTL_IRQ, AT_IRQ, 3, 0, 0 } },
	{ SK_SYS_IRQ_MSI, 0, SK_W, { AT_CTL_IRQ, AT_IRQ, 0 } },
	{ SK_SYS_IRQ_MSI, 1, SK_W, { AT_CTL_IRQ, AT_IRQ, 0 } },
	{ SK_SYS_IRQ_BIND, 0, SK_W, { AT_IRQ, AT_NOTIFICATION } },
	{ SK_SYS_IRQ_BIND, 1, SK_W, { AT_IRQ, AT_NOTIFICATION } },
	{ SK_SYS_IRQ_ACK, 0, SK_W, { AT_IRQ } },
	{ SK_SYS_PORT_IN, 0, SK_R, { AT_IOPORT, 0x60, 1 } },
	{ SK_SYS_PORT_OUT, 0, SK_W, { AT_IOPORT, 0x60, 1 } },
	{ SK_SYS_LOG, 0, SK_W, { S + 1 } },
	{ SK_SYS_LOG_TAKE, 0, SK_W, { S + 1 } },
	{ SK_SYS_VCPU_CONFIGURE, 0, SK_W, { AT_VCPU, AT_NESTED, AT_SPACE, 0x140000 } },
	{ SK_SYS_VCPU_CONFIGURE, 1, SK_W, { AT_VCPU, AT_NESTED, AT_SPACE, 0x140000 } },
	{ SK_SYS_VCPU_CONFIGURE, 2, SK_W, { AT_VCPU, AT_NESTED, AT_SPACE, 0x140000 } },
	{ SK_SYS_VCPU_ENTER, 0, SK_W, { AT_VCPU, SK_NO_DEADLINE } },
	{ SK_SYS_VCPU_SYNC, 0, SK_R, { AT_VCPU } },
	{ SK_SYS_VCPU_INJECT, 0, SK_W, { AT_VCPU, 0x40 } },
	{ SK_SYS_IO_ASSIGN, 0, SK_W, { S + 2, S + 3 } },
	{ SK_SYS_IO_ASSIGN, 1, SK_W, { S + 2, S + 3 } },
	{ SK_SYS_IO_FAULT, 0, SK_R, { S + 2 } },
	/* clang-format on */
};

/* Give domain 1 what otherwise only the root task has. */
static void needs_world(void)
{
	world_fresh(NULL);
	utcb(domains[1].thread[0])->reply = AT_REPLY;
	slot_set(slot_in(1, S + 1), NULL, &(struct cap){ SK_OBJ_CTL_LOG, SK_ALL, 0, 0, 0, 0 });
	slot_set(slot_in(1, S + 2), NULL, &(struct cap){ SK_OBJ_CTL_IO, SK_ALL, 0, 0, 0, 0 });
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SPACE_IO, AT_CNODE, S + 3, 1), 0);
}

static long need_try(const struct need *n) { return sys(domains[1].thread[0], n->nr, n->arg); }

static void rights_are_needed(void **state)
{
	(void)state;
	for (const struct need *n = needs; n < needs + ARRAY_SIZE(needs); n++) {
		struct slot *s;
		long rc;

		for (unsigned int bit = 1; bit <= SK_GRANT; bit <<= 1) {
			needs_world();
			s = slot_in(1, (unsigned int)n->arg[n->pos]);
			s->rights = (uint8_t)(SK_ALL & ~bit);
			rc = need_try(n);
			if ((rc == -SK_E_RIGHTS) != ((n->right & bit) != 0) || rc == -SK_E_CAP)
				fail("call %u says %ld when argument %u lacks right %x", n->nr,
					rc, n->pos, bit);
		}
	}
}

static void types_are_needed(void **state)
{
	(void)state;
	needs_world();
	for (const struct need *n = needs; n < needs + ARRAY_SIZE(needs); n++) {
		struct need other = *n;
		static const uint64_t not_these[] = { 0, ROOM, 1ull << 32 | AT_FRAME, S + 20 };

		for (unsigned int i = 0; i < ARRAY_SIZE(not_these); i++) {
			other.arg[n->pos] = not_these[i];
			/* for these, 0 has a meaning of its own */
			if (!not_these[i] &&
				(n->nr == SK_SYS_THREAD_BIND || n->nr == SK_SYS_SCHED_BIND ||
					n->nr == SK_SYS_THREAD_CONFIGURE))
				continue;
			assert_int_equal(need_try(&other), -SK_E_CAP);
		}
		other.arg[n->pos] = n->arg[n->pos] == AT_CTL_IRQ ? AT_CTL_SCHED : AT_CTL_IRQ;
		assert_int_equal(need_try(&other), -SK_E_CAP);
	}
}

/* Slot 0 and memory after the last slot are never used, whatever is there. */
static void slots_have_bounds(void **state)
{
	struct cnode *cn = domains[1].cnode;
	size_t head = offsetof(struct slot, first_child);

	(void)state;
	assert_int_equal(cn->n_slots, ROOM);
	memcpy(&cn->slots[0], slot_in(1, AT_BADGED), head);
	/* a slot in the rest of the CNode's page */
	memcpy(&cn->slots[ROOM], slot_in(1, AT_BADGED), head);
	for (unsigned int i = 0; i <= ROOM; i += ROOM) {
		assert_int_equal(SYS(1, SIGNAL, i), -SK_E_CAP);
		assert_int_equal(SYS(1, IRQ_BIND, AT_IRQ, i), -SK_E_CAP);
		assert_int_equal(SYS(1, CAP_INFO, AT_CNODE, i), -SK_E_SLOT);
		assert_int_equal(SYS(1, COPY, AT_CNODE, S, AT_CNODE, i, SK_ALL), -SK_E_SLOT);
		assert_int_equal(SYS(1, MOVE, AT_CNODE, S, AT_CNODE, i), -SK_E_SLOT);
		assert_int_equal(SYS(1, DELETE, AT_CNODE, i), -SK_E_SLOT);
		memset(&cn->slots[i], 0, head);
		assert_int_equal(
			SYS(1, COPY, AT_CNODE, i, AT_CNODE, AT_FRAME, SK_ALL), -SK_E_SLOT);
		assert_int_equal(
			SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, i, 1), -SK_E_SLOT);
	}
	assert_int_equal(SYS(1, COPY, AT_CNODE, ROOM - 1, AT_CNODE, AT_FRAME, SK_ALL), 0);
}

static void numbers_have_bounds(void **state)
{
	static const uint64_t none[] = { 0, SK_SYS_END, 62, 64 + SK_SYS_YIELD,
		1ull << 32 | SK_SYS_YIELD, UINT64_MAX };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(none); i++) {
		struct thread *t = domains[1].thread[0];

		t->regs.r.rip = 0;
		call_set(t, 0, (uint64_t[6]){ 0 });
		t->regs.r.rax = none[i];
		core_syscall(t);
		assert_int_equal(t->regs.r.rax, -SK_E_NO_SYS);
	}
}

/* --- copies ------------------------------------------------------------------------------- */

static void copies_lose_rights(void **state)
{
	(void)state;
	assert_int_equal(
		SYS(1, COPY, AT_CNODE, S, AT_CNODE, AT_NOTIFICATION, SK_R | SK_GRANT), 0);
	assert_int_equal(slot_in(1, S)->rights, SK_R | SK_GRANT);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 1, AT_CNODE, S, SK_ALL), 0);
	assert_int_equal(slot_in(1, S + 1)->rights, SK_R | SK_GRANT);
	assert_int_equal(SYS(1, MINT, AT_CNODE, S + 2, AT_CNODE, S, SK_W | SK_R, 5), 0);
	assert_int_equal(slot_in(1, S + 2)->rights, SK_R);
	assert_int_equal(slot_in(1, S + 2)->badge, 5);
	/* a copy has the badge */
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 3, AT_CNODE, S + 2, SK_ALL), 0);
	assert_int_equal(slot_in(1, S + 3)->badge, 5);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 4, AT_CNODE, S, 0x10), -SK_E_INVAL);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 4, AT_CNODE, S, 0x100), -SK_E_INVAL);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 3, AT_CNODE, S, SK_ALL), -SK_E_SLOT);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 4, AT_CNODE, S + 5, SK_ALL), -SK_E_CAP);
	assert_int_equal(
		SYS(1, COPY, AT_CNODE, S + 4, AT_CNODE, AT_UNTYPED, SK_ALL), -SK_E_CAP);
	assert_int_equal(
		SYS(1, COPY, AT_CNODE, S + 4, AT_CNODE, AT_TABLE + 3, SK_ALL), -SK_E_CAP);
	assert_int_equal(((struct object *)object_of(1, S))->refs, 5 + 1);
}

/* Readers without the lock see from its number that a slot was written. */
static void writes_are_numbered(void **state)
{
	uint32_t seq = slot_in(1, S)->seq;

	(void)state;
	assert_int_equal(SYS(1, COPY, AT_CNODE, S, AT_CNODE, AT_FRAME, SK_ALL), 0);
	assert_int_equal(slot_in(1, S)->seq, seq + 2);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_int_equal(slot_in(1, S)->seq, seq + 4);
}

static void minting_has_rules(void **state)
{
	(void)state;
	assert_int_equal(
		SYS(1, MINT, AT_CNODE, S, AT_CNODE, AT_BADGED, SK_ALL, 9), -SK_E_INVAL);
	assert_int_equal(SYS(1, MINT, AT_CNODE, S, AT_CNODE, AT_FRAME, SK_ALL, 9), -SK_E_CAP);
	assert_int_equal(SYS(1, MINT, AT_CNODE, S, AT_CNODE, AT_REPLY, SK_ALL, 9), -SK_E_CAP);
	assert_int_equal(SYS(1, MINT, AT_CNODE, S, AT_CNODE, AT_ENDPOINT, SK_ALL, 9), 0);
	assert_int_equal(
		SYS(1, MINT, AT_CNODE, S + 1, AT_CNODE, AT_IOPORT, SK_R, 0x60 | 0x64 << 16), 0);
	assert_int_equal(slot_in(1, S + 1)->rights, SK_R);
	assert_int_equal(
		SYS(1, MINT, AT_CNODE, S + 2, AT_CNODE, S + 1, SK_ALL, 0x5f | 0x64 << 16),
		-SK_E_RANGE);
	assert_int_equal(
		SYS(1, MINT, AT_CNODE, S + 2, AT_CNODE, S + 1, SK_ALL, 0x60 | 0x65 << 16),
		-SK_E_RANGE);
	assert_int_equal(
		SYS(1, MINT, AT_CNODE, S + 2, AT_CNODE, S + 1, SK_ALL, 0x62 | 0x61 << 16),
		-SK_E_INVAL);
	assert_int_equal(SYS(1, MINT, AT_CNODE, S + 2, AT_CNODE, AT_IOPORT, SK_ALL, 1ull << 32),
		-SK_E_INVAL);
	assert_int_equal(
		SYS(1, MINT, AT_CNODE, S + 2, AT_CNODE, S + 1, SK_ALL, 0x64 | 0x64 << 16), 0);
	assert_int_equal(slot_in(1, S + 2)->rights, SK_R);
	assert_int_equal(SYS(1, CAP_INFO, AT_CNODE, S + 1), 0);
	assert_int_equal(regs(1)->rdx, 5);
	assert_int_equal(regs(1)->rsi, 0x60 | 0x64 << 16);
}

static void ports_have_bounds(void **state)
{
	(void)state;
	assert_int_equal(
		SYS(1, MINT, AT_CNODE, S, AT_CNODE, AT_IOPORT, SK_ALL, 0x60 | 0x67 << 16), 0);
	assert_int_equal(SYS(1, PORT_IN, S, 0x64, 4), 0);
	assert_int_equal(regs(1)->rdi, 0x64 ^ 4);
	assert_int_equal(SYS(1, PORT_IN, S, 0x65, 4), -SK_E_RANGE);
	assert_int_equal(SYS(1, PORT_IN, S, 0x67, 2), -SK_E_RANGE);
	assert_int_equal(SYS(1, PORT_IN, S, 0x67, 1), 0);
	assert_int_equal(SYS(1, PORT_IN, S, 0x68, 1), -SK_E_RANGE);
	assert_int_equal(SYS(1, PORT_IN, S, 0x5f, 1), -SK_E_RANGE);
	assert_int_equal(SYS(1, PORT_IN, S, 1ull << 16 | 0x60, 1), -SK_E_RANGE);
	assert_int_equal(SYS(1, PORT_IN, S, 0x60, 0), -SK_E_INVAL);
	assert_int_equal(SYS(1, PORT_IN, S, 0x60, 3), -SK_E_INVAL);
	assert_int_equal(SYS(1, PORT_IN, S, 0x60, 8), -SK_E_INVAL);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x66, 2, 0x12345678), 0);
	assert_int_equal(fake_did.port, 0x66);
	assert_int_equal(fake_did.port_size, 2);
	assert_int_equal(fake_did.port_value, 0x12345678);
	fake_did.n_port_writes = 0;
	assert_int_equal(
		SYS(1, PORT_OUT, S, 0x61, 1, 0x0807060504030201, 10, 0xffffffffffff0a09), 0);
	assert_int_equal(fake_did.n_port_writes, 10);
	assert_int_equal(fake_did.port, 0x61);
	assert_int_equal(fake_did.port_text, 0x030405060708090a);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x61, 1, 0x12, 16, 0), 0);
	assert_int_equal(fake_did.n_port_writes, 26);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x61, 1, 0x12, 17, 0), -SK_E_INVAL);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x62, 2, 0x12, 2, 0), -SK_E_INVAL);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x68, 1, 0x12, 2, 0), -SK_E_RANGE);
	assert_int_equal(fake_did.n_port_writes, 26);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x66, 2, 0), 0);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x67, 2, 0), -SK_E_RANGE);
	assert_int_equal(SYS(1, PORT_OUT, S, 0x66, 3, 0), -SK_E_INVAL);
	assert_int_equal(fake_did.port, 0x66);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 1, AT_CNODE, AT_FRAME, SK_ALL), 0);
	assert_int_equal(SYS(1, PORT_IN, S + 1, 0x60, 1), -SK_E_CAP);
}

static void info_tells(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, CAP_INFO, AT_CNODE, AT_BADGED + 2), 0);
	assert_int_equal(
		regs(1)->rdi, SK_OBJ_NOTIFICATION | SK_ALL << 8 | SK_ORDER_NOTIFICATION << 16);
	assert_int_equal(regs(1)->rsi, 4);
	assert_int_equal(regs(1)->rdx, 128);
	/* the physical address of memory is not told */
	assert_int_equal(SYS(1, MAP, AT_FRAMES4, AT_SPACE, 0x120000, 0, 14, SK_R), 0);
	assert_int_equal(SYS(1, CAP_INFO, AT_CNODE, AT_FRAMES4), 0);
	assert_int_equal(regs(1)->rsi, 0);
	assert_int_equal(regs(1)->rdx, 1 << 14);
	assert_int_equal(SYS(1, CAP_INFO, AT_CNODE, AT_CTL_IRQ), 0);
	assert_int_equal(regs(1)->rdx, 0);
	assert_int_equal(SYS(1, CAP_INFO, AT_CNODE, S), 0);
	assert_int_equal(regs(1)->rdi, 0);
}

/* --- moving, deleting, revoking ----------------------------------------------------------- */

/* source -> a -> (b, c), source -> d */
static void family(void)
{
	assert_int_equal(SYS(1, COPY, AT_CNODE, S, AT_CNODE, AT_ENDPOINT, SK_ALL), 0);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 1, AT_CNODE, S, SK_ALL), 0);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 2, AT_CNODE, S, SK_ALL), 0);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 3, AT_CNODE, AT_ENDPOINT, SK_ALL), 0);
}

static void moving_keeps_the_family(void **state)
{
	(void)state;
	family();
	assert_int_equal(SYS(1, MOVE, AT_CNODE, S + 5, AT_CNODE, S), 0);
	assert_int_equal(SYS(1, MOVE, AT_CNODE, S + 3, AT_CNODE, S + 5), -SK_E_SLOT);
	assert_int_equal(SYS(1, MOVE, AT_CNODE, S + 6, AT_CNODE, S), -SK_E_CAP);
	check_all(CHECK_STANDS_STILL);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, S), 0);
	assert_int_equal(slot_in(1, S + 1)->type, SK_OBJ_ENDPOINT);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, S + 5), 0);
	assert_int_equal(slot_in(1, S + 1)->type, SK_OBJ_NULL);
	assert_int_equal(slot_in(1, S + 2)->type, SK_OBJ_NULL);
	assert_int_equal(slot_in(1, S + 3)->type, SK_OBJ_ENDPOINT);
	assert_int_equal(slot_in(1, S + 5)->type, SK_OBJ_ENDPOINT);
}

static void deleting_hands_children_up(void **state)
{
	(void)state;
	family();
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	check_all(CHECK_STANDS_STILL);
	assert_int_equal(((struct object *)object_of(1, AT_ENDPOINT))->refs, 4);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, AT_ENDPOINT), 0);
	for (unsigned int i = 1; i < 4; i++)
		assert_int_equal(slot_in(1, S + i)->type, SK_OBJ_NULL);
	assert_int_equal(((struct object *)object_of(1, AT_ENDPOINT))->refs, 1);
}

/*
 * A mapped frame whose capability is moved stays mapped, and is unmapped when that is deleted.
 */
static void moving_keeps_mappings(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, 0x120000, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME + 1, AT_SPACE, 0x121000, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAMES4, AT_SPACE, 0x124000, 0, 14, SK_R), 0);
	assert_int_equal(SYS(1, MOVE, AT_CNODE, S, AT_CNODE, AT_FRAME + 1), 0);
	assert_int_equal(SYS(1, MOVE, AT_CNODE, S + 1, AT_CNODE, AT_FRAMES4), 0);
	assert_int_equal(SYS(1, MOVE, AT_CNODE, S + 2, AT_CNODE, AT_TABLE + 2), 0);
	/* the empty slot has no trace of the mapping */
	assert_int_equal(SYS(1, COPY, AT_CNODE, AT_FRAME + 1, AT_CNODE, AT_FRAME, SK_ALL), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAME + 1, 0, 12), -SK_E_NOT_FOUND);
	check_all(CHECK_STANDS_STILL);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S + 1), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, 0x121000, 0, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(SYS(1, UNMAP, AT_FRAME, 0, 12), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, 0x121000, 0, 12, SK_R), 0);
}

/* Make a call of a domain's second thread, as if the thread ran. */
static long as_second(unsigned int d, unsigned int nr, const uint64_t arg[6])
{
	struct thread *t = domains[d].thread[1];

	thread_utcb(t)->deadline = SK_NO_DEADLINE;
	call_set(t, nr, arg);
	use_cpu(d);
	core_syscall(t);
	return result(t);
}

/*
 * Waiting threads make the end of an endpoint long; in the meantime its capability can be
 * neither copied nor moved.
 */
static void a_dying_object_is_not_derived(void **state)
{
	static const uint64_t args[6] = { AT_CNODE, S };
	struct thread *ender = domains[1].thread[0];

	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_ENDPOINT, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(0, COPY, ROOT_CNODE + 2, S, ROOT_CNODE + 1, S, SK_ALL), 0);
	assert_int_equal(SYS(0, COPY, ROOT_CNODE + 3, S, ROOT_CNODE + 1, S, SK_ALL), 0);
	for (unsigned int d = 2; d < 4; d++) {
		utcb(domains[d].thread[0])->deadline = SK_NO_DEADLINE;
		assert_int_equal(SYS(d, RECV, S), BLOCKED);
		assert_int_equal(SYS(0, DELETE, ROOT_CNODE + d, S), 0);
	}
	fake_preempt = always;
	assert_false(sys_once(ender, SK_SYS_DELETE, args));
	fake_preempt = NULL;
	kicks();
	assert_int_equal(SYS(0, COPY, AT_CNODE, S, ROOT_CNODE + 1, S, SK_ALL), -SK_E_CAP);
	assert_int_equal(SYS(0, MINT, AT_CNODE, S, ROOT_CNODE + 1, S, SK_ALL, 1), -SK_E_CAP);
	assert_int_equal(SYS(0, MOVE, AT_CNODE, S, ROOT_CNODE + 1, S), -SK_E_CAP);
	/* nor can a thread begin to wait on it */
	assert_int_equal(as_second(1, SK_SYS_RECV, (const uint64_t[6]){ S }), -SK_E_DELETED);
	assert_true(sys_once(ender, SK_SYS_DELETE, args));
	assert_int_equal(slot_in(1, S)->type, SK_OBJ_NULL);
	kicks();
	for (unsigned int d = 2; d < 4; d++)
		assert_int_equal(result(domains[d].thread[0]), -SK_E_DELETED);
}

/* A mapping at the end of its range makes the end of a frame of 1 GiB long. */
static void huge_map(void)
{
	assert_int_equal(
		SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, 0x120000, 0x20000000, 12, SK_R), 0);
}

/*
 * A DELETE that was interrupted does not delete what another thread has put into the slot in
 * the meantime.
 */
static void restart_knows_its_slot(void **state)
{
	static const uint64_t args[6] = { AT_CNODE, AT_DEVICE_HUGE };
	struct thread *t = domains[0].thread[0];
	struct slot *s = slot_in(0, AT_DEVICE_HUGE);

	(void)state;
	huge_map();
	fake_preempt = always;
	assert_false(sys_once(t, SK_SYS_DELETE, args));
	/* its end has begun, so it can be neither copied nor mapped */
	assert_int_equal(s->flags & SLOT_ENDING, SLOT_ENDING);
	assert_int_equal(
		as_second(0, SK_SYS_COPY,
			(const uint64_t[6]){ AT_CNODE, S, AT_CNODE, AT_DEVICE_HUGE, SK_ALL }),
		-SK_E_CAP);
	assert_int_equal(as_second(0, SK_SYS_MOVE,
				 (const uint64_t[6]){ AT_CNODE, S, AT_CNODE, AT_DEVICE_HUGE }),
		-SK_E_CAP);
	assert_int_equal(
		as_second(0, SK_SYS_UNMAP, (const uint64_t[6]){ AT_DEVICE_HUGE, 0, 12 }),
		-SK_E_CAP);
	assert_false(sys_once(t, SK_SYS_DELETE, args));
	fake_preempt = NULL;
	assert_int_equal(slot_delete(s), 0);
	slot_derive(s, slot_in(0, AT_DEVICE_LARGE), SK_ALL, 0, 0);
	assert_true(sys_once(t, SK_SYS_DELETE, args));
	assert_int_equal(t->regs.r.rax, 0);
	assert_int_equal(s->type, SK_OBJ_FRAME);
	/* the next call is a new one */
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_DEVICE_HUGE), 0);
	assert_int_equal(s->type, SK_OBJ_NULL);
}

/* Nor does a REVOKE whose slot now holds another capability. */
static void revoke_knows_its_slot(void **state)
{
	static const uint64_t args[6] = { AT_CNODE, AT_UNTYPED };
	struct thread *t = domains[1].thread[0];

	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S, 3), 0);
	fake_preempt = always;
	assert_false(sys_once(t, SK_SYS_REVOKE, args));
	fake_preempt = NULL;
	assert_non_null(slot_in(1, AT_UNTYPED)->first_child);
	slot_move(slot_in(1, S + 10), slot_in(1, AT_UNTYPED));
	slot_move(slot_in(1, AT_UNTYPED), slot_in(1, AT_UNTYPED_SMALL));
	assert_true(sys_once(t, SK_SYS_REVOKE, args));
	assert_int_equal(t->regs.r.rax, -SK_E_CAP);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, S + 10), 0);
	assert_null(slot_in(1, S + 10)->first_child);
}

/* --- CNodes end --------------------------------------------------------------------------- */

/*
 * A CNode's contents are deleted with it, including CNodes in it, even if this takes several
 * steps.
 */
static void cnodes_take_all_with_them(void **state)
{
	struct thread *t = domains[1].thread[0];
	unsigned int tries = 0;

	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_CNODE | 12 << 8, AT_CNODE, S, 2), 0);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_NOTIFICATION, S, 1, 1), 0);
	assert_int_equal(SYS(1, COPY, S, 48, AT_CNODE, AT_ENDPOINT, SK_ALL), 0);
	assert_int_equal(SYS(1, COPY, S + 1, 48, AT_CNODE, AT_ENDPOINT, SK_ALL), 0);
	assert_int_equal(SYS(1, COPY, S + 1, 1, AT_CNODE, AT_ENDPOINT, SK_ALL), 0);
	assert_int_equal(SYS(1, MOVE, S, 20, AT_CNODE, S + 1), 0);
	assert_int_equal(((struct object *)object_of(1, AT_ENDPOINT))->refs, 4);
	fake_preempt = always;
	while (!sys_once(t, SK_SYS_DELETE, (const uint64_t[6]){ AT_CNODE, S })) {
		assert_true(++tries < 100);
		/* a RETYPE of another thread finds the memory in use */
		assert_true(!t->dying || slot_in(1, AT_UNTYPED)->first_child);
	}
	fake_preempt = NULL;
	assert_true(tries > 3);
	assert_int_equal(t->regs.r.rax, 0);
	assert_null(t->dying);
	assert_null(slot_in(1, AT_UNTYPED)->first_child);
	assert_int_equal(((struct object *)object_of(1, AT_ENDPOINT))->refs, 1);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_FRAME | 16 << 8, AT_CNODE, S, 1), 0);
}

/*
 * The end of a CNode waits for capabilities that cannot be deleted at once, and does not skip
 * them. The last one may be in a thread's own slot.
 */
static void cnodes_wait_for_what_they_hold(void **state)
{
	static const uint64_t configure[6] = { AT_THREAD2, AT_CNODE, AT_SPACE, 0, 0x150000 };
	struct thread *t = domains[1].thread[0];
	unsigned int tries = 0;

	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_CNODE | 12 << 8, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_ENDPOINT, S, 5, 1), 0);
	for (unsigned int d = 2; d < 4; d++) {
		assert_int_equal(SYS(1, COPY, AT_CNODE, S + d, S, 5, SK_ALL), 0);
		assert_int_equal(SYS(0, MOVE, ROOT_CNODE + d, S, ROOT_CNODE + 1, S + d), 0);
		utcb(domains[d].thread[0])->deadline = SK_NO_DEADLINE;
		assert_int_equal(SYS(d, RECV, S), BLOCKED);
		assert_int_equal(SYS(0, DELETE, ROOT_CNODE + d, S), 0);
	}
	assert_int_equal(SYS(1, THREAD_CONFIGURE, AT_THREAD2, S, AT_SPACE, 0, 0x150000), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_ptr_equal(domains[1].thread[1]->cspace, domains[1].thread[1]->cspace_slot.obj);
	fake_preempt = always;
	while (!sys_once(t, SK_SYS_THREAD_CONFIGURE, configure)) {
		assert_true(++tries < 100);
		use_cpu(0);
		check_all(CHECK_CALLS_HALF_DONE);
	}
	fake_preempt = NULL;
	kicks();
	assert_int_equal(t->regs.r.rax, 0);
	assert_true(tries > 3);
	assert_null(slot_in(1, AT_UNTYPED)->first_child);
	for (unsigned int d = 2; d < 4; d++)
		assert_int_equal(result(domains[d].thread[0]), -SK_E_DELETED);
}

/* When a thread ends with unfinished work, the thread that ends it does the work. */
static void work_is_inherited(void **state)
{
	struct thread *t;

	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_CNODE | 12 << 8, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(1, COPY, S, 30, AT_CNODE, AT_ENDPOINT, SK_ALL), 0);
	second_runs(1, 2, 20);
	t = domains[1].thread[1];
	fake_preempt = always;
	assert_false(sys_once(t, SK_SYS_DELETE, (const uint64_t[6]){ AT_CNODE, S }));
	fake_preempt = NULL;
	assert_non_null(t->dying);
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_PEER_THREAD), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_THREAD2), 0);
	assert_null(domains[1].thread[0]->dying);
	assert_null(slot_in(1, AT_UNTYPED)->first_child);
	assert_int_equal(((struct object *)object_of(1, AT_ENDPOINT))->refs, 1);
}

/* --- the log ------------------------------------------------------------------------------ */

static void log_takes_bytes(void **state)
{
	static const char said[] = "s 42 abc 1099511627776 10000000000 1234 7";
	struct sk_klog *log = &log_ring.log;
	uint64_t at;

	(void)state;
	slot_set(slot_in(1, S), NULL, &(struct cap){ SK_OBJ_CTL_LOG, SK_ALL, 0, 0, 0, 0 });
	at = log->head;
	assert_int_equal(SYS(1, LOG, S, 33), -SK_E_INVAL);
	assert_int_equal(log->head, at);
	assert_int_equal(SYS(1, LOG, S, 32, 0x3736353433323130, 0x6665646362613938,
				 0x4645444342413938, 0x7877767574737271),
		0);
	assert_int_equal(log->head, at + 32);
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(
			log->data[(at + i) % LOG_SIZE], "0123456789abcdef89ABCDEFqrstuvwx"[i]);
	assert_int_equal(SYS(1, LOG, S, 3, 0x636261), 0);
	assert_int_equal(log->head, at + 35);
	for (unsigned int i = 0; i < LOG_SIZE; i++)
		assert_int_equal(SYS(1, LOG, S, 1, 'x'), 0);
	klog("%s %u %x %lu %lx %p %zu", "s", 42u, 0xabcu, 1ul << 40, 1ul << 40, (void *)0x1234,
		(size_t)7);
	at = log->head - (sizeof(said) - 1);
	for (unsigned int i = 0; i < sizeof(said) - 1; i++)
		assert_int_equal(log->data[(at + i) % LOG_SIZE], said[i]);
}

int rules_caps(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_are_needed),
		RULE(types_are_needed),
		RULE(slots_have_bounds),
		RULE(numbers_have_bounds),
		RULE(copies_lose_rights),
		RULE(writes_are_numbered),
		RULE(minting_has_rules),
		RULE(ports_have_bounds),
		RULE(info_tells),
		RULE(moving_keeps_the_family),
		RULE(deleting_hands_children_up),
		RULE(moving_keeps_mappings),
		RULE(a_dying_object_is_not_derived),
		RULE(restart_knows_its_slot),
		RULE(revoke_knows_its_slot),
		RULE(cnodes_take_all_with_them),
		RULE(cnodes_wait_for_what_they_hold),
		RULE(work_is_inherited),
		RULE(log_takes_bytes),
	};

	return cmocka_run_group_tests_name("capabilities", tests, NULL, NULL);
}

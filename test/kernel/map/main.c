/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map - host address spaces: rights, W^X, window rules, tables, splitting, faults as messages
 */
#include "../lib/ktest.h"

static sk_cap_t fault_ep, reply;
static struct sk_msg fault;

/* --- a thread that touches memory where told ---------------------------------------------- */

struct touch {
	volatile uint64_t at;
	volatile int how; /* 0 read, 1 write, 2 execute */
	volatile uint64_t value;
	volatile unsigned int done;
};
static struct touch touch;

static void toucher(void *arg)
{
	struct touch *c = arg;

	for (;;) {
		struct sk_msg m = { .mi = SK_MI(1, 0, 0) };

		CHECK_EQ(sk_call(fault_ep, &m), 0);
		if (c->how == 0)
			c->value = *(volatile uint64_t *)c->at;
		else if (c->how == 1)
			*(volatile uint64_t *)c->at = c->value;
		else
			((void (*)(void))c->at)();
		c->done++;
	}
}

static struct kthread *victim;

/* True if the access succeeded; else `fault` has the fault message. */
static bool access_ok(uint64_t at, int how)
{
	static const uint8_t code_resume[] = { 0 };
	struct sk_regs regs;

	(void)code_resume;
	touch.at = at;
	touch.how = how;
	fault = (struct sk_msg){ .mi = SK_MI(0, 0, 0) };
	CHECK_EQ(sk_reply_recv(fault_ep, &fault), 0);
	if (SK_MI_LABEL(fault.mi) == 1)
		return true;
	CHECK_EQ(SK_MI_LABEL(fault.mi), SK_LABEL_FAULT);
	CHECK_EQ(SK_MI_WORDS(fault.mi), 4);
	CHECK_EQ(fault.mr[0] & 0xff, 14);
	CHECK_EQ(fault.mr[1], at);
	/* leave it suspended, and restart it in its loop */
	struct sk_msg no = { .mi = SK_MI(7, 0, 0) };

	CHECK_EQ(sk_reply(reply, &no), 0);
	CHECK_EQ(sk_thread_read(victim->thread, &regs), 0);
	CHECK_EQ(regs.rip, fault.mr[2]);
	CHECK_EQ(regs.rsp, fault.mr[3]);
	regs.rip = (uint64_t)toucher;
	regs.rdi = (uint64_t)&touch;
	regs.rsp = (regs.rsp & ~0xfull) - 8;
	CHECK_EQ(sk_thread_write(victim->thread, &regs), 0);
	CHECK_EQ(sk_thread_resume(victim->thread), 0);
	struct sk_msg again = { 0 };

	CHECK_EQ(sk_recv(fault_ep, &again), 0);
	CHECK_EQ(SK_MI_LABEL(again.mi), 1);
	return false;
}

static void victim_start(void)
{
	struct sk_msg m = { 0 };

	fault_ep = object_new(SK_OBJ_ENDPOINT, 0);
	reply = object_new(SK_OBJ_REPLY, 0);
	sk_utcb()->reply = reply;
	victim = kthread_new(toucher, &touch,
		&(struct kthread_args){ .priority = 20, .fault_ep = fault_ep });
	CHECK_EQ(sk_recv(fault_ep, &m), 0);
}

/* --- cases -------------------------------------------------------------------------------- */

static void rights(void)
{
	sk_cap_t f = object_new(SK_OBJ_FRAME, 12), ro = slots_new(2);
	uint64_t at = range_new(13), out;
	uint32_t level;

	CHECK(!access_ok(at, 0));
	CHECK_EQ(fault.mr[0] >> 32 & 1, 0); /* not present */
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 12, SK_R), 0);
	CHECK(access_ok(at, 0));
	CHECK(!access_ok(at, 1));
	CHECK_EQ(fault.mr[0] >> 32 & 3, 3);
	CHECK(!access_ok(at, 2));
	CHECK_EQ(fault.mr[0] >> 32 & 0x10, 0x10);
	CHECK_EQ(sk_unmap(f, 0, 12), 0);
	CHECK(!access_ok(at, 0));
	CHECK_EQ(sk_unmap(f, 0, 12), -SK_E_NOT_FOUND);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 12, SK_R | SK_W), 0);
	*(volatile uint8_t *)at = 0xc3; /* RET */
	CHECK(access_ok(at, 1));
	*(volatile uint8_t *)at = 0xc3;
	CHECK(!access_ok(at, 2));
	CHECK_EQ(sk_unmap(f, 0, 12), 0);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 12, SK_R | SK_EXEC), 0);
	CHECK(access_ok(at, 2));
	CHECK_EQ(sk_unmap(f, 0, 12), 0);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 12, SK_R | SK_W | SK_EXEC), -SK_E_INVAL);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 12, SK_W), -SK_E_INVAL);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 12, SK_R | 0x100), -SK_E_INVAL);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 12,
			 SK_R | SK_MAP_UNCACHED | SK_MAP_WRITE_COMBINE),
		-SK_E_INVAL);
	CHECK_EQ(sk_copy(ME, ro, ME, f, SK_R), 0);
	CHECK_EQ(map_into(ro, SK_CAP_SPACE, at, 0, 12, SK_R | SK_W), -SK_E_RIGHTS);
	CHECK_EQ(map_into(ro, SK_CAP_SPACE, at, 0, 12, SK_R), 0);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at, 0, 12, SK_R, &out, &level), -SK_E_EXISTS);
	CHECK_EQ(sk_delete(ME, f), 0); /* the copy's mapping stays */
	CHECK(access_ok(at, 0));
	CHECK_EQ(sk_delete(ME, ro), 0);
	CHECK(!access_ok(at, 0));
}

static void places(void)
{
	sk_cap_t f = object_new(SK_OBJ_FRAME, 14);
	uint64_t at = range_new(16), out;
	uint32_t level;

	CHECK_EQ(sk_map(f, SK_CAP_SPACE, 0, 0, 12, SK_R, &out, &level), -SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, 0x7fffffffe000, 0, 13, SK_R, &out, &level),
		-SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, 0x7ffffffff000, 0, 12, SK_R, &out, &level),
		-SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, 0x800000000000, 0, 12, SK_R, &out, &level),
		-SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, 0xffff800000000000, 0, 12, SK_R, &out, &level),
		-SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, -4096ull, 0, 12, SK_R, &out, &level), -SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at + 1, 0, 12, SK_R, &out, &level), -SK_E_ALIGN);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at, 0x800, 12, SK_R, &out, &level), -SK_E_ALIGN);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at, 0x4000, 12, SK_R, &out, &level), -SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at, -4096ull, 12, SK_R, &out, &level), -SK_E_RANGE);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at, 0, 15, SK_R, &out, &level), -SK_E_INVAL);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at, 0, 11, SK_R, &out, &level), -SK_E_INVAL);
	CHECK_EQ(sk_map(f, SK_CAP_SPACE, at, 0, 64, SK_R, &out, &level), -SK_E_INVAL);
	CHECK_EQ(sk_map(f, ME, at, 0, 12, SK_R, &out, &level), -SK_E_CAP);
	/* the window: first map fixes it */
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at + 0x1000, 0x1000, 12, SK_R), 0);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at + 0x4000, 0x2000, 12, SK_R), -SK_E_EXISTS);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at + 0x2000, 0x2000, 12, SK_R), 0);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 13, SK_R),
		-SK_E_EXISTS); /* half of it is there */
	CHECK_EQ(sk_unmap(f, 0x1000, 12), 0);
	CHECK(!access_ok(at + 0x1000, 0));
	CHECK(access_ok(at + 0x2000, 0));
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at + 0x4000, 0, 12, SK_R),
		-SK_E_EXISTS); /* still fixed */
	CHECK_EQ(sk_unmap(f, 0, 14), 0);
	CHECK(!access_ok(at + 0x2000, 0));
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at + 0x4000, 0, 12, SK_R), 0); /* a new one */
	CHECK_EQ(sk_delete(ME, f), 0);
	CHECK(!access_ok(at + 0x4000, 0));
}

static void tables(void)
{
	uint64_t at = 0x7000000000, out;
	sk_cap_t t = object_new(SK_OBJ_TABLE, 0), t2 = object_new(SK_OBJ_TABLE, 0),
		 t3 = object_new(SK_OBJ_TABLE, 0);
	sk_cap_t big = object_new(SK_OBJ_FRAME, 21), small = object_new(SK_OBJ_FRAME, 12),
		 s = slots_new(1);
	uint32_t level;

	CHECK_EQ(sk_map(big, SK_CAP_SPACE, at, 0, 21, SK_R, &out, &level), -SK_E_NO_TABLE);
	CHECK_EQ(level, 2);
	CHECK_EQ(sk_map_table(t, SK_CAP_SPACE, at, 4), -SK_E_INVAL);
	CHECK_EQ(sk_map_table(t, SK_CAP_SPACE, at, 0), -SK_E_INVAL);
	CHECK_EQ(sk_map_table(t, SK_CAP_SPACE, 0xffff800000000000, 3), -SK_E_RANGE);
	CHECK_EQ(sk_map_table(t, SK_CAP_SPACE, at, 1), -SK_E_NO_TABLE);
	CHECK_EQ(sk_copy(ME, s, ME, t, SK_ALL), -SK_E_CAP);
	CHECK_EQ(sk_map_table(t, SK_CAP_SPACE, at, 2), 0);
	CHECK_EQ(sk_map_table(t, SK_CAP_SPACE, at, 2), -SK_E_EXISTS);
	CHECK_EQ(sk_map_table(t2, SK_CAP_SPACE, at, 2), -SK_E_EXISTS);
	CHECK_EQ(sk_map(big, SK_CAP_SPACE, at + 4096, 0, 21, SK_R, &out, &level), -SK_E_ALIGN);
	CHECK_EQ(sk_map(big, SK_CAP_SPACE, at, 0, 21, SK_R | SK_W, &out, &level), 0);
	CHECK_EQ(out, at);
	*(volatile uint64_t *)(at + 0x5000) = 55;
	CHECK_EQ(sk_map(small, SK_CAP_SPACE, at, 0, 12, SK_R, &out, &level), -SK_E_EXISTS);
	CHECK_EQ(sk_unmap(big, 0x5000, 12), -SK_E_NO_TABLE); /* split first */
	CHECK(access_ok(at + 0x5000, 0));
	CHECK_EQ(sk_map_table(t2, SK_CAP_SPACE, at, 1), 0);
	CHECK_EQ(*(volatile uint64_t *)(at + 0x5000), 55);
	CHECK_EQ(sk_unmap(big, 0x5000, 12), 0);
	CHECK(!access_ok(at + 0x5000, 0));
	CHECK(access_ok(at + 0x6000, 1));
	CHECK_EQ(sk_map(small, SK_CAP_SPACE, at + 0x5000, 0, 12, SK_R | SK_W, &out, &level), 0);
	CHECK_EQ(*(volatile uint64_t *)(at + 0x5000), 0);
	CHECK_EQ(sk_delete(ME, big), 0); /* leaves the stranger in its window alone */
	CHECK(access_ok(at + 0x5000, 0));
	CHECK(!access_ok(at + 0x6000, 0));
	CHECK_EQ(sk_delete(ME, t), 0); /* and everything below it */
	CHECK(!access_ok(at + 0x5000, 0));
	CHECK_EQ(sk_map_table(t3, SK_CAP_SPACE, at, 2), 0);
	CHECK_EQ(
		sk_map_table(t2, SK_CAP_SPACE, at, 1), -SK_E_EXISTS); /* a table is used once */
	CHECK(!access_ok(at + 0x5000, 0));
	CHECK_EQ(sk_delete(ME, t2), 0);
	CHECK_EQ(sk_delete(ME, small), 0);
	CHECK_EQ(sk_delete(ME, t3), 0);
}

/* A space ends, with everything in it. */
static void spaces(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 22),
		 sp = object_new_from(u, SK_OBJ_SPACE_HOST, 0);
	sk_cap_t f = object_new(SK_OBJ_FRAME, 21), ut = slots_new(1);
	uint64_t at = range_new(21);

	CHECK_EQ(map_into(f, sp, 0x40000000, 0, 21, SK_R), 0);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 21, SK_R),
		-SK_E_EXISTS); /* one capability, one window */
	CHECK_EQ(sk_delete(ME, sp), 0);
	/* the dead space no longer has it */
	CHECK_EQ(map_into(f, SK_CAP_SPACE, at, 0, 21, SK_R), 0);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 22, ME, ut, 1, 0), 0);
	CHECK(access_ok(at, 0));
	/*
	 * without an IOMMU an IO space has no tables, because the device sees physical
	 * addresses
	 */
	sk_cap_t io = object_new(SK_OBJ_SPACE_IO, 0), g = object_new(SK_OBJ_FRAME, 13);
	uint64_t out = 0;
	uint32_t level;

	CHECK_EQ(sk_map(g, io, 0x1000, 0x1000, 12, SK_R | SK_W, &out, &level), 0);
	CHECK(out && !(out & 0xfff));
}

void test_main(void)
{
	victim_start();
	rights();
	places();
	tables();
	spaces();
}

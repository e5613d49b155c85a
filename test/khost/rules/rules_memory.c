/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_memory.c - RETYPE, MAP, UNMAP, MAP_TABLE
 */
#include "rules.h"
#include "arch/x86_64/pte.h"
#include "check.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"

enum { S = AT_FREE, VA = 0x120000 };
#define GIB (1ull << 30)
#define ORDER(type, order) (SK_OBJ_##type | (order) << 8)

/* --- RETYPE ------------------------------------------------------------------------------- */

static long retype(uint64_t type, uint64_t slot, uint64_t n)
{
	return SYS(1, RETYPE, AT_UNTYPED, type, AT_CNODE, slot, n);
}

static void retype_arguments(void **state)
{
	(void)state;
	assert_int_equal(retype(ORDER(FRAME, 11), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(FRAME, 31), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(FRAME, 30), S, 1), -SK_E_NO_MEM);
	assert_int_equal(retype(ORDER(FRAME, 0), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(CNODE, 22), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(CNODE, 21), S, 1), -SK_E_NO_MEM);
	assert_int_equal(retype(ORDER(CNODE, 11), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(UNTYPED, 63), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(UNTYPED, 62), S, 1), -SK_E_NO_MEM);
	assert_int_equal(retype(ORDER(SCHED, 9), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(SCHED, 7), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_NULL, S, 1), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_IOPORT, S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(CTL_LOG, 12), S, 1), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_END, S, 1), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_END + SK_OBJ_SCHED, S, 1), -SK_E_INVAL);
	assert_int_equal(retype(ORDER(FRAME, 12) | 1 << 16, S, 1), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_SCHED, S, 0), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_SCHED, S, SK_RETYPE_MAX + 1), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_SCHED, S, 1ull << 32), -SK_E_INVAL);
	assert_int_equal(retype(SK_OBJ_SCHED, 99, 2), -SK_E_SLOT);
	assert_int_equal(retype(SK_OBJ_SCHED, AT_PEER - 1, 2), -SK_E_SLOT);
	assert_int_equal(retype(SK_OBJ_SCHED, AT_PEER - 1, 1), 0);
	assert_int_equal(retype(SK_OBJ_SCHED, 99, 1), 0);
	assert_int_equal(retype(ORDER(SCHED, 8), S, 1), 0);
	assert_int_equal(
		SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SCHED, AT_CNODE, S + 1, 1, SK_PAGE_SIZE),
		-SK_E_INVAL);
	/* more slots than the call may fill at once */
	assert_int_equal(SYS(0, RETYPE, ROOT_RAM, SK_OBJ_SCHED, AT_CNODE, 0xa0, 1), 0);
}

static void retype_fills_exactly(void **state)
{
	struct slot *u = slot_in(1, AT_UNTYPED); /* 64 KiB */

	(void)state;
	assert_int_equal(retype(SK_OBJ_NOTIFICATION, S, 1), 0);
	assert_int_equal(u->used, 128);
	assert_int_equal(retype(ORDER(FRAME, 12), S + 1, 1), 0); /* aligned */
	assert_int_equal(slot_in(1, S + 1)->paddr, u->paddr + SK_PAGE_SIZE);
	assert_int_equal(u->used, 2 * SK_PAGE_SIZE);
	assert_int_equal(retype(SK_OBJ_SPACE_HOST, S + 2, 1), 0);
	assert_int_equal(u->used, 4 * SK_PAGE_SIZE);
	assert_int_equal(retype(ORDER(FRAME, 12), S + 3, 13), -SK_E_NO_MEM);
	assert_int_equal(retype(ORDER(FRAME, 15), S + 3, 1), 0);
	assert_int_equal(slot_in(1, S + 3)->paddr, u->paddr + 0x8000);
	assert_int_equal(u->used, 16 * SK_PAGE_SIZE);
	assert_int_equal(retype(SK_OBJ_NOTIFICATION, S + 4, 1), -SK_E_NO_MEM);
	assert_int_equal(retype(ORDER(UNTYPED, 12), S + 4, 1), -SK_E_NO_MEM);
	/* as long as one child exists, no memory is freed */
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(SYS(1, DELETE, AT_CNODE, S + i), 0);
	assert_int_equal(retype(SK_OBJ_NOTIFICATION, S + 4, 1), -SK_E_NO_MEM);
	assert_int_equal(fake_did.quiesces, 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S + 3), 0);
	assert_int_equal(retype(ORDER(FRAME, 16), S, 1), 0);
	assert_int_equal(fake_did.quiesces, 1);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, AT_UNTYPED), 0);
	assert_int_equal(retype(ORDER(FRAME, 12), S, 16), 0);
	assert_int_equal(fake_did.quiesces, 2);
	assert_int_equal(retype(ORDER(FRAME, 12), S + 16, 1), -SK_E_NO_MEM);
}

/*
 * New memory is all zero, whatever it was used for before, and frames are closed to the kernel.
 */
static void new_memory_is_zero(void **state)
{
	struct slot *u = slot_in(1, AT_UNTYPED);
	static const uint64_t types[] = { ORDER(FRAME, 12), SK_OBJ_NOTIFICATION,
		ORDER(FRAME, 14), ORDER(CNODE, 12), SK_OBJ_SCHED, ORDER(UNTYPED, 12),
		ORDER(FRAME, 12), SK_OBJ_TABLE, ORDER(FRAME, 16) };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		const uint64_t *at = user_memory(u->paddr);
		uint64_t type = types[i] & 0xff, used;

		if (i)
			memset(user_memory(u->paddr), 0xee, 1 << 16);
		assert_int_equal(retype(types[i], S, 1), 0);
		used = u->used;
		if (type != SK_OBJ_UNTYPED) /* as it was */
			assert_int_equal(window_is_open(u->paddr), type != SK_OBJ_FRAME);
		for (uint64_t w = 0; type == SK_OBJ_FRAME && w < used / 8; w++)
			assert_int_equal(at[w], 0);
		/* after the first small object of a page, too */
		if (type == SK_OBJ_NOTIFICATION || type == SK_OBJ_SCHED)
			for (uint64_t w = used / 8; w < SK_PAGE_SIZE / 8; w++)
				assert_int_equal(at[w], 0);
		assert_int_equal(SYS(1, REVOKE, AT_CNODE, AT_UNTYPED), 0);
	}
}

/* Frames and kernel objects in turn, without emptying the untyped in between. */
static void open_and_closed_in_turn(void **state)
{
	struct slot *u = slot_in(1, AT_UNTYPED);

	(void)state;
	for (unsigned int i = 0; i < 8; i += 2) {
		memset((char *)user_memory(u->paddr) + i * SK_PAGE_SIZE, 0xee,
			(16 - i) * SK_PAGE_SIZE);
		assert_int_equal(retype(SK_OBJ_NOTIFICATION, S + i, 1), 0);
		assert_int_equal(retype(ORDER(FRAME, 12), S + i + 1, 1), 0);
		assert_true(window_is_open(u->paddr + i * SK_PAGE_SIZE));
		assert_false(window_is_open(u->paddr + (i + 1) * SK_PAGE_SIZE));
		assert_int_equal(
			*(uint64_t *)user_memory(u->paddr + (i + 1) * SK_PAGE_SIZE), 0);
		assert_int_equal(
			((uint64_t *)user_memory(u->paddr + i * SK_PAGE_SIZE))[511], 0);
	}
	assert_int_equal(u->prepared, u->used);
	assert_int_equal(retype(ORDER(UNTYPED, 15), S + 8, 1), 0);
	assert_int_equal(u->used, 16 * SK_PAGE_SIZE);
}

/*
 * RETYPE is interrupted after each step: every object is made once, and the registers say what
 * is left.
 */
static void retype_goes_on(void **state)
{
	static const uint64_t args[6] = { AT_UNTYPED, SK_OBJ_NOTIFICATION, AT_CNODE, S, 10 };
	static const uint64_t frames[6] = { AT_UNTYPED, ORDER(FRAME, 12), AT_CNODE, S + 12,
		15 };
	struct thread *t = domains[1].thread[0];
	unsigned int tries = 0;

	(void)state;
	memset(user_memory(slot_in(1, AT_UNTYPED)->paddr), 0xee, 1 << 16);
	fake_preempt = always;
	while (!sys_once(t, SK_SYS_RETYPE, args))
		assert_true(++tries < 20);
	assert_int_equal(tries, 2);
	assert_int_equal(t->regs.r.rax, 0);
	assert_int_equal(t->regs.r.r8, 0);
	assert_int_equal(t->regs.r.r10, S + 10);
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(slot_in(1, S + i)->type, SK_OBJ_NOTIFICATION);
		assert_int_equal(slot_in(1, S + i)->rights, SK_ALL);
		assert_int_equal(slot_in(1, S + i)->order, SK_ORDER_NOTIFICATION);
		assert_int_equal(((struct object *)object_of(1, S + i))->refs, 1);
	}
	assert_int_equal(slot_in(1, S + 10)->type, SK_OBJ_NULL);
	tries = 0;
	while (!sys_once(t, SK_SYS_RETYPE, frames))
		assert_true(++tries < 40);
	assert_true(tries >= 6);
	fake_preempt = NULL;
	for (unsigned int i = 0; i < 15; i++) {
		const uint64_t *at = user_memory(slot_in(1, S + 12 + i)->paddr);

		assert_false(window_is_open(slot_in(1, S + 12 + i)->paddr));
		for (unsigned int w = 0; w < 512; w++)
			assert_int_equal(at[w], 0);
	}
}

/*
 * RETYPE is interrupted and not continued: memory prepared for frames is not used for kernel
 * objects as it is, nor the reverse.
 */
static void retype_is_given_up(void **state)
{
	static const uint64_t frames[6] = { AT_UNTYPED, ORDER(FRAME, 12), AT_CNODE, S, 12 },
			      tables[6] = { AT_UNTYPED, SK_OBJ_TABLE, AT_CNODE, S, 12 };
	struct slot *u = slot_in(1, AT_UNTYPED);
	struct thread *t = domains[1].thread[0];

	(void)state;
	for (unsigned int round = 0; round < 4; round++) {
		memset(user_memory(u->paddr), 0xee, 1 << 16);
		fake_preempt = always;
		assert_false(sys_once(t, SK_SYS_RETYPE, round & 1 ? tables : frames));
		fake_preempt = NULL;
		assert_true(u->prepared > u->used);
		if (round < 2)
			memset(user_memory(u->paddr), 0xee, 1 << 16);
		assert_int_equal(
			retype(round & 1 ? ORDER(FRAME, 12) : SK_OBJ_SCHED, S + 20, 1), 0);
		assert_int_equal(window_is_open(u->paddr), !(round & 1));
		if (round & 1)
			assert_int_equal(*(uint64_t *)user_memory(u->paddr), 0);
		assert_int_equal(SYS(1, REVOKE, AT_CNODE, AT_UNTYPED), 0);
	}
}

/* Another CPU was faster, and has already made an object. */
static void made_meanwhile(void)
{
	struct slot *u = slot_in(1, AT_UNTYPED);
	struct cap frame = { SK_OBJ_FRAME, SK_ALL, SK_PAGE_ORDER, 0, u->paddr, 0 };

	slot_set(slot_in(1, S + 10), u, &frame);
	u->prepared = SK_PAGE_SIZE;
	slot_update(u, SLOT_USED, SK_PAGE_SIZE);
}

static void resets_meet(void **state)
{
	(void)state;
	assert_int_equal(retype(SK_OBJ_SCHED, S, 1), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	fake_quiesce = made_meanwhile;
	assert_int_equal(retype(ORDER(FRAME, 12), S, 1), 0);
	assert_int_equal(slot_in(1, S)->paddr, slot_in(1, AT_UNTYPED)->paddr + SK_PAGE_SIZE);
}

static void devices(void **state)
{
	(void)state;
	assert_int_equal(SYS(0, RETYPE, ROOT_DEVICE, SK_OBJ_NOTIFICATION, AT_CNODE, 150, 1),
		-SK_E_INVAL);
	assert_int_equal(
		SYS(0, RETYPE, ROOT_DEVICE, ORDER(UNTYPED, 12), AT_CNODE, 150, 1), -SK_E_INVAL);
	assert_int_equal(
		SYS(0, RETYPE, ROOT_DEVICE, ORDER(FRAME, 13), AT_CNODE, 150, 1, SK_PAGE_SIZE),
		-SK_E_ALIGN);
	assert_int_equal(SYS(0, RETYPE, ROOT_DEVICE, ORDER(FRAME, 12), AT_CNODE, 150, 1,
				 1ull << DEVICE_ORDER),
		-SK_E_NO_MEM);
	assert_int_equal(SYS(0, RETYPE, ROOT_DEVICE, ORDER(FRAME, 12), AT_CNODE, 150, 1,
				 UINT64_MAX - SK_PAGE_SIZE + 1),
		-SK_E_NO_MEM);
	assert_int_equal(SYS(0, RETYPE, ROOT_DEVICE, ORDER(FRAME, 12), AT_CNODE, 150, 3,
				 (1ull << DEVICE_ORDER) - 2 * SK_PAGE_SIZE),
		-SK_E_NO_MEM);
	assert_int_equal(
		SYS(0, RETYPE, ROOT_DEVICE, ORDER(FRAME, 12), AT_CNODE, 150, 5, 0x5000), 0);
	assert_int_equal(regs(0)->r9, 0xa000);
	assert_int_equal(slot_in(0, 154)->paddr, DEVICE_PADDR + 0x9000);
	/* the same place again, because device untypeds have no watermark */
	assert_int_equal(
		SYS(0, RETYPE, ROOT_DEVICE, ORDER(FRAME, 12), AT_CNODE, 160, 1, 0x5000), 0);
	assert_int_equal(SYS(0, CAP_INFO, AT_CNODE, ROOT_DEVICE), 0);
	assert_int_equal(regs(0)->rsi, 0);
	assert_int_equal(SYS(0, REVOKE, AT_CNODE, 160), 0);
	assert_int_equal(fake_did.quiesces, 0);
}

/* --- MAP ---------------------------------------------------------------------------------- */

/* Find the entry that translates an address, and its level. */
static uint64_t entry_at(const struct space *s, uint64_t vaddr, unsigned int *level)
{
	return *pte_walk(phys_to_virt(s->root), vaddr, 1, level);
}

static uint64_t page_at(unsigned int d, uint64_t vaddr)
{
	unsigned int level;
	uint64_t e = entry_at(domains[d].space, vaddr, &level);

	return level == 1 ? e : 0;
}

static long map(uint64_t vaddr, uint64_t offset, uint64_t order, uint64_t rights)
{
	return SYS(1, MAP, AT_FRAMES4, AT_SPACE, vaddr, offset, order, rights);
}

static void map_arguments(void **state)
{
	(void)state;
	assert_int_equal(map(VA, 0, 11, SK_R), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 15, SK_R), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 12 + 256, SK_R), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 12, 1ull << 32 | SK_R), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 12, 0), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 12, SK_W), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 12, SK_R | 0x40), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 12, SK_R | SK_GRANT), -SK_E_INVAL);
	assert_int_equal(
		map(VA, 0, 12, SK_R | SK_MAP_UNCACHED | SK_MAP_WRITE_COMBINE), -SK_E_INVAL);
	assert_int_equal(map(VA, 0, 12, SK_R | SK_W | SK_EXEC), -SK_E_INVAL);
	assert_int_equal(map(VA, 0x800, 12, SK_R), -SK_E_ALIGN);
	assert_int_equal(map(VA + 0x800, 0, 12, SK_R), -SK_E_ALIGN);
	assert_int_equal(map(VA, SK_PAGE_SIZE, 13, SK_R), -SK_E_ALIGN);
	assert_int_equal(map(VA, 0x4000, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(map(VA, -SK_PAGE_SIZE, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(map(0, 0, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(map(USER_END, 0, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(map(USER_END - SK_PAGE_SIZE, 0, 13, SK_R), -SK_E_RANGE);
	assert_int_equal(map(-SK_PAGE_SIZE, 0, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(map(1ull << 63, 0, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(map(USER_END - SK_PAGE_SIZE, 0, 12, SK_R), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 3);
	assert_int_equal(map(1ull << 39, 0, 12, SK_R), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 3);
	assert_int_equal(map(GIB, 0, 12, SK_R), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 2);
	assert_int_equal(map(SK_LARGE_SIZE, 0, 12, SK_R), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 1);
	assert_null(slot_in(1, AT_FRAMES4)->space);
	assert_int_equal(map(SK_PAGE_SIZE, 0x3000, 12, SK_R), 0);
	assert_int_equal(
		SYS(1, MAP, AT_PEER_FRAME, AT_SPACE, VA, 0, 12, SK_R | SK_W), -SK_E_RIGHTS);
	assert_int_equal(
		SYS(1, MAP, AT_PEER_FRAME, AT_SPACE, VA, 0, 12, SK_R | SK_EXEC), -SK_E_RIGHTS);
	assert_int_equal(SYS(1, MAP, AT_PEER_FRAME, AT_SPACE, VA, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_REPLY, VA, 0, 12, SK_R), -SK_E_CAP);
}

static void map_nested(void **state)
{
	(void)state;
	assert_int_equal(
		SYS(1, MAP, AT_FRAME, AT_NESTED, 1ull << 47, 0, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(
		SYS(1, MAP, AT_FRAME, AT_NESTED, (1ull << 47) - SK_PAGE_SIZE, 0, 12, SK_R),
		-SK_E_NO_TABLE);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_NESTED, 0, 0, 12, SK_R | SK_W | SK_EXEC), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_NESTED, 0, 0, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, VA, 0, 12, SK_R), -SK_E_EXISTS);
}

/* MAP sets exactly these bits for each combination of rights. */
static void map_sets_bits(void **state)
{
	static const struct {
		uint64_t rights, bits;
	} rows[] = {
		{ SK_R, PTE_NX },
		{ SK_R | SK_W, PTE_NX | PTE_WRITE },
		{ SK_R | SK_EXEC, 0 },
		{ SK_R | SK_MAP_UNCACHED, PTE_NX | PTE_PCD | PTE_PWT },
		{ SK_R | SK_W | SK_MAP_WRITE_COMBINE, PTE_NX | PTE_WRITE | PTE_PWT },
	};
	uint64_t paddr = slot_in(1, AT_FRAMES4)->paddr;
	unsigned int level;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(map(VA, 0, 14, rows[i].rights), 0);
		assert_int_equal(regs(1)->rdi, VA);
		for (unsigned int p = 0; p < 4; p++)
			assert_int_equal(page_at(1, VA + p * SK_PAGE_SIZE),
				(paddr + p * SK_PAGE_SIZE) | rows[i].bits | PTE_PRESENT |
					PTE_USER);
		assert_int_equal(page_at(1, VA + 4 * SK_PAGE_SIZE), 0);
		assert_int_equal(page_at(1, VA - SK_PAGE_SIZE), 0);
		assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 14), 0);
		assert_int_equal(fake_did.flushed_at, VA);
		assert_true(fake_did.flushed_size >= 4 * SK_PAGE_SIZE);
		for (unsigned int p = 0; p < 4; p++)
			assert_int_equal(page_at(1, VA + p * SK_PAGE_SIZE), 0);
	}
	assert_int_equal(SYS(1, MAP, AT_DEVICE_LARGE, AT_SPACE, SK_LARGE_SIZE + SK_PAGE_SIZE, 0,
				 21, SK_R),
		-SK_E_ALIGN);
	assert_int_equal(SYS(1, MAP, AT_DEVICE_LARGE, AT_SPACE, SK_LARGE_SIZE, 0, 21, SK_R), 0);
	assert_int_equal(entry_at(domains[1].space, SK_LARGE_SIZE, &level),
		slot_in(1, AT_DEVICE_LARGE)->paddr | PTE_PRESENT | PTE_USER | PTE_NX |
			PTE_LARGE);
	assert_int_equal(level, 2);
	assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, GIB, 0, 30, SK_R | SK_W), 0);
	assert_int_equal(entry_at(domains[0].space, GIB + 12345, &level),
		slot_in(0, AT_DEVICE_HUGE)->paddr | PTE_PRESENT | PTE_USER | PTE_NX |
			PTE_LARGE | PTE_WRITE);
	assert_int_equal(level, 3);
}

/* All mappings of a capability lie in one window. */
static void one_window(void **state)
{
	(void)state;
	assert_int_equal(map(VA, 0x1000, 12, SK_R), 0);
	assert_int_equal(map(VA, 0x1000, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(map(VA + SK_PAGE_SIZE, 0x1000, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(map(VA, 0x2000, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(map(VA + SK_PAGE_SIZE, 0x2000, 13, SK_R), 0);
	assert_int_equal(map(VA - SK_PAGE_SIZE, 0, 12, SK_R | SK_W), 0);
	assert_int_equal(
		SYS(1, MAP, AT_FRAMES4, AT_PEER_SPACE, VA, 0x1000, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0x1000, 12), 0);
	assert_int_equal(page_at(1, VA), 0);
	assert_int_not_equal(page_at(1, VA - SK_PAGE_SIZE), 0);
	assert_int_not_equal(page_at(1, VA + SK_PAGE_SIZE), 0);
	assert_int_equal(fake_did.flushed_at, VA);
	assert_int_equal(map(VA + 0x10000, 0x1000, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 14), 0);
	assert_int_equal(page_at(1, VA - SK_PAGE_SIZE), 0);
	assert_int_equal(map(VA + 0x10000, 0x1000, 12, SK_R), 0);
	/* a copy has a window of its own, and its end unmaps only its own mappings */
	assert_int_equal(SYS(1, COPY, AT_CNODE, S, AT_CNODE, AT_FRAMES4, SK_ALL), 0);
	assert_int_equal(SYS(1, MAP, S, AT_SPACE, VA, 0, 14, SK_R), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_int_equal(page_at(1, VA), 0);
	assert_int_not_equal(page_at(1, VA + 0x10000), 0);
}

/* A MAP across the end of a table maps all or nothing. */
static void map_over_two_tables(void **state)
{
	uint64_t at = SK_LARGE_SIZE - 2 * SK_PAGE_SIZE, paddr = slot_in(1, AT_FRAMES4)->paddr;

	(void)state;
	assert_int_equal(map(at, 0, 14, SK_R), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 1);
	assert_int_equal(page_at(1, at), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, SK_LARGE_SIZE, 1), 0);
	assert_int_equal(
		SYS(1, MAP, AT_FRAME, AT_SPACE, at + 3 * SK_PAGE_SIZE, 0, 12, SK_R), 0);
	assert_int_equal(map(at, 0, 14, SK_R), -SK_E_EXISTS);
	assert_int_equal(page_at(1, at), 0);
	assert_int_equal(page_at(1, at + 2 * SK_PAGE_SIZE), 0);
	assert_null(slot_in(1, AT_FRAMES4)->space);
	assert_int_equal(SYS(1, UNMAP, AT_FRAME, 0, 12), 0);
	assert_int_equal(map(at, 0, 14, SK_R), 0);
	for (unsigned int p = 0; p < 4; p++)
		assert_int_equal(
			page_at(1, at + p * SK_PAGE_SIZE) & PTE_ADDR, paddr + p * SK_PAGE_SIZE);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_FRAMES4), 0);
	for (unsigned int p = 0; p < 4; p++)
		assert_int_equal(page_at(1, at + p * SK_PAGE_SIZE), 0);
}

static void unmap_arguments(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 14), -SK_E_NOT_FOUND);
	assert_int_equal(map(VA, 0, 14, SK_R), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 11), -SK_E_INVAL);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 15), -SK_E_INVAL);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, SK_PAGE_SIZE, 13), -SK_E_ALIGN);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0x4000, 12), -SK_E_RANGE);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, -SK_PAGE_SIZE, 12), -SK_E_RANGE);
	assert_int_equal(fake_did.shootdowns, 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0x3000, 12), 0);
	assert_int_equal(page_at(1, VA + 0x3000), 0);
	assert_int_not_equal(page_at(1, VA + 0x2000), 0);
	assert_int_equal(fake_did.shootdowns, 1);
	/* nothing is mapped any more */
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0x3000, 12), 0);
	assert_int_equal(fake_did.shootdowns, 1);
}

/* A large page must be split before a part of it can be unmapped. */
static void large_pages_split(void **state)
{
	uint64_t paddr = slot_in(1, AT_DEVICE_LARGE)->paddr,
		 rights = SK_R | SK_W | SK_MAP_UNCACHED;
	uint64_t bits = PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NX | PTE_PCD | PTE_PWT;

	(void)state;
	assert_int_equal(
		SYS(1, MAP, AT_DEVICE_LARGE, AT_SPACE, SK_LARGE_SIZE, 0, 21, rights), 0);
	assert_int_equal(
		SYS(1, MAP, AT_FRAME, AT_SPACE, SK_LARGE_SIZE, 0, 12, SK_R), -SK_E_EXISTS);
	assert_int_equal(SYS(1, UNMAP, AT_DEVICE_LARGE, 0x5000, 12), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 1);
	fake_did.shootdowns = 0;
	assert_int_equal(
		SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, SK_LARGE_SIZE + 0x7000, 1), 0);
	assert_int_equal(fake_did.shootdowns, 1);
	assert_int_equal(fake_did.flushed_at, SK_LARGE_SIZE);
	assert_int_equal(fake_did.flushed_size, SK_LARGE_SIZE);
	for (unsigned int p = 0; p < 512; p++)
		assert_int_equal(page_at(1, SK_LARGE_SIZE + p * SK_PAGE_SIZE),
			(paddr + p * SK_PAGE_SIZE) | bits);
	assert_int_equal(SYS(1, UNMAP, AT_DEVICE_LARGE, 0x5000, 12), 0);
	assert_int_equal(page_at(1, SK_LARGE_SIZE + 0x5000), 0);
	assert_int_not_equal(page_at(1, SK_LARGE_SIZE + 0x4000), 0);
	assert_int_not_equal(page_at(1, SK_LARGE_SIZE + 0x6000), 0);
	assert_int_equal(SYS(1, UNMAP, AT_DEVICE_LARGE, 0, 21), 0);
	for (unsigned int p = 0; p < 512; p++)
		assert_int_equal(page_at(1, SK_LARGE_SIZE + p * SK_PAGE_SIZE), 0);
}

static void huge_pages_split(void **state)
{
	uint64_t paddr = slot_in(0, AT_DEVICE_HUGE)->paddr;
	unsigned int level;

	(void)state;
	assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, GIB, 0, 30, SK_R), 0);
	assert_int_equal(SYS(0, UNMAP, AT_DEVICE_HUGE, 0, 21), -SK_E_NO_TABLE);
	assert_int_equal(regs(0)->rsi, 2);
	assert_int_equal(SYS(0, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 2), 0);
	for (unsigned int p = 0; p < 512; p++) {
		assert_int_equal(entry_at(domains[0].space, GIB + p * SK_LARGE_SIZE, &level),
			(paddr + p * SK_LARGE_SIZE) | PTE_PRESENT | PTE_USER | PTE_NX |
				PTE_LARGE);
		assert_int_equal(level, 2);
	}
	assert_int_equal(SYS(0, UNMAP, AT_DEVICE_HUGE, SK_LARGE_SIZE, 21), 0);
	assert_int_equal(entry_at(domains[0].space, GIB + SK_LARGE_SIZE, &level), 0);
	assert_int_equal(SYS(0, UNMAP, AT_DEVICE_HUGE, 0, 12), -SK_E_NO_TABLE);
	assert_int_equal(regs(0)->rsi, 1);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_DEVICE_HUGE), 0);
	for (unsigned int p = 0; p < 512; p++)
		assert_int_equal(
			entry_at(domains[0].space, GIB + p * SK_LARGE_SIZE, &level), 0);
}

/*
 * Windows that extend beyond their space on either side: UNMAP removes what is mapped, and
 * nothing else.
 */
static void windows_reach_out(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, SK_PAGE_SIZE, 0, 12, SK_R), 0);
	assert_int_equal(
		map(2 * SK_PAGE_SIZE, 0x3000, 12, SK_R), 0); /* the window begins below 0 */
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 12), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0x2000, 12), 0);
	assert_int_not_equal(page_at(1, 2 * SK_PAGE_SIZE), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 14), 0);
	assert_int_equal(page_at(1, 2 * SK_PAGE_SIZE), 0);
	assert_int_not_equal(page_at(1, SK_PAGE_SIZE), 0);
	for (unsigned int level = 3; level; level--)
		assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 6 - level, AT_SPACE,
					 USER_END - SK_PAGE_SIZE, level),
			0);
	/* the window ends beyond the end */
	assert_int_equal(map(USER_END - SK_PAGE_SIZE, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0x1000, 12), 0);
	assert_int_not_equal(page_at(1, USER_END - SK_PAGE_SIZE), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_FRAMES4), 0);
	assert_int_equal(page_at(1, USER_END - SK_PAGE_SIZE), 0);
}

/*
 * An unmap that is interrupted at each step continues where it was, even after the window has
 * changed.
 */
static void unmap_goes_on(void **state)
{
	static const uint64_t all[6] = { AT_DEVICE_HUGE, 0, 30 };
	struct thread *t = domains[0].thread[0];
	const uint64_t last = GIB - SK_LARGE_SIZE + 0x3000;
	unsigned int tries = 0;

	(void)state;
	/* only a part of its last 2 MiB lies where there are tables */
	assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, 0x3000, last, 12, SK_R), 0);
	assert_int_equal(SYS(0, UNMAP, AT_DEVICE_HUGE, 0, 30), 0);
	assert_int_equal(page_at(0, 0x3000), 0);
	/* only its first 2 MiB do */
	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, VA + SK_PAGE_SIZE,
					 0x1000, 12, SK_R),
			0);
		fake_preempt = always;
		for (unsigned int i = 0; i < 5; i++)
			assert_false(sys_once(t, SK_SYS_UNMAP, all));
		assert_int_equal(page_at(0, VA + SK_PAGE_SIZE), 0);
		assert_int_not_equal(slot_in(0, AT_DEVICE_HUGE)->base & (SK_PAGE_SIZE - 1), 0);
		if (round) { /* mapped again at a lower address, so the work begins again */
			fake_preempt = NULL;
			t->regs.r.rip = 0x2002;
			assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE,
						 VA + SK_PAGE_SIZE, 0x1000, 12, SK_R),
				0);
			fake_preempt = always;
		}
		for (tries = 0; !sys_once(t, SK_SYS_UNMAP, all); tries++)
			assert_true(tries < 520);
		fake_preempt = NULL;
		assert_true(tries < (round ? 520 : 512));
		assert_int_equal(page_at(0, VA + SK_PAGE_SIZE), 0);
		assert_null(slot_in(0, AT_DEVICE_HUGE)->space);
	}
}

/* The same for a part of the frame, where the thread remembers what is left. */
static void unmap_of_a_part_goes_on(void **state)
{
	static const uint64_t part[6] = { AT_DEVICE_HUGE, 0, 24 };
	struct thread *t = domains[0].thread[0];
	unsigned int tries;

	(void)state;
	assert_int_equal(
		SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, SK_LARGE_SIZE, SK_LARGE_SIZE, 21, SK_R),
		0);
	assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, 8 * SK_LARGE_SIZE,
				 8 * SK_LARGE_SIZE, 21, SK_R),
		0);
	fake_preempt = always;
	for (tries = 0; !sys_once(t, SK_SYS_UNMAP, part); tries++)
		assert_true(tries < 20);
	fake_preempt = NULL;
	assert_int_equal(tries, 7);
	assert_int_equal(SYS(0, UNMAP, AT_DEVICE_HUGE, 8 * SK_LARGE_SIZE, 21), 0);
	assert_int_equal(
		SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, SK_LARGE_SIZE, SK_LARGE_SIZE, 21, SK_R),
		0);
	assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, 8 * SK_LARGE_SIZE,
				 8 * SK_LARGE_SIZE, 21, SK_R),
		0);
	assert_int_equal(SYS(0, UNMAP, AT_DEVICE_HUGE, 0, 24), 0);
	assert_int_equal(
		SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, SK_LARGE_SIZE, SK_LARGE_SIZE, 21, SK_R),
		0);
}

/* --- tables ------------------------------------------------------------------------------- */

static void tables_arguments(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 0), -SK_E_INVAL);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 4), -SK_E_INVAL);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 0x101), -SK_E_INVAL);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 1), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 2);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, 1ull << 47, 3), -SK_E_RANGE);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, 1ull << 63, 3), -SK_E_RANGE);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, 0, 1), -SK_E_EXISTS);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, 0, 2), -SK_E_EXISTS);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, 0, 3), -SK_E_EXISTS);
	assert_int_equal(
		SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, (1ull << 47) - SK_PAGE_SIZE, 3), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 2), -SK_E_EXISTS);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 4, AT_REPLY, GIB, 2), -SK_E_CAP);
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SPACE_IO, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 4, S, 0, 3), -SK_E_CAP);
	assert_int_equal(fake_did.shootdowns, 0);
}

/*
 * When a table is deleted, its translations go away, and do not come back when it is used
 * again.
 */
static void tables_begin_empty(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, SK_LARGE_SIZE, 1), 0);
	assert_int_equal(
		SYS(1, MAP, AT_FRAME, AT_SPACE, SK_LARGE_SIZE + SK_PAGE_SIZE, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, MOVE, AT_CNODE, S, AT_CNODE, AT_TABLE + 3), 0);
	assert_int_equal(SYS(1, MAP_TABLE, S, AT_SPACE, 2 * SK_LARGE_SIZE, 1), -SK_E_EXISTS);
	/* revoking the untyped of which it was made */
	fake_did.shootdowns = 0;
	assert_int_equal(table_unlink(slot_in(1, S)), 0);
	assert_int_equal(fake_did.shootdowns, 1);
	assert_int_equal(fake_did.flushed_at, SK_LARGE_SIZE);
	assert_int_equal(fake_did.flushed_size, SK_LARGE_SIZE);
	assert_int_equal(page_at(1, SK_LARGE_SIZE + SK_PAGE_SIZE), 0);
	assert_int_equal(SYS(1, MAP_TABLE, S, AT_SPACE, 4 * SK_LARGE_SIZE, 1), 0);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(page_at(1, 4 * SK_LARGE_SIZE + i * SK_PAGE_SIZE), 0);
	/* the frame's window is free for another place */
	assert_int_equal(SYS(1, UNMAP, AT_FRAME, 0, 12), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, 4 * SK_LARGE_SIZE, 0, 12, SK_R), 0);
	/*
	 * the capability of an earlier table does not remove the table that has taken its place
	 */
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 4, AT_SPACE, 4 * SK_LARGE_SIZE, 1), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_FRAME), 0);
	check_all(CHECK_STANDS_STILL);
}

/*
 * The upper table goes first: the lower one's capability must not affect what has taken its
 * place.
 */
static void orphans_do_no_harm(void **state)
{
	unsigned int level;

	(void)state;
	assert_int_equal(SYS(0, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 2), 0);
	assert_int_equal(SYS(0, MAP_TABLE, AT_TABLE + 4, AT_SPACE, GIB, 1), 0);
	assert_int_equal(SYS(0, MAP, AT_FRAME, AT_SPACE, GIB, 0, 12, SK_R), 0);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_TABLE + 3), 0);
	assert_int_equal(SYS(0, MAP, AT_DEVICE_HUGE, AT_SPACE, GIB, 0, 30, SK_R), 0);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_TABLE + 4), 0);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_FRAME), 0);
	assert_int_not_equal(entry_at(domains[0].space, GIB, &level), 0);
	assert_int_equal(level, 3);
	/* a part of another capability's large page is not unmapped */
	assert_int_equal(SYS(0, UNMAP, AT_DEVICE_HUGE, 0, 30), 0);
	assert_int_equal(entry_at(domains[0].space, GIB, &level), 0);
}

/*
 * A table that has taken the place of another stays when the first one's capability is deleted.
 */
static void tables_know_their_place(void **state)
{
	unsigned int level;

	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_TABLE, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, GIB, 2), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 4, AT_SPACE, GIB, 1), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_TABLE + 3), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 5, AT_SPACE, GIB, 2), 0);
	assert_int_equal(SYS(1, MAP_TABLE, S, AT_SPACE, GIB, 1), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, GIB, 0, 12, SK_R), 0);
	fake_did.shootdowns = 0;
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_TABLE + 4), 0);
	assert_int_equal(fake_did.shootdowns, 0);
	assert_int_not_equal(entry_at(domains[1].space, GIB, &level), 0);
	assert_int_equal(level, 1);
}

/* Another capability's large page inside a window is no obstacle, and stays mapped. */
static void neighbours(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, MAP, AT_DEVICE_LARGE, AT_SPACE, SK_LARGE_SIZE, 0, 21, SK_R), 0);
	assert_int_equal(map(SK_LARGE_SIZE - SK_PAGE_SIZE, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, SK_PAGE_SIZE, 12), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 2 * SK_PAGE_SIZE, 13), 0);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 14), 0);
	assert_int_equal(SYS(1, UNMAP, AT_DEVICE_LARGE, 0, 12), -SK_E_NO_TABLE);
}

/* When a space ends, what was mapped in it is free, and no CPU keeps its tables. */
static void spaces_end(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SPACE_HOST, AT_CNODE, S, 1), 0);
	for (unsigned int level = 3; level; level--)
		assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 6 - level, S, 0, level), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, S, VA, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAMES4, S, 0x4000, 0, 14, SK_R), 0);
	assert_int_equal(fake_did.drops, 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_int_equal(fake_did.drops, 1);
	for (unsigned int i = 3; i < 6; i++)
		assert_null(slot_in(1, AT_TABLE + i)->space);
	assert_null(slot_in(1, AT_FRAME)->space);
	assert_int_equal(SYS(1, UNMAP, AT_FRAMES4, 0, 14), -SK_E_NOT_FOUND);
	assert_int_equal(map(VA, 0, 14, SK_R), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, AT_SPACE, SK_LARGE_SIZE, 1), 0);
	/* interrupted after each */
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SPACE_IO, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, S, 0, 0, 12, SK_R), 0);
	assert_int_equal(regs(1)->rdi, slot_in(1, AT_FRAME)->paddr);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S + 1, AT_CNODE, AT_FRAMES4, SK_ALL), 0);
	assert_int_equal(SYS(1, MAP, S + 1, S, 0x2000, 0x1000, 12, SK_R), 0);
	assert_int_equal(regs(1)->rdi, slot_in(1, AT_FRAMES4)->paddr + 0x1000);
	assert_int_equal(SYS(1, UNMAP, S + 1, 0x1000, 12), 0);
	fake_preempt = always;
	assert_false(sys_once(
		domains[1].thread[0], SK_SYS_DELETE, (const uint64_t[6]){ AT_CNODE, S }));
	assert_false(sys_once(
		domains[1].thread[0], SK_SYS_DELETE, (const uint64_t[6]){ AT_CNODE, S }));
	assert_true(sys_once(
		domains[1].thread[0], SK_SYS_DELETE, (const uint64_t[6]){ AT_CNODE, S }));
	fake_preempt = NULL;
	assert_null(slot_in(1, AT_FRAME)->space);
}

/* --- DMA spaces --------------------------------------------------------------------------- */

static bool never(void) { return false; }

static void iommu_is(uint32_t levels, uint32_t leaf_level, bool amd)
{
	io_limits = (struct io_limits){ levels, leaf_level, 1ull << (levels == 3 ? 39 : 47),
		amd };
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_SPACE_IO, AT_CNODE, S, 1), 0);
}

/* A space whose hardware has only three levels has no table of level 4, and half a TiB. */
static void io_spaces_of_three_levels(void **state)
{
	const struct space *s;
	const uint64_t *table;

	(void)state;
	iommu_is(3, 3, false);
	s = space_of(slot_in(1, S)->obj);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, S, 0, 3), -SK_E_EXISTS);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, S, 1ull << 39, 2), -SK_E_RANGE);
	assert_int_equal(SYS(1, MAP, AT_FRAME, S, 1ull << 39, 0, 12, SK_R), -SK_E_RANGE);
	assert_int_equal(SYS(1, MAP, AT_FRAME, S, VA, 0, 12, SK_R), -SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 2);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 3, S, VA, 2), 0);
	assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 4, S, VA, 1), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, S, VA, 0, 12, SK_R), 0);
	assert_int_equal(regs(1)->rdi, VA);
	/* what VT-d reads: from the first page of the object on, rights in bits 0 and 1 */
	table = phys_to_virt(virt_to_phys(s) - SK_PAGE_SIZE);
	assert_int_equal(table[0], slot_in(1, AT_TABLE + 3)->paddr | 3 | 2 << 9);
	table = phys_to_virt(slot_in(1, AT_TABLE + 4)->paddr);
	assert_int_equal(table[VA >> 12], slot_in(1, AT_FRAME)->paddr | 1);
	check_all(CHECK_STANDS_STILL);
}

static void io_spaces_of_four_levels(void **state)
{
	const uint64_t rights = 3ull << 61, *table;

	(void)state;
	iommu_is(4, 2, true);
	for (unsigned int level = 3; level; level--)
		assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 6 - level, S, GIB, level), 0);
	assert_int_equal(
		SYS(1, MAP, AT_FRAME, S, GIB, 0, 12, SK_R | SK_W | SK_MAP_UNCACHED), 0);
	/* what AMD-Vi reads: the level of the next table, and rights in bits 61 and 62 */
	table = phys_to_virt(virt_to_phys(slot_in(1, S)->obj) - SK_PAGE_SIZE);
	assert_int_equal(table[0], slot_in(1, AT_TABLE + 3)->paddr | rights | 3 | 3 << 9);
	table = phys_to_virt(slot_in(1, AT_TABLE + 5)->paddr);
	assert_int_equal(table[0], slot_in(1, AT_FRAME)->paddr | rights | 3);
	check_all(CHECK_STANDS_STILL);
	io_limits.leaf_level = 1;
	assert_int_equal(SYS(1, MAP, AT_DEVICE_LARGE, S, 2 * GIB, 0, 21, SK_R), -SK_E_LIMIT);
	assert_int_equal(SYS(1, MAP, AT_DEVICE_LARGE, AT_SPACE, SK_LARGE_SIZE, 0, 21, SK_R), 0);
}

/* A frame, a part of one, a table and a space are free only after the IOMMU has answered. */
static void io_unmaps_wait(void **state)
{
	const uint64_t part[6] = { AT_FRAMES4, SK_PAGE_SIZE, 12 },
		       frame[6] = { AT_FRAME, 0, 12 }, table[6] = { AT_CNODE, AT_TABLE + 5 },
		       space[6] = { AT_CNODE, S };
	struct thread *t = domains[1].thread[0];

	(void)state;
	iommu_is(4, 3, false);
	for (unsigned int level = 3; level; level--)
		assert_int_equal(SYS(1, MAP_TABLE, AT_TABLE + 6 - level, S, 0, level), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAME, S, VA, 0, 12, SK_R), 0);
	assert_int_equal(SYS(1, MAP, AT_FRAMES4, S, 0x4000, 0, 14, SK_R), 0);
	fake_did.io_flushes = fake_did.io_settled = 0;
	fake_preempt = always;
	assert_false(sys_once(t, SK_SYS_UNMAP, part));
	assert_false(sys_once(t, SK_SYS_UNMAP, part));
	fake_preempt = never;
	assert_true(sys_once(t, SK_SYS_UNMAP, part));
	fake_preempt = always;
	assert_false(sys_once(t, SK_SYS_UNMAP, frame));
	assert_ptr_equal(slot_in(1, AT_FRAME)->space, slot_in(1, S)->obj);
	fake_preempt = never;
	assert_true(sys_once(t, SK_SYS_UNMAP, frame));
	assert_null(slot_in(1, AT_FRAME)->space);
	fake_preempt = always;
	assert_false(sys_once(t, SK_SYS_DELETE, table));
	assert_int_equal(slot_in(1, AT_TABLE + 5)->type, SK_OBJ_TABLE);
	fake_preempt = never;
	assert_true(sys_once(t, SK_SYS_DELETE, table));
	assert_int_equal(fake_did.io_flushes, 3);
	assert_int_equal(fake_did.io_settled, 3);
	fake_preempt = always;
	assert_false(sys_once(t, SK_SYS_DELETE, space));
	assert_non_null(slot_in(1, AT_TABLE + 3)->space);
	fake_preempt = NULL;
	assert_true(sys_once(t, SK_SYS_DELETE, space));
	assert_null(slot_in(1, AT_TABLE + 3)->space);
}

static void io_calls_need_an_iommu(void **state)
{
	(void)state;
	slot_set(slot_in(1, S + 2), NULL, &(struct cap){ SK_OBJ_CTL_IO, SK_ALL, 0, 0, 0, 0 });
	iommu_is(3, 3, false);
	assert_int_equal(SYS(1, IO_ASSIGN, S + 2, S, 8), 0);
	assert_int_equal(SYS(1, IO_ASSIGN, S + 2, S, 0), -SK_E_NOT_FOUND);
	assert_int_equal(SYS(1, IO_ASSIGN, S + 2, S, 1ull << 32), -SK_E_INVAL);
	assert_int_equal(SYS(1, IO_ASSIGN, S + 2, AT_SPACE, 8), -SK_E_CAP);
	assert_int_equal(SYS(1, IO_FAULT, S + 2), -SK_E_AGAIN);
	fake_fault = (struct io_fault){ .rid = 0x1ff, .reason = 5, .addr = GIB, .write = true };
	assert_int_equal(SYS(1, IO_FAULT, S + 2), 0);
	assert_int_equal(regs(1)->rdi, 0x1ff);
	assert_int_equal(regs(1)->rsi, GIB);
	assert_int_equal(regs(1)->rdx, SK_IO_WRITE | 5 << 8);
	assert_int_equal(SYS(1, IO_FAULT, S + 2), -SK_E_AGAIN);
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, SK_IRQ_IOMMU, 0, 0), 0);
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, SK_IRQ_IOMMU, 0, 0), -SK_E_EXISTS);
	io_limits.levels = 0;
	assert_int_equal(SYS(1, IO_ASSIGN, S + 2, S, 8), -SK_E_NO_SYS);
}

/* No CPU continues with the tables of a space that its thread has lost. */
static void threads_lose_their_space(void **state)
{
	(void)state;
	second_runs(1, 2, 20);
	assert_ptr_equal(cpus[2]->current, domains[1].thread[1]);
	assert_int_equal(SYS(1, COPY, AT_CNODE, S, AT_CNODE, AT_SPACE, SK_ALL), 0);
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_int_equal(SYS(1, THREAD_CONFIGURE, AT_THREAD2, AT_CNODE, S, 0, 0x150000), 0);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), 0);
	assert_ptr_equal(cpus[2]->current, domains[1].thread[1]);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, S), 0);
	assert_ptr_equal(cpus[2]->current, domains[2].thread[0]);
	assert_null(domains[1].thread[1]->space);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), -SK_E_STATE);
}

int rules_memory(void)
{
	static const struct CMUnitTest tests[] = {
		RULE(retype_arguments),
		RULE(retype_fills_exactly),
		RULE(new_memory_is_zero),
		RULE(open_and_closed_in_turn),
		RULE(retype_goes_on),
		RULE(retype_is_given_up),
		RULE(resets_meet),
		RULE(devices),
		RULE(map_arguments),
		RULE(map_nested),
		RULE(map_sets_bits),
		RULE(one_window),
		RULE(map_over_two_tables),
		RULE(unmap_arguments),
		RULE(large_pages_split),
		RULE(huge_pages_split),
		RULE(windows_reach_out),
		RULE(unmap_goes_on),
		RULE(unmap_of_a_part_goes_on),
		RULE(tables_arguments),
		RULE(tables_begin_empty),
		RULE(orphans_do_no_harm),
		RULE(tables_know_their_place),
		RULE(neighbours),
		RULE(spaces_end),
		RULE(io_spaces_of_three_levels),
		RULE(io_spaces_of_four_levels),
		RULE(io_unmaps_wait),
		RULE(io_calls_need_an_iommu),
		RULE(threads_lose_their_space),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}

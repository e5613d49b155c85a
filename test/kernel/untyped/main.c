/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * untyped - making objects: exhaustion, alignment, reuse, zeroed memory, hostile arguments
 */
#include "../lib/ktest.h"

static uint64_t used(sk_cap_t u)
{
	struct sk_cap_info info;

	CHECK_EQ(sk_cap_info(ME, u, &info), 0);
	return info.badge;
}

static void arguments(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 16), s = slots_new(8),
		 cn = object_new(SK_OBJ_CNODE, 12);

	CHECK_EQ(sk_retype(u, SK_OBJ_NULL, 12, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_IOPORT, 12, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_CTL_LOG, 0, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_END, 12, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, 255, 12, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 11, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 31, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_UNTYPED, 63, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_CNODE, 22, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_THREAD, 12, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_sys6(SK_SYS_RETYPE, u, SK_OBJ_FRAME | 12 << 8 | 1 << 16, ME, s, 1, 0),
		-SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 0, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, SK_RETYPE_MAX + 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_sys6(SK_SYS_RETYPE, u, SK_OBJ_FRAME | 12 << 8, ME, s, -1ull, 0),
		-SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 1, 4096), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, 0, 1, 0), -SK_E_SLOT);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, u, 1, 0), -SK_E_SLOT);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, cn, SK_CNODE_SLOTS(12) - 1, 2, 0), -SK_E_SLOT);
	CHECK_EQ(
		sk_sys6(SK_SYS_RETYPE, u, SK_OBJ_FRAME | 12 << 8, cn, -1ull, 2, 0), -SK_E_SLOT);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, s, 1, 1, 0), -SK_E_CAP);
	CHECK_EQ(sk_retype(s, SK_OBJ_FRAME, 12, ME, s + 1, 1, 0), -SK_E_CAP);
	CHECK_EQ(sk_retype(cn, SK_OBJ_FRAME, 12, ME, s + 1, 1, 0), -SK_E_CAP);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 17, ME, s, 1, 0), -SK_E_NO_MEM);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 15, ME, s, 3, 0), -SK_E_NO_MEM);
	CHECK_EQ(used(u), 0); /* none of these calls used memory */
}

static void exhaustion(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 14), s = slots_new(40);

	CHECK_EQ(sk_retype(u, SK_OBJ_ENDPOINT, 0, ME, s, 3, 0), 0);
	CHECK_EQ(used(u), 3 * 128);
	CHECK_EQ(sk_retype(u, SK_OBJ_SCHED, 0, ME, s + 3, 1, 0), 0); /* 256: aligned up */
	CHECK_EQ(used(u), 512 + 256);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s + 4, 3, 0), 0);
	CHECK_EQ(used(u), 16384);
	CHECK_EQ(sk_retype(u, SK_OBJ_ENDPOINT, 0, ME, s + 7, 1, 0), -SK_E_NO_MEM);
	CHECK_EQ(sk_delete(ME, s + 5), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s + 7, 1, 0),
		-SK_E_NO_MEM); /* other objects still exist */
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 4, 0), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s + 7, 1, 0), -SK_E_NO_MEM);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_UNTYPED, 13, ME, s, 2, 0), 0);
	CHECK_EQ(sk_retype(s, SK_OBJ_THREAD, 0, ME, s + 2, 1, 0), 0);
	CHECK_EQ(sk_delete(ME, s), 0); /* the thread's capability passes to u */
	CHECK_EQ(sk_delete(ME, s + 1), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 14, ME, s, 1, 0), -SK_E_NO_MEM);
	CHECK_EQ(sk_delete(ME, s + 2), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 14, ME, s, 1, 0), 0);
}

enum { SMALL = 66 };

static bool all_zero(const uint64_t *p, uint64_t size)
{
	for (; size; size -= 8)
		if (*p++)
			return false;
	return true;
}

/*
 * Memory is returned zeroed, even after it held kernel objects or the data of another domain.
 */
static void zeroed(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 21), s = slots_new(2);
	uint64_t at = range_new(21), word;
	sk_cap_t small;
	int round;

	for (round = 0; round < 3; round++) {
		CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 21, ME, s, 1, 0), 0);
		CHECK_EQ(map_into(s, SK_CAP_SPACE, at, 0, 21, SK_R | SK_W), 0);
		CHECK(all_zero((uint64_t *)at, 1 << 21));
		__builtin_memset((void *)at, 0xa5, 1 << 21);
		CHECK_EQ(sk_revoke(ME, u), 0);
		CHECK_EQ(sk_retype(u, SK_OBJ_CNODE, 21, ME, s, 1, 0),
			0); /* the slots must all be empty */
		CHECK_EQ(sk_copy(s, 1, ME, ME, SK_R), 0);
		CHECK_EQ(sk_copy(s, SK_CNODE_SLOTS(21) - 1, ME, ME, SK_R), 0);
		CHECK_EQ(sk_revoke(ME, u), 0);
	}
	/* small objects, a few at a time, in a page that was full of other data */
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 21, ME, s, 1, 0), 0);
	CHECK_EQ(map_into(s, SK_CAP_SPACE, at, 0, 21, SK_R | SK_W), 0);
	__builtin_memset((void *)at, 0xa5, 1 << 21);
	CHECK_EQ(sk_revoke(ME, u), 0);
	small = slots_new(SMALL);
	for (round = 0; round < SMALL; round += 3) {
		CHECK_EQ(sk_retype(u, SK_OBJ_NOTIFICATION, 0, ME, small + round, 3, 0), 0);
		for (int i = 0; i < 3; i++)
			CHECK_EQ(sk_poll(small + round + i, &word), -SK_E_AGAIN);
	}
	CHECK_EQ(sk_revoke(ME, u), 0);
	/* small frames one by one over a page that held small objects */
	CHECK_EQ(sk_retype(u, SK_OBJ_NOTIFICATION, 0, ME, s, 1, 0), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s + 1, 1, 0), 0);
	CHECK_EQ(used(u), 8192);
	CHECK_EQ(map_into(s + 1, SK_CAP_SPACE, at, 0, 12, SK_R), 0);
	CHECK(all_zero((uint64_t *)at, 4096));
}

static void devices(void)
{
	uint64_t base = 0;
	sk_cap_t u = device_untyped(0xb8000, &base), s = slots_new(4);
	uint64_t at = range_new(13);

	CHECK(u);
	CHECK_EQ(sk_retype(u, SK_OBJ_ENDPOINT, 0, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_UNTYPED, 12, ME, s, 1, 0), -SK_E_INVAL);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 1, 0xb8000 - base + 1), -SK_E_ALIGN);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 1, 1ull << 62), -SK_E_NO_MEM);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 1, -4096ull), -SK_E_NO_MEM);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s, 2, 0xb8000 - base), 0);
	CHECK_EQ(map_into(s, SK_CAP_SPACE, at, 0, 12, SK_R | SK_W | SK_MAP_UNCACHED), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, s + 2, 1, 0xb8000 - base),
		0); /* any offset, again */
	CHECK_EQ(map_into(s + 2, SK_CAP_SPACE, at + 4096, 0, 12, SK_R | SK_W | SK_MAP_UNCACHED),
		0);
	*(volatile uint16_t *)at = 0x0741;
	CHECK_EQ(*(volatile uint16_t *)(at + 4096), 0x0741);
	CHECK_EQ(device_untyped(0xfee00000, &base),
		0); /* no domain can have the interrupt controllers */
	CHECK_EQ(device_untyped(0xfec00000, &base), 0);
}

/* No piece of memory is given out twice, and the kernel keeps its own. */
static void pieces(void)
{
	const struct sk_boot_untyped *a, *b, *end = BOOT->untyped + BOOT->n_untyped;

	for (a = BOOT->untyped; a < end; a++) {
		CHECK_EQ(a->paddr & ((1ull << a->order) - 1), 0);
		for (b = a + 1; b < end; b++)
			CHECK(a->paddr + (1ull << a->order) <= b->paddr ||
				b->paddr + (1ull << b->order) <= a->paddr);
		if (!(a->flags & SK_BOOT_DEVICE))
			CHECK(a->order <= 30);
	}
	CHECK(BOOT->n_archive >= 1);
}

/* The kernel's log can be read, and not written. */
static void log_shared(void)
{
	const struct sk_klog *log = (const struct sk_klog *)range_new(16);
	static const char first[] = "Skerry: ";
	bool found = false;
	uint64_t i;

	CHECK_EQ(map_into(SK_CAP_KLOG, SK_CAP_SPACE, (uint64_t)log, 0, 16, SK_R | SK_W),
		-SK_E_RIGHTS);
	CHECK_EQ(map_into(SK_CAP_KLOG, SK_CAP_SPACE, (uint64_t)log, 0, 16, SK_R), 0);
	CHECK(log->size && !(log->size & (log->size - 1)));
	for (i = 0; i + sizeof(first) < log->head; i++)
		found |= !__builtin_memcmp(log->data + i, first, sizeof(first) - 1);
	CHECK(found);
}

void test_main(void)
{
	log_shared();
	arguments();
	exhaustion();
	zeroed();
	devices();
	pieces();
}

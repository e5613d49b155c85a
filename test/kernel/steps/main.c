/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steps - long calls on memory are done in steps: they continue where they were, and say what
 * is left if they fail
 *
 * watched() lets a more urgent thread run at short intervals (-icount).
 */
#include "../lib/ktest.h"

static sk_cap_t innocent, spare;
static volatile unsigned int exchanged;

static unsigned int type_of(sk_cap_t slot)
{
	struct sk_cap_info info;

	CHECK_EQ(sk_cap_info(ME, slot, &info), 0);
	return info.type;
}

/* --- a long unmap goes on where it was ---------------------------------------------------- */

enum { TABLES = 512, WINDOW_ORDER = 30, LOOKS_MAX = 600 };

static sk_cap_t space, frame, probe;

static bool entry_empty(uint64_t vaddr)
{
	long rc = map_into(probe, space, vaddr, 0, 12, SK_R);

	if (rc == 0)
		CHECK_EQ(sk_unmap(probe, 0, 12), 0);
	else
		CHECK_EQ(rc, -SK_E_EXISTS);
	return rc == 0;
}

/*
 * A space with all tables for 1 GiB, and a frame of that size, which has no memory behind it.
 */
static void sparse_make(void)
{
	uint64_t at = 1ull << 34, base;
	sk_cap_t u = device_untyped(at, &base), t = object_new(SK_OBJ_UNTYPED, 22),
		 table = slots_new(TABLES);
	unsigned int i;

	space = object_new(SK_OBJ_SPACE_NESTED, 0);
	probe = object_new(SK_OBJ_FRAME, 12);
	frame = slots_new(1);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, WINDOW_ORDER, ME, frame, 1, at - base), 0);
	CHECK(entry_empty(0)); /* makes the upper tables, and one for 2 MiB */
	CHECK_EQ(sk_retype(t, SK_OBJ_TABLE, 0, ME, table, SK_RETYPE_MAX, 0), 0);
	CHECK_EQ(sk_retype(t, SK_OBJ_TABLE, 0, ME, table + SK_RETYPE_MAX, SK_RETYPE_MAX, 0), 0);
	for (i = 1; i < TABLES; i++)
		CHECK_EQ(sk_map_table(table + i, space, (uint64_t)i << 21, 1), 0);
}

static void sparse_map(uint64_t vaddr)
{
	CHECK_EQ(map_into(frame, space, vaddr, vaddr, 12, SK_R), 0);
}

static void patience(void) { CHECK(looks < LOOKS_MAX); }

static void unmap_half(void)
{
	CHECK_EQ(sk_unmap(frame, 1ull << (WINDOW_ORDER - 1), WINDOW_ORDER - 1), 0);
}

/*
 * While the frame is unmapped, its owner maps the first page again: this page is unmapped, too.
 */
static void map_again(void)
{
	patience();
	if (looks != 5)
		return;
	CHECK(entry_empty(0));
	sparse_map(0);
	exchanged++;
}

static void unmap_all(void) { CHECK_EQ(sk_unmap(frame, 0, WINDOW_ORDER), 0); }

/* A frame that is being deleted can be neither mapped nor copied. */
static void map_in_vain(void)
{
	struct sk_cap_info info;
	uint64_t out;
	uint32_t level;

	patience();
	CHECK_EQ(sk_cap_info(ME, frame, &info), 0);
	if (info.type == SK_OBJ_NULL)
		return;
	CHECK_EQ(sk_map(frame, space, 0, 0, 12, SK_R, &out, &level), -SK_E_CAP);
	CHECK_EQ(sk_copy(ME, spare, ME, frame, SK_ALL), -SK_E_CAP);
	exchanged++;
}

static void delete_frame(void) { CHECK_EQ(sk_delete(ME, frame), 0); }

static void sparse_frames(void)
{
	uint64_t last = (1ull << WINDOW_ORDER) - SK_PAGE_SIZE;

	sparse_make();
	sparse_map(0);
	sparse_map(last);
	watched(patience, unmap_half);
	CHECK(looks > 5);
	CHECK(!entry_empty(0));
	CHECK(entry_empty(last));
	sparse_map(last);
	exchanged = 0;
	watched(map_again, unmap_all);
	CHECK_EQ(exchanged, 1);
	CHECK(entry_empty(0));
	CHECK(entry_empty(last));
	sparse_map(0);
	sparse_map(last);
	exchanged = 0;
	watched(map_in_vain, delete_frame);
	CHECK(exchanged > 5);
	CHECK(entry_empty(0));
	CHECK(entry_empty(last));
}

/* --- many objects, in steps --------------------------------------------------------------- */

static sk_cap_t made_from, many;

/* Another thread takes the last slot when the first is full. */
static void take_slot(void)
{
	if (exchanged || type_of(many) == SK_OBJ_NULL)
		return;
	CHECK_EQ(sk_copy(ME, many + SK_RETYPE_MAX - 1, ME, innocent, SK_ALL), 0);
	exchanged++;
}

static uint64_t left[6];
static long made_rc;

static void make_many(void)
{
	uint64_t r[6] = { made_from, SK_OBJ_THREAD, ME, many, SK_RETYPE_MAX, 0 };

	made_rc = sk_sys_r(SK_SYS_RETYPE, r);
	__builtin_memcpy(left, r, sizeof(left));
}

/* A RETYPE that fails in the middle says what is left, and the objects that it made exist. */
static void partly_made(void)
{
	unsigned int i;

	made_from = object_new(SK_OBJ_UNTYPED, 22);
	many = slots_new(SK_RETYPE_MAX);
	exchanged = 0;
	watched(take_slot, make_many);
	CHECK_EQ(exchanged, 1);
	CHECK_EQ(made_rc, -SK_E_SLOT);
	CHECK(left[4] > 0 && left[4] < SK_RETYPE_MAX);
	CHECK_EQ(left[3], many + SK_RETYPE_MAX - left[4]);
	for (i = 0; i < SK_RETYPE_MAX - 1; i++)
		CHECK_EQ(type_of(many + i), many + i < left[3] ? SK_OBJ_THREAD : SK_OBJ_NULL);
	CHECK_EQ(sk_revoke(ME, made_from), 0);
	CHECK_EQ(sk_delete(ME, many + SK_RETYPE_MAX - 1), 0);
	watched(patience, make_many);
	CHECK_EQ(made_rc, 0);
	CHECK_EQ(left[4], 0);
	for (i = 0; i < SK_RETYPE_MAX; i++)
		CHECK_EQ(type_of(many + i), SK_OBJ_THREAD);
}

/*
 * As many frames of device memory as one call can make: each has the address that its position
 * implies.
 */
static void device_round(sk_cap_t device, uint64_t offset, sk_cap_t io)
{
	uint64_t first, at;
	uint32_t level;

	CHECK_EQ(sk_retype(device, SK_OBJ_FRAME, 12, ME, many, SK_RETYPE_MAX, offset), 0);
	CHECK_EQ(sk_map(many, io, 0, 0, 12, SK_R, &first, &level), 0);
	for (unsigned int i = 1; i < SK_RETYPE_MAX; i++) {
		CHECK_EQ(sk_map(many + i, io, 0, 0, 12, SK_R, &at, &level), 0);
		CHECK_EQ(at, first + i * SK_PAGE_SIZE);
	}
	CHECK_EQ(sk_revoke(ME, device), 0);
}

static void device_rounds(void)
{
	uint64_t at = 1ull << 36, base;
	sk_cap_t device = device_untyped(at, &base), io = object_new(SK_OBJ_SPACE_IO, 0);

	for (int round = 0; round < 40; round++)
		device_round(device, at - base, io);
}

static void nothing(void) {}

void test_main(void)
{
	innocent = object_new(SK_OBJ_NOTIFICATION, 0);
	spare = slots_new(1);
	sparse_frames();
	partly_made();
	CHECK_EQ(sk_revoke(ME, made_from), 0);
	watched(nothing, device_rounds);
}

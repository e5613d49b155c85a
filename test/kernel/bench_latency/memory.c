/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - long work on memory: making, mapping, splitting and unmapping
 */
#include "latency.h"

static void make(sk_cap_t from, unsigned int type, unsigned int order, unsigned int n)
{
	CHECK_EQ(sk_retype(from, type, order, ME, slots, n, 0), 0);
}

static void spin(void) {}

/* The pages were kernel objects before, so each must be closed in the kernel's window. */
static void make_frame(void)
{
	make(untyped, SK_OBJ_CNODE, 21, 1);
	CHECK_EQ(sk_delete(ME, slots), 0);
	make(untyped, SK_OBJ_FRAME, 21, 1);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

static void make_notifications(void)
{
	make(untyped, SK_OBJ_NOTIFICATION, 0, SK_RETYPE_MAX);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static void make_vcpus(void)
{
	if (!(INFO->features & SK_FEAT_SVM))
		return;
	make(untyped, SK_OBJ_VCPU, 0, SK_RETYPE_MAX);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static void make_threads(void)
{
	make(untyped, SK_OBJ_THREAD, 0, SK_RETYPE_MAX);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static void make_spaces(void)
{
	make(untyped, SK_OBJ_SPACE_HOST, 0, SK_RETYPE_MAX);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static void make_device_frames(void)
{
	uint64_t at = 1ull << 34, base;
	sk_cap_t u = device_untyped(at, &base);

	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 12, ME, slots, SK_RETYPE_MAX, at - base), 0);
	CHECK_EQ(sk_revoke(ME, u), 0);
}

/* Map 1 MiB in pages of 4 KiB in one call, across two tables, and unmap it. */
static void map_pages(void)
{
	static uint64_t at;
	uint64_t out;
	uint32_t level;

	if (!at) {
		at = range_new(22);
		tables_for(SK_CAP_SPACE, at);
		at += 3u << 19;
		tables_for(SK_CAP_SPACE, at + (1u << 20));
	}
	make(untyped, SK_OBJ_FRAME, 21, 1);
	CHECK_EQ(sk_map(slots, SK_CAP_SPACE, at, 0, 20, SK_R, &out, &level), 0);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

static void split_page(void)
{
	static sk_cap_t nested, frame, table;

	if (!nested) {
		nested = object_new(SK_OBJ_SPACE_NESTED, 0);
		frame = object_new(SK_OBJ_FRAME, 21);
		table = slots_new(1);
	}
	CHECK_EQ(map_into(frame, nested, 0, 0, 21, SK_R), 0);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_TABLE, 0, ME, table, 1, 0), 0);
	CHECK_EQ(sk_map_table(table, nested, 0, 1), 0);
	CHECK_EQ(sk_unmap(frame, 0, 21), 0);
	CHECK_EQ(sk_delete(ME, table), 0);
}

static struct sparse sparse;

static void unmap_sparse(void)
{
	if (!sparse.space)
		sparse_make(&sparse, object_new(SK_OBJ_SPACE_NESTED, 0));
	sparse_unmap(&sparse);
}

/* A part of the window, once full and once empty. */
static void unmap_part(void)
{
	uint64_t out;
	uint32_t level;

	for (uint64_t at = 0; at < 4; at++)
		CHECK_EQ(sk_map(sparse.frame, sparse.space, at << 20, at << 20, 20, SK_R, &out,
				 &level),
			0);
	CHECK_EQ(sk_unmap(sparse.frame, 0, WINDOW_ORDER - 1), 0);
	CHECK_EQ(sk_unmap(sparse.frame, 0, WINDOW_ORDER - 1), 0);
}

/* A window without tables, and one that lies mostly outside its space. */
static void unmap_void(void)
{
	static sk_cap_t nested;
	uint64_t last = (1ull << WINDOW_ORDER) - SK_LARGE_SIZE;

	if (!nested)
		nested = object_new(SK_OBJ_SPACE_NESTED, 0);
	CHECK_EQ(sk_unmap(sparse.frame, 0, WINDOW_ORDER), 0);
	CHECK_EQ(map_into(sparse.frame, nested, 1ull << 40, 0, 21, SK_R), 0);
	CHECK_EQ(sk_unmap(sparse.frame, 0, WINDOW_ORDER), 0);
	CHECK_EQ(map_into(sparse.frame, nested, 0, last, 21, SK_R), 0);
	CHECK_EQ(sk_unmap(sparse.frame, 0, WINDOW_ORDER), 0);
	CHECK_EQ(map_into(sparse.frame, sparse.space, 0, 0, 12, SK_R), 0);
}

/* A space with many mappings. */
static void space_end(void)
{
	sk_cap_t space = slots, frame = slots + 1;
	unsigned int i;

	make(untyped, SK_OBJ_SPACE_IO, 0, 1);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, 12, ME, frame, 1, 0), 0);
	for (i = 2; i < MANY; i++) {
		uint64_t out;
		uint32_t level;

		CHECK_EQ(sk_copy(ME, slots + i, ME, frame, SK_ALL), 0);
		CHECK_EQ(sk_map(slots + i, space, 0x1000, 0, 12, SK_R, &out, &level), 0);
	}
	CHECK_EQ(sk_delete(ME, space), 0);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

const struct kind memory_kinds[] = {
	{ "user_mode", spin },
	{ "frame_2m", make_frame },
	{ "256_objects", make_notifications },
	{ "256_vcpus", make_vcpus },
	{ "256_threads", make_threads },
	{ "256_spaces", make_spaces },
	{ "256_device_frames", make_device_frames },
	{ "map_256_pages", map_pages },
	{ "split_2m", split_page },
	{ "unmap_1g_sparse", unmap_sparse },
	{ "unmap_512m_part", unmap_part },
	{ "unmap_no_tables", unmap_void },
	{ "space_with_1000", space_end },
	{ NULL, NULL },
};

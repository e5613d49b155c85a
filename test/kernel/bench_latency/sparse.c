/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sparse.c - a window with all tables and one page
 */
#include "latency.h"

enum { TABLES = 1 << (WINDOW_ORDER - SK_LARGE_ORDER) };

void sparse_make(struct sparse *s, sk_cap_t space)
{
	uint64_t at = 1ull << 35, base;
	sk_cap_t t = object_new(SK_OBJ_UNTYPED, 22), table = slots_new(TABLES);
	sk_cap_t u = device_untyped(at, &base);

	*s = (struct sparse){ .space = space, .frame = slots_new(1) };
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, WINDOW_ORDER, ME, s->frame, 1, at - base), 0);
	CHECK_EQ(map_into(s->frame, space, 0, 0, SK_PAGE_ORDER, SK_R), 0);
	CHECK_EQ(sk_unmap(s->frame, 0, WINDOW_ORDER), 0);
	for (unsigned int i = 0; i < TABLES; i += SK_RETYPE_MAX)
		CHECK_EQ(sk_retype(t, SK_OBJ_TABLE, 0, ME, table + i, SK_RETYPE_MAX, 0), 0);
	for (unsigned int i = 1; i < TABLES; i++)
		CHECK_EQ(sk_map_table(table + i, space, (uint64_t)i << SK_LARGE_ORDER, 1), 0);
}

void sparse_unmap(const struct sparse *s)
{
	uint64_t last = (1ull << WINDOW_ORDER) - SK_PAGE_SIZE;

	CHECK_EQ(map_into(s->frame, s->space, last, last, SK_PAGE_ORDER, SK_R), 0);
	CHECK_EQ(sk_unmap(s->frame, 0, WINDOW_ORDER), 0);
}

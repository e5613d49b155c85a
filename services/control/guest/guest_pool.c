/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_pool.c - the memory that guests are made of */
#include "guest/guest_pool.h"

#include <stdio.h>

#include "base/error.h"
#include "caps/caps.h"
#include "client/host.h"
#include "guest/kept.h"
#include "proto/domain.h"
#include "svc/svc.h"
#include "sys/sk.h"

/* As many as there are slots for them. */
enum { ROOTS_MAX = DOMAIN_CAP_CHANNEL - DOMAIN_CAP_EXTRA };

struct pool guest_pool;

static int untyped_split(sk_cap_t slot, uint32_t half_order, sk_cap_t half[2])
{
	sk_cap_t first = slot_alloc(2);
	int rc;

	if (!first)
		return -SK_E_SLOT;
	rc = (int)sk_retype(slot, SK_OBJ_UNTYPED, half_order, SK_CAP_CNODE, first, 2, 0);
	if (rc) {
		slot_free(first, 2);
		return rc;
	}
	half[0] = first;
	half[1] = first + 1;
	return 0;
}

static void untyped_join(sk_cap_t slot, const sk_cap_t half[2])
{
	(void)sk_revoke(SK_CAP_CNODE, slot);
	slot_free(half[0], 1);
	slot_free(half[1], 1);
}

static void untyped_clean(sk_cap_t slot) { (void)sk_revoke(SK_CAP_CNODE, slot); }

static bool untyped_adopt(const sk_cap_t half[2], uint32_t order)
{
	struct sk_cap_info info;

	for (int i = 0; i < 2; i++)
		if (sk_cap_info(SK_CAP_CNODE, half[i], &info) || info.type != SK_OBJ_UNTYPED ||
			info.order != order)
			return false;
	if (!slot_adopt(half[0]))
		return false;
	if (slot_adopt(half[1]))
		return true;
	cap_drop(half[0]);
	return false;
}

static const struct pool_ops untyped_ops = { untyped_split, untyped_join, untyped_clean,
	untyped_adopt };

/* The untypeds in the order of their slots, which is the same in each life. */
static uint32_t roots_find(struct pool_root *roots)
{
	struct sk_cap_info info;
	uint32_t count = 0;
	sk_cap_t first = svc_cap("pool", &count);

	if (!first)
		return 0;
	if (count > ROOTS_MAX)
		count = ROOTS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		roots[i] = (struct pool_root){ .slot = first + i };
		if (sk_cap_info(SK_CAP_CNODE, first + i, &info) == 0)
			roots[i].order = info.order;
	}
	return count;
}

static void pool_fill(const struct pool_root *roots, uint32_t n)
{
	pool_init(&guest_pool, &untyped_ops, kept_pool_nodes());
	for (uint32_t i = 0; i < n; i++) {
		int rc;

		untyped_clean(roots[i].slot); /* an earlier life may have left no table */
		rc = pool_add(&guest_pool, roots[i].slot, roots[i].order);
		if (rc && rc != -SK_E_RANGE) /* a piece below 2 MiB is of no use to any guest */
			printf("memory of order %u is not used: %s\n", roots[i].order,
				sk_error_text(rc));
	}
}

int guest_pool_init(void)
{
	struct pool_root roots[ROOTS_MAX];
	uint32_t n = roots_find(roots);

	if (kept_resumed())
		pool_resume(&guest_pool, &untyped_ops, kept_pool_nodes(), roots, n);
	else
		pool_fill(roots, n);
	return 0;
}

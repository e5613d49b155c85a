/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_pool.c - the memory that guests are made of */
#include "guest/guest_pool.h"

#include <stdio.h>

#include "base/error.h"
#include "caps/caps.h"
#include "client/host.h"
#include "svc/svc.h"
#include "sys/sk.h"

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

static const struct pool_ops untyped_ops = { untyped_split, untyped_join, untyped_clean };

int guest_pool_init(void)
{
	struct sk_cap_info info;
	uint32_t count = 0;
	sk_cap_t first = svc_cap("pool", &count);

	pool_init(&guest_pool, &untyped_ops);
	for (uint32_t i = 0; first && i < count; i++) {
		int rc = (int)sk_cap_info(SK_CAP_CNODE, first + i, &info);

		if (!rc)
			rc = pool_add(&guest_pool, first + i, info.order);
		if (rc && rc != -SK_E_RANGE) /* a piece below 2 MiB is of no use to any guest */
			printf("memory of order %u is not used: %s\n", info.order,
				sk_error_text(rc));
	}
	return 0;
}

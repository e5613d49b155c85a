/* SPDX-License-Identifier: BSD-2-Clause */
/* slots.c - objects that outlive control */
#include "guest/slots.h"

#include "caps/caps.h"
#include "sys/sk.h"

int slot_object(sk_cap_t untyped, uint32_t type, uint32_t order, sk_cap_t *out)
{
	sk_cap_t slot = slot_alloc(1);
	int rc = slot ? object_make_in(untyped, type, order, SK_CAP_CNODE, slot, 1)
		      : -SK_E_SLOT;

	if (!rc)
		*out = slot;
	else if (slot)
		slot_free(slot, 1);
	return rc;
}

sk_cap_t slot_take_over(sk_cap_t slot, uint32_t type)
{
	struct sk_cap_info info;

	if (!slot || sk_cap_info(SK_CAP_CNODE, slot, &info) || info.type != type ||
		!slot_adopt(slot))
		return 0;
	return slot;
}

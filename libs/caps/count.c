/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.c - what is in a CNode
 */
#include "caps/caps.h"
#include "sys/sk.h"

void caps_count(sk_cap_t cnode, struct caps_count *c)
{
	struct sk_cap_info info;

	*c = (struct caps_count){ 0 };
	if (sk_cap_info(SK_CAP_CNODE, cnode, &info) || info.type != SK_OBJ_CNODE)
		return;
	c->slots = (uint32_t)SK_CNODE_SLOTS(info.order);
	for (sk_cap_t slot = 1; slot < c->slots; slot++) {
		if (sk_cap_info(cnode, slot, &info) || info.type == SK_OBJ_NULL)
			continue;
		c->used++;
		if (info.type == SK_OBJ_FRAME)
			c->frames++;
		else if (info.type != SK_OBJ_UNTYPED)
			c->objects++;
	}
}

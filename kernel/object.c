/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c - the types of kernel objects: how memory becomes one, and what ends it
 */
#include "space.h"
#include "thread.h"

const struct object_ops object_ops[SK_OBJ_END] = {
	[SK_OBJ_CNODE] = { cnode_init, cnode_destroy, 0 },
	[SK_OBJ_SPACE_HOST] = { space_init, space_destroy, SK_PAGE_SIZE },
	[SK_OBJ_SPACE_NESTED] = { space_init, space_destroy, SK_PAGE_SIZE },
	[SK_OBJ_SPACE_IO] = { space_init, space_destroy, SK_PAGE_SIZE },
	[SK_OBJ_THREAD] = { thread_init, thread_destroy, offsetof(struct thread, obj) },
	[SK_OBJ_SCHED] = { NULL, sched_destroy, 0 },
	[SK_OBJ_ENDPOINT] = { NULL, endpoint_destroy, 0 },
	[SK_OBJ_REPLY] = { NULL, reply_destroy, 0 },
	[SK_OBJ_NOTIFICATION] = { NULL, notification_destroy, 0 },
	[SK_OBJ_IRQ] = { NULL, irq_destroy, 0 },
	[SK_OBJ_VCPU] = { vcpu_init, vcpu_destroy, 0 },
};

struct object *object_make(void *memory, uint8_t type, uint8_t order)
{
	struct object *o = (struct object *)((char *)memory + object_ops[type].offset);

	o->type = type;
	o->refs = 1;
	if (object_ops[type].init)
		object_ops[type].init(o, order);
	return o;
}

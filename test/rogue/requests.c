/* SPDX-License-Identifier: BSD-2-Clause */
/* requests.c - requests to control, in the form of ctl.h, with bodies that mean nothing */
#include <string.h>
#include "proto/ctl.h"
#include "rogue.h"

/* Bytes of the shortest body that control takes for a request. */
static const uint32_t body_size[CTL_OP_END] = {
	[CTL_CANCEL] = sizeof(uint32_t),
	[CTL_LIST] = sizeof(uint32_t),
	[CTL_REFRESH] = sizeof(uint32_t),
	[CTL_NEWS] = sizeof(uint64_t),
	[CTL_DESCRIBE] = sizeof(uint32_t),
	[CTL_SERVICES] = sizeof(struct ctl_from),
	[CTL_CAPS] = sizeof(struct ctl_caps_of),
	[CTL_STORE_LOOK] = sizeof(struct ctl_store) + 8,
	[CTL_STORE_CHANGE] = sizeof(struct ctl_store) + 8,
	[CTL_CONSOLE] = sizeof(uint32_t),
	[CTL_ATTACHED] = sizeof(uint32_t),
	[CTL_CREATE] = sizeof(struct ctl_create),
	[CTL_AUTO] = sizeof(struct ctl_auto),
	[CTL_PAUSE] = sizeof(uint32_t),
	[CTL_UNPAUSE] = sizeof(uint32_t),
	[CTL_SHUTDOWN] = sizeof(uint32_t),
	[CTL_REBOOT] = sizeof(uint32_t),
	[CTL_DESTROY] = sizeof(uint32_t),
	[CTL_WAIT] = sizeof(struct ctl_wait),
	[CTL_SYSRQ] = sizeof(struct ctl_number),
	[CTL_NMI] = sizeof(struct ctl_number),
	[CTL_RENAME] = sizeof(struct ctl_rename),
	[CTL_MEM_SET] = sizeof(struct ctl_number),
	[CTL_VCPU_SET] = sizeof(struct ctl_number),
	[CTL_ATTACH_DISK] = sizeof(struct ctl_disk),
	[CTL_ATTACH_VIF] = sizeof(struct ctl_vif),
	[CTL_DETACH] = sizeof(struct ctl_number),
	[CTL_RESTART] = sizeof(struct ctl_restart),
	[CTL_POWER] = sizeof(struct ctl_power),
	[CTL_SAVE] = sizeof(struct ctl_save) + 1,
	[CTL_SAVED_CONFIG] = sizeof(struct ctl_image),
	[CTL_SCHED] = sizeof(struct ctl_sched),
	[CTL_PIN] = sizeof(struct ctl_pin),
	[CTL_INSERT] = sizeof(struct ctl_disk),
	[CTL_EJECT] = sizeof(struct ctl_number),
	[CTL_MEM_MAX] = sizeof(struct ctl_number),
	[CTL_UPDATE] = sizeof(struct ctl_update),
};
_Static_assert(CTL_OP_END == CTL_UPDATE + 1, "a request has no size here");

uint32_t ctl_request_make(uint32_t id, uint32_t op, uint8_t fill, void *rec)
{
	struct ctl_head h = { .id = id, .op = (uint16_t)op, .len = body_size[op] };

	memcpy(rec, &h, sizeof(h));
	memset((uint8_t *)rec + sizeof(h), fill, h.len);
	return (uint32_t)sizeof(h) + h.len;
}

/*
 * First what control can answer. It would obey the two that end domains of the host, if they
 * were right.
 */
uint32_t ctl_unasked(uint32_t n, void *rec)
{
	static const uint8_t fills[] = { 0, 0xff, 0x7f, 'a' };
	uint32_t op = 1 + n % (CTL_OP_END - 1);
	uint32_t len = ctl_request_make(n + 1, op == CTL_POWER ? CTL_LIST : op,
		fills[n / CTL_OP_END % sizeof(fills)], rec);
	struct ctl_head *h = rec;

	if (n > 120)
		h->op = (uint16_t)(n % 3 ? n * 97 : op);
	if (n > 130)
		h->id = n % 2;
	if (n > 140)
		h->len = UINT32_MAX - n;
	return len;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* requests.c - requests to control, in the form of ctl.h, with bodies that mean nothing */
#include <string.h>
#include "proto/ctl.h"
#include "rogue.h"

/* Bytes of a body that control takes for a request. */
#define X(name, size, more, answer, answer_more) [CTL_##name] = (size) + ((more) ? 8 : 0),
static const uint32_t body_size[CTL_OP_END] = { CTL_SIZES(X) };
#undef X

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

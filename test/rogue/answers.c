/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answers.c - records in the form of each protocol, which nobody has asked for or which say
 * what is not so
 */
#include <string.h>
#include "proto/blk.h"
#include "proto/console.h"
#include "proto/files.h"
#include "proto/net.h"
#include "proto/scribe.h"
#include "proto/vmctl.h"
#include "proto/xs.h"
#include "rogue.h"

enum { XSD_HEADER = 16, UNASKED = 160 };

static uint32_t blk_answer(const void *req, uint32_t len, void *rsp)
{
	struct blk_rsp r = { .flags = UINT32_MAX, .result = UINT64_MAX };

	if (len == sizeof(struct blk_req))
		r.id = ((const struct blk_req *)req)->id;
	memcpy(rsp, &r, sizeof(r));
	return sizeof(r);
}

/*
 * A sent buffer comes back; a posted one comes with a frame of nothing, as long as it may be.
 */
static uint32_t net_answer(const void *req, uint32_t len, void *rsp)
{
	struct net_desc d = { 0 };

	if (len == sizeof(d))
		memcpy(&d, req, sizeof(d));
	d.op = d.op == NET_TX ? NET_TX_DONE : NET_RX;
	d.length = NET_FRAME_STD;
	memcpy(rsp, &d, sizeof(d));
	return sizeof(d);
}

static uint32_t xs_answer(const void *req, uint32_t len, void *rsp)
{
	if (len < sizeof(struct xs_native) + XSD_HEADER)
		return 0;
	memcpy(rsp, req, sizeof(struct xs_native) + XSD_HEADER);
	memset((uint8_t *)rsp + sizeof(struct xs_native) + 12, 0, 4); /* no payload */
	return sizeof(struct xs_native) + XSD_HEADER;
}

/* A file or directory of everything, and reads that gave more than was asked for. */
static uint32_t files_answer(const void *req, uint32_t len, void *rsp)
{
	struct files_rsp r = { .type = UINT32_MAX, .result = UINT64_MAX, .mtime = UINT64_MAX };

	if (len >= sizeof(struct files_req))
		r.id = ((const struct files_req *)req)->id;
	memcpy(rsp, &r, sizeof(r));
	return sizeof(r);
}

/* All has failed, and the number is large. */
static uint32_t scribe_answer(const void *req, uint32_t len, void *rsp)
{
	struct scribe_head h = { 0 };

	if (len >= sizeof(h))
		memcpy(&h, req, sizeof(h));
	h.failed = UINT32_MAX;
	memcpy(rsp, &h, sizeof(h));
	memset((uint8_t *)rsp + sizeof(h), 0xff, 4);
	return sizeof(h) + 4;
}

uint32_t answer_make(uint32_t proto, const void *req, uint32_t len, void *rsp)
{
	switch (proto) {
	case SVC_PROTO_BLK:
		return blk_answer(req, len, rsp);
	case SVC_PROTO_NET:
		return net_answer(req, len, rsp);
	case SVC_PROTO_XS:
		return xs_answer(req, len, rsp);
	case SVC_PROTO_SCRIBE:
		return scribe_answer(req, len, rsp);
	case SVC_PROTO_FILES:
		return files_answer(req, len, rsp);
	default:
		return 0;
	}
}

/* ---- what nobody has asked for ----------------------------------------------------------- */
static uint32_t blk_unasked(const struct svc_conn *c, uint32_t n, void *rec)
{
	const struct blk_rsp rsp = { .id = n < 100 ? n : UINT64_MAX - n,
		.status = n % 3 ? 0 : -SK_E_IO,
		.result = UINT64_MAX };
	const struct blk_req req = { .op = (uint16_t)(n % 8),
		.flags = (uint16_t)(n % 4),
		.region = n % 5 ? 0 : UINT32_MAX - n,
		.id = n % 2,
		.sector = n % 7 ? n : UINT64_MAX - n,
		.offset = n % 11 ? UINT64_MAX - 511 : n * 512ull,
		.length = n % 13 ? 512ull << n % 40 : UINT64_MAX };

	if (c->channel) {
		memcpy(rec, &req, sizeof(req));
		return sizeof(req);
	}
	memcpy(rec, &rsp, sizeof(rsp));
	return sizeof(rsp);
}

static uint32_t net_unasked(uint32_t n, void *rec)
{
	const struct net_desc d = { .op = (uint16_t)(n % 7),
		.flags = (uint16_t)(n % 3 ? 0 : n),
		.id = n % 2 ? n : UINT32_MAX - n,
		.offset = n % 5 ? n * 2048ull : UINT64_MAX - n,
		.length = n % 4 ? 60 + n : UINT32_MAX,
		.csum_start = (uint16_t)(n % 6 ? 0 : 65535),
		.gso_size = (uint16_t)(n % 8 ? 0 : 1) };

	memcpy(rec, &d, sizeof(d));
	return sizeof(d);
}

/* Answers to requests with numbers from the past and the future; events of no watch. */
static uint32_t xs_unasked(uint32_t n, void *rec)
{
	const struct xs_native native = { .role = n % 4, .seq = n % 3 ? n * 7 : 0 };
	const uint32_t header[4] = { n % 3 ? n % 20 : 15, n, n % 5, n % 2 ? 0 : 8 };

	memcpy(rec, &native, sizeof(native));
	memcpy((uint8_t *)rec + sizeof(native), header, sizeof(header));
	memset((uint8_t *)rec + sizeof(native) + sizeof(header), 'x', 8);
	return sizeof(native) + sizeof(header) + header[3];
}

static uint32_t console_unasked(uint32_t n, void *rec)
{
	const struct console_msg m = { .type = (uint16_t)(n % (CONSOLE_MSG_END + 1)),
		.len = n % 3 ? 0 : 8,
		.arg = n % 2 ? n : UINT32_MAX - n };

	memcpy(rec, &m, sizeof(m));
	memset((uint8_t *)rec + sizeof(m), '~', 8);
	return sizeof(m) + m.len;
}

static uint32_t files_unasked(const struct svc_conn *c, uint32_t n, void *rec)
{
	const struct files_rsp rsp = { .id = n < 100 ? n : UINT64_MAX - n,
		.status = n % 3 ? 0 : -SK_E_IO,
		.type = n % 5,
		.result = n % 2 ? UINT64_MAX : n };
	const struct files_req req = { .op = n % 5,
		.path_len = n % 4 ? 0 : UINT32_MAX - n,
		.id = n % 2,
		.position = n % 7 ? n : UINT64_MAX - n,
		.offset = n % 11 ? UINT64_MAX - 511 : n * 512ull,
		.length = n % 13 ? 512ull << n % 40 : UINT64_MAX };

	if (c->channel) {
		memcpy(rec, &req, sizeof(req));
		return sizeof(req);
	}
	memcpy(rec, &rsp, sizeof(rsp));
	return sizeof(rsp);
}

/* What a VMM says of itself, again and again. The end of its guest comes last. */
static uint32_t vmctl_unasked(uint32_t n, void *rec)
{
	static const uint16_t types[] = { VMCTL_PAUSED, VMCTL_RUNNING, VMCTL_STATS, VMCTL_GROW,
		VMCTL_IMAGE, VMCTL_UNPACKED, VMCTL_DEVICES, VMCTL_QUIESCED, VMCTL_READY,
		VMCTL_BREACH, VMCTL_SAVED, VMCTL_TEXT, VMCTL_CONFIG, VMCTL_FAILED,
		VMCTL_SHUTDOWN, VMCTL_MSG_END };
	const struct vmctl_msg m = { .type = types[n / 12 % (sizeof(types) / sizeof(*types))],
		.len = n % 3 ? 4 : (uint16_t)(n % 2 ? 0 : sizeof(struct vmctl_stats)),
		.arg = n % 4 ? n : UINT32_MAX - n };

	memcpy(rec, &m, sizeof(m));
	memset((uint8_t *)rec + sizeof(m), n % 5 ? 0 : 0xff, m.len);
	return (uint32_t)sizeof(m) + m.len;
}

static uint32_t scribe_unasked(uint32_t n, void *rec)
{
	const struct scribe_head h = { .id = n % 2 ? n : UINT32_MAX - n,
		.op = (uint16_t)(n % (SCRIBE_OP_END + 1)),
		.flags = (uint16_t)(n % 3),
		.domid = n % 5 ? n : UINT32_MAX,
		.failed = n % 7 };
	const uint32_t body = n % 4 ? 0 : 8;

	memcpy(rec, &h, sizeof(h));
	memset((uint8_t *)rec + sizeof(h), '~', body);
	return (uint32_t)sizeof(h) + body;
}

uint32_t unasked_make(const struct svc_conn *c, uint32_t n, void *rec)
{
	if (n >= UNASKED)
		return 0;
	switch (c->proto) {
	case SVC_PROTO_BLK:
		return blk_unasked(c, n, rec);
	case SVC_PROTO_NET:
		return net_unasked(n, rec);
	case SVC_PROTO_XS:
		return xs_unasked(n, rec);
	case SVC_PROTO_SCRIBE:
		return scribe_unasked(n, rec);
	case SVC_PROTO_FILES:
		return files_unasked(c, n, rec);
	case SVC_PROTO_CTL:
		return ctl_unasked(n, rec);
	case SVC_PROTO_VMCTL:
		return vmctl_unasked(n, rec);
	default:
		return console_unasked(n, rec);
	}
}

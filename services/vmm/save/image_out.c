/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_out.c - writing the volume of a saved guest
 *
 * Objects     struct image_out: at most one request in flight for each buffer, one in all
 *             except in IMAGE_DATA.
 * Lifecycle   the steps of enum image_step, in this order; IMAGE_FAILED from each of them, when
 *             nothing is in flight any more.
 * Invariants  IMAGE1 the header is written after a flush that covers the data, and the first
 *             block is wiped, with a flush, before any data
 *             IMAGE2 requests that were not answered are sent again in each epoch: each names
 *                its place, and its buffer has not changed
 */
#include "save/image.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"

enum { HEAD_ALIGN = 4096 };

static uint32_t round_up(uint32_t n, uint32_t to) { return (n + to - 1) / to * to; }

/* ---- the header ---- */

static void head_put(struct image_out *o, uint32_t at, const void *from, uint32_t size)
{
	memcpy(o->head + at, from, size);
}

int image_out_begin(struct image_out *o, struct svc_conn *conn, const char *config,
	uint32_t config_size, image_fill_fn fill, void *ctx)
{
	if (config_size > VMCTL_CONFIG_MAX)
		return -SK_E_LIMIT;
	memset(o, 0, sizeof(*o));
	o->conn = conn;
	o->fill = fill;
	o->ctx = ctx;
	head_put(o, sizeof(struct xl_header), &config_size, sizeof(config_size));
	head_put(o, sizeof(struct xl_header) + sizeof(config_size), config, config_size);
	o->head_size = round_up((uint32_t)(sizeof(struct xl_header) + sizeof(config_size) +
					   config_size + sizeof(struct save_tail)),
		HEAD_ALIGN);
	return 0;
}

void image_out_begin_other(struct image_out *o, struct svc_conn *conn, const uint8_t *head,
	uint32_t head_size, image_fill_fn fill, void *ctx)
{
	memset(o, 0, sizeof(*o));
	o->conn = conn;
	o->fill = fill;
	o->ctx = ctx;
	o->foreign = true;
	o->head_size = head_size;
	head_put(o, 0, head, head_size);
}

static void head_begin(struct image_out *o)
{
	struct xl_header h = { .byteorder = XL_BYTEORDER,
		.mandatory = XL_STREAM_V2,
		.optional_size = o->head_size - (uint32_t)sizeof(h) };

	o->at = o->length = o->head_size;
	if (o->foreign)
		return;
	memcpy(h.magic, XL_MAGIC, sizeof(h.magic));
	head_put(o, 0, &h, sizeof(h));
	o->sum = (uint32_t)crc32(0, o->head, o->head_size - (uint32_t)sizeof(struct save_tail));
}

static void head_end(struct image_out *o)
{
	struct save_tail t = { .magic = SAVE_TAIL_MAGIC, .length = o->length, .sum = o->sum };

	if (!o->foreign)
		head_put(o, o->head_size - (uint32_t)sizeof(t), &t, sizeof(t));
}

/* ---- requests ---- */

static void image_fail(struct image_out *o, const char *text)
{
	if (!o->e.text[0])
		snprintf(o->e.text, sizeof(o->e.text), "%s", text);
}

static bool any_busy(const struct image_out *o) { return o->busy[0] || o->busy[1]; }

static void request_send(struct image_out *o, uint32_t b)
{
	if (svc_request(o->conn, &o->req[b], sizeof(o->req[b])))
		image_fail(o, "storage does not take requests");
	else
		o->busy[b] = true;
}

static void request_make(
	struct image_out *o, uint32_t b, enum blk_op op, uint64_t at, uint32_t length)
{
	o->req[b] = (struct blk_req){ .op = (uint16_t)op,
		.id = ++o->last_id,
		.sector = at / BLK_SECTOR,
		.offset = (uint64_t)b * IMAGE_BUFFER,
		.length = length };
	request_send(o, b);
}

static void small_write(struct image_out *o, const uint8_t *from, uint32_t size)
{
	uint32_t whole = round_up(size, o->block);

	memset(o->conn->data, 0, whole);
	if (from)
		memcpy(o->conn->data, from, size);
	request_make(o, 0, BLK_WRITE, 0, whole);
}

/* Write a buffer that has n bytes of the stream. */
static void data_write(struct image_out *o, uint32_t b, uint32_t n)
{
	uint8_t *buf = o->conn->data + (size_t)b * IMAGE_BUFFER;
	uint32_t whole = round_up(n, o->block);

	o->sum = (uint32_t)crc32(o->sum, buf, n);
	o->length = o->at + n;
	memset(buf + n, 0, whole - n);
	if (o->at + whole > o->sectors * BLK_SECTOR) {
		snprintf(o->e.text, sizeof(o->e.text),
			"the volume is too small: it has %llu MiB",
			(unsigned long long)(o->sectors * BLK_SECTOR >> 20));
		return;
	}
	request_make(o, b, BLK_WRITE, o->at, whole);
	o->at += whole;
}

/* Fill a free buffer with the stream, and write it. False: there is nothing more for now. */
static bool data_fill(struct image_out *o, uint32_t b)
{
	uint8_t *buf = o->conn->data + (size_t)b * IMAGE_BUFFER;
	uint32_t n = o->n_partial;

	n += o->fill(o->ctx, buf + n, IMAGE_BUFFER - n, &o->data_over);
	o->n_partial = 0;
	if (n < IMAGE_BUFFER && !o->data_over) {
		o->partial = b;
		o->n_partial = n;
		return false;
	}
	if (n)
		data_write(o, b, n);
	return true;
}

/* ---- steps ---- */

static void info_take(struct image_out *o, const struct blk_rsp *r)
{
	o->sectors = r->result;
	o->block = blk_info_block(r->flags);
	if (!o->foreign)
		o->head_size = round_up(o->head_size, o->block);
	if (r->flags & BLK_READ_ONLY)
		image_fail(o, "the volume is read-only");
	else if (o->head_size > sizeof(o->head) || o->head_size % o->block)
		image_fail(o, "the blocks of the volume are too large");
	else if (o->sectors < o->head_size / BLK_SECTOR)
		image_fail(o, "the volume is too small for anything");
	else
		head_begin(o);
}

/* Send the request of this step. */
static void step_send(struct image_out *o)
{
	switch (o->step) {
	case IMAGE_INFO:
		request_make(o, 0, BLK_INFO, 0, 0);
		break;
	case IMAGE_WIPE:
		small_write(o, NULL, o->head_size);
		break;
	case IMAGE_HEAD:
		head_end(o);
		small_write(o, o->head, o->head_size);
		break;
	default:
		request_make(o, 0, BLK_FLUSH, 0, 0);
		break;
	}
	o->sent = true;
}

/* IMAGE_BUFFERS: all are busy. */
static uint32_t buffer_next(const struct image_out *o)
{
	uint32_t b = 0;

	if (o->n_partial)
		return o->partial;
	while (b < IMAGE_BUFFERS && o->busy[b])
		b++;
	return b;
}

bool image_out_wants(const struct image_out *o)
{
	return o->step == IMAGE_DATA && !o->data_over && buffer_next(o) < IMAGE_BUFFERS;
}

static void data_send(struct image_out *o)
{
	while (image_out_wants(o) && !o->e.text[0])
		if (!data_fill(o, buffer_next(o)))
			return;
	if (o->data_over && !any_busy(o))
		o->step++; /* IMAGE1 */
}

static void steps_run(struct image_out *o)
{
	while (o->step < IMAGE_DONE && !o->e.text[0]) {
		if (o->step == IMAGE_DATA) {
			data_send(o);
			if (o->step == IMAGE_DATA && !o->e.text[0])
				return;
		} else if (!o->sent) {
			step_send(o);
			return;
		} else if (any_busy(o)) {
			return;
		} else {
			o->sent = false;
			o->step++;
		}
	}
	if (o->e.text[0] && !any_busy(o))
		o->step = IMAGE_FAILED;
}

static void answer_take(struct image_out *o, const struct blk_rsp *r)
{
	uint32_t b = 0;

	while (b < IMAGE_BUFFERS && !(o->busy[b] && o->req[b].id == r->id))
		b++;
	if (b == IMAGE_BUFFERS) {
		svc_breach(o->conn, "an answer to what it was not asked");
		return;
	}
	o->busy[b] = false;
	if (r->status)
		image_fail(o, sk_error_text(r->status));
	else if (o->step == IMAGE_INFO)
		info_take(o, r);
}

void image_out_run(struct image_out *o)
{
	struct blk_rsp r;
	int n;

	while ((n = svc_checked(o->conn, ring_get(&o->conn->rsp, &r, sizeof(r)))) >= 0) {
		if (n == sizeof(r))
			answer_take(o, &r);
		else
			svc_breach(o->conn, "an answer of a wrong size");
	}
	if (svc_end(o->conn)) {
		image_fail(o, svc_end_text(svc_end(o->conn)));
		memset(o->busy, 0, sizeof(o->busy));
	}
	steps_run(o);
	svc_settle(o->conn);
}

void image_out_restarted(struct image_out *o)
{
	for (uint32_t b = 0; b < IMAGE_BUFFERS; b++)
		if (o->busy[b])
			request_send(o, b); /* IMAGE2 */
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_in.c - reading the volume of a saved guest
 *
 * Objects     struct image_in: the bytes of the volume from its beginning, a window of them in
 *             the data region of the connection.
 * Invariants  IMAGE3 nothing behind the length that the tail names, or the end of the volume,
 *             is read
 *             IMAGE4 bytes are copied out of the window before they are looked at
 */
#include "save/image.h"

#include <string.h>
#include <zlib.h>

#include "base/error.h"

/* ---- storage ---- */

static int transact(struct image_in *i, struct blk_req *q, struct blk_rsp *r)
{
	int rc;

	*r = (struct blk_rsp){ .id = 0 };
	do {
		q->id = ++i->next_id;
		rc = svc_request(i->conn, q, sizeof(*q));
		if (!rc)
			rc = svc_wait_record(i->conn, r, sizeof(*r), SK_NO_DEADLINE);
	} while (rc == -SK_E_RESTARTED);
	if (rc < 0)
		return rc;
	return rc == sizeof(*r) && r->id == q->id ? r->status : -SK_E_PEER;
}

static int volume_fail(struct image_in *i, int rc, const char *what)
{
	(void)load_fail(i->e, "the volume cannot be %s: %s", what, sk_error_text(rc));
	return rc;
}

static int window_move(struct image_in *i)
{
	uint64_t left, max = i->conn->data_size / i->block * i->block;
	struct blk_req q = { .op = BLK_READ };
	struct blk_rsp r;
	int rc;

	i->window = i->at / i->block * i->block;
	left = i->size - i->window;
	max = max < BLK_BYTES_MAX ? max : BLK_BYTES_MAX;
	i->window_size = left < max ? left : max;
	q.sector = i->window / BLK_SECTOR;
	q.length = i->window_size;
	rc = transact(i, &q, &r);
	if (rc)
		i->window_size = 0;
	return rc ? volume_fail(i, rc, "read") : 0;
}

/* IMAGE3, IMAGE4 */
static int bytes_get(struct image_in *i, void *buf, uint32_t size)
{
	uint64_t limit = i->has_tail ? i->tail.length : i->size;
	uint8_t *to = buf;
	int rc;

	if (size > limit || i->at > limit - size)
		return load_fail(i->e,
			"the stream ends at byte %llu, in the middle of something",
			(unsigned long long)limit);
	while (size) {
		uint64_t offset, n;

		if (i->at < i->window || i->at >= i->window + i->window_size) {
			rc = window_move(i);
			if (rc)
				return rc;
		}
		offset = i->at - i->window;
		n = i->window_size - offset;
		n = n < size ? n : size;
		memcpy(to, i->conn->data + offset, n);
		to += n;
		size -= (uint32_t)n;
		i->at += n;
	}
	return 0;
}

int image_in_read(void *ctx, void *buf, uint32_t size, struct load_error *e)
{
	struct image_in *i = ctx;
	int rc;

	i->e = e;
	rc = bytes_get(i, buf, size);
	if (!rc)
		i->sum = (uint32_t)crc32(i->sum, buf, size);
	return rc;
}

/* ---- the header ---- */

static int header_check(struct image_in *i)
{
	static const uint32_t known = XL_CONFIG_IS_JSON | XL_STREAM_V2;
	const struct xl_header *h = &i->header;

	if (memcmp(h->magic, XL_MAGIC, sizeof(h->magic)) != 0)
		return load_fail(i->e,
			"there is no saved guest on the volume, or it was not written to its end");
	if (h->byteorder != XL_BYTEORDER)
		return load_fail(
			i->e, "the guest was saved on a machine of another byte order");
	if (h->mandatory & ~known)
		return load_fail(i->e, "xl's header has unknown mandatory flags %#x",
			h->mandatory & ~known);
	if (!(h->mandatory & XL_STREAM_V2))
		return load_fail(i->e, "the stream has the format of Xen 4.5 and before");
	if (h->optional_size > SAVE_HEAD_MAX - sizeof(*h))
		return load_fail(i->e,
			"xl's header has %u bytes of optional data, more than %u",
			h->optional_size, (unsigned int)(SAVE_HEAD_MAX - sizeof(*h)));
	return 0;
}

static int config_read(struct image_in *i, uint32_t *left)
{
	int rc;

	if (*left < sizeof(i->config_size))
		return 0;
	rc = image_in_read(i, &i->config_size, sizeof(i->config_size), i->e);
	if (rc)
		return rc;
	*left -= (uint32_t)sizeof(i->config_size);
	if (i->config_size > *left || i->config_size > VMCTL_CONFIG_MAX)
		return load_fail(
			i->e, "the configuration in the stream has %u bytes", i->config_size);
	*left -= i->config_size;
	rc = image_in_read(i, i->config, i->config_size, i->e);
	i->config[i->config_size] = '\0';
	return rc;
}

/* What Xen skips, and does not write: the tail is at its end. */
static int rest_read(struct image_in *i, uint32_t left)
{
	uint8_t skipped[256];
	int rc = 0;

	while (!rc && left > sizeof(i->tail)) {
		uint32_t n = left - (uint32_t)sizeof(i->tail);

		n = n < sizeof(skipped) ? n : (uint32_t)sizeof(skipped);
		rc = image_in_read(i, skipped, n, i->e);
		left -= n;
	}
	if (!rc && left == sizeof(i->tail))
		rc = bytes_get(i, &i->tail, left);
	if (rc || !left)
		return rc;
	if (i->tail.magic != SAVE_TAIL_MAGIC || i->tail.reserved)
		return load_fail(i->e, "there is something unknown behind the configuration");
	if (i->tail.length > i->size || i->tail.length < i->at)
		return load_fail(i->e,
			"the saved guest has %llu bytes, but the volume has %llu",
			(unsigned long long)i->tail.length, (unsigned long long)i->size);
	i->has_tail = true;
	return 0;
}

int image_in_open(struct image_in *i, struct svc_conn *conn, struct load_error *e)
{
	struct blk_req q = { .op = BLK_INFO };
	struct blk_rsp r;
	uint32_t left;
	int rc;

	memset(i, 0, sizeof(*i));
	i->conn = conn;
	i->e = e;
	rc = transact(i, &q, &r);
	if (rc)
		return volume_fail(i, rc, "asked for its size");
	i->size = r.result * BLK_SECTOR;
	i->block = blk_info_block(r.flags);
	rc = image_in_read(i, &i->header, sizeof(i->header), e);
	if (!rc)
		rc = header_check(i);
	if (rc)
		return rc;
	left = i->header.optional_size;
	rc = config_read(i, &left);
	return rc ? rc : rest_read(i, left);
}

int image_in_check(struct image_in *i)
{
	if (!i->has_tail)
		return 0; /* Xen wrote it: libxl's end record is all there is */
	if (i->at != i->tail.length)
		return load_fail(i->e, "the stream ends at byte %llu, not at byte %llu",
			(unsigned long long)i->at, (unsigned long long)i->tail.length);
	if (i->sum != i->tail.sum)
		return load_fail(i->e, "the saved guest was altered: its sum is %#x, not %#x",
			i->sum, i->tail.sum);
	return 0;
}

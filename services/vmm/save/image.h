/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h - the volume that holds a saved guest: a connection to storage, and the bytes of the
 * volume from its beginning
 *
 * Writing     image_out_*, on the I/O thread, without waiting: the first block is wiped, then
 *             the stream is written behind the place of the header, then the header. So a
 *             volume that was not written to its end has no header, and is refused.
 * Reading     image_in_*, on the main thread before the guest runs; it waits for storage.
 */
#ifndef VMM_IMAGE_H
#define VMM_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "load/load_space.h"
#include "proto/blk.h"
#include "save/format.h"
#include "svc/svc.h"

/* ---- writing ---- */

enum image_step {
	IMAGE_INFO,
	IMAGE_WIPE,
	IMAGE_WIPE_FLUSH,
	IMAGE_DATA,
	IMAGE_DATA_FLUSH,
	IMAGE_HEAD,
	IMAGE_HEAD_FLUSH,
	IMAGE_DONE,
	IMAGE_FAILED,
};
enum { IMAGE_BUFFERS = 2, IMAGE_BUFFER = 1 << 20 };

/*
 * The next bytes of the stream, at most `size`; returns how many. Fewer, without *over: there
 * are no more for now, and image_out_run() is called again when there may be.
 */
typedef uint32_t (*image_fill_fn)(void *ctx, uint8_t *buf, uint32_t size, bool *over);

struct image_out {
	struct svc_conn *conn;
	enum image_step step;
	image_fill_fn fill;
	void *ctx;
	/* Requests in flight, one for each buffer of the data region. */
	struct blk_req req[IMAGE_BUFFERS];
	bool busy[IMAGE_BUFFERS];
	uint64_t last_id;
	uint64_t sectors;
	uint32_t block;
	bool sent; /* the request of this step */
	bool data_over;
	/* A buffer that is not full yet, and how many bytes it has; 0: there is none. */
	uint32_t partial, n_partial;
	uint64_t at; /* where the next data go, in bytes */
	uint32_t head_size, sum;
	uint64_t length;
	bool foreign; /* the head is complete, and of another format */
	struct load_error e;
	uint8_t head[SAVE_HEAD_MAX];
};

/* Bytes that still fit on the volume. */
static inline uint64_t image_out_room(const struct image_out *o)
{
	const uint64_t size = o->sectors * BLK_SECTOR;

	return o->at < size ? size - o->at : 0;
}

/*
 * Begin to write, with this text as the configuration. -SK_E_LIMIT: it is too long. conn->data
 * is IMAGE_BUFFERS * IMAGE_BUFFER bytes.
 */
int image_out_begin(struct image_out *o, struct svc_conn *conn, const char *config,
	uint32_t config_size, image_fill_fn fill, void *ctx) must_check;
/*
 * The same for a file of another format: its first `head_size` bytes, which come last. A volume
 * with larger blocks is refused.
 */
void image_out_begin_other(struct image_out *o, struct svc_conn *conn, const uint8_t *head,
	uint32_t head_size, image_fill_fn fill, void *ctx);
/* Take storage's answers, and send what can be sent. o->step says how far it is. */
void image_out_run(struct image_out *o);
/* A buffer is free for bytes that fill() did not have. */
bool image_out_wants(const struct image_out *o);
/* Storage was started again: what it has not answered is sent again. */
void image_out_restarted(struct image_out *o);

/* ---- reading ---- */

struct image_in {
	struct svc_conn *conn;
	struct load_error *e;
	uint64_t size, next_id; /* bytes of the volume */
	uint32_t block;
	uint64_t at, window, window_size; /* what is in the data region */
	struct xl_header header;
	bool has_tail;
	struct save_tail tail;
	uint32_t sum;
	uint32_t config_size;
	char config[VMCTL_CONFIG_MAX + 1];
};

/* Read xl's header and the configuration. 0, or -SK_E_* with the text. */
int image_in_open(struct image_in *i, struct svc_conn *conn, struct load_error *e) must_check;
/* The next bytes of the stream: stream_sink.read. */
int image_in_read(void *ctx, void *buf, uint32_t size, struct load_error *e) must_check;
/* The stream has ended: is it as long as it was, and unaltered? */
int image_in_check(struct image_in *i) must_check;

#endif

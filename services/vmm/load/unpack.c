/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unpack.c - unpack kernels: one streaming loop for all libraries, working memory from the
 * guest's RAM
 *
 * Objects     struct unpack: the packed range of the source, the sink of plain bytes.
 * Locks       none: main thread, before the first vCPU.
 * Invariants  UNPACK1 at most UNPACK_MAX plain bytes are produced, whatever the stream claims
 *             UNPACK2 libraries allocate through load_scratch() only: a stream that wants more
 *                     memory than the guest has fails with a message, and costs the VMM nothing
 *             UNPACK3 without a sink, there is always room for one byte more
 */
#include "load/unpack.h"

#define ZSTD_STATIC_LINKING_ONLY
#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/error.h"

enum {
	IN_SIZE = 262144,
	OUT_SIZE = 262144,
	LZ4_BLOCK = 8 << 20,
};
#define UNPACK_MAX (1ull << 30)

const char *unpack_name(enum unpack_form form)
{
#define X(name, text) [UNPACK_##name] = text,
	static const char *const names[] = { UNPACK_FORMS(X) };
#undef X

	return form < UNPACK_FORM_END ? names[form] : "?";
}

enum unpack_form unpack_detect(const uint8_t *head, size_t len)
{
	static const struct {
		enum unpack_form form;
		uint8_t n;
		uint8_t magic[6];
	} forms[] = {
		{ UNPACK_GZIP, 2, { 0x1f, 0x8b } },
		{ UNPACK_XZ, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
		{ UNPACK_LZMA, 3, { 0x5d, 0, 0 } },
		{ UNPACK_BZIP2, 3, { 'B', 'Z', 'h' } },
		{ UNPACK_LZ4, 4, { 0x02, 0x21, 0x4c, 0x18 } },
		{ UNPACK_ZSTD, 4, { 0x28, 0xb5, 0x2f, 0xfd } },
		{ UNPACK_LZO, 4, { 0x89, 'L', 'Z', 'O' } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (len >= forms[i].n && !memcmp(head, forms[i].magic, forms[i].n))
			return forms[i].form;
	return UNPACK_NONE;
}

/*
 * Read the next piece of the source. Returns the bytes in buf, 0 at the end, or -SK_E_* if it
 * cannot be read.
 */
static int64_t input_next(struct unpack *u, uint8_t *buf, uint32_t max)
{
	uint64_t left = u->end - u->pos;
	uint32_t n = left < max ? (uint32_t)left : max;
	int rc;

	if (!n)
		return 0;
	rc = u->src->read(u->src, u->pos, buf, n);
	if (rc) {
		load_fail(u->error, "kernel: cannot read the file: %s", sk_error_text(rc));
		return rc;
	}
	u->pos += n;
	return n;
}

static int output_put(struct unpack *u, const uint8_t *buf, size_t len)
{
	if (len > UNPACK_MAX - u->total) /* UNPACK1 */
		return load_fail(
			u->error, "kernel: unpacks to more than %llu MiB", UNPACK_MAX >> 20);
	u->total += len;
	if (!u->whole)
		return u->sink(u->ctx, buf, len);
	if (u->total < u->whole_size) /* UNPACK3 */
		return 0;
	return load_fail(u->error, "kernel: unpacks to more than the file says");
}

/* Room for at most *n plain bytes, and for one at least. Scratch is where there is a sink. */
static uint8_t *output_room(const struct unpack *u, uint8_t *scratch, size_t *n)
{
	if (!u->whole)
		return scratch;
	if (*n > u->whole_size - u->total)
		*n = (size_t)(u->whole_size - u->total);
	return u->whole + u->total;
}

static uint8_t *output_scratch(struct unpack *u, uint64_t size)
{
	return u->whole ? u->whole : load_scratch(u->space, size);
}

static int fail_no_memory(struct unpack *u, enum unpack_form form)
{
	return load_fail(u->error, "kernel: the guest's %llu MiB are not enough to unpack %s",
		(unsigned long long)u->space->size >> 20, unpack_name(form));
}

static int fail_cut_short(struct unpack *u, enum unpack_form form)
{
	return load_fail(u->error, "kernel: %s data end too early", unpack_name(form));
}

static int fail_corrupt(struct unpack *u, enum unpack_form form, long detail)
{
	return load_fail(
		u->error, "kernel: %s data are damaged (%ld)", unpack_name(form), detail);
}

/*
 * The loop that all streaming libraries share. step() consumes from in, produces into out, and
 * returns whether the stream goes on (STEP_MORE), is over, or is bad. Any result other than
 * STEP_MORE ends the loop.
 */
enum step {
	STEP_MORE,
	STEP_END,
	STEP_BAD,
	STEP_NO_MEMORY,
};
struct window {
	const uint8_t *in;
	size_t n_in;
	uint8_t *out;
	size_t n_out; /* room; after the step, the room that is left */
	long detail;  /* the library's error */
};
typedef enum step (*step_fn)(void *state, struct window *w);

static int stream_run(struct unpack *u, enum unpack_form form, step_fn step, void *state)
{
	uint8_t *in = load_scratch(u->space, IN_SIZE), *out = output_scratch(u, OUT_SIZE);
	struct window w = { .in = in };
	size_t room;
	enum step s = STEP_MORE;
	bool end = false;

	if (!in || !out)
		return fail_no_memory(u, form);
	while (s == STEP_MORE) {
		size_t before;
		int rc;

		if (!w.n_in && !end) {
			int64_t n = input_next(u, in, IN_SIZE);

			if (n < 0)
				return (int)n;
			w.in = in;
			w.n_in = (size_t)n;
			end = !n;
		}
		before = w.n_in;
		room = OUT_SIZE;
		w.out = output_room(u, out, &room);
		w.n_out = room;
		s = step(state, &w);
		if (w.n_out < room) {
			rc = output_put(u, out, room - w.n_out);
			if (rc)
				return rc;
		} else if (s == STEP_MORE && end && before == w.n_in) {
			return fail_cut_short(u, form);
		}
	}
	if (s == STEP_NO_MEMORY)
		return fail_no_memory(u, form);
	return s == STEP_END ? 0 : fail_corrupt(u, form, w.detail);
}

/* ---- gzip -------------------------------------------------------------------------------- */

static voidpf z_alloc(voidpf space, uInt items, uInt size)
{
	return load_scratch(space, (uint64_t)items * size);
}

static void z_free(voidpf space, voidpf p)
{
	(void)space, (void)p; /* all at once, by load_space_clear() */
}

static enum step gzip_step(void *state, struct window *w)
{
	z_stream *z = state;
	int rc;

	z->next_in = (Bytef *)(uintptr_t)w->in;
	z->avail_in = (uInt)w->n_in;
	z->next_out = w->out;
	z->avail_out = (uInt)w->n_out;
	rc = inflate(z, Z_NO_FLUSH);
	w->in = z->next_in;
	w->n_in = z->avail_in;
	w->n_out = z->avail_out;
	w->detail = rc;
	if (rc == Z_MEM_ERROR)
		return STEP_NO_MEMORY;
	return rc == Z_STREAM_END                ? STEP_END
	       : rc == Z_OK || rc == Z_BUF_ERROR ? STEP_MORE
						 : STEP_BAD;
}

static int gzip_run(struct unpack *u)
{
	z_stream z = { .zalloc = z_alloc, .zfree = z_free, .opaque = u->space };

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return fail_no_memory(u, UNPACK_GZIP);
	return stream_run(u, UNPACK_GZIP, gzip_step, &z);
}

/* ---- xz and lzma ------------------------------------------------------------------------- */

static void *lzma_scratch(void *space, size_t items, size_t size)
{
	uint64_t bytes;

	return __builtin_mul_overflow(items, size, &bytes) ? NULL : load_scratch(space, bytes);
}

static void lzma_scratch_free(void *space, void *p) { (void)space, (void)p; }

static enum step lzma_step(void *state, struct window *w)
{
	lzma_stream *z = state;
	lzma_ret rc;

	z->next_in = w->in;
	z->avail_in = w->n_in;
	z->next_out = w->out;
	z->avail_out = w->n_out;
	rc = lzma_code(z, LZMA_RUN);
	w->in = z->next_in;
	w->n_in = z->avail_in;
	w->n_out = z->avail_out;
	w->detail = rc;
	if (rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR)
		return STEP_NO_MEMORY;
	return rc == LZMA_STREAM_END                   ? STEP_END
	       : rc == LZMA_OK || rc == LZMA_BUF_ERROR ? STEP_MORE
						       : STEP_BAD;
}

static int lzma_run(struct unpack *u, enum unpack_form form)
{
	lzma_allocator alloc = { lzma_scratch, lzma_scratch_free, u->space };
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret rc;

	z.allocator = &alloc;
	rc = form == UNPACK_XZ ? lzma_stream_decoder(&z, UINT64_MAX, 0)
			       : lzma_alone_decoder(&z, UINT64_MAX);
	if (rc != LZMA_OK)
		return fail_no_memory(u, form);
	return stream_run(u, form, lzma_step, &z);
}

/* ---- bzip2 ------------------------------------------------------------------------------- */

static void *bz_scratch(void *space, int items, int size)
{
	return items < 0 || size < 0 ? NULL
				     : load_scratch(space, (uint64_t)items * (uint64_t)size);
}

static void bz_scratch_free(void *space, void *p) { (void)space, (void)p; }

static enum step bzip2_step(void *state, struct window *w)
{
	bz_stream *z = state;
	int rc;

	z->next_in = (char *)(uintptr_t)w->in;
	z->avail_in = (unsigned int)w->n_in;
	z->next_out = (char *)w->out;
	z->avail_out = (unsigned int)w->n_out;
	rc = BZ2_bzDecompress(z);
	w->in = (const uint8_t *)z->next_in;
	w->n_in = z->avail_in;
	w->n_out = z->avail_out;
	w->detail = rc;
	if (rc == BZ_MEM_ERROR)
		return STEP_NO_MEMORY;
	return rc == BZ_STREAM_END ? STEP_END : rc == BZ_OK ? STEP_MORE : STEP_BAD;
}

static int bzip2_run(struct unpack *u)
{
	bz_stream z = { .bzalloc = bz_scratch, .bzfree = bz_scratch_free, .opaque = u->space };

	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return fail_no_memory(u, UNPACK_BZIP2);
	return stream_run(u, UNPACK_BZIP2, bzip2_step, &z);
}

/* ---- zstd -------------------------------------------------------------------------------- */

static void *zstd_scratch(void *space, size_t size) { return load_scratch(space, size); }

static void zstd_scratch_free(void *space, void *p) { (void)space, (void)p; }

static enum step zstd_step(void *state, struct window *w)
{
	ZSTD_inBuffer in = { w->in, w->n_in, 0 };
	ZSTD_outBuffer out = { w->out, w->n_out, 0 };
	size_t rc = ZSTD_decompressStream(state, &out, &in);

	w->in += in.pos;
	w->n_in -= in.pos;
	w->n_out -= out.pos;
	w->detail = ZSTD_isError(rc) ? (long)ZSTD_getErrorCode(rc) : 0;
	if (w->detail == ZSTD_error_memory_allocation ||
		w->detail == ZSTD_error_frameParameter_windowTooLarge)
		return STEP_NO_MEMORY;
	return ZSTD_isError(rc) ? STEP_BAD : rc ? STEP_MORE : STEP_END;
}

static int zstd_run(struct unpack *u)
{
	ZSTD_customMem mem = { zstd_scratch, zstd_scratch_free, u->space };
	ZSTD_DCtx *z = ZSTD_createDCtx_advanced(mem);

	if (!z)
		return fail_no_memory(u, UNPACK_ZSTD);
	return stream_run(u, UNPACK_ZSTD, zstd_step, z);
}

/* ---- lz4, the legacy frame: blocks of 8 MiB, each packed on its own ---------------------- */

/* Read exactly n bytes of the source. 0, 1 at a clean end, or -SK_E_*. */
static int in_exact(struct unpack *u, uint8_t *buf, uint32_t n)
{
	uint32_t have = 0;

	if (u->pos == u->end)
		return 1;
	while (have < n) {
		int64_t got = input_next(u, buf + have, n - have);

		if (got < 0)
			return (int)got;
		if (!got)
			return fail_cut_short(u, UNPACK_LZ4);
		have += (uint32_t)got;
	}
	return 0;
}

static int lz4_run(struct unpack *u)
{
	const uint32_t packed_max = (uint32_t)LZ4_COMPRESSBOUND(LZ4_BLOCK);
	uint8_t *in = load_scratch(u->space, packed_max), *out = output_scratch(u, LZ4_BLOCK);
	uint8_t word[4];
	size_t room;
	char *to;
	int rc, n;

	if (!in || !out)
		return fail_no_memory(u, UNPACK_LZ4);
	rc = in_exact(u, word, 4); /* the magic number */
	while (!rc && !(rc = in_exact(u, word, 4))) {
		uint32_t size = get_le32(word);

		if (!size || size > packed_max)
			return fail_corrupt(u, UNPACK_LZ4, (long)size);
		rc = in_exact(u, in, size);
		if (rc)
			return rc < 0 ? rc : fail_cut_short(u, UNPACK_LZ4);
		room = LZ4_BLOCK;
		to = (char *)output_room(u, out, &room);
		n = LZ4_decompress_safe((const char *)in, to, (int)size, (int)room);
		if (n < 0)
			return fail_corrupt(u, UNPACK_LZ4, n);
		rc = output_put(u, out, (size_t)n);
	}
	return rc < 0 ? rc : u->total ? 0 : fail_cut_short(u, UNPACK_LZ4);
}

int unpack_run(enum unpack_form form, struct unpack *u)
{
	switch (form) {
	case UNPACK_GZIP:
		return gzip_run(u);
	case UNPACK_XZ:
	case UNPACK_LZMA:
		return lzma_run(u, form);
	case UNPACK_BZIP2:
		return bzip2_run(u);
	case UNPACK_LZ4:
		return lz4_run(u);
	case UNPACK_ZSTD:
		return zstd_run(u);
	default:
		return load_fail(u->error, "kernel: %s is not supported", unpack_name(form));
	}
}

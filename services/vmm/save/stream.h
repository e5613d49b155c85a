/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.h - the stream of a saved guest: written piece by piece as there is room, and read
 * from a source that is hostile
 *
 * Threads     none of its own: whoever calls. Pure but for the functions that the caller gives.
 */
#ifndef VMM_STREAM_H
#define VMM_STREAM_H

#include "save/format.h"
#include "save/state.h"

/* ---- writing ---- */

/* A page of the guest, as the stream names it. */
struct stream_page {
	uint64_t gfn;
	/* NULL: there is no page, where one was at boot. */
	const uint8_t *data;
};

enum stream_want {
	STREAM_HOLE,
	STREAM_PAGE,
};
/*
 * The guest that is written. next(): the first hole, or the first page, at or after gfn; false:
 * there is none. The data of a page stay readable until the writer has passed it. Memory is
 * written in rounds, of which each replaces what was written before: all of it while the guest
 * runs; what next() names after each stream_again(); and, when the guest stands still and
 * stream_rest() was called, the rest.
 */
struct stream_source {
	bool (*next)(void *ctx, enum stream_want want, uint64_t gfn, struct stream_page *p);
	void *ctx;
	const struct guest_state *state;
};

enum stream_phase {
	STREAM_HEADERS,
	/* Holes come before all pages, so that a reader has memory for those pages. */
	STREAM_HOLES,
	STREAM_PAGES,
	/* A round is over. */
	STREAM_WAIT,
	STREAM_STATE,
	STREAM_DONE,
};

/* Pages in a record of the writer, and records of pages in one call of stream_fill(). */
enum { STREAM_BATCH = 256, STREAM_TURN = 8 };

struct stream_out {
	struct stream_source src;
	enum stream_phase phase;
	bool rest;    /* the last round */
	uint64_t gfn; /* the next page to look at */
	/* What is to be copied out next: bytes, then pages. */
	uint32_t n_bytes, at_byte;
	uint32_t n_pages, at_page, page_offset;
	const uint8_t *page[STREAM_BATCH];
	uint8_t bytes[]; /* stream_out_size() says how many */
};

/* Of a guest with so many vCPUs: the largest record that is not copied from the guest. */
static inline uint32_t stream_out_size(uint32_t n_vcpus)
{
	return (uint32_t)sizeof(struct stream_out) + context_max(n_vcpus) + 4096;
}

void stream_begin(struct stream_out *s, const struct stream_source *src);
/*
 * The next bytes, at most `size`; returns how many. Fewer than `size`: that was all, if phase
 * is STREAM_DONE; stream_rest() is waited for, or stream_again(), if it is STREAM_WAIT;
 * otherwise, many pages were looked at, and the caller may do something else first.
 */
uint32_t stream_fill(struct stream_out *s, uint8_t *buf, uint32_t size);
/* In phase STREAM_WAIT: another round. */
void stream_again(struct stream_out *s);
/* In phase STREAM_WAIT: the guest stands still, and the state in stream_source is complete. */
void stream_rest(struct stream_out *s);

/* ---- reading ---- */

/*
 * The guest that is read. read() gives the next `size` bytes; page() takes a page: data is NULL
 * for a page of zeroes, unless `type` is LIBXC_PAGE_NONE. 0 or -SK_E_*, with the text.
 */
struct stream_sink {
	int (*read)(void *ctx, void *buf, uint32_t size, struct load_error *e);
	int (*page)(void *ctx, uint64_t gfn, enum libxc_page_type type, const uint8_t *data,
		struct load_error *e);
	void *ctx;
	/* n_vcpus is set; the rest is filled in. */
	struct guest_state *state;
};

/* Working memory of the reader. */
struct stream_in {
	struct stream_sink sink;
	struct load_error *e;
	uint32_t seen; /* 1 << enum libxc_record */
	uint64_t pfn[LIBXC_PAGES_MAX];
	uint8_t page[4096];
	uint32_t bytes_size;
	uint8_t bytes[]; /* bytes_size of them, which the caller has set */
};

static inline uint32_t stream_in_size(uint32_t n_vcpus)
{
	return (uint32_t)sizeof(struct stream_in) + context_max(n_vcpus) + 4096;
}

/*
 * Read libxl's stream to its end, and nothing behind it. 0: it is complete, and so is the
 * state. Else -SK_E_* with the text.
 */
int stream_read(
	struct stream_in *s, const struct stream_sink *sink, struct load_error *e) must_check;

#endif

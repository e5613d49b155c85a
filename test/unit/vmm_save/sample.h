/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.h - a small guest, its stream, and what a reader got of it */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "save/stream.h"

enum { SAMPLE_VCPUS = 2, SAMPLE_PAGES_MAX = 900, SAMPLE_MAX = 3 << 20 };

/* Pages of the guest: at first 130. */
extern uint32_t sample_pages;
/* The state that is written, and the one that is read. */
struct guest_state *sample_state(void);
struct guest_state *sample_state_read(void);
/* Pages are of 64 kinds, by their numbers: holes, zeroes, contents. */
bool sample_next(void *ctx, enum stream_want want, uint64_t gfn, struct stream_page *p);
/* Checks a page that was read against the guest; counts it in sample_seen. */
int sample_put(void *ctx, uint64_t gfn, enum libxc_page_type type, const uint8_t *data,
	struct load_error *e);
extern uint32_t sample_seen;
/* Set: sample_put() takes any page. */
extern bool sample_any;

enum { SAMPLE_REST = 64 };
struct stream_out *sample_writer(void);
/* image_fill_fn; ctx is the writer. */
uint32_t sample_fill(void *ctx, uint8_t *buf, uint32_t size, bool *over);
/* The guest stands still: the writer's second round, with SAMPLE_REST pages and holes. */
void sample_stop(struct stream_out *s);
struct stream_in *sample_reader(void);
/* Write the stream to buf[SAMPLE_MAX] in pieces of that size; returns its length. */
uint32_t sample_write(uint8_t *buf, uint32_t piece);

#endif

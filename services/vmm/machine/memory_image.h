/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_image.h - the guest's memory as a stream has it
 */
#ifndef VMM_MEMORY_IMAGE_H
#define VMM_MEMORY_IMAGE_H

#include "save/stream.h"

/* The rounds of stream.h, and one for a core. */
enum memory_round {
	/* The guest runs. What is named is tracked from then on: dirty_begin() was called. */
	MEMORY_ALL,
	/* The guest runs: what was changed since, after dirty_round(). */
	MEMORY_AGAIN,
	/* No vCPU runs: what was changed, and what could not be tracked. */
	MEMORY_REST,
	/* For a core: no vCPU runs, and nothing is tracked. */
	MEMORY_WHOLE,
};
/* stream_source.next, on the I/O thread; *ctx is an enum memory_round. */
bool memory_image_next(void *ctx, enum stream_want want, uint64_t gfn, struct stream_page *p);
/* stream_sink.page, before the first vCPU runs. */
int memory_image_put(void *ctx, uint64_t gfn, enum libxc_page_type type, const uint8_t *data,
	struct load_error *e);

#endif

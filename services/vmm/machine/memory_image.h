/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_image.h - the guest's memory as a stream has it
 */
#ifndef VMM_MEMORY_IMAGE_H
#define VMM_MEMORY_IMAGE_H

#include "save/stream.h"

/* stream_source.next, while no vCPU runs. */
bool memory_image_next(void *ctx, uint64_t gfn, struct stream_page *p);
/* stream_sink.page, before the first vCPU runs. */
int memory_image_put(void *ctx, uint64_t gfn, enum libxc_page_type type, const uint8_t *data,
	struct load_error *e);

#endif

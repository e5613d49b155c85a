/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bzimage.h - the header of a Linux bzImage
 */
#ifndef VMM_BZIMAGE_H
#define VMM_BZIMAGE_H

#include "load/load_space.h"

struct bzimage {
	uint64_t payload, payload_size; /* in the file */
};
/*
 * head is the first `len` bytes of a file of `size` bytes. A file of fewer than BZIMAGE_HEAD
 * bytes is not a bzImage.
 */
#define BZIMAGE_HEAD 0x260u
bool bzimage_probe(const uint8_t *head, size_t len);
int bzimage_decode(const uint8_t *head, size_t len, uint64_t size, struct bzimage *out,
	struct load_error *e) must_check;

#endif

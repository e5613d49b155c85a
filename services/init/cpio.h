/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio.h - files of a newc archive in memory
 */
#ifndef INIT_CPIO_H
#define INIT_CPIO_H

#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

struct cpio_file {
	const uint8_t *data;
	uint64_t size;
};

/*
 * Find the file of that name. 0, -SK_E_NOT_FOUND, or -SK_E_INVAL if the archive is malformed
 * before the file.
 */
int cpio_find(const uint8_t *archive, uint64_t size, const char *name,
	struct cpio_file *out) must_check;

#endif

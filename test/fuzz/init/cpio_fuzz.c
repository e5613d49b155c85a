/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio_fuzz.c - files that init finds in a boot archive lie within it
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "manifest.bin", "bin/console", "a", "" };
	uint8_t *copy = malloc(size ? size : 1);
	struct cpio_file f;

	if (size)
		memcpy(copy, data, size);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (cpio_find(copy, size, names[i], &f))
			continue;
		if (f.data < copy || f.data > copy + size ||
			f.size > (size_t)(copy + size - f.data))
			abort();
	}
	free(copy);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload_fuzz.c - the input is a descriptor's fields (8 bytes) and the frame that a guest
 * sends with it
 */
#include <stdlib.h>
#include <string.h>

#include "offload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f = { 0 };
	struct segmenter s;
	uint64_t payload = 0;

	if (size < 8 + 14 || size > 8 + NET_FRAME_MAX)
		return 0;
	f.flags = data[0];
	memcpy(&f.gso_size, data + 2, 2);
	memcpy(&f.csum_start, data + 4, 2);
	memcpy(&f.csum_offset, data + 6, 2);
	f.length = (uint32_t)size - 8;
	f.bytes = malloc(f.length);
	memcpy(f.bytes, data + 8, f.length);
	if (segment_init(&s, &f) == 0) {
		uint8_t *out = malloc((size_t)s.header + f.gso_size);

		for (uint32_t i = 0; i < s.n; i++)
			payload += segment_make(&s, i, out) - s.header;
		if (payload != f.length - s.header)
			abort();
		free(out);
	}
	(void)frame_checksum(&f);
	free(f.bytes);
	return 0;
}

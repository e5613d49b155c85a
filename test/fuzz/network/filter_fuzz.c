/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter_fuzz.c - the input is a frame; a port that may send from one address of IPv4 and one
 * of IPv6 passes on no packet of IPv4 from an address that is neither its own nor 0.0.0.0
 */
#include <stdlib.h>
#include <string.h>

#include "filter.h"

static const struct net_params params = { .n_sources = 2,
	.source = { { { [10] = 0xff, 0xff, 10, 0, 0, 5 }, 128 },
		{ { 0x20, 0x01, 0x0d, 0xb8 }, 61 } } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t own[] = { 10, 0, 0, 5 }, none[4];
	struct filter f;
	uint8_t *frame;

	if (size < NET_FRAME_MIN || size > NET_FRAME_MAX || filter_init(&f, &params))
		return 0;
	frame = malloc(size);
	memcpy(frame, data, size);
	if (filter_passes(&f, frame, (uint32_t)size) && frame[12] == 8 && frame[13] == 0 &&
		(size < 34 || (memcmp(frame + 26, own, 4) && memcmp(frame + 26, none, 4))))
		abort();
	free(frame);
	return 0;
}

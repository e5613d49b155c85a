/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_fuzz.c - any bytes as the stream of a saved guest */
#include <stdlib.h>
#include <string.h>

#include "save/stream.h"

enum { VCPUS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *from;
static size_t left;

static int bytes_give(void *ctx, void *buf, uint32_t size, struct load_error *e)
{
	(void)ctx;
	if (size > left)
		return load_fail(e, "end");
	memcpy(buf, from, size);
	from += size;
	left -= size;
	return 0;
}

static int page_take(void *ctx, uint64_t gfn, enum libxc_page_type type, const uint8_t *data,
	struct load_error *e)
{
	(void)ctx;
	(void)e;
	if (gfn > LIBXC_PFN_MASK || (type == LIBXC_PAGE_RAM) != (data != NULL) ||
		(type != LIBXC_PAGE_RAM && type != LIBXC_PAGE_ZERO && type != LIBXC_PAGE_NONE))
		abort();
	return 0;
}

/* The memory is exactly as large as a VMM has it, so that a byte too much is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_in *s = calloc(1, stream_in_size(VCPUS));
	struct guest_state *state = calloc(1, state_size(VCPUS));
	const struct stream_sink sink = {
		.read = bytes_give, .page = page_take, .state = state
	};
	struct load_error e = { "" };
	int rc;

	s->bytes_size = stream_in_size(VCPUS) - (uint32_t)sizeof(*s);
	state->n_vcpus = VCPUS;
	from = data;
	left = size;
	rc = stream_read(s, &sink, &e);
	if (!rc != !e.text[0] || (!rc && !state->vcpu[0].up))
		abort();
	for (uint32_t i = 0; i < VCPUS; i++)
		if (state->vcpu[i].xsave_size > STATE_XSAVE_MAX)
			abort();
	free(s);
	free(state);
	return 0;
}

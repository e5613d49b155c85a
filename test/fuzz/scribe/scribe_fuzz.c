/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scribe_fuzz.c - a hostile control sends the scribe records of any bytes
 *
 * Input       records: two bytes for the length, a byte for the operation and the flags, a byte
 *             for the domid and for what xenstore answers, then the body.
 * Holds       no memory error; a request that is taken has one answer when xenstore has
 *             answered.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fake_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fake_begin();
	for (uint32_t n = 0; size >= 4 && n < 8; n++) {
		uint32_t len = data[0] | (uint32_t)data[1] << 8, answers = fake.n_answers;
		const uint32_t op = data[2] & 31, flags = data[2] >> 5, domid = data[3] & 7;
		const bool lost = data[3] & 8, ask = op == SCRIBE_ASK;

		data += 4;
		size -= 4;
		if (len > size)
			len = (uint32_t)size;
		if (len > SCRIBE_RECORD_MAX - sizeof(struct scribe_head))
			len = SCRIBE_RECORD_MAX - sizeof(struct scribe_head);
		fake.no_memory = data[-1] & 16;
		if (fake_send((enum scribe_op)op, flags, ask ? 0 : domid, data, len))
			return 0; /* the connection has ended */
		fake_answer_all(lost ? ENOENT : 0);
		must(fake.n_answers == answers + !(flags & SCRIBE_MORE));
		data += len;
		size -= len;
	}
	return 0;
}

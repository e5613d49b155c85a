/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_fuzz.c - one end of a ring against a peer that writes anything anywhere in the shared
 * memory
 *
 * Input: steps of one operation byte and its operand. The own handle must stay sane whatever
 * the peer does: own index and accepted peer index are at most the ring's size apart, copies
 * stay within bounds (ASan), and success is not endless. So does a handle that goes on to
 * another epoch.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "ring/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[4096] __attribute__((aligned(4096)));

struct input {
	const uint8_t *p, *end;
};

static uint32_t take(struct input *in, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n && in->p < in->end; i++)
		v |= (uint32_t)*in->p++ << (8 * i);
	return v;
}

static void check(const struct ring *r, bool producer)
{
	uint32_t apart = producer ? r->index - r->peer : r->peer - r->index;

	if (apart > r->size || r->index % 8 || r->peer % 8)
		abort();
}

/* The peer overwrites a word of the header, or a byte of the data. */
static void scribble(struct input *in)
{
	uint32_t where = take(in, 2) % sizeof(memory);

	if (where < sizeof(struct ring_shared))
		memcpy(memory + (where & ~3u), &(uint32_t){ take(in, 4) }, 4);
	else
		memory[where] = (uint8_t)take(in, 1);
}

static void produce(struct ring *r, struct input *in)
{
	static const uint8_t rec[4096];
	uint32_t len = take(in, 2) % 4096;

	switch (take(in, 1) % 5) {
	case 0:
		(void)!ring_put2(r, rec, len / 2, rec, len - len / 2);
		break;
	case 1:
		(void)ring_put_flush(r);
		break;
	case 2:
		ring_restart(r, ring_behind(r) ? ring_peer_epoch(r) : r->epoch + 1);
		break;
	case 3:
		(void)ring_carry(r, ring_peer_epoch(r));
		break;
	default:
		(void)ring_room_idle(r, len);
	}
	check(r, true);
}

static void consume(struct ring *r, struct input *in)
{
	uint8_t *buf;
	uint32_t max = take(in, 2) % 2100;
	int n;

	switch (take(in, 1) % 4) {
	case 0:
		buf = malloc(max ? max : 1); /* exactly the size that ring_get() is told */
		n = ring_get(r, buf, max);
		if (n > (int)max)
			abort();
		free(buf);
		break;
	case 1:
		(void)ring_get_flush(r);
		break;
	case 2:
		ring_restart(r, ring_behind(r) ? ring_peer_epoch(r) : r->epoch + 1);
		break;
	default:
		(void)ring_get_idle(r);
	}
	check(r, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint32_t bytes = 256 + take(&in, 2) % (sizeof(memory) - 255),
		 index = take(&in, 4) & ~7u, epoch = take(&in, 1);
	enum ring_end end = take(&in, 1) % 4;
	bool producer = end == RING_CLIENT_PUTS || end == RING_SERVICE_PUTS;
	struct ring r;

	memset(memory, 0, sizeof(memory));
	((struct ring_shared *)memory)->prod = (uint64_t)epoch << 32 | index;
	((struct ring_shared *)memory)->cons = (uint64_t)epoch << 32 | index;
	if (ring_init(&r, memory, bytes, end, epoch))
		abort();
	r.index = r.peer = r.flushed = index;
	while (in.p < in.end) {
		if (take(&in, 1) & 1)
			scribble(&in);
		else if (producer)
			produce(&r, &in);
		else
			consume(&r, &in);
	}
	return 0;
}

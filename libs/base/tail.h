/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tail.h - the last bytes that were sent on a stream, kept in order to be sent again
 *
 * A receiver that is started again says how many bytes of the stream it has. The sender goes on
 * from there, so that no byte is lost or comes twice. Positions count bytes and wrap at 2^32.
 */
#ifndef BASE_TAIL_H
#define BASE_TAIL_H

#include <stdbool.h>
#include <stdint.h>

/* More than a record ring of 4 KiB holds. */
#define TAIL_SIZE 4096u

struct tail {
	/* The position after the last byte that was sent. */
	uint32_t end;
	/* The position of the next byte that has to be sent again; `end`: none has. */
	uint32_t next;
	/* How many of the bytes before `end` are kept. */
	uint32_t held;
	uint8_t bytes[TAIL_SIZE];
};

/* These bytes are sent now. Only while none has to be sent again. */
static inline void tail_add(struct tail *t, const void *text, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		t->bytes[t->end++ % TAIL_SIZE] = ((const uint8_t *)text)[i];
	t->held = len < TAIL_SIZE - t->held ? t->held + len : TAIL_SIZE;
	t->next = t->end;
}

/*
 * The receiver has the bytes before `taken`; the others have to be sent again. False: it is not
 * a position of the bytes that are kept, and the stream goes on from its end.
 */
static inline bool tail_back(struct tail *t, uint32_t taken)
{
	bool known = t->end - taken <= t->held;

	t->next = known ? taken : t->end;
	return known;
}

/* Copy the next bytes that have to be sent again, at most max. Returns how many; 0: none. */
static inline uint32_t tail_peek(const struct tail *t, void *out, uint32_t max)
{
	uint32_t n = t->end - t->next < max ? t->end - t->next : max;

	for (uint32_t i = 0; i < n; i++)
		((uint8_t *)out)[i] = t->bytes[(t->next + i) % TAIL_SIZE];
	return n;
}

/* The next n bytes were sent again. */
static inline void tail_take(struct tail *t, uint32_t n) { t->next += n; }

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * complaint.h - how often a client is believed that says that its service broke the protocol
 *
 * It may lie, and what follows from it disturbs others: docs/decisions/0030.
 *
 * Invariants  COMPLAINT1 a client is heard a second after it was heard last, and twice as long
 *                after it each time
 */
#ifndef BASE_COMPLAINT_H
#define BASE_COMPLAINT_H

#include <stdbool.h>
#include <stdint.h>

/* Up to 17 minutes. */
#define COMPLAINT_DOUBLINGS 10u
/* Seconds of silence after which a client begins anew. */
#define COMPLAINT_FORGET 3600u

/* What is remembered of a client. */
struct complaints {
	/* How many were heard, and when the next one may be. */
	uint32_t n;
	uint64_t next_at;
};

/*
 * It complains. Times are in ticks, of which a second has `second`. True: it is heard, and what
 * it wants has to be done now. False: it will be heard at next_at, if it still complains then.
 */
static inline bool complaint_heard(struct complaints *k, uint64_t now, uint64_t second)
{
	if (k->n && now < k->next_at)
		return false;
	if (k->n && now - k->next_at > COMPLAINT_FORGET * second)
		k->n = 0;
	k->next_at = now + (second << k->n);
	k->n += k->n < COMPLAINT_DOUBLINGS;
	return true;
}

#endif

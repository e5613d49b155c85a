/* SPDX-License-Identifier: BSD-2-Clause */
/* scribe.h - what xenstore is to have of guests: requests to the scribe (proto/scribe.h) */
#ifndef CONTROL_SCRIBE_H
#define CONTROL_SCRIBE_H

#include <sk/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/scribe.h"

/* data is valid during the call only. */
typedef void (*scribe_fn)(void *ctx, bool failed, const void *data, uint32_t len);

int scribe_init(void) must_check;
/*
 * body is copied. fn may be NULL. 0, or -1 when there is no memory. When the scribe has ended
 * for good, all requests fail. fn is never called before this has returned.
 */
int scribe_ask(enum scribe_op op, uint32_t domid, const void *body, uint32_t len, scribe_fn fn,
	void *ctx);
/* The next request has the answer for this one, too. */
int scribe_ask_more(enum scribe_op op, uint32_t domid, const void *body, uint32_t len);

#endif

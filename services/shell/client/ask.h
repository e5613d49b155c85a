/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask.h - requests to control (proto/ctl.h)
 *
 * A request that control has not answered when it is started again is answered by
 * -SK_E_RESTARTED.
 */
#ifndef SHELL_ASK_H
#define SHELL_ASK_H

#include <sk/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/ctl.h"

/*
 * The answer. status 0: *body is what the operation says, len bytes of it, which are as many as
 * it says at least. Otherwise body is a text with its terminator, which may be empty.
 */
typedef void (*ask_fn)(void *ctx, int status, const void *body, uint32_t len);
/* A note before it; body is complete, and a text has its terminator. */
typedef void (*ask_note_fn)(void *ctx, enum ctl_kind kind, const void *body);

struct ask {
	enum ctl_op op;
	const void *body; /* copied */
	uint32_t len;
	ask_fn fn;        /* NULL: nobody wants to know */
	ask_note_fn note; /* NULL: the same */
	void *ctx;
};

/* The number of the request; 0: there is no memory for it. fn is called later. */
uint32_t ask_send(const struct ask *a);
/* Is there memory for any request? */
bool ask_has_memory(void);
/* Nobody waits for this request any more; its fn is not called. 0: no request. */
void ask_leave(uint32_t id);

/* fn(hello): control has begun to answer, for the first time or in a new life. */
void ask_on_hello(void (*fn)(const struct ctl_hello *h));
int ask_init(void) must_check;

/* What to say about an answer that is not 0. */
const char *ask_error_text(int status, const char *text);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textlog.h - a bounded log of text, which keeps the newest bytes
 */
#ifndef CONSOLE_TEXTLOG_H
#define CONSOLE_TEXTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

struct textlog {
	char *bytes;
	/* `bytes` was allocated by textlog_init(). */
	bool allocated;
	size_t size; /* power of two */
	/* The number of bytes ever written, which is the position after the last. */
	uint64_t end;
	/* The oldest position that may be read, unless it was overwritten. */
	uint64_t first;
};

/* size: power of two. -SK_E_NO_MEM. */
int textlog_init(struct textlog *l, size_t size) must_check;
/*
 * Uses memory of the caller, which has to outlive the log. -SK_E_INVAL: size is not a power of
 * two.
 */
int textlog_init_at(struct textlog *l, void *bytes, size_t size) must_check;
/*
 * Moves the log to other memory of the same size, because the caller is about to lose the
 * first.
 */
void textlog_move(struct textlog *l, void *bytes);
void textlog_fini(struct textlog *l);
/* Forget what was written; positions continue from where they are. */
void textlog_clear(struct textlog *l);
void textlog_write(struct textlog *l, const char *text, size_t len);
/* Position of the oldest byte that can be read. */
uint64_t textlog_start(const struct textlog *l);
/*
 * Copies up to max bytes from *pos on, moves *pos past them, and returns how many. If the
 * byte at *pos was overwritten, *pos first moves to the oldest byte.
 */
size_t textlog_read(const struct textlog *l, uint64_t *pos, char *out, size_t max);

#endif

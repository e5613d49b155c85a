/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textlog.h - a bounded log of text: keeps the newest bytes, read from any position
 */
#ifndef CONSOLE_TEXTLOG_H
#define CONSOLE_TEXTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

struct textlog {
	char *bytes;
	/* By textlog_init(). */
	bool allocated;
	size_t size; /* power of two */
	/* Bytes ever written: the position after the last. */
	uint64_t end;
	/* The oldest that may be read, if it is still there. */
	uint64_t first;
};

/* size: power of two. -SK_E_NO_MEM. */
int textlog_init(struct textlog *l, size_t size) must_check;
/*
 * In memory that the caller has and that outlives the log. -SK_E_INVAL: size is no power of
 * two.
 */
int textlog_init_at(struct textlog *l, void *bytes, size_t size) must_check;
/* The caller's memory goes: on in another piece of the same size. */
void textlog_move(struct textlog *l, void *bytes);
void textlog_fini(struct textlog *l);
/* Forget what was written; positions go on. */
void textlog_clear(struct textlog *l);
void textlog_write(struct textlog *l, const char *text, size_t len);
/* Position of the oldest byte that is still there. */
uint64_t textlog_start(const struct textlog *l);
/*
 * Copy up to max bytes from *pos on; *pos moves behind them. A position that is no longer there
 * moves to the oldest byte first. Returns how many.
 */
size_t textlog_read(const struct textlog *l, uint64_t *pos, char *out, size_t max);

#endif
